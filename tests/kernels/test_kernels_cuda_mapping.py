"""A mapping network in one launch against layer by layer: the kernel run on the processor, or on a card."""

from __future__ import annotations

import ctypes
import itertools
from pathlib import Path

import hopper_on_host
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.cuda import mapping
from ganzfeld.kernels.cuda.mapping import dense_layers

FIBERS = 64
LAUNCH = """
static const float *the_x;
static float *the_out, *the_between;
static int *the_counters;
static const Layers *the_layers;
static void kernel() { mapping(the_x, the_out, the_between, the_counters, *the_layers); }
extern "C" void run(const float *x, float *out, float *between, int *counters, const Layers *layers) {
    the_x = x, the_out = out, the_between = between, the_counters = counters, the_layers = layers;
    launch(1, kernel);
}
"""
HOST = """
#include <cmath>
static float rsqrtf(float a) { return 1 / std::sqrt(a); }
F float fresh(const float *p) { return *p; }
F void block_is_done(int *counter) {
    threads_meet();
    if (threadIdx.x == 0) ++*counter;
}
F void wait_for_all(const int *counter) {
    while (*counter < gridDim.x) give_way();
    threads_meet();
}
"""


def network(widths: list[int]) -> list[tuple[Tensor, Tensor]]:
    torch.manual_seed(1)
    return [(torch.randn(o, i) / i**0.5, torch.randn(o)) for i, o in itertools.pairwise(widths)]


def layer_by_layer(x: Tensor, layers: list[tuple[Tensor, Tensor]], normalise: bool) -> Tensor:
    x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8) if normalise else x
    for weight, bias in layers:
        x = F.leaky_relu(F.linear(x, weight, bias), 0.2)
    return x


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("widths", [[40, 72, 33], [8, 5], [64] * 9], ids=str)
def test_it_agrees_layer_by_layer(widths: list[int], normalise: bool, tmp_path: Path):
    layers, x = network(widths), 3 * torch.randn(1, widths[0])
    out = torch.empty(1, widths[-1])
    between, counters = torch.full((2, mapping.wide(layers)), float("nan")), torch.zeros(16, dtype=torch.int32)
    text = hopper_on_host.FIBERS + HOST + mapping.SOURCE.read_text(encoding="utf-8") + LAUNCH
    macros = {"THREADS": FIBERS, "WIDE": mapping.wide(layers), "FIBERS": FIBERS}
    library = hopper_on_host.as_library(text, macros, tmp_path)
    pointers = [ctypes.c_void_p(tensor.data_ptr()) for tensor in (x, out, between, counters)]
    library.run(*pointers, mapping.layers_bytes(layers, normalise))
    assert torch.allclose(out, layer_by_layer(x, layers, normalise), atol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="wants a card")
def test_blocks_wait_for_each_other_on_a_card():
    layers, x = network([512] * 9), torch.randn(1, 512)
    there = [(weight.cuda(), bias.cuda()) for weight, bias in layers]
    for _ in range(50):
        found = dense_layers(x.cuda(), there, normalise=True).cpu()
        assert torch.allclose(found, layer_by_layer(x, layers, True), atol=1e-3)


def test_what_is_too_wide_goes_another_way():
    assert mapping.supports(network([512] * 9)) and not mapping.supports(network([4, 4096]))
