"""Kernels in CUDA C++, for what Triton says badly, compiled where they run by NVRTC, which comes with torch."""
