"""A window over a whole display: a projector, an LED wall, a second screen."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import Door, DoorOptions, DoorPicture, package_missing
from ganzfeld.outputs.doors.window.awake import Awake
from ganzfeld.outputs.doors.window.displays import (
    Desktop,
    Display,
    Surface,
    chosen_display,
    missing_words,
)
from ganzfeld.outputs.doors.window.glfw_desktop import GlfwDesktop
from ganzfeld.outputs.doors.window.painter import Fit, Painter, Uploaded
from ganzfeld.outputs.doors.window.pin import SQUARE, Corners, Pin, is_convex
from ganzfeld.outputs.doors.window.refresh import DuePictures, RefreshClock
from ganzfeld.values.status import Problem

LOOK_SECONDS = 1.0
"""How often displays are looked at while one is there; ten times as often while it is not."""
KEEP_SECONDS = 0.5
"""After the last key, corners are kept."""


class WindowOptions(DoorOptions, frozen=True):
    """fit: "fit" (with bars), "fill" (cut) or "stretch". lead: the show keeps step with this display. corners: x
    and y of the left upper, right upper, right lower and left lower corner, 0 to 1 of the display; moved by keys
    and kept in the rig. test_card: show that instead of pictures."""

    fit: Fit = "fit"
    lead: bool = False
    corners: Corners = SQUARE
    test_card: bool = False

    def __post_init__(self) -> None:
        if not all(-1 <= at <= 2 for at in self.corners) or not is_convex(self.corners):
            raise ValueError("corners are 8 numbers from -1 to 2, clockwise from the left upper one")


class Window(Door):
    """Pictures over a whole display, on the display's own beat.

    The target is the display's number or name, or a part of the name: `window:2`, `window:DELL`. Where it is not
    plugged in, the window waits for it and goes nowhere else. The window takes no focus and stays when others are
    clicked. Once clicked itself it hears keys: 1 to 4 and the arrows move the picture's corners, T shows a test card.
    Transparent pictures are shown over black.
    """

    type = "window"
    dims = True

    Options = WindowOptions

    def open(self) -> None:
        self._desktop: Desktop = self.make_desktop()
        self._display: Display | None = None
        self._screen: _Screen | None = None
        self._looked_at, self._note = 0.0, ""
        self._pin = Pin(self.options.corners)
        self._pressed_at = 0.0
        self._card_on: bool = self.options.test_card
        self._look()

    def run(self) -> None:
        while self.way.attend():
            self._desktop.poll()
            now = time.perf_counter()
            if now - self._looked_at >= (LOOK_SECONDS if self._screen else LOOK_SECONDS / 10):
                self._look()
            if self._screen is None:
                time.sleep(0.02)
                continue
            self._hear(self._screen)
            self._screen.refresh()

    def show(self, picture: DoorPicture) -> None:
        raise AssertionError("a window has a run of its own")

    def close(self) -> None:
        self._uncover()
        if hasattr(self, "_desktop"):
            self._desktop.close()

    def change(self, options: WindowOptions) -> bool:
        if options.corners != self.options.corners:
            self._pin.corners = options.corners
        if options.test_card != self.options.test_card:
            self._card_on = options.test_card
        self.options = options
        self._settle()
        return True

    def command(self, name: str, arguments: tuple[Any, ...]) -> None:
        """test_card: show it (1), or do not (0); without an argument: the other of both. corner: a corner's number, 1
        to 4, and how many pixels it moves to the right and down."""
        match name, arguments:
            case "test_card", ():
                self._card_on = not self._card_on
            case "test_card", (value,):
                self._card_on = bool(value)
            case "corner", (int(number), int() | float() as x, int() | float() as y) if 1 <= number <= 4:
                self._pin.move(number - 1, x, y)
                self._pressed_at = time.perf_counter()
            case (("test_card" | "corner"), _):
                raise OutputError(f"'{name}' takes other arguments", hint="test_card 1, or corner 2 10 -5")
            case _:
                super().command(name, arguments)
        self._settle()

    @classmethod
    def missing(cls) -> Problem | None:
        return package_missing("glfw", "ganzfeld[window]") or package_missing("moderngl", "ganzfeld[window]")

    @classmethod
    def found(cls) -> list[str]:
        return [f"window:{one.number}  {one.title}, {one.mode}" for one in _displays_of(cls.make_desktop())]

    @classmethod
    def make_desktop(cls) -> Desktop:
        """The windowing system. Raises OutputError where there is none."""
        return GlfwDesktop()

    @classmethod
    def displays(cls) -> list[Display]:
        """The displays of this machine; none where there is no desktop."""
        try:
            return _displays_of(cls.make_desktop())
        except OutputError:
            return []

    def _look(self) -> None:
        """See whether the display is there, and still as it was."""
        self._looked_at = time.perf_counter()
        displays = self._desktop.displays()
        found = chosen_display(self.options.target, displays, self._display)
        if found is None:
            self._uncover()
            self.way.wait_for(missing_words(self.options.target, displays))
            return
        if self._screen is not None and _has_moved(found, self._screen.display):
            self._uncover()
        if self._screen is None:
            self._screen, self._note = _Screen(self, self._desktop, found), ""
            self._settle()
        self._display = self._screen.display = found
        self._screen.displays = displays
        self._settle()
        no_beat = "it has no v-sync, so it cannot lead" if self.options.lead and self._screen.has_no_beat else ""
        note = "; ".join(part for part in (f"{found.title}, {found.mode}", self._screen.awake.note, no_beat) if part)
        if note != self._note:
            self._note = note
            self.way.note(note)

    def _hear(self, screen: _Screen) -> None:
        for key in screen.surface.pressed():
            self._pin.size = screen.surface.size
            if self._pin.press(key):
                self._pressed_at = time.perf_counter()
            elif key.name == "t":
                self._card_on = not self._card_on
            else:
                continue
            self._settle()
        if self._pin.has_moved and time.perf_counter() - self._pressed_at >= KEEP_SECONDS:
            self._keep()

    def _keep(self) -> None:
        if self._pin.has_moved:
            self._pin.has_moved = False
            self.way.keep(corners=list(self._pin.corners))

    def _settle(self) -> None:
        """Let the screen show what holds now."""
        if self._screen is not None:
            self._pin.size = self._screen.surface.size
            self._screen.arrange(self.options, self._pin, card_on=self._card_on)

    def _uncover(self) -> None:
        if hasattr(self, "_pin"):
            self._keep()
        screen, self._screen = getattr(self, "_screen", None), None
        if screen is not None:
            screen.close()


def _displays_of(desktop: Desktop) -> list[Display]:
    try:
        return desktop.displays()
    finally:
        desktop.close()


def _has_moved(display: Display, other: Display) -> bool:
    """Whether a window has to be opened anew."""
    places = [(one.x, one.y, one.width, one.height, one.rate) for one in (display, other)]
    return places[0] != places[1]


def _is_next(stamp: float, last: float, rate: float | None) -> bool:
    """Whether a picture is taken at a rate: the first in each place of a grid that all windows of that rate share. If
    no other one follows, the last one is."""
    if rate is None or stamp < last or last == float("-inf"):
        return True
    return stamp * rate // 1 > last * rate // 1 or time.perf_counter() > last + 2 / rate


class _Screen:
    """A window on a display that is there, and the pictures in the graphics card's memory."""

    def __init__(self, door: Window, desktop: Desktop, display: Display) -> None:
        self.display, self.displays = display, [display]
        self._door, self._way = door, door.way
        self.surface: Surface = desktop.cover(display, f"Ganzfeld {door.way.name}")
        try:
            self._painter: Painter = self.surface.painter()
        except BaseException:
            self.surface.close()
            raise
        self.awake = Awake()
        self._clock = RefreshClock(display.rate, time.perf_counter())
        if not self._painter.has_gpu:
            self._clock.has_vsync = False
        self._held: DuePictures[_Shown] = DuePictures()
        self._free: Uploaded | None = None
        self._newest: tuple[Any, ...] | None = None
        self._gain = 1.0
        self._shown: _Shown | None = None
        self._taken = float("-inf")
        self._drawn: tuple[Any, ...] | None = None
        self._card: tuple[tuple[Any, ...], Uploaded] | None = None
        self._panel: tuple[tuple[Any, ...], Uploaded] | None = None
        self._arranged: tuple[Any, ...] = ()

    @property
    def has_no_beat(self) -> bool:
        """Whether the display does not set the pace."""
        return self._clock.has_vsync is False

    def arrange(self, options: WindowOptions, pin: Pin, *, card_on: bool) -> None:
        """What is shown from now on."""
        self._arranged = (options.fit, pin.corners, pin.selected, card_on, options.rate, options.lead)

    def refresh(self) -> None:
        """Wait for the display's next refresh, and draw the picture that is due then."""
        clock = self._clock
        now = time.perf_counter()
        at = clock.next(now + clock.period / 4) if clock.has_vsync is not None else now
        while (left := at - clock.settle - time.perf_counter()) > 0:
            self._take(self._way.feed.wait(left))
        self._take(self._way.feed.newest())
        due = self._held.due(at - clock.settle)
        if due is not None and due is not self._shown:
            self._shown = due
            self._way.shown(due.facts)
        self._draw()

    def close(self) -> None:
        """Take the window away, and let the machine sleep again."""
        self.awake.close()
        self._painter.close()
        self.surface.close()

    def _take(self, picture: DoorPicture | None) -> None:
        """Bring a new picture into the card's memory."""
        if picture is None:
            return
        self._gain = picture.gain
        known = (picture.stamp, picture.number, picture.size)
        if known == self._newest:
            return
        stamp = picture.stamp / 1e9
        if not _is_next(stamp, self._taken, self._arranged[4]):
            return
        self._newest, self._taken = known, stamp
        texture = self._painter.upload(picture.pixels, self._free)
        # The pixels are in shared memory, where they would keep a place from the render.
        facts = replace(picture, pixels=np.empty((*picture.pixels.shape[:2], 0), np.uint8))
        gone = self._held.add(stamp, _Shown(facts, texture))
        self._free = gone.texture if gone is not None else None

    def _draw(self) -> None:
        fit, corners, selected, card_on, _, lead = self._arranged
        size = self.surface.size
        what = (self._shown, self._gain, fit, corners, selected, card_on, size, self.displays, self.display)
        if what == self._drawn and self._clock.has_vsync is False:
            return  # nothing has changed, and nothing would make us wait
        self._drawn = what
        picture, gain = (self._shown.texture if self._shown else None), self._gain
        if card_on:
            picture, fit = self._test_card(size), "stretch"
        self._painter.paint(
            picture,
            size,
            fit=fit,
            corners=corners,
            gain=gain,
            selected=selected,
            panel=None if selected is None else self._panel_for(selected, size),
        )
        self.surface.swap()
        self._painter.finish()
        at = time.perf_counter()
        self._clock.taken(at)
        if lead and self._clock.has_vsync:
            # A picture is best given half a period before the last moment at which it is still looked at.
            best = self._clock.next(at) - self._clock.settle - self._clock.period / 2
            self._way.refreshed(best, self._clock.rate)

    def _test_card(self, size: tuple[int, int]) -> Uploaded:
        known = (size, self.display, tuple(self.displays))
        if self._card is None or self._card[0] != known:
            from ganzfeld.outputs.doors.window.test_card import test_card

            pixels = test_card(self.display, size, self.displays, self._way.name)
            self._card = known, self._painter.upload(pixels, self._card[1] if self._card else None)
        return self._card[1]

    def _panel_for(self, corner: int, size: tuple[int, int]) -> Uploaded:
        if self._panel is None or self._panel[0] != (corner, size):
            from ganzfeld.outputs.doors.window.test_card import panel

            before = self._panel[1] if self._panel else None
            self._panel = (corner, size), self._painter.upload(panel(corner, size), before)
        return self._panel[1]


class _Shown:
    """A picture in the card's memory. facts: the picture without its pixels."""

    def __init__(self, facts: DoorPicture, texture: Uploaded) -> None:
        self.facts, self.texture = facts, texture
