"""Bends of what convolutions put out, one a file."""
