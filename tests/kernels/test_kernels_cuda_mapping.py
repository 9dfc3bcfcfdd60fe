"""A mapping network in one launch against layer by layer: the kernel run on the processor, or on a card."""

from __future__ import annotations

import ctypes
import itertools
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import hopper_on_host
from ganzfeld.kernels import card
from ganzfeld.kernels.cuda import mapping
from ganzfeld.kernels.cuda.mapping import mapped
from ganzfeld.networks.reference.mapping import truncated

LAUNCH = """
static const float *the_x;
static float *the_out, *the_between;
static int *the_counters;
static const Layers *the_layers;
static void kernel() { mapping(the_x, the_out, the_between, the_counters, *the_layers); }
extern "C" void run(const float *x, float *out, float *between, int *counters, const Layers *layers) {
    the_x = x, the_out = out, the_between = between, the_counters = counters, the_layers = layers;
    launch(BLOCKS, kernel);
}
"""
HOST = """
#define SHARED static
#define COUPLE
static float rsqrtf(float a) { return 1 / std::sqrt(a); }
F float fresh(const float *p) { return *p; }
F void hand_out(float *to, float value, int lane) { if (lane == 0) *to = value; }
F void prefetch(const float *p) {}
F void block_is_here() {}
F void wait_for_blocks() {}
F void layer_is_done(int *counter) {}
F void wait_for_layer(const int *counter) { threads_meet(); }
"""


def network(widths: list[int]) -> list[tuple[Tensor, Tensor]]:
    torch.manual_seed(1)
    return [(torch.randn(o, i) / i**0.5, torch.randn(o)) for i, o in itertools.pairwise(widths)]


def layer_by_layer(
    x: Tensor, layers: list[tuple[Tensor, Tensor]], average: Tensor, rows: int, psi: float, cutoff: int, normalise: bool
) -> Tensor:
    x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8) if normalise else x
    for weight, bias in layers:
        x = F.leaky_relu(F.linear(x, weight, bias), 0.2)
    return truncated(x[:, None].expand(1, rows, -1), average, psi, cutoff)


@pytest.mark.parametrize("coupled", [8, 1])
@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("widths", [[40, 72, 33], [8, 5], [64] * 9], ids=str)
def test_it_agrees_layer_by_layer(widths: list[int], normalise: bool, coupled: int, tmp_path: Path):
    layers, x, average = network(widths), 3 * torch.randn(1, widths[0]), torch.randn(widths[-1])
    # One block, whose threads are all there are.
    macros = {**mapping.macros(layers, coupled=coupled, processors=14, threads=64), "BLOCKS": 1}
    out, psi = torch.empty(1, 7, widths[-1]), torch.tensor(1.7)
    between, counters = torch.full((2, macros["WIDE"]), float("nan")), torch.zeros(16, dtype=torch.int32)
    text = hopper_on_host.FIBERS + HOST + mapping.SOURCE.read_text(encoding="utf-8") + LAUNCH
    library = hopper_on_host.as_library(text, {"FIBERS": 64, **macros}, tmp_path)
    pointers = [ctypes.c_void_p(tensor.data_ptr()) for tensor in (x, out, between, counters)]
    library.run(*pointers, mapping.layers_bytes(layers, average, 7, psi, 3, normalise=normalise))
    assert torch.allclose(out, layer_by_layer(x, layers, average, 7, 1.7, 3, normalise), atol=1e-3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="wants a card")
@pytest.mark.parametrize("coupled", [16, 8, 1])
@pytest.mark.parametrize("width", [512, 200, 1024])
def test_blocks_wait_for_each_other_on_a_card(width: int, coupled: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mapping, "coupled_blocks", lambda device: min(coupled, card.coupled_blocks(device)))
    layers, average = network([width] * 9), torch.randn(width)
    there = [(weight.cuda(), bias.cuda()) for weight, bias in layers]
    for seed in range(50):
        x = torch.randn(1, width, generator=torch.Generator().manual_seed(seed))
        found = mapped(x.cuda(), there, average.cuda(), 18, torch.tensor(0.3).cuda(), 5, normalise=True).cpu()
        assert torch.allclose(found, layer_by_layer(x, layers, average, 18, 0.3, 5, True), atol=1e-3)


def test_two_networks_at_a_time_fill_no_card():
    layers = network([512] * 9)
    for processors in (1, 2, 14, 20, 24, 36, 132):
        blocks = mapping.macros(layers, coupled=1, processors=processors)["BLOCKS"]
        # However the card is shared out, one of them has all its blocks or there is room for one more.
        assert 1 <= blocks <= 16 and (processors < 2 or 2 * (blocks - 1) < processors)
    assert mapping.macros(layers, coupled=8, processors=20)["BLOCKS"] == 8


def test_what_is_too_wide_goes_another_way():
    assert mapping.supports(network([512] * 9)) and not mapping.supports(network([4, 4096]))
