"""Ways to blend the weights of two networks, one a file."""
