"""Frames into an output beside the drawing of the next ones: all of them, in order; what goes wrong is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ganzfeld.errors import OutputError
from ganzfeld.outputs.base import open_output
from ganzfeld.rendering.frame_pipe import MOST_BUFFERS, FramePipe


def picture(number: int, side: int = 16) -> torch.Tensor:
    return torch.full((side, side, 4), number % 256, dtype=torch.uint8)


@pytest.mark.parametrize("target", ["a.npy", "p-%d.png"])
def test_every_frame_arrives_in_its_order(tmp_path: Path, target: str) -> None:
    count = 3 * MOST_BUFFERS
    drawn = torch.zeros(16, 16, 4, dtype=torch.uint8)
    with FramePipe(lambda size: open_output(tmp_path / target, size, 30)) as pipe:
        for number in range(count):
            drawn.copy_(picture(number))  # in the same memory each time
            pipe.put(drawn, number / 30, number)
    if target == "a.npy":
        assert (np.load(tmp_path / target)[:, 0, 0, 0] == np.arange(count)).all()
    else:
        assert len(list(tmp_path.iterdir())) == count


def test_what_goes_wrong_is_told_and_the_beginning_is_kept(tmp_path: Path) -> None:
    pipe = FramePipe(lambda size: open_output(tmp_path / "a.npy", size, 30))
    with pytest.raises(OutputError, match="16×16 RGBA was expected"), pipe:
        pipe.put(picture(7), 0.0, 0)
        for number in range(1, 10 * MOST_BUFFERS):
            pipe.put(picture(8, 8), 0.0, number)
    assert (np.load(tmp_path / "a.npy") == 7).all()


def test_an_error_of_the_drawing_is_not_hidden(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="the patch"),
        FramePipe(lambda size: open_output(tmp_path / "a.npy", size, 30)) as pipe,
    ):
        pipe.put(picture(7), 0.0, 0)
        raise ValueError("the patch")
    assert len(np.load(tmp_path / "a.npy")) == 1
