"""Weights derived and bent in one pass against the readable ways, the kernel's own source run on the processor."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
import torch
from torch import Tensor

import hopper_on_host
from ganzfeld.bending.base import BendContext, WeightBend, bends
from ganzfeld.bending.blending import FIRST_LERP_IN_CUDA
from ganzfeld.kernels.cuda import weights
from ganzfeld.kernels.cuda.weights import Halved, Part
from ganzfeld.kernels.derived_weight import derive

HOST = """
#define F_MEMBER inline
typedef unsigned short half_t;
#define SHARED_FLOATS(name) alignas(16) static float name[1 << 14]
F float known(const float *p) { return *p; }
F float half_of(half_t bits) { _Float16 h; memcpy(&h, &bits, 2); return (float)h; }
F half_t half_from(float a) { _Float16 h = (_Float16)a; half_t bits; memcpy(&bits, &h, 2); return bits; }
"""
LAUNCH = """
static const weight_t *the_weight;
static const float *the_unit, *the_taps;
static half_t *the_out, *the_energy;
static float *the_norms;
static const Sizes *the_sizes;
static const Chain *the_chain;
static void kernel() { derive(the_weight, the_unit, the_taps, the_out, the_energy, the_norms, *the_sizes, *the_chain); }
extern "C" void run(int outputs, const weight_t *weight, const float *unit, const float *taps, half_t *out,
                    half_t *energy, float *norms, const Sizes *sizes, const Chain *chain) {
    the_weight = weight, the_unit = unit, the_taps = taps, the_out = out, the_energy = energy, the_norms = norms;
    the_sizes = sizes, the_chain = chain;
    launch(outputs, kernel);
}
"""
THREADS = 64
Made = tuple[Tensor, Tensor, Tensor]


def memory(weight: Tensor, polyphase: bool) -> Made:
    """out, energy, norms, with room for padding."""
    outputs, inputs, size, _ = weight.shape
    phases = (4,) if polyphase else ()
    out = torch.zeros(*phases, outputs, size * size, inputs + 3, dtype=torch.float16)
    return out, torch.zeros(outputs, inputs + 3, dtype=torch.float16), torch.zeros(outputs)


def on_host(weight: Tensor | Halved, taps: Tensor | None, parts: list[Part], folder: Path) -> Made:
    halved = isinstance(weight, Halved)
    weight, unit = (weight.numbers, weight.unit) if isinstance(weight, Halved) else (weight, weight)
    out, energy, norms = memory(weight, taps is not None)
    source = weights.SOURCE.read_text(encoding="utf-8").replace(weights.PARTS_HERE, weights.text_of(parts))
    text = hopper_on_host.FIBERS + HOST + source + LAUNCH
    macros = weights.macros(weight.shape[2], len(parts), polyphase=taps is not None, norms=True, halved=halved)
    folder = folder / f"halved {halved}"
    folder.mkdir()
    library = hopper_on_host.as_library(text, {**macros, "THREADS": THREADS, "FIBERS": THREADS}, folder)
    tensors = (weight, unit, weight if taps is None else taps, out, energy, norms)
    pointers = [ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors]
    sizes = weights.sizes_bytes(out, energy, weight.shape[1])
    library.run(len(weight), *pointers, sizes, weights.chain_bytes(parts))
    return out, energy, norms


def alike(found: Made, expected: Made) -> bool:
    return all((a.float() - b.float()).norm() <= 2e-3 * b.float().norm() + 1e-6 for a, b in zip(found, expected))


@pytest.mark.parametrize("shape", [(5, 7, 3, 3), (4, 70, 1, 1)], ids=str)
@pytest.mark.parametrize("polyphase", [False, True])
def test_what_is_derived(shape: tuple[int, ...], polyphase: bool, tmp_path: Path):
    if polyphase and shape[2] != 3:
        return
    torch.manual_seed(1)
    weight, taps = 30 * torch.randn(shape), torch.rand(4, 4) if polyphase else None
    weight[2] = 0
    expected = memory(weight, polyphase)
    derive(*expected, weight, taps)
    assert alike(on_host(weight, taps, [], tmp_path), expected)


BENDS = {word: bend for word, bend in bends("weight").items() if isinstance(bend, WeightBend) and bend.cuda}


@pytest.mark.parametrize("word", BENDS)
@pytest.mark.parametrize("amount", [0.0, 0.7, -1.3, 1.0, 31.5])
def test_bends_say_the_same_in_both_languages(word: str, amount: float, tmp_path: Path):
    torch.manual_seed(2)
    # Numbers that half precision has, too.
    bend, weight = BENDS[word], torch.randn(6, 5, 3, 3).half().float()
    amount = max(amount, 0.0) if word in ("clamp", "power", "quantise") else amount
    noise, deviation, numbers = torch.randn(weight.shape).half(), torch.tensor(0.8), {word: torch.tensor(amount)}
    order, frame = torch.randperm(6), torch.tensor(0)
    place = BendContext("", noise.float, lambda: order, deviation, frame, lambda name, shape: torch.zeros(shape))
    bent = bend.apply(weight, numbers, place)
    expected = memory(weight, False)
    derive(*expected, bent)
    part = Part((bend.cuda,), numbers, deviation=deviation, noise=noise, order=order, once=bend.once)
    assert alike(on_host(weight, None, [part], tmp_path), expected)
    assert alike(on_host(Halved.of(weight, torch.tensor(1.0)), None, [part], tmp_path), expected)


def test_parts_follow_each_other_through_their_masks(tmp_path: Path):
    torch.manual_seed(3)
    (weight, other, third), taps = torch.randn(3, 6, 5, 3, 3), torch.rand(4, 4)
    scales, outputs, inputs, unit = torch.randn(6), torch.rand(6), torch.rand(5), torch.tensor(0.7)
    parts = [
        Part((FIRST_LERP_IN_CUDA,), {"amount": torch.tensor(-0.4)}, difference=Halved.of(third - weight, unit)),
        Part(("x + amount * (other - x)",), {"amount": torch.tensor(0.3)}, other),
        Part(("x * scale", "x + offset"), {"scale": scales, "offset": torch.tensor(0.2)}, None, None, outputs, inputs),
    ]
    blended = torch.lerp(torch.lerp(weight, third, -0.4), other, 0.3)
    mask = (outputs[:, None] * inputs)[:, :, None, None]
    bent = torch.lerp(blended, blended * scales[:, None, None, None] + 0.2, mask)
    expected = memory(weight, True)
    derive(*expected, bent, taps)
    assert alike(on_host(weight, taps, parts, tmp_path), expected)
    assert alike(on_host(Halved.of(weight, unit), taps, parts, tmp_path), expected)
