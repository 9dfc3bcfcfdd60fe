"""Two displays that refresh at the same moments, side by side on one X server without a screen: real windows, real
pixels, and a beat that Xvfb does not have."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import ClassVar

from fake_engine import fake_dependencies
from ganzfeld.outputs.doors.kinds.window import Window
from ganzfeld.outputs.doors.window.displays import Display
from ganzfeld.outputs.doors.window.glfw_desktop import GlfwDesktop, GlfwSurface
from ganzfeld.outputs.doors.window.painter import Painter
from ganzfeld.outputs.doors.window.refresh import CALIBRATION, WARM_UP
from ganzfeld.process.dependencies import Dependencies
from ganzfeld.process.refresh_follower import RefreshFollower

MARKS = 200
"""Refreshes are counted up to this, and then from 0 again."""
SWAPS_TO_SETTLE = WARM_UP + CALIBRATION + 4


class Halves(Window):
    """Windows over displays LEFT and RIGHT, half the screen each. A square in a window's left upper corner says at
    which refresh it was shown (red: its count), and whether the window kept every refresh up to it (green)."""

    refresh: ClassVar[float] = 20.0
    nominal: ClassVar[float] = 20.0
    """Refreshes a second, and what the displays say of it."""

    @classmethod
    def make_desktop(cls):
        return _SplitDesktop(cls.refresh, cls.nominal)


class SlowHalves(Halves):
    """The same, half a hundredth slower than they say."""

    refresh = 29.85
    nominal = 30.0


def hasty_dependencies() -> Dependencies:
    """A render that bends its pace within half a second, and not so slowly that nobody sees it."""
    RefreshFollower.SLEW = 0.01
    return fake_dependencies()


class _SplitDesktop(GlfwDesktop):
    def __init__(self, refresh: float, nominal: float) -> None:
        super().__init__()
        self._refresh, self._nominal = refresh, nominal

    def displays(self) -> list[Display]:
        (whole,) = super().displays()
        half = replace(whole, width=whole.width // 2, rate=self._nominal)
        return [replace(half, number=n + 1, name=name, x=n * half.width) for n, name in enumerate(("LEFT", "RIGHT"))]

    def cover(self, display: Display, title: str) -> GlfwSurface:
        return _BeatSurface(self._glfw, display, title, self._refresh)


class _BeatSurface(GlfwSurface):
    def __init__(self, glfw, display: Display, title: str, refresh: float) -> None:
        self._beats, self._swaps, self._last = refresh, 0, 0
        super().__init__(glfw, None, display, title)

    def painter(self) -> Painter:
        self._painter = super().painter()
        self._painter.__class__ = _CardPainter
        return self._painter

    def swap(self) -> None:
        refresh = int(time.perf_counter() * self._beats) + 1
        kept_up = refresh == self._last + 1 and self._swaps >= SWAPS_TO_SETTLE
        _, height = self.size
        mark = (refresh % MARKS / 255, 1.0 if kept_up else 0.0, 0.0, 1.0)
        self._painter._context.screen.clear(*mark, viewport=(0, height - 8, 8, 8))
        while (left := refresh / self._beats - time.perf_counter()) > 0:
            time.sleep(left)
        super().swap()
        self._last, self._swaps = refresh, self._swaps + 1

    def _show(self, monitor, display: Display) -> None:
        self._glfw.set_window_pos(self._window, display.x, display.y)
        self._glfw.show_window(self._window)


class _CardPainter(Painter):
    has_gpu = True  # pyright: ignore[reportAssignmentType]
