"""A show that cannot reach its rate: evenly at a division of it, and back. Time is moved by hand; nothing sleeps."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.process.even_pace import LASTING, MOST_PATIENCE, PATIENCE, STARTING, best_division
from ganzfeld.process.loop import Loop
from ganzfeld.values.time import Clock, Moment

BEGINNING = 1000.0


class Show:
    """A loop whose frames take what `takes` says: seconds, of the show's time in seconds. card: the thread only asks
    for frames, which are made beside it; `finish` waits for them, and so does the next frame."""

    def __init__(self, takes: Callable[[float], float], fps: float = 60.0, *, card: bool = False) -> None:
        self.takes, self.card = takes, card
        self.time = BEGINNING
        self.done = self.on_device = 0.0
        self.moments: list[Moment] = []
        self.began: list[float] = []
        self.divisions: list[tuple[float, int]] = []
        self.loop = Loop(
            self, Clock(), fps=fps, now=lambda: self.time, sleep=self.sleep, on_device=lambda: self.on_device
        )

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def listen(self) -> None: ...

    def frame(self, moment: Moment) -> None:
        self.moments.append(moment)
        self.began.append(self.time - BEGINNING)
        took = self.takes(self.time - BEGINNING)
        if not self.card:
            self.time += took
            return
        self.on_device = took
        self.time = max(self.time + 0.002, self.done)
        self.done = self.time + took

    def finish(self) -> None:
        self.time = max(self.time, self.done)

    def rest(self) -> None:
        self.time += 0.0002

    def play(self, until: float, least: float = 0.0) -> int:
        """The division that the show has come to at this second."""
        while self.time < BEGINNING + until:
            self.loop.set_fps(self.loop.fps, least)
            self.loop.step()
            self.divisions.append((self.time - BEGINNING, self.loop.division))
        return self.loop.division

    def steps(self, since: float) -> list[float]:
        """Show time from each frame to the next."""
        times = [moment.t for moment, began in zip(self.moments, self.began) if began >= since]
        return [b - a for a, b in itertools.pairwise(times)]

    def changes(self, since: float = 0.0) -> int:
        divisions = [division for at, division in self.divisions if at >= since]
        return sum(a != b for a, b in itertools.pairwise(divisions))


@pytest.mark.parametrize("card", [False, True])
def test_an_uneven_41_of_60_becomes_an_even_30(card: bool) -> None:
    show = Show(lambda at: 0.0242 + 0.001 * (at * 7 % 1), card=card)
    assert show.play(STARTING) == 1, "while it starts nothing is decided"
    assert show.play(STARTING + LASTING + 1) == 2
    show.play(60)
    assert show.changes() == 1
    settled = show.steps(STARTING + LASTING + 1)
    assert settled == pytest.approx([1 / 30] * len(settled), abs=1e-9), "show time moves evenly"
    began = [b - a for a, b in itertools.pairwise(show.began[-900:])]
    assert began == pytest.approx([1 / 30] * 899, abs=1e-9), "and so do the pictures"
    assert show.loop.measure().fps == pytest.approx(30, abs=0.1)
    assert show.loop.fps == 60, "what was asked for is still known"
    # Both grids have the places that are left: what shows them keeps its step.
    assert (show.began[-1] * 60) % 1 == pytest.approx(0, abs=1e-6) or (show.began[-1] * 60) % 1 > 1 - 1e-6


@pytest.mark.parametrize("reached", [58, 55, 50])
def test_a_little_too_slow_is_left_alone(reached: float) -> None:
    show = Show(lambda at: 1 / reached)
    assert show.play(60) == 1
    assert show.changes() == 0
    assert show.loop.measure().fps == pytest.approx(reached, rel=0.02)


@pytest.mark.parametrize(
    ("fps", "reached", "division"),
    [
        *((60, 65, 1), (60, 49.5, 1), (60, 47, 2), (60, 41, 2), (60, 29, 2), (60, 22, 3), (60, 15.5, 4), (60, 3, 6)),
        *((30, 41, 1), (30, 20, 2), (24, 13, 2), (24, 6, 2), (15, 9, 1), (240, 110, 2), (50, 26, 2)),
    ],
)
def test_which_division(fps: float, reached: float, division: int) -> None:
    assert Show(lambda at: 1 / reached - 0.0002, fps).play(STARTING + LASTING + 2) == division


def test_hiccups_are_no_lasting_load() -> None:
    show = Show(lambda at: 0.3 if at % 2 < 0.01 else 0.008)
    assert show.play(60) == 1
    assert show.changes() == 0


def test_a_load_that_passes_changes_nothing() -> None:
    show = Show(lambda at: 0.026 if 20 < at < 20 + LASTING - 0.5 else 0.010)
    show.play(40)
    assert show.changes() == 0


@pytest.mark.parametrize("card", [False, True])
def test_back_up_when_there_is_room_and_not_at_once(card: bool) -> None:
    show = Show(lambda at: 0.025 if at < 30 else 0.012, card=card)
    assert show.play(30) == 2
    assert show.play(30 + PATIENCE - 0.5) == 2
    assert show.play(30 + PATIENCE + 2) == 1
    show.play(90)
    assert show.changes() == 2
    assert show.steps(40) == pytest.approx([1 / 60] * len(show.steps(40)), abs=1e-9)


def test_frames_that_take_longer_when_there_are_more_of_them_do_not_make_it_flicker() -> None:
    """As they do when whoever looks at them works on the same processors."""
    show = Show(lambda at: 0.013 if show.loop.division > 1 else 0.024)
    show.play(600)
    assert 2 <= show.changes() <= 16
    assert show.changes(300) <= 4, "ever more seldom"
    assert 60 < show.loop._even._patience <= MOST_PATIENCE


def test_what_hold_keeps_is_not_left_for_an_even_rate() -> None:
    show = Show(lambda at: 0.025)
    assert show.play(30, least=40) == 1
    assert show.play(60, least=20) == 2
    assert show.play(62, least=40) == 1, "at once"
    assert show.play(90, least=float("inf")) == 1


def test_another_rate_begins_anew() -> None:
    show = Show(lambda at: 0.025)
    assert show.play(20) == 2
    show.loop.set_fps(30)
    assert show.loop.division == 1
    assert show.play(40) == 1
    assert show.steps(21) == pytest.approx([1 / 30] * len(show.steps(21)), abs=1e-9)


def test_what_is_left_out_on_purpose_is_not_skipped() -> None:
    show = Show(lambda at: 0.025)
    show.play(20)
    before = show.loop.measure().skipped
    show.play(40)
    assert show.loop.measure().skipped == before


@given(periods=st.floats(0.01, 40), most=st.integers(1, 12))
def test_slower_frames_never_mean_a_higher_rate(periods: float, most: int) -> None:
    assert 1 <= best_division(periods, most) <= best_division(periods * 1.05, most) <= most


@given(
    base=st.floats(0.002, 0.2),
    loads=st.lists(st.tuples(st.floats(0.5, 4.0), st.floats(1.0, 12.0)), max_size=5),
    wobble=st.floats(0.0, 0.04),
    fps=st.sampled_from([24.0, 30.0, 60.0]),
    card=st.booleans(),
)
@settings(max_examples=25)
def test_under_a_load_that_stays_it_comes_to_rest(
    base: float, loads: list[tuple[float, float]], wobble: float, fps: float, card: bool
) -> None:
    until = list(itertools.accumulate(seconds for _, seconds in loads))

    def takes(at: float) -> float:
        load = next((load for (load, _), end in zip(loads, until) if at < end), 1.0)
        return base * load * (1 + wobble * ((at * 37.7) % 2 - 1))

    show = Show(takes, fps, card=card)
    rest = max([STARTING, *until]) + 100
    show.play(rest)
    last = show.play(rest + 30)
    assert show.changes(rest) == 0
    periods = (base + (0.002 if card else 0.0002)) * fps * (1 + wobble)
    if periods < 0.85:
        assert last == 1
    if last > 1 and periods < 0.9 * last:
        assert show.steps(rest) == pytest.approx([last / fps] * len(show.steps(rest)), abs=1e-6)
    times = [moment.t for moment in show.moments]
    assert all(a < b for a, b in itertools.pairwise(times))
    assert all(
        -1e-6 <= began - t < (division + 1) / fps for t, began, (_, division) in zip(times, show.began, show.divisions)
    ), "show time stays within a frame of real time"
