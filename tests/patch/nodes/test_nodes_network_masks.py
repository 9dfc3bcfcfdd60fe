"""The argument `mask` of a line `bend`: any picture says where in the picture a layer is bent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.player import Player
from ganzfeld.errors import PatchError
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.node import ImageRequest
from ganzfeld.values.time import Clock

torch.set_num_threads(1)


def frames(text: str, folder: Path | None = None, count: int = 2) -> list[torch.Tensor]:
    with Player(parse(text, None if folder is None else str(folder / "patch.ganz"))) as player:
        pictures = [player.frame(0.2).image.clone() for _ in range(count)]
        assert not player.problems, player.problems
        return pictures


def equal(some: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    return all(map(torch.equal, some, others))


@pytest.fixture
def face(small_network: Path) -> str:
    return f"face = network({str(small_network)!r}, latent=seeds('0-9', speed=1))\n"


def painted(folder: Path, right: bool = True) -> None:
    """A file as a brush leaves it: white where it went, transparent elsewhere."""
    pixels = np.zeros((30, 60, 4), np.uint8)
    pixels[:, 30 if right else 0 : 60 if right else 30] = 255
    Image.fromarray(pixels).save(folder / "patch.brush.png")


def test_one_half_of_the_picture(face: str, tmp_path: Path) -> None:
    painted(tmp_path)
    bend = "face.bend('b32.conv0', add=2*sin(t)%s)\nout(face)"
    plain, whole = frames(f"{face}out(face)"), frames(face + bend % "")
    text = "brush = image('patch.brush.png')\n" + face + bend % ", mask=brush"
    half = frames(text, tmp_path)
    assert not equal(half, plain)
    for bent, without, everywhere in zip(half, plain, whole):
        assert torch.equal(bent[:, :14], without[:, :14])
        assert torch.equal(bent[:, 18:], everywhere[:, 18:])
    painted(tmp_path, right=False)
    other = frames(text, tmp_path)
    assert torch.equal(other[0][:, 18:], plain[0][:, 18:]) and torch.equal(other[0][:, :14], whole[0][:, :14])


def test_black_is_nothing_and_white_is_all(face: str) -> None:
    bend = "face.bend('b16', rotate=40, blur=0.1)\nface.bend('b32', multiply=2, seed=3, channels=0.5)\nout(face)"
    plain, whole = frames(f"{face}out(face)"), frames(face + bend)
    masked = face + bend.replace(")\nface", ", mask={0})\nface").replace(")\nout", ", mask={0})\nout")
    for offset, expected in ((0, plain), (1, whole)):
        mask = f"noise(amplitude=0, offset={offset}, most_harmonics=0, harmonics=0)"
        assert equal(frames(masked.format(mask)), expected)
        assert equal(frames(f"clouds = {mask}\n" + masked.format("clouds")), expected)


def test_a_picture_that_is_looked_at_elsewhere_is_drawn_once(face: str, small_network: Path) -> None:
    text = (
        f"{face}other = network({str(small_network)!r}, latent=seeds([7]))\n"
        "face.bend('b16', multiply=2, mask=other)\nface.bend('b8', add=1, mask=flip(other))\nout(mix(face, other))\n"
    )
    engine = Engine(device="cpu")
    try:
        engine.load(text)
        engine.frame(Clock(120).advance(0.1))
        (program,) = engine._playing.built._programs.values()  # type: ignore[union-attr]
        assert [step.request for step in program.steps if step.graph.name == "other"] == [ImageRequest()]
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ("face.bend('b16', rotate=9, mask=levels(face))", "in a circle: face"),
        ("brush = feedback(face)\nface.bend('b16', rotate=9, mask=brush)", "in a circle: face"),
        ("face.bend('b16.conv0.weight', scale=2, mask=noise())", "is a weight"),
        ("face.bend('b16', gain=2, mask=noise())", "has no place"),
        ("face.bend('b16', rotate=9, mask=seeds([3]))", "reads a image|reads an image"),
        ("face.bend('b16', rotate=9, mask=0.5)", "takes a node"),
        ("push = knob()\nface.bend('b16', rotate=9, mask=push)", "is a number"),
        ("face.bend('b16', rotate=9, mask=brush)", "no node 'brush'"),
        ("face.blend('planets', mask=noise())", "mask"),
    ],
)
def test_what_is_no_mask_is_refused(face: str, lines: str, what: str) -> None:
    with pytest.raises(PatchError, match=what) as refused:
        frames(f"{face}{lines}\nout(face)")
    assert refused.value.where.line >= 1


def test_a_circle_says_what_to_do(face: str) -> None:
    with pytest.raises(PatchError) as refused:
        Graph(parse(f"{face}face.bend('b16', rotate=9, mask=feedback(face))\nout(face)"))
    assert "feedback" in refused.value.hint


def test_another_mask_is_another_structure(face: str) -> None:
    clouds = face + "a = noise()\nb = noise(seed=2)\nface.bend('b16', rotate=9%s)\nout(face)"
    one, other, none = (Graph(parse(clouds % mask)).structure for mask in (", mask=a", ", mask=b", ""))
    assert len({str(one), str(other), str(none)}) == 3
    assert "mask" in str(Graph(parse(clouds % ", mask=a")).nodes["face"].inputs_of("b16"))
