"""When a display refreshes, and which picture it shows: time is moved by hand."""

from __future__ import annotations

import random

import pytest

from ganzfeld.outputs.doors.window.refresh import CALIBRATION, WARM_UP, DuePictures, RefreshClock


def watched(rate: float, nominal: float, seconds: float, tremble: float = 0.0) -> tuple[RefreshClock, float]:
    """A clock that watched a display, and the time of the last refresh."""
    rng, start = random.Random(5), 1000.0
    clock = RefreshClock(nominal, start)
    at = start
    for k in range(int(rate * seconds)):
        at = start + k / rate
        clock.taken(at + rng.uniform(0, tremble))
    return clock, at


@pytest.mark.parametrize(
    ("rate", "nominal"), [(59.94, 60), (59.94, 59), (60, 60), (143.86, 144), (23.976, 24), (50, 50)]
)
def test_the_clock_finds_the_rate_and_the_moment(rate, nominal):
    clock, last = watched(rate, nominal, 60)
    assert clock.has_vsync
    assert clock.rate == pytest.approx(rate, rel=1e-5)
    assert clock.next(last + 0.001) == pytest.approx(last + 1 / rate, abs=1e-4)


def test_a_system_that_wakes_us_late_hardly_shakes_it():
    clock, last = watched(59.94, 60, 120, tremble=0.002)
    assert clock.rate == pytest.approx(59.94, rel=2e-4)
    assert clock.next(last + 0.004) == pytest.approx(last + 1 / 59.94 + 0.001, abs=0.0006)


def test_a_refresh_that_was_missed_is_no_change():
    clock, last = watched(60, 60, 30)
    for k in (2, 3, 7, 8, 9):
        clock.taken(last + k / 60)
    assert clock.rate == pytest.approx(60, rel=1e-6)


def test_it_knows_the_moment_as_soon_as_it_knows_that_there_is_one():
    clock = RefreshClock(60, 1000.0)
    late = {2: 0.003, 8: 0.016, 9: 0.033}  # while everything starts, the system is slow
    for k in range(WARM_UP + CALIBRATION):
        clock.taken(1000 + k / 60 + late.get(k, 0.0))
    assert clock.has_vsync
    at = 1000 + (WARM_UP + CALIBRATION - 1) / 60
    for _ in range(200):
        assert clock.next(at + 0.25 / 60) == pytest.approx(at + 1 / 60, abs=1e-6)
        at += 1 / 60
        clock.taken(at)


def test_a_missed_refresh_at_the_start_does_not_hide_the_beat():
    clock = RefreshClock(60, 1000.0)
    for k in range(WARM_UP + CALIBRATION):
        clock.taken(1000 + (k + (k > 9)) / 60)
    assert clock.has_vsync
    assert clock.rate == pytest.approx(60)


@pytest.mark.parametrize("shift", [0.002, 0.005, 0.008, -0.002, -0.005, -0.008])
def test_a_display_that_was_off_and_refreshes_at_other_moments_is_found_again(shift):
    clock, last = watched(60, 60, 10)
    for k in range(1, 120):
        clock.taken(last + shift + k / 60)
    assert clock.next(last + shift + 119 / 60 + 0.004) == pytest.approx(last + shift + 2, abs=3e-4)


def test_without_v_sync_windows_of_one_rate_share_a_grid():
    clocks = [RefreshClock(60, 1000.0), RefreshClock(60, 1000.0071)]
    for start, clock in zip((1000.0, 1000.0071), clocks):
        for k in range(WARM_UP + CALIBRATION):
            clock.taken(start + 0.0003 * k)
    assert [clock.has_vsync for clock in clocks] == [False, False]
    assert clocks[0].next(1003.333) == pytest.approx(clocks[1].next(1003.333), abs=1e-9)
    assert RefreshClock(0, 0.0).rate == 60


def test_two_windows_choose_the_same_picture_whenever_they_wake():
    """Pictures come unevenly; one window reads the ring at once, the other late, sometimes not at all."""
    rng = random.Random(3)
    stamps = [1000 + k / 60 + rng.uniform(0, 0.004) for k in range(600)]
    early, late = DuePictures[int](), DuePictures[int]()
    at, given = 1000.1, [0, 0]
    shown = []
    while at < 1009.9:
        for window, (pictures, wakes) in enumerate(((early, at - 0.006), (late, at - 0.006 + rng.uniform(0, 0.005)))):
            while given[window] < len(stamps) and stamps[given[window]] <= wakes:
                pictures.add(stamps[given[window]], given[window])
                given[window] += 1
        shown.append((early.due(at - 0.006), late.due(at - 0.006)))
        at += 1 / 60
    assert all(a == b for a, b in shown)
    assert len({a for a, _ in shown}) > 500


def test_what_is_due():
    pictures = DuePictures[str]()
    assert pictures.due(1.0) is None
    assert pictures.add(1.0, "a") is None
    assert pictures.due(0.5) == "a", "better than none"
    assert [pictures.add(1 + k / 10, name) for k, name in enumerate("bcd", 1)] == [None] * 3
    assert (pictures.due(1.15), pictures.due(9)) == ("b", "d")
    assert pictures.add(2.0, "e") == "a"
    assert pictures.due(1.15) == "b"
    assert pictures.add(0.1, "anew") == "b"
