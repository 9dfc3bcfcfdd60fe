"""The streamed filter against its readable reference, the kernel's own source run on the processor."""

from __future__ import annotations

import ctypes
import itertools
from pathlib import Path

import pytest
import torch

import cuda_on_host
from ganzfeld.kernels.cuda import streamed_filter
from ganzfeld.kernels.cuda.streamed_filter import StreamedFilter, chunk_rows
from ganzfeld.kernels.filtered_leaky_relu import filtered_leaky_relu
from ganzfeld.networks.reference.stylegan3 import designed_filter
from ganzfeld.networks.stylegan3.config import StyleGAN3Config

CASES = {"t": ("L8_276_203", "L9_532_128", "L13_1024_32"), "r": ("L8_276_406", "L9_532_256")}


def layers():
    for kind, names in CASES.items():
        config = StyleGAN3Config.design(f"stylegan3-{kind}")  # type: ignore[arg-type]
        for layer in config.layers:
            if layer.name in names:
                yield pytest.param(layer, id=f"{kind}-{layer.name}")


@pytest.mark.parametrize("layer", list(layers()))
@pytest.mark.parametrize("loud", [1.0, 600.0], ids=["quiet", "clamped"])
@pytest.mark.parametrize("narrower", [0, 3], ids=["square", "narrow"])
def test_it_agrees_with_the_reference(layer, loud, narrower, tmp_path: Path):
    torch.manual_seed(1)
    up, down = designed_filter(layer, "up"), designed_filter(layer, "down")
    assert up is not None and down is not None
    height, width, channels = 19, 23, 6
    x = torch.randn(1, channels, height, width).half()
    gain, bias, style = torch.rand(channels) * loud, torch.randn(channels), torch.randn(channels)
    # Crop as the layer does, relative to its size: any padding that gives a picture will do.
    low = layer.padding[0]
    high = low if low > 0 else -3
    padding = (low + narrower, high, low, high)
    expected = filtered_leaky_relu(
        x.float() * gain[:, None, None], bias, up, down, up=layer.up, down=layer.down, padding=padding, clamp=256
    )
    expected = expected * style[:, None, None]
    out_height, out_width = expected.shape[2:]

    filters = StreamedFilter.design(up, down, up=layer.up, low=(low, low + narrower), clamp=256)
    phases = dict(zip(("PHASE_Y", "PHASE_X"), filters.phase))
    macros = {"UP": layer.up, **phases, "OUTPUTS": 8, "RANK": filters.rank, "THREADS": 1, "BLOCKS": 1}
    library = cuda_on_host.compiled(streamed_filter.SOURCE, macros, tmp_path)
    flat = x[0].permute(1, 2, 0).contiguous()
    pitch = out_width + 2
    out = torch.ones(out_height, pitch, channels, dtype=torch.float16)
    strips, chunk = -(-out_width // 8), 10
    pointers = [ctypes.c_void_p(tensor.data_ptr()) for tensor in (flat, gain, bias, style, out)]
    library.run(
        strips, -(-out_height // chunk), channels // 2, *pointers, height, width, out_height, out_width, pitch,
        channels // 2, *filters.first, chunk, filters.packed,
    )  # fmt: skip
    got = out[:, :out_width].permute(2, 0, 1)[None].float()
    assert (got - expected).norm() / expected.norm() < 4e-3
    assert not out[:, out_width:].any(), "the padding between rows must be zero"


def test_chunks_are_even_and_cover_the_picture():
    for at_once, across, rows in itertools.product((2, 40, 48, 168, 264, 376), (1, 7, 46, 300), (5, 36, 148, 1044)):
        chunk = chunk_rows(across, rows, at_once)
        assert chunk % 2 == 0 and chunk > 0
        assert -(-rows // chunk) * chunk >= rows
