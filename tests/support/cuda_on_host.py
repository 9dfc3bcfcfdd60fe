"""Run a CUDA kernel whose threads do not talk to each other on the processor, one thread after another.

The kernel's own source is compiled as C++; only its few instructions on pairs of half-precision numbers are
written again here, in the kernel's place of `__CUDACC__`.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

PLACES = """
#include <algorithm>
#include <cmath>
#include <cstring>
using std::min;
struct Place { int x, y; };
static Place blockIdx, blockDim, threadIdx;
#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define F static inline
"""
"""What every kernel needs to know of where it is."""

HOST = """
typedef unsigned int half2_t;
struct Pair { _Float16 low, high; };
F Pair halves(half2_t a) { Pair p; std::memcpy(&p, &a, 4); return p; }
F half2_t pair_of(float low, float high) {
    Pair p = {(_Float16)low, (_Float16)high};
    half2_t a;
    std::memcpy(&a, &p, 4);
    return a;
}
F half2_t fma2(half2_t a, half2_t b, half2_t c) {
    Pair x = halves(a), y = halves(b), z = halves(c);
    return pair_of((float)x.low * (float)y.low + (float)z.low, (float)x.high * (float)y.high + (float)z.high);
}
F half2_t mul2(half2_t a, half2_t b) { return fma2(a, b, 0); }
F half2_t sub2(half2_t a, half2_t b) { return fma2(b, 0xbc00bc00u, a); }
F float saturate(float a) { return a > 0 ? (a < 1 ? a : 1) : 0; }
F half2_t mul_saturated(half2_t a, half2_t b) {
    Pair x = halves(a), y = halves(b);
    return pair_of(saturate((float)x.low * (float)y.low), saturate((float)x.high * (float)y.high));
}
F half2_t saturated(half2_t a) { return mul_saturated(a, 0x3c003c00u); }
F half2_t limited(half2_t a) {
    Pair x = halves(a);
    return pair_of(std::fmax(std::fmin((float)x.low, 16384.f), -16384.f),
                   std::fmax(std::fmin((float)x.high, 16384.f), -16384.f));
}
F half2_t packed(const float *values, int pair) {
    return pair_of(std::fmin(std::fmax(values[2 * pair], -60000.f), 60000.f),
                   std::fmin(std::fmax(values[2 * pair + 1], -60000.f), 60000.f));
}
F half2_t load(const half2_t *p) { return *p; }
"""

LAUNCH = """
extern "C" void run(int grid_x, int grid_y, int threads, const half2_t *x, const float *gains, const float *biases,
                    const float *styles, half2_t *out, int height, int width, int out_height, int out_width,
                    int out_pitch, int pairs, int first_row, int first_column, int chunk, const Filters *filters) {
    blockDim = {threads, 1};
    for (blockIdx.y = 0; blockIdx.y < grid_y; blockIdx.y++)
        for (blockIdx.x = 0; blockIdx.x < grid_x; blockIdx.x++)
            for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++)
                streamed(x, gains, biases, styles, out, height, width, out_height, out_width, out_pitch, pairs,
                         first_row, first_column, chunk, *filters);
}
"""


def compiled(source: Path, macros: Mapping[str, int], folder: Path) -> ctypes.CDLL:
    """The kernel as a library with one function, `run`."""
    return as_library(PLACES + HOST + source.read_text(encoding="utf-8") + LAUNCH, macros, folder)


def as_library(text: str, macros: Mapping[str, int], folder: Path) -> ctypes.CDLL:
    """C++ as a library. The same text with the same macros is compiled once, in the folder that is named first."""
    options = tuple(f"-D{key}={value}" for key, value in macros.items())
    if (text, options) not in _libraries:
        _libraries[text, options] = _library(text, options, folder)
    return _libraries[text, options]


_libraries: dict[tuple[str, tuple[str, ...]], ctypes.CDLL] = {}


def _library(text: str, options: tuple[str, ...], folder: Path) -> ctypes.CDLL:
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise RuntimeError("these tests need a C++ compiler (c++, g++ or clang++)")
    name = f"kernel{len(_libraries)}"  # a library of the same path would not be loaded anew
    source, library = folder / f"{name}.cpp", folder / f"{name}.so"
    source.write_text(text, encoding="utf-8")
    subprocess.run(
        [compiler, "-O1", "-mf16c", "-shared", "-fPIC", "-w", *options, "-o", str(library), str(source)],
        check=True,
        capture_output=True,
    )
    return ctypes.CDLL(str(library))
