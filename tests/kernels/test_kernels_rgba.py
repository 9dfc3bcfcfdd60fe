"""The two ends of a patch's pictures: the fused kernels against the readable references."""

from __future__ import annotations

import pytest
import torch

from ganzfeld.kernels.dither import dither_start
from ganzfeld.kernels.rgba import from_signed, to_rgba8

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
EXTREME = torch.tensor([float("nan"), float("inf"), -float("inf"), 1e30, -3.0, 0.0, 1.0, 0.5])


def test_what_channels_mean():
    image = torch.randn(2, 4, 3, 5)
    painted = image * 0.5 + 0.5
    grey, alpha = painted[:, :1].expand(-1, 3, -1, -1), painted[:, 1:2]
    assert torch.equal(from_signed(image[:, :1]), torch.cat([grey, torch.ones_like(alpha)], 1))
    assert torch.equal(from_signed(image[:, :2]), torch.cat([grey, alpha], 1))
    assert torch.equal(from_signed(image), painted)
    assert torch.equal(from_signed(torch.cat([image, image], 1)), from_signed(image[:, :3]))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_from_signed(channels: int):
    pictures = pytest.importorskip("ganzfeld.kernels.triton.pictures")
    image = torch.randn(2, channels, 9, 37)
    expected = from_signed(image)
    assert expected.shape == (2, 4, 9, 37)
    assert torch.equal(pictures.from_signed(image.to(DEVICE)).cpu(), expected)


def test_to_rgba8():
    pictures = pytest.importorskip("ganzfeld.kernels.triton.pictures")
    image = torch.rand(1, 4, 30, 41) * 1.2 - 0.1
    image[0, :, 0, :8] = EXTREME
    for view in (image, image[:, :, 3:20, 2:30], image.transpose(2, 3)):
        assert torch.equal(pictures.to_rgba8(view.to(DEVICE)).cpu(), to_rgba8(view))
        start = torch.tensor(dither_start(12345))
        assert torch.equal(pictures.to_rgba8(view.to(DEVICE), start.to(DEVICE)).cpu(), to_rgba8(view, start))
    bytes_of = to_rgba8(image)[0, :8, 0]
    assert bytes_of.tolist() == [0, 255, 0, 255, 0, 0, 255, 128]


def test_bytes_are_the_official_ones():
    signed = torch.linspace(-1.1, 1.1, 4000).view(1, 1, 40, 100)
    official = (signed * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    assert (to_rgba8(from_signed(signed))[..., 0].int() - official[0, 0].int()).abs().max() <= 1
