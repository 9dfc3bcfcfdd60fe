"""Bends of weights, one a file."""
