"""The method `show`: every way to look, on tensors that nobody may read, at the cost of the layers up to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganzfeld.engine.player import Player
from ganzfeld.kernels.colour_map import MAPS
from ganzfeld.kernels.layer_view import VIEWS
from ganzfeld.patch.language.parser import parse

torch.set_num_threads(1)


def frame(text: str) -> torch.Tensor:
    with Player(parse(text)) as player:
        picture = player.frame(0.1).image
        assert not player.problems
        return picture


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("spectrum", [False, True])
def test_every_view_in_every_map(small_network: Path, view: str, spectrum: bool) -> None:
    face = f"face = network({str(small_network)!r}, latent=seeds('1'))"
    seen = [
        frame(f"{face}\nface.show('b16', {view!r}, map={name!r}, spectrum={spectrum}, normalise='frame')\nout(face)")
        for name in MAPS
    ]
    assert len({picture.numpy().tobytes() for picture in seen}) == len(MAPS)
    assert len({picture.shape for picture in seen}) == 1


def test_maps_may_change_on_the_beat_and_the_picture_stays_itself(small_network: Path) -> None:
    face = f"face = network({str(small_network)!r}, latent=seeds('1'))"
    plain = frame(f"{face}\nout(face)")
    maps = "map=seq('magma fireice', beats=2), spectrum=beat > 1"
    assert torch.equal(frame(f"{face}\nface.show('image', {maps})\nout(face)"), plain)
    assert not torch.equal(frame(f"{face}\nface.show('b8', {maps})\nout(face)"), plain)
