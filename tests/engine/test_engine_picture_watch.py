"""A network whose picture shows nothing is told, and told no more when it shows something again; nothing else is."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from ganzfeld.engine import picture_watch
from ganzfeld.engine.engine import Engine
from ganzfeld.engine.picture_watch import wrong_with
from ganzfeld.engine.program.capture import NoGraphs
from ganzfeld.values.time import Clock
from graphs_on_host import GraphsOnHost


def picture(red: float, green: float | None = None, blue: float | None = None) -> np.ndarray:
    """[4, 8, 8] of one colour, opaque."""
    colour = [red, red if green is None else green, red if blue is None else blue, 1.0]
    return np.full((4, 8, 8), np.array(colour, np.float32)[:, None, None])


def with_one(number: float) -> np.ndarray:
    pixels = picture(0.5)
    pixels[1, 3, 4] = number
    return pixels


def test_what_is_wrong_with_a_picture():
    for pixels in (picture(-0.04), picture(0), picture(1), picture(1.4), picture(-9, 0.5, -9), picture(0.5)):
        assert wrong_with(pixels) is None, "a picture, however dull"
    for pixels in (with_one(np.nan), with_one(np.inf), with_one(-np.inf), picture(np.nan)):
        assert "NaN or infinite" in wrong_with(pixels)
        assert "NaN or infinite" in wrong_with(pixels, is_layer=True)
    for pixels in (picture(-1.4), picture(40), picture(3e38), picture(-9, 9, -9)):
        assert "nothing that can be seen" in wrong_with(pixels)
        assert wrong_with(pixels, is_layer=True) is None, "what a layer holds may be anything"
    assert "100 %" in wrong_with(picture(np.nan)) and "2 %" in wrong_with(with_one(np.nan))
    mixed = picture(-9)
    mixed[0, 0, 0] = 0.5
    assert wrong_with(mixed) is None, "one star in the night"


needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.mark.parametrize(
    ("device", "graphs"),
    [("cpu", NoGraphs), ("cpu", GraphsOnHost), pytest.param("cuda", lambda: None, marks=needs_cuda)],
)
def test_a_direction_that_is_far_too_large_is_told_until_it_is_not(tmp_path, monkeypatch, device, graphs):
    monkeypatch.setattr(picture_watch, "LOOK_SECONDS", 0.01)
    np.savez(tmp_path / "far.npz", far=np.full(256, 1000.0))
    text = 'f = network("planets")\nf.move("far", amount={}, file="far.npz")\nout(f)'
    engine, clock = Engine(device=device, graphs=graphs()), Clock()

    def plays(condition) -> None:
        until = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < until
            assert engine.frame(clock.advance(0.02))
            time.sleep(0.002)

    engine.load(text.format(0), tmp_path / "a.ganz")
    number = engine._playing.built.nodes["f"]
    plays(lambda: clock.frame > 20)
    assert engine.problems == []
    engine.submit(text.format(1), tmp_path / "a.ganz")
    plays(lambda: engine.problems)
    assert "f paints nothing that can be seen" in str(engine.problems[0])
    assert engine.problems[0].where.line == 1
    engine.submit(text.format(0), tmp_path / "a.ganz")
    plays(lambda: not engine.problems)
    assert engine._playing.built.nodes["f"] is number, "no other patch was built"
    engine.close()


def test_looking_reads_no_more_than_a_few_pixels_and_changes_none():
    sample = picture_watch.PictureSample()
    image = torch.rand(1, 4, 513, 97)
    before = image.clone()
    sample.take(image)
    assert sample.pixels.shape == (4, 31, 25)
    assert torch.equal(image, before)
    assert torch.equal(sample.pixels[:, 1, 2], image[0, :, 17, 8])
    sample.take("a place")
    sample.take(torch.rand(1, 512))
    assert sample.pixels.shape == (4, 31, 25)


def test_a_step_that_gives_no_picture_any_more_does_not_hold_up_the_others(monkeypatch):
    monkeypatch.setattr(picture_watch, "TOLD_AFTER", 1)
    watch = picture_watch.PictureWatch()

    class Step:
        def __init__(self, name: str) -> None:
            from types import SimpleNamespace

            self.sample = picture_watch.PictureSample()
            self.graph = SimpleNamespace(name=name, where=None)

    gone, here = Step("gone"), Step("here")
    watch.look([gone, here], 10.0)
    assert gone.sample.wanted and here.sample.wanted
    here.sample.take(torch.full((1, 4, 2, 2), torch.nan))
    watch.look([gone, here], 10.1)
    assert not list(watch.problems)
    watch.look([gone, here], 13.0)
    assert ["here" in str(problem) for problem in watch.problems] == [True]
    watch.forget()
    assert not list(watch.problems)
