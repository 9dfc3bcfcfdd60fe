"""The arrangement for NVIDIA cards: the same mathematics in half precision, in few kernels."""
