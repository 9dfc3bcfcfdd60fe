"""The Hopper convolution against its readable reference, the kernel's own source run on the processor."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import hopper_on_host
from ganzfeld.kernels.cuda import convolution
from ganzfeld.kernels.cuda.convolution import HopperTile, after_bytes, tile_for_hopper
from ganzfeld.kernels.generator_layer import Activation, ActivationLayout, Colours
from ganzfeld.kernels.upfirdn import upfirdn

# (height, width, inputs, channels, up, block): tiles that a picture fills and ones it does not, several parts of the
# inputs, several tiles of outputs, four phases in one tile and one phase in several, sums in parts.
CASES = {
    "whole tiles": (16, 32, 64, 128, 1, HopperTile(16, 128, 64)),
    "odd sizes, two parts": (11, 19, 128, 64, 1, HopperTile(8, 64, 64, 1, 2)),
    "small inputs": (19, 17, 32, 32, 1, HopperTile(16, 32, 32)),
    "four phases in one tile": (9, 10, 64, 32, 2, HopperTile(16, 128, 64)),
    "phases in tiles of their own": (8, 8, 64, 128, 2, HopperTile(8, 128, 64)),
    "sums in parts": (7, 18, 192, 64, 1, HopperTile(8, 64, 64, 2)),
}


def reference(x: Tensor, weight: Tensor, field: ActivationLayout, a: Activation, up: int) -> Tensor:
    """[C, H, W] of the activation, from x [height, width, I] and weight [O, 9, I]."""
    channels = len(a.gain)
    kernel = weight.float().view(len(weight), 3, 3, -1).permute(0, 3, 1, 2)
    y = F.conv2d(x.float().permute(2, 0, 1)[None], kernel, padding=1)[0]
    if up == 2:
        y = y.view(2, 2, channels, field.height, field.width).permute(2, 3, 0, 4, 1)
        y = y.reshape(channels, 2 * field.height, 2 * field.width)
    y = y * a.gain[:, None, None] + a.noise * a.strengths[a.layer] + a.bias[:, None, None]
    return F.leaky_relu(y, 0.2).clamp(-a.clamp, a.clamp)


@pytest.mark.parametrize("case", CASES)
def test_it_agrees_with_the_reference(case: str, tmp_path: Path):
    height, width, inputs, channels, up, block = CASES[case]
    torch.manual_seed(1)
    field = ActivationLayout(height, width, width + 1)
    outputs = channels * up * up
    x = torch.full((height, field.pitch, inputs), float("nan")).half()  # what lies between rows is nobody's
    x[:, :width] = torch.randn(height, width, inputs)
    weight = (torch.randn(outputs, 9, inputs) / (9 * inputs) ** 0.5).half()
    pitch = up * width + 3
    styled = torch.full((up * height, pitch, channels), 7.0).half()
    plain = torch.empty(up * height, up * width, channels).half()
    activation = Activation(
        torch.randn(up * height, up * width), torch.tensor([9.0, 0.5]), 1, torch.rand(channels) + 0.5,
        torch.randn(channels), 1.5, torch.randn(channels), styled, pitch, plain,
    )  # fmt: skip
    colours = None
    if up == 1 and channels == block.outputs and block.splits == 1:
        colours = Colours(
            torch.randn(channels, 16), torch.randn(3), 20.0, torch.randn(3, height // 2, width // 2),
            torch.rand(4, 4), torch.empty(3, height, width),
        )  # fmt: skip
    partial = torch.empty(block.splits, height, field.pitch, outputs)
    library = hopper_on_host.compiled(
        convolution.SOURCE, block.macros(up, channels, 3 if colours else 0, first=colours is None), tmp_path
    )
    pixels = hopper_on_host.tensor_map(
        x, (inputs, width, height), (2 * inputs, 2 * inputs * field.pitch), (block.inputs, 18, block.height + 2)
    )
    weights = hopper_on_host.tensor_map(weight, (9 * inputs, outputs), (18 * inputs,), (block.inputs, block.outputs))
    after = after_bytes(field, outputs, activation, colours, partial)
    tiles = block.tiles(field, outputs)
    library.run(min(tiles, 2), pixels, weights, after, inputs, block.splits, tiles)

    expected = reference(x[:, :width], weight, field, activation, up)
    if block.splits > 1:
        unit = Activation(torch.zeros(height, width), torch.zeros(1), 0, torch.ones(channels), torch.zeros(channels), 9)
        raw = reference(x[:, :width], weight, field, unit, up).permute(1, 2, 0)
        assert close(F.leaky_relu(partial[:, :, :width].sum(0), 0.2), raw)
        return
    assert close(plain.permute(2, 0, 1), expected)
    assert activation.style is not None
    assert close(styled[:, : up * width].permute(2, 0, 1), expected * activation.style[:, None, None])
    assert (styled[:, up * width :] == 7).all(), "written beyond the picture"
    if colours is not None and colours.before is not None:
        rgb = torch.einsum("chw,cr->rhw", expected, colours.weight[:, :3]) + colours.bias[:, None, None]
        if height % 2 == width % 2 == 0:
            below = upfirdn(colours.before[None], colours.taps, up=2, padding=(2, 1, 2, 1), gain=4)[0]
            assert close(colours.picture, rgb.clamp(-20, 20) + below)


def close(found: Tensor, expected: Tensor) -> bool:
    return bool((found.float() - expected).norm() / expected.norm() < 2e-3)


def test_blocks_fill_a_card_and_fit_it():
    for side, outputs, inputs, up in ((16, 2048, 512, 2), (32, 512, 512, 1), (64, 1024, 512, 2), (1024, 32, 32, 1)):
        field = ActivationLayout(side, side, side)
        block = tile_for_hopper(field, outputs, outputs // up**2, inputs, 132)
        assert block is not None and block.shared * block.blocks <= 228 * 1024 and block.stages >= 3
        assert block.tiles(field, outputs) >= 100
    assert tile_for_hopper(ActivationLayout(8, 8, 8), 2048, 512, 512, 132) is None
    assert tile_for_hopper(ActivationLayout(64, 64, 64), 48, 48, 64, 132) is None
