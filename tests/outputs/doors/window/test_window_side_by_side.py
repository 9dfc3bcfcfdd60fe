"""Real windows on displays that refresh together: two on one wall, and one that leads the show."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from statistics import median

import numpy as np
import pytest

from door_stage import KINDS, Stage, shared_blocks
from ganzfeld.process.routing import Routing
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.values.frames import FrameReader
from waiting import until
from xvfb import Xvfb

pytest.importorskip("glfw", reason="needs the extra 'window'")
pytest.importorskip("moderngl", reason="needs the extra 'window'")

from split_desktop import Halves, SlowHalves, hasty_dependencies

WIDTH, HEIGHT = 128, 48
LEFT, RIGHT = 10, 20


@pytest.fixture
def desktop():
    desktop = Xvfb((WIDTH, HEIGHT))
    yield desktop
    desktop.close()


class Counting:
    """A render whose pictures say their number (red), and in blue which half is which: one each refresh of the
    displays, well between two of them. late: numbers that came too near to a refresh to be sure of. published: a
    picture was."""

    def __init__(self, stage: Stage, rate: float) -> None:
        self.stage, self.rate, self.late = stage, rate, set[int]()
        self.published = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        number, picture = 0, np.zeros((HEIGHT, WIDTH, 4), np.uint8)
        picture[..., 3] = 255
        picture[:, : WIDTH // 2, 2], picture[:, WIDTH // 2 :, 2] = LEFT, RIGHT
        place = int(time.perf_counter() * self.rate) + 1
        while not self._stop.wait(max(0.0, (place + 0.3) / self.rate - time.perf_counter())):
            number, place = (number + 1) % 250, max(place, int(time.perf_counter() * self.rate)) + 1
            picture[..., 0] = number
            self.stage.publish(picture, (WIDTH, HEIGHT))
            if not 0.1 < time.perf_counter() * self.rate % 1 < 0.6:
                self.late |= {number, number - 1}
            else:
                self.late.discard(number)
            self.published.set()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def stage():
    stage = Stage({**KINDS, "window": Halves})
    yield stage
    stage.close()
    assert shared_blocks(stage.store.session) == []


def test_two_windows_on_one_wall_show_the_same_picture_at_every_refresh(desktop, stage):
    half = WIDTH // 2
    for name, x in (("LEFT", 0), ("RIGHT", half)):
        stage.doors.open(f"window:{name}[{x},0,{half},{HEIGHT}]")
    counting = Counting(stage, Halves.refresh)
    seen: dict[int, tuple[int, int]] = {}

    def enough() -> bool:
        counting.published.wait(1)
        counting.published.clear()
        pixels = desktop.pixels().astype(int)
        marks = pixels[4, 4], pixels[4, half + 4]
        if all(mark[1] == 255 for mark in marks) and marks[0][0] == marks[1][0]:
            left, right = pixels[HEIGHT // 2, half // 2], pixels[HEIGHT // 2, half + half // 2]
            assert (left[2], right[2]) == (LEFT, RIGHT), "each shows its own part"
            if not {int(left[0]), int(right[0])} & counting.late:
                seen[int(marks[0][0])] = int(left[0]), int(right[0])
        return len({pair[0] for pair in seen.values()}) >= 8

    try:
        until(enough)
    finally:
        counting.close()
    assert all(left == right for left, right in seen.values()), seen


def test_a_show_keeps_step_with_the_window_that_leads(desktop, tmp_path):
    """30 pictures a second on a display of 29.85: the show's time says at what rate it was really played."""
    patch = tmp_path / "a.ganz"
    patch.write_text("fps 30\n")
    show = Supervisor(patch, prepare=hasty_dependencies)
    show.doors = Routing(show._store, {**KINDS, "window": SlowHalves})
    with show:
        reader, frames = FrameReader(show.session, "out"), []

        def rate() -> float:
            """Of the last pictures that were made on time."""
            if (frame := reader.wait(frames[-1][0] if frames else 0, 0.5)) is not None:
                frames.append((frame.number, frame.frame, frame.t))
            steps = [b[2] - a[2] for a, b in pairwise(frames[-40:]) if b[1] == a[1] + 1]
            return 1 / median(steps) if len(steps) > 20 else 0.0

        until(lambda: rate() == pytest.approx(30, rel=0.002), "nothing leads yet")
        show.doors.open("window:LEFT,lead")
        until(lambda: rate() == pytest.approx(SlowHalves.refresh, rel=0.0025))
        status = until(lambda: next((door for door in show.status().doors if door.refresh), None))
        assert status.refresh == pytest.approx(SlowHalves.refresh, rel=0.01)
        assert status.note.startswith("LEFT")
        reader.close()
