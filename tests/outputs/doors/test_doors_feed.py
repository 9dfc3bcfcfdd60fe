"""What a door reads: cut, converted, under the master, the same object while nothing changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ganzfeld.outputs.doors.feed import Feed, converted, cut
from ganzfeld.values.frames import FrameStore, FrameWriter
from ganzfeld.values.master import MasterValues


@pytest.fixture
def store():
    store = FrameStore()
    yield store
    store.close()


@pytest.fixture
def writer(store):
    writer = FrameWriter(store.session)
    yield writer
    writer.close()


def publish(writer: FrameWriter, colour, size=(4, 2), output: str = "out") -> None:
    def fill(pixels: np.ndarray) -> None:
        pixels[:] = colour

    assert writer.publish(output, *size, fill, frame=1, t=0.5)


@given(
    pixels=arrays(np.uint8, (3, 5, 4)),
    alpha=st.sampled_from(["straight", "premultiplied", "opaque"]),
    gain=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
)
def test_colours_are_what_the_far_end_takes(pixels, alpha, gain):
    before = pixels.copy()
    found = converted(pixels, alpha, gain)
    share = pixels[..., 3:] / 255 if alpha != "straight" else 1.0
    assert np.abs(found[..., :3] - pixels[..., :3] * share * gain).max() <= 1
    assert (found[..., 3] == (255 if alpha == "opaque" else pixels[..., 3])).all()
    assert (pixels == before).all(), "others share it"


@pytest.mark.parametrize("alpha", ["straight", "premultiplied", "opaque"])
def test_a_solid_picture_is_not_copied(alpha):
    pixels = np.full((3, 5, 4), 255, np.uint8)
    assert converted(pixels, alpha, 1.0) is pixels


def test_a_region_that_reaches_beyond_is_clear_there():
    pixels = np.full((4, 6, 4), 9, np.uint8)
    assert cut(pixels, None) is pixels
    part = cut(pixels, (4, 2, 4, 4))
    assert part.shape == (4, 4, 4)
    assert (part[:2, :2] == 9).all()
    assert part[2:].sum() + part[:, 2:].sum() == 0
    assert cut(pixels, (100, 100, 2, 1)).tolist() == [[[0] * 4] * 2]


def test_nothing_changes_nothing_is_made(store, writer):
    feed = Feed(store.session, "out")
    assert feed.newest() is None
    assert feed.wait(0.0) is None
    publish(writer, (1, 2, 3, 255))
    first = feed.newest()
    assert (first.size, first.number, first.t, first.gain) == ((4, 2), 1, 0.5, 1.0)
    assert feed.newest() is first
    publish(writer, (4, 5, 6, 255), (2, 2))
    second = feed.wait(60.0)
    assert (second.size, second.number) == ((2, 2), 2)
    assert second.stamp > first.stamp
    feed.close()


def test_the_master_changes_a_picture_that_stands(store, writer):
    now = [MasterValues()]
    feed = Feed(store.session, "out", alpha="opaque", master=lambda: now[0])
    gpu = Feed(store.session, "out", master=lambda: now[0], dims=True)
    publish(writer, (200, 100, 50, 255))
    before = feed.newest()
    now[0] = MasterValues(level=0.5)
    assert feed.wait(60.0).pixels[0, 0].tolist() == [100, 50, 25, 255]
    assert (gpu.newest().gain, gpu.newest().pixels[0, 0, 0]) == (0.5, 200)
    now[0] = MasterValues(frozen=True)
    publish(writer, (1, 1, 1, 255))
    assert (feed.newest().pixels == before.pixels).all()
    now[0] = MasterValues(black=1.0, frozen=True)
    assert feed.newest().pixels[0, 0].tolist() == [0, 0, 0, 255]
    now[0] = MasterValues()
    assert feed.newest().pixels[0, 0].tolist() == [1, 1, 1, 255]
    feed.close()
    gpu.close()


def test_another_output_keeps_the_last_picture_until_it_has_one(store, writer):
    feed = Feed(store.session, "")
    assert feed.wait(0.0) is None
    feed.show("out")
    publish(writer, (1, 1, 1, 255))
    assert feed.newest().pixels[0, 0, 0] == 1
    feed.show("wall")
    assert feed.newest().pixels[0, 0, 0] == 1
    publish(writer, (2, 2, 2, 255), output="wall")
    assert feed.wait(60.0).pixels[0, 0, 0] == 2
    feed.close()
