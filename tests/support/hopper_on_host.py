"""Run a CUDA kernel of the Hopper generation, whose threads talk to each other, on the processor.

The kernel's own source is compiled as C++, each thread a fiber that gives way where it would wait. What the hardware
does is written again here from its description (PTX ISA 9, wgmma and cp.async.bulk.tensor): barriers that count bytes,
blocks of memory fetched with zeros outside, swizzled, and products of matrices found by their descriptors. Numbers
appear the moment they are asked for, so this says nothing of missing waits; it does of every place and phase.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from cuda_on_host import as_library

FIBERS = """
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <ucontext.h>
typedef unsigned int u32;
typedef unsigned long long u64;
#define F static inline
#define __global__
#define __launch_bounds__(...)
struct Place { int x; };
static Place blockIdx, gridDim, threadIdx;

enum { STACK = 1 << 18 };
static ucontext_t fibers[FIBERS], outside;
static bool alive[FIBERS];
static void give_way() {
    int me = threadIdx.x, next = me;
    do next = (next + 1) % FIBERS; while (!alive[next] && next != me);
    if (next == me) return;
    threadIdx.x = next;
    swapcontext(&fibers[me], &fibers[next]);
}

struct Meeting { int here = 0, held = 0; };
static Meeting warps[FIBERS / 32], everybody;
static void meet(Meeting &meeting, int count) {
    int held = meeting.held;
    if (++meeting.here == count) meeting.here = 0, meeting.held++;
    else while (meeting.held == held) give_way();
}
F void threads_meet() { meet(everybody, FIBERS); }
static u32 words[FIBERS];
F u32 exchange(u32 a, int lanes) {
    Meeting &warp = warps[threadIdx.x / 32];
    words[threadIdx.x] = a;
    meet(warp, 32);
    a = words[threadIdx.x ^ lanes];
    meet(warp, 32);
    return a;
}
F float exchange(float a, int lanes) {
    u32 word;
    memcpy(&word, &a, 4);
    word = exchange(word, lanes);
    memcpy(&a, &word, 4);
    return a;
}

static void (*body)();
static void fiber() {
    body();
    alive[threadIdx.x] = false;
    for (int next = 0; next < FIBERS; next++)
        if (alive[next]) {
            threadIdx.x = next;
            setcontext(&fibers[next]);
        }
    setcontext(&outside);
}
// One block after another.
static void launch(int grid, void (*kernel)(), void (*before_a_block)() = [] {}) {
    static char stacks[FIBERS][STACK];
    body = kernel;
    gridDim.x = grid;
    for (blockIdx.x = 0; blockIdx.x < grid; blockIdx.x++) {
        before_a_block();
        for (int i = 0; i < FIBERS; i++) {
            getcontext(&fibers[i]);
            fibers[i].uc_stack.ss_sp = stacks[i];
            fibers[i].uc_stack.ss_size = STACK;
            fibers[i].uc_link = nullptr;
            makecontext(&fibers[i], fiber, 0);
            alive[i] = true;
        }
        threadIdx.x = 0;
        swapcontext(&outside, &fibers[0]);
    }
}
"""
"""The threads of a block as fibers: they exchange numbers within a warp, and meet. Macro FIBERS: how many."""

HOST = """
#define GRID_CONSTANT const
struct float2 { float x, y; };
struct uint4 { u32 x, y, z, w; };
F float2 make_float2(float x, float y) { return {x, y}; }
F uint4 make_uint4(u32 x, u32 y, u32 z, u32 w) { return {x, y, z, w}; }
struct TensorMap { const unsigned short *at; long long size[3], stride[2]; int box[3], rank; };

alignas(1024) static unsigned char memory_of_block[232448];
#define SHARED_MEMORY(name) unsigned char *name = memory_of_block
F u32 shared_address(const void *p) { return (const unsigned char *)p - memory_of_block; }
struct Barrier { int count, missing, bytes, phase; };
static std::map<u32, Barrier> barriers_at;
F void settle(Barrier &b) { if (!b.missing && !b.bytes) b.missing = b.count, b.phase ^= 1; }
F void barrier_init(u32 at, int count) { barriers_at[at] = {count, count, 0, 0}; }
F void barriers_are_ready() {}
F void arrive(u32 at) {
    Barrier &b = barriers_at.at(at);
    if (b.missing-- == 0) abort();
    settle(b);
}
F void expect(u32 at, int bytes) { barriers_at.at(at).bytes += bytes; arrive(at); }
F void wait_for(u32 at, int phase) { while (barriers_at.at(at).phase == phase) give_way(); }
F void few_registers() {}
F void many_registers() {}

F u32 swizzled(u32 a) { return a ^ (BK == 64 ? (a >> 7 & 7) : (a >> 7 & 3)) << 4; }
static void fetch(u32 to, const TensorMap *map, u32 barrier, int c, int x, int y) {
    for (int j = 0; j < map->box[2]; j++)
        for (int i = 0; i < map->box[1]; i++)
            for (int k = 0; k < map->box[0]; k++) {
                bool inside = c + k >= 0 && c + k < map->size[0] && x + i >= 0 && x + i < map->size[1];
                inside = inside && y + j >= 0 && y + j < map->size[2];
                const char *from = (const char *)map->at + (y + j) * map->stride[1] + (x + i) * map->stride[0];
                u32 place = swizzled(to + ((j * map->box[1] + i) * BK + k) * 2);
                unsigned short value = 0;
                if (inside) value = ((const unsigned short *)from)[c + k];
                memcpy(memory_of_block + place, &value, 2);
            }
    Barrier &b = barriers_at.at(barrier);
    b.bytes -= 2 * map->box[0] * map->box[1] * map->box[2];
    settle(b);
}
F void fetch_pixels(u32 to, const TensorMap *map, u32 barrier, int c, int x, int y) {
    fetch(to, map, barrier, c, x, y);
}
F void fetch_weights(u32 to, const TensorMap *map, u32 barrier, int c, int x) { fetch(to, map, barrier, c, x, 0); }

F float half_of(unsigned short a) { _Float16 h; memcpy(&h, &a, 2); return (float)h; }
F float known(const float *p) { return *p; }
F float ask_for(const float *p) { return *p; }
F float2 known_pair(const float *p) { return {p[0], p[1]}; }
static float taken(float a, int lane) {
    memcpy(&words[threadIdx.x], &a, 4);
    meet(warps[threadIdx.x / 32], 32);
    memcpy(&a, &words[threadIdx.x / 32 * 32 + lane], 4);
    meet(warps[threadIdx.x / 32], 32);
    return a;
}
static u32 of_lanes[FIBERS][6];
static void add_colours(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    int warp = threadIdx.x / 32, first = 32 * warp, row = threadIdx.x % 32 / 4, column = threadIdx.x % 4 * 2;
    memcpy(of_lanes[threadIdx.x], a, 16), memcpy(of_lanes[threadIdx.x] + 4, b, 8);
    meet(warps[warp], 32);
    for (int k = 0; k < 16; k++) {
        int lane = k % 8 / 2, upper = k / 8, which = k % 2;
        for (int i = 0; i < 4; i++) {
            u32 pixels = of_lanes[first + 4 * row + lane][2 * upper + i / 2];
            u32 weights = of_lanes[first + 4 * (column + i % 2) + lane][4 + upper];
            d[i] += half_of(pixels >> 16 * which) * half_of(weights >> 16 * which);
        }
    }
    meet(warps[warp], 32);
}
F u32 packed(float low, float high) {
    _Float16 pair[2] = {(_Float16)low, (_Float16)high};
    u32 d;
    memcpy(&d, pair, 4);
    return d;
}
F void products_begin() {}
F void products_commit() {}
F void products_wait_but_one() { give_way(); }
F void products_wait() {}
static float number(u64 matrix, int row, int k) {
    u32 start = (matrix & 0x3fff) << 4, stride = (matrix >> 32 & 0x3fff) << 4;
    unsigned short value;
    memcpy(&value, memory_of_block + swizzled(start + row / 8 * stride + row % 8 * 2 * BK + 2 * k), 2);
    return half_of(value);
}
static void multiply(float (&d)[BN / 2], u64 a, u64 b, int add) {
    int lane = threadIdx.x % 32, first = threadIdx.x / 32 % 4 * 16 + lane / 4;
    float rows[2][16];
    for (int h = 0; h < 2; h++)
        for (int k = 0; k < 16; k++) rows[h][k] = number(a, first + 8 * h, k);
    for (int j = 0; j < BN / 8; j++)
        for (int i = 0; i < 2; i++) {
            float sum[2] = {0, 0};
            for (int k = 0; k < 16; k++) {
                float weight = number(b, 8 * j + 2 * (lane % 4) + i, k);
                sum[0] += rows[0][k] * weight, sum[1] += rows[1][k] * weight;
            }
            for (int h = 0; h < 2; h++) d[4 * j + 2 * h + i] = (add ? d[4 * j + 2 * h + i] : 0) + sum[h];
        }
}
"""

LAUNCH = """
static const TensorMap *a_map, *b_map;
static const After *the_after;
static int the_inputs, the_splits, the_tiles;
static void kernel() { convolution(*a_map, *b_map, *the_after, the_inputs, the_splits, the_tiles); }
static void clean() {
    barriers_at.clear();
    memset(memory_of_block, 0x7e, sizeof memory_of_block);  // not numbers
}
extern "C" void run(int grid, const TensorMap *pixels, const TensorMap *weights, const After *after, int inputs,
                    int splits, int tiles) {
    a_map = pixels, b_map = weights, the_after = after, the_inputs = inputs, the_splits = splits, the_tiles = tiles;
    launch(grid, kernel, clean);
}
"""


def compiled(source: Path, macros: Mapping[str, int], folder: Path) -> ctypes.CDLL:
    """The kernel as a library with one function, `run`."""
    text = FIBERS + HOST + source.read_text(encoding="utf-8") + LAUNCH
    return as_library(text, {"FIBERS": 384, **macros}, folder)


def tensor_map(x: Tensor, size: Sequence[int], strides: Sequence[int], box: Sequence[int]) -> bytes:
    """As `kernels.cuda.compiler.tensor_map`, in the form of `HOST`."""
    rank = len(size)
    size, strides, box = [*size, 1][:3], [*strides, 0][:2], [*box, 1][:3]
    return struct.pack("P5q4i", x.data_ptr(), *size, *strides, *box, rank)
