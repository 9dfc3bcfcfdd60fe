"""The window on a desktop that the test plugs: waiting, going on, keys, the test card."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from fake_desktop import DELL, EPSON, LAPTOP, FakeDesktop, play
from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import DoorPicture
from ganzfeld.outputs.doors.kinds import window as module
from ganzfeld.outputs.doors.registry import checked_options
from ganzfeld.outputs.doors.window.displays import Key


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(module, "KEEP_SECONDS", 0.0)


def picture(number: int, grey: int = 90, gain: float = 1.0) -> DoorPicture:
    pixels = np.full((4, 6, 4), grey, np.uint8)
    stamp = time.perf_counter_ns() - 10**9
    return DoorPicture(pixels, "opaque", number, number, number / 60, stamp + number, gain)


def shown(desktop: FakeDesktop):
    return desktop.windows[0].paints.shown


def turns(count: int = 3):
    for _ in range(count):
        yield


def test_a_display_that_is_missing_is_waited_for_and_no_other_taken():
    desktop = FakeDesktop(LAPTOP)

    def script(way, door):
        yield from turns()
        assert desktop.windows == []
        assert way.says[-1][0] == "waits"
        assert "'DELL'" in way.says[-1][1]
        desktop.plugged = [LAPTOP, DELL]
        yield from turns()
        assert [window.display for window in desktop.windows] == [DELL]
        assert way.says[-1] == ("there", "DELL U2415 (HDMI-1), 1920 × 1080 at 60 Hz") or "asleep" in way.says[-1][1]
        yield

    play(desktop, script, target="DELL")
    assert desktop.is_closed
    assert desktop.windows == []


def test_unplugged_and_back_it_goes_on_with_the_picture():
    desktop = FakeDesktop(LAPTOP, DELL, EPSON)

    def script(way, door):
        way.feed.picture = picture(1, 90)
        yield from turns()
        assert shown(desktop)["picture"].pixels[0, 0, 0] == 90
        desktop.plugged = [LAPTOP, replace(EPSON, number=2)]
        yield from turns()
        assert desktop.windows == [], "display 2 is another one now"
        assert way.says[-1][0] == "waits"
        desktop.plugged = [LAPTOP, DELL, EPSON]
        yield from turns()
        assert [window.display for window in desktop.windows] == [DELL]
        assert shown(desktop)["picture"].pixels[0, 0, 0] == 90
        assert way.says[-1][0] == "there"

    play(desktop, script, target="2")


def test_a_display_that_changes_its_size_gets_a_new_window():
    desktop = FakeDesktop(DELL)

    def script(way, door):
        yield from turns()
        first = desktop.windows[0]
        yield from turns()
        assert desktop.windows == [first]
        desktop.plugged = [replace(DELL, width=1280, height=720)]
        yield from turns()
        assert [window.size for window in desktop.windows] == [(1280, 720)]

    play(desktop, script)


def test_pictures_are_shown_and_dimmed_on_the_card():
    desktop = FakeDesktop(DELL)

    def script(way, door):
        yield from turns()
        assert shown(desktop)["picture"] is None
        way.feed.picture = picture(1, 90, gain=0.5)
        yield from turns()
        assert (shown(desktop)["picture"].pixels[0, 0, 0], shown(desktop)["gain"]) == (90, 0.5)
        way.feed.picture = replace(way.feed.picture, gain=0.25)
        yield from turns()
        assert shown(desktop)["gain"] == 0.25
        assert [one.number for one in way.seen] == [1], "the same picture was not sent to the card again"
        assert way.seen[0].size == (6, 4)

    play(desktop, script)


def test_keys_move_corners_which_are_kept():
    desktop = FakeDesktop(LAPTOP)

    def script(way, door):
        yield from turns()
        desktop.keys = [Key("left")]
        yield from turns()
        assert way.kept == []
        desktop.keys = [Key("2"), Key("left", shift=True), Key("down")]
        yield from turns()
        corners = [0.0, 0.0, round(1 - 10 / 1920, 6), round(1 / 1200, 6), 1.0, 1.0, 0.0, 1.0]
        assert way.kept == [{"corners": corners}]
        assert shown(desktop)["selected"] == 1
        assert shown(desktop)["corners"] == tuple(corners)
        assert shown(desktop)["panel"] is not None
        desktop.keys = [Key("escape")]
        yield from turns()
        assert shown(desktop)["selected"] is None
        assert len(way.kept) == 1
        door.command("corner", (1, 5, -2.5))
        yield from turns()
        assert way.kept[-1]["corners"][:2] == [round(5 / 1920, 6), round(-2.5 / 1200, 6)]

    play(desktop, script)


def test_corners_are_kept_even_if_the_display_goes_at_once(monkeypatch):
    monkeypatch.setattr(module, "KEEP_SECONDS", 100.0)
    desktop = FakeDesktop(LAPTOP)

    def script(way, door):
        yield from turns()
        desktop.keys = [Key("1"), Key("right")]
        yield from turns()
        assert way.kept == []
        desktop.plugged = []
        yield from turns()
        assert len(way.kept) == 1

    play(desktop, script)


def test_the_test_card_by_option_command_and_key():
    desktop = FakeDesktop(LAPTOP, DELL)

    def script(way, door):
        yield from turns()
        card = shown(desktop)["picture"]
        assert card.size == (1920, 1080)
        assert shown(desktop)["fit"] == "stretch"
        door.command("test_card", (0,))
        yield from turns()
        assert shown(desktop)["picture"] is None
        desktop.keys = [Key("t")]
        yield from turns()
        assert shown(desktop)["picture"].size == (1920, 1080)
        for name, arguments in (("test_card", (1, 2)), ("corner", (5, 0, 0)), ("corner", ("1", 0, 0)), ("jump", ())):
            with pytest.raises(OutputError):
                door.command(name, arguments)
        changed = checked_options(type(door), {"target": "2", "fit": "fill", "corners": [0, 0, 1, 0, 1, 1, 0, 0.5]})
        assert door.change(changed)
        yield from turns()
        assert (shown(desktop)["fit"], shown(desktop)["corners"][7]) == ("fill", 0.5)

    play(desktop, script, target="2", test_card=True)


def test_a_rate_takes_pictures_from_a_grid_and_the_last_one():
    now = time.perf_counter()
    stamps = [now + 0.001 + k / 60 for k in range(12)]
    taken, last = [], float("-inf")
    for stamp in stamps:
        if module._is_next(stamp, last, 20.0):
            taken.append(stamp)
            last = stamp
    assert len(taken) in (4, 5)
    assert module._is_next(now - 0.5, now - 0.51, 1.0) is False or (now - 0.5) // 1 > (now - 0.51) // 1
    assert module._is_next(now - 2.999, now - 3.0, 1.0), "nothing followed it for two places of the grid"
    assert module._is_next(now, now - 0.0001, None)


@pytest.mark.parametrize("corners", [[0] * 8, [0, 0, 1, 0, 1, 1, 0, 3], [0, 0, 1, 0, 1, 1, 0]])
def test_corners_that_make_no_picture_are_refused(corners):
    with pytest.raises(OutputError):
        checked_options(module.Window, {"corners": corners})


class HandClock:
    """Time that goes on only where something waits."""

    now = 1000.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("lead", [True, False])
def test_a_window_that_leads_says_when(monkeypatch, lead):
    clock, desktop, rate = HandClock(), FakeDesktop(DELL), 59.94
    monkeypatch.setattr(module, "time", clock)

    def script(way, door):
        way.feed.wait = clock.sleep
        yield
        window = desktop.windows[0]

        def swap() -> None:  # returns when the display refreshes
            clock.now = 1000 + ((clock.now - 1000 + 1e-6) * rate // 1 + 1) / rate

        window.swap = swap
        yield from turns(2000)

    way = play(desktop, script, lead=lead)
    if not lead:
        assert way.seen == []
        return
    at, told = way.seen[-1]
    assert told == pytest.approx(rate, rel=1e-5)
    after = (at - 1000) % (1 / rate)
    assert after == pytest.approx(0.5 / rate - 0.006, abs=1e-4), "half a period before a picture is too late"
