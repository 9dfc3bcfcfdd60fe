"""Kernels in Triton, one operation a file, each beside a torch reference of the same signature.

Nothing here is imported unless Triton is there: see `available`.
"""
