"""The functions of expressions, a file for each group. Every module here is found and registered by itself."""
