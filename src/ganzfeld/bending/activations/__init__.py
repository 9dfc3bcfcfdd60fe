"""Bends of activations, one a file."""
