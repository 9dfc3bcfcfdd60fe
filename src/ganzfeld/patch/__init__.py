"""The patch language: parsed and never run; expressions, node types, watching the file."""
