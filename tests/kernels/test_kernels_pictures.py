"""Kernels of the picture nodes: what they leave alone, and what they do exactly."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganzfeld.kernels.alpha import BRIGHTEST, premultiplied, straight
from ganzfeld.kernels.colour import levelled, luma, recoloured
from ganzfeld.kernels.composite import BLENDS, composited, crossfaded, wipe
from ganzfeld.kernels.lanczos import lanczos
from ganzfeld.kernels.placement import OUTSIDE, placed, placement
from ganzfeld.kernels.reading import read_along, standardised

NEUTRAL = {"invert": 0, "hue": 0, "saturation": 1, "contrast": 1, "brightness": 1, "gamma": 1}


def some(width: int = 12, height: int = 8, opaque: bool = True, seed: int = 0) -> torch.Tensor:
    image = torch.rand(1, 4, height, width, generator=torch.Generator().manual_seed(seed))
    if opaque:
        image[:, 3] = 1
    return image


def plain(r: float, g: float, b: float, a: float = 1.0) -> torch.Tensor:
    return torch.tensor([r, g, b, a])[None, :, None, None]


def place(x: float = 0, y: float = 0, degrees: float = 0, zoom: float = 1, px: float = 0, py: float = 0):
    return placement(*(torch.tensor(float(number)) for number in (x, y, degrees, zoom, px, py)))


def levels(image: torch.Tensor, **changes: float) -> torch.Tensor:
    return levelled(image, **{name: torch.tensor(float(v)) for name, v in {**NEUTRAL, **changes}.items()})


@pytest.mark.parametrize("outside", OUTSIDE)
def test_a_neutral_placement_changes_nothing(outside: str) -> None:
    image = some(opaque=False)
    assert torch.allclose(placed(image, place(), outside), image, atol=1e-4)


def test_a_quarter_turn_is_anticlockwise() -> None:
    image = some(8, 8)
    assert torch.allclose(placed(image, place(degrees=90)), image.rot90(1, (2, 3)), atol=1e-4)


def test_lengths_are_heights_and_y_goes_up() -> None:
    image = some(12, 8)
    moved = placed(image, place(x=3 / 8, y=2 / 8), "repeat")
    assert torch.allclose(moved, image.roll((-2, 3), (2, 3)), atol=1e-4)


def test_what_lies_outside() -> None:
    image = some(12, 8)
    seen = {outside: placed(image, place(x=3 / 8), outside)[..., :3] for outside in OUTSIDE}
    assert (seen["transparent"] == 0).all()
    assert torch.allclose(seen["black"], plain(0, 0, 0), atol=1e-6)
    assert torch.allclose(seen["hold"], image[..., :1].expand_as(seen["hold"]), atol=1e-4)
    assert torch.allclose(seen["mirror"], image[..., :3].flip(3), atol=1e-4)
    assert torch.allclose(seen["repeat"], image[..., -3:], atol=1e-4)


def test_a_seam_is_interpolated_in_a_repeated_picture() -> None:
    image = some(12, 8)
    half = placed(image, place(x=0.5 / 8), "repeat")
    assert torch.allclose(half[..., 0], (image[..., 0] + image[..., -1]) / 2, atol=1e-4)


def test_the_pivot_stays() -> None:
    image = plain(0, 0, 0).expand(-1, -1, 9, 9).clone()
    image[0, 0, 2, 6] = 1  # 2 pixels up and right of the middle
    turned = placed(image, place(degrees=137, zoom=2, px=2 / 9, py=2 / 9), "black")
    assert turned[0, 0].argmax() == 2 * 9 + 6


def test_transparent_colour_never_bleeds() -> None:
    image = plain(0, 1, 0, 0).expand(-1, -1, 9, 9).clone()
    image[:, :, 3:6, 3:6] = plain(1, 0, 0)
    for made in (placed(image, place(degrees=30)), lanczos(image, 20, 20)):
        shown = made[:, 3] > 0.01
        assert made[:, 1][shown].max() < 1e-4
        assert made[:, 0][shown].min() > 0.999


def test_smoothing_averages_what_is_skipped() -> None:
    board = ((torch.arange(32)[None] + torch.arange(32)[:, None]) % 2).float()
    image = torch.cat([board.expand(1, 3, 32, 32), torch.ones(1, 1, 32, 32)], 1)
    rough, smooth = (placed(image, place(zoom=0.26, x=0.003), "repeat", smooth=s)[:, :3] for s in (False, True))
    assert (smooth - 0.5).abs().max() < 0.2 < (rough - 0.5).abs().max()


@given(st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=6), st.sampled_from(OUTSIDE))
@settings(max_examples=60, deadline=None)
def test_no_placement_makes_nan(numbers: list[float], outside: str) -> None:
    made = placed(some(opaque=False), place(*numbers), outside)
    assert torch.isfinite(made).all()
    assert made.min() >= 0
    assert made.max() <= 1 + 1e-4


def test_neutral_levels_change_nothing() -> None:
    image = some(opaque=False)
    assert torch.allclose(levels(image), image, atol=1e-5)


def test_levels_one_by_one() -> None:
    image = plain(0.25, 0.5, 0.75, 0.5)
    assert torch.allclose(levels(image, invert=1), plain(0.75, 0.5, 0.25, 0.5), atol=1e-6)
    assert torch.allclose(levels(image, contrast=2), plain(0, 0.5, 1, 0.5), atol=1e-6)
    assert torch.allclose(levels(image, brightness=2), plain(0.5, 1, 1.5, 0.5), atol=1e-6)
    assert torch.allclose(levels(image, gamma=2), plain(0.5, 0.5**0.5, 0.75**0.5, 0.5), atol=1e-6)
    grey = levels(image, saturation=0)
    assert torch.allclose(grey[:, :3], luma(image).expand(-1, 3, -1, -1), atol=1e-6)


@pytest.mark.parametrize("degrees", [30, 120, 200, -75])
def test_hue_turns_the_colour_and_keeps_the_brightness(degrees: int) -> None:
    image = plain(0.6, 0.5, 0.5)
    turned = recoloured(image, torch.tensor(float(degrees)), torch.tensor(1.0))
    assert torch.allclose(luma(turned), luma(image), atol=1e-6)
    hue = 360 * colorsys.rgb_to_hsv(*turned[0, :3, 0, 0].tolist())[0]
    # Hue in the vectorscope's plane and in HSV agree to a sixth of a turn, and in direction.
    assert abs((hue - degrees + 180) % 360 - 180) < 30
    back = recoloured(turned, torch.tensor(float(-degrees)), torch.tensor(1.0))
    assert torch.allclose(back, image, atol=1e-6)


def test_blends_of_opaque_pictures() -> None:
    a, b = some(seed=1), some(seed=2)
    one, ca, cb = torch.tensor(1.0), a[:, :3], b[:, :3]
    expected = {
        "over": cb,
        "add": ca + cb,
        "subtract": (ca - cb).clamp_min(0),
        "multiply": ca * cb,
        "screen": ca + cb - ca * cb,
        "overlay": torch.where(ca < 0.5, 2 * ca * cb, 1 - 2 * (1 - ca) * (1 - cb)),
        "difference": (ca - cb).abs(),
        "lighten": ca.maximum(cb),
        "darken": ca.minimum(cb),
    }
    assert expected.keys() == BLENDS.keys()
    for mode, colour in expected.items():
        made = composited(a, b, mode, one)
        assert torch.allclose(made[:, :3], colour, atol=1e-5), mode
        assert torch.allclose(made[:, 3:], a[:, 3:])


@pytest.mark.parametrize("mode", BLENDS)
def test_nothing_laid_over_and_over_nothing(mode: str) -> None:
    a, b, clear = some(seed=1), some(seed=2), torch.zeros(1, 4, 8, 12)
    assert torch.allclose(composited(a, b, mode, torch.tensor(0.0)), a, atol=1e-5)
    assert torch.allclose(composited(a, clear, mode, torch.tensor(1.0)), a, atol=1e-5)
    assert torch.allclose(composited(clear, b, mode, torch.tensor(1.0)), b, atol=1e-5)


def test_over_agrees_with_pillow() -> None:
    arrays = [np.random.default_rng(seed).integers(0, 256, (16, 16, 4), np.uint8) for seed in (0, 1)]
    expected = np.asarray(Image.alpha_composite(*(Image.fromarray(array) for array in arrays)), np.float32)
    a, b = (torch.from_numpy(array).permute(2, 0, 1)[None].float() / 255 for array in arrays)
    made = composited(a, b, "over", torch.tensor(1.0))[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(made - expected)[expected[..., 3] > 16].max() < 2


def test_crossfade_ends_at_both() -> None:
    a, b = some(opaque=False, seed=1), some(opaque=False, seed=2)
    assert torch.allclose(crossfaded(a, b, torch.tensor(0.0)), a, atol=1e-5)
    assert torch.allclose(crossfaded(a, b, torch.tensor(1.0)), b, atol=1e-5)


def test_wipe_passes_from_left_to_right() -> None:
    assert (wipe(40, torch.tensor(0.0)) == 0).all()
    assert (wipe(40, torch.tensor(1.0)) == 1).all()
    half = wipe(40, torch.tensor(0.5)).flatten()
    assert (half[:18] == 1).all()
    assert (half[22:] == 0).all()


def test_alpha_there_and_back() -> None:
    image = some(opaque=False)
    assert torch.allclose(straight(premultiplied(image)), image, atol=1e-5)
    wild = torch.tensor([float("nan"), float("inf"), -1e30, 2.0])[None, :, None, None]
    made = straight(premultiplied(wild))
    assert torch.isfinite(made).all()
    assert made.abs().max() <= BRIGHTEST


@pytest.mark.parametrize("size", [(29, 23), (31, 7), (5, 4), (12, 16)])
def test_lanczos_agrees_with_pillow(size: tuple[int, int]) -> None:
    grey = np.random.default_rng(0).random((8, 12), np.float32) * 0.5 + 0.25
    expected = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.LANCZOS))
    image = torch.from_numpy(grey).expand(1, 3, 8, 12)
    made = lanczos(torch.cat([image, torch.ones(1, 1, 8, 12)], 1), *size)[0, 0].numpy()
    # Pillow leaves out what lies beyond the edge, where we hold it.
    inner = (slice(size[1] // 3, -(size[1] // 3)), slice(size[0] // 3, -(size[0] // 3)))
    assert np.abs(made - expected.clip(0, 1))[inner].max() < 0.01
    assert np.abs(made - expected.clip(0, 1)).max() < 0.25


def test_lanczos_keeps_a_plain_picture() -> None:
    image = plain(0.2, 0.4, 0.8, 0.5).expand(-1, -1, 8, 12)
    assert torch.allclose(lanczos(image, 30, 50), plain(0.2, 0.4, 0.8, 0.5), atol=1e-5)


def test_reading_a_picture() -> None:
    down = torch.linspace(0, 1, 64)[:, None].expand(64, 64)
    image = torch.cat([down.expand(1, 3, 64, 64), torch.ones(1, 1, 64, 64)], 1)
    radius = torch.tensor(0.25)
    rows = read_along(image, "rows", 16, radius)
    assert (rows.diff() > 0).all()
    assert read_along(image, "columns", 100, radius).std() < 1e-4
    assert torch.allclose(read_along(image.transpose(2, 3), "columns", 16, radius), rows, atol=1e-6)
    circle = read_along(image, "circle", 4, radius)
    assert torch.allclose(circle, torch.tensor([0.5, 0.25, 0.5, 0.75]), atol=0.01)
    scan = read_along(image.transpose(2, 3), "scan", 16, radius)  # brighter to the right
    assert torch.allclose(scan[:4], scan[4:8].flip(0), atol=1e-6)
    assert (scan[:4].diff() > 0).all()


@pytest.mark.parametrize("path", ["scan", "rows", "columns", "circle"])
@pytest.mark.parametrize("count", [1, 3, 16, 512])
def test_any_number_of_places(path: str, count: int) -> None:
    row = standardised(read_along(some(20, 12), path, count, torch.tensor(0.3)))
    assert row.shape == (count,)
    assert torch.isfinite(row).all()


def test_a_picture_without_contrast_reads_as_zeros() -> None:
    row = standardised(read_along(plain(0.3, 0.3, 0.3).expand(-1, -1, 9, 9), "scan", 16, torch.tensor(0.3)))
    assert row.abs().max() < 1e-3
