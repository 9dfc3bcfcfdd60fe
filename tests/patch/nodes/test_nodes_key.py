"""What the node `key` does, and eight bits that are dithered."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzfeld.engine.player import Player
from ganzfeld.errors import PatchError
from ganzfeld.kernels import key
from ganzfeld.kernels.dither import dither_start
from ganzfeld.kernels.rgba import to_rgba8
from ganzfeld.patch.language.parser import parse


def played(text: str, count: int = 1) -> np.ndarray:
    """The last frame of a patch, uint8 [H, W, 4]."""
    with Player(parse(text), device="cpu") as player:
        frames = [frame.image.clone().numpy() for frame in player.frames(count=count, fps=60)]
        assert not player.problems, player.problems
    return frames[-1]


def number(value: float) -> torch.Tensor:
    return torch.tensor(float(value))


@pytest.fixture
def saved(tmp_path: Path):
    def save(name: str, *colours: tuple[int, ...]) -> str:
        """image(…) of a row of pixels."""
        array = np.array([colours], np.uint8)
        Image.fromarray(array).save(tmp_path / name)
        return f"image({str(tmp_path / name)!r})"

    return save


def test_luma_keeps_what_is_bright(saved) -> None:
    row = saved("a.png", (0, 0, 0), (128, 128, 128), (255, 255, 255))
    assert played(f"out(key({row}))")[0, :, 3].tolist() == [0, 128, 255]
    assert played(f"out(key({row}, threshold=0.6, softness=0))")[0, :, 3].tolist() == [0, 0, 255]
    assert (played(f"out(key({row}))")[0, 1:, :3] == [[128] * 3, [255] * 3]).all()


def test_a_glow_on_black_becomes_a_glow_with_alpha(saved) -> None:
    row = saved("a.png", (0, 0, 0), (60, 30, 0), (200, 100, 50), (255, 255, 255))
    glow = played(f'out(key({row}, "dark"))')[0].astype(int)
    assert glow[:, 3].tolist() == [0, 60, 200, 255]
    assert glow[1].tolist() == [255, 128, 0, 60]
    over_black = (glow[:, :3] * glow[:, 3:] + 127) // 255
    assert np.abs(over_black - [(0, 0, 0), (60, 30, 0), (200, 100, 50), (255, 255, 255)]).max() <= 1


def test_a_colour_goes_in_light_and_shadow_and_its_spill_with_it(saved) -> None:
    row = saved("a.png", (0, 255, 0), (0, 100, 0), (128, 128, 128), (255, 0, 255), (150, 190, 150))
    shown = played(f'out(key({row}, "chroma", spill=1))')[0].astype(int)
    assert shown[:, 3].tolist()[:4] == [0, 0, 255, 255]
    red, green, blue, _ = shown[4]
    assert max(red, green, blue) - min(red, green, blue) <= 2
    kept = played(f'out(key({row}, "chroma", spill=0))')[0, 4, :3]
    assert kept.tolist() == [150, 190, 150]
    triple = played(f'out(key({row}, "chroma", colour=[0, 1, 0], spill=1))')
    assert (triple == shown).all()


def test_another_picture_is_the_matte(saved) -> None:
    row = saved("a.png", (9, 8, 7), (9, 8, 7), (9, 8, 7))
    matte = saved("b.png", (255, 255, 255, 255), (255, 255, 255, 128), (0, 0, 0, 255))
    above = f"m = {matte}\nout(key({row}, by=m))"
    below = f"out(key({row}, by=m))\nm = {matte}"
    for text in (above, below, f"out(key({row}, {matte}))"):
        assert played(text)[0, :, 3].tolist() == [255, 128, 0]
    assert played(f'out(key({row}, by="alpha", matte={matte}))')[0, :, 3].tolist() == [255, 128, 255]


@pytest.mark.parametrize("arguments", ['by="matte"', 'by="blue"', '"chroma", colour=[1, 1, 1]', "colour=[1, 0]"])
def test_what_cannot_be_keyed_is_refused(saved, arguments: str) -> None:
    with pytest.raises(PatchError):
        played(f"out(key({saved('a.png', (1, 2, 3))}, {arguments}))")


@pytest.mark.parametrize("amount", [0.05, 0.032, 0.01, 0.0, -0.01, -0.05])
def test_choke_moves_the_edge_by_heights(amount: float) -> None:
    height = 400
    matte = torch.zeros(1, 1, height, 300)
    matte[:, :, 100:300, 100:200] = 1
    moved = key.choked(matte, number(amount))
    assert moved[0, 0, :, 150].sum() == pytest.approx(200 - 2 * amount * height, abs=1e-3)
    assert moved[0, 0, 200].sum() == pytest.approx(100 - 2 * amount * height, abs=1e-3)


def test_nothing_is_lost_to_extremes() -> None:
    wild = torch.tensor([math.nan, math.inf, -math.inf, 1e30, -3.0, 0.0, 1.0, 1e-30])
    image = wild[torch.cartesian_prod(*[torch.arange(8)] * 4).T].view(1, 4, 64, 64)
    pure = torch.tensor([-0.386, -0.454])
    for amount in (-1e6, 0, 1e-30, 1e6):
        value = number(amount)
        tame = key.tamed(image)
        alpha = key.choked(key.ramp(key.distance_from_colour(tame, pure), value, value), value)
        for colour in (key.without_spill(tame, pure, value), key.without_black(tame, alpha)):
            result = key.with_alpha(tame, colour, alpha)
            assert torch.isfinite(result).all() and result[:, 3].min() >= 0 and result[:, 3].max() <= 1


def test_dithered_bytes_have_the_mean_of_what_they_stand_for() -> None:
    for level in (0.3, 10.25, 100.5, 254.9):
        image = torch.full((1, 4, 64, 64), level / 255)
        frames = [to_rgba8(image, torch.tensor(dither_start(frame))).float() for frame in range(8)]
        assert torch.stack(frames).mean((0, 1, 2)).sub(level).abs().max() < 0.02
        assert frames[0].mean((0, 1)).sub(level).abs().max() < 0.05  # and every frame by itself
        assert set(frames[0].unique().tolist()) <= {math.floor(level), math.ceil(level)}
        assert not torch.equal(frames[0], frames[1])
    assert torch.equal(to_rgba8(image, torch.tensor(dither_start(3))), to_rgba8(image, torch.tensor(dither_start(3))))


def test_whole_bytes_are_not_dithered() -> None:
    image = torch.arange(256).view(1, 1, 16, 16).expand(1, 4, -1, -1) / 255
    wild = torch.tensor([math.nan, math.inf, -math.inf, -1.0, 2.0]).view(1, 1, 1, 5).expand(1, 4, 1, 5)
    for frame in (0, 1, 2**40):
        start = torch.tensor(dither_start(frame))
        assert torch.equal(to_rgba8(image, start), to_rgba8(image))
        assert torch.equal(to_rgba8(wild, start), to_rgba8(wild))


def test_an_output_is_dithered_if_it_says_so() -> None:
    text = 'a = noise("simplex2d", seed=1) >> levels(brightness=0.05)\nout(a, size=(64, 64){})'
    plain, dithered = played(text.format("")), played(text.format(", dither=True"))
    assert (plain != dithered).any() and np.abs(plain.astype(int) - dithered).max() <= 1
    assert (played(text.format(", dither=True"), count=2) == played(text.format(", dither=True"), count=2)).all()
