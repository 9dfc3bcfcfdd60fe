"""A windowing system whose displays a test plugs in and out, and which notes what windows show."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from ganzfeld.outputs.doors.kinds.window import Window
from ganzfeld.outputs.doors.window.displays import Display, Key

LAPTOP = Display(1, "Built-in", "eDP-1", 0, 0, 1920, 1200, 60.0)
DELL = Display(2, "DELL U2415", "HDMI-1", 1920, 0, 1920, 1080, 60.0)
EPSON = Display(3, "EPSON PJ", "DP-2", 3840, 0, 1280, 800, 60.0)


@dataclass
class FakePainter:
    """shown: what was painted last, and how."""

    shown: dict[str, Any] = field(default_factory=dict)
    has_gpu = True

    def upload(self, pixels, into=None):
        return SimpleNamespace(pixels=pixels.copy(), size=(pixels.shape[1], pixels.shape[0]))

    def paint(self, picture, display, **how) -> None:
        self.shown = {"picture": picture, "display": display, **how}

    def finish(self) -> None:
        pass

    def close(self) -> None:
        pass


class FakeSurface:
    """A window. display: that it covers."""

    def __init__(self, display: Display, desktop: FakeDesktop) -> None:
        self.display, self.size = display, (display.width, display.height)
        self.paints, self._desktop = FakePainter(), desktop
        self.swaps = 0

    def painter(self) -> FakePainter:
        return self.paints

    def swap(self) -> None:
        self.swaps += 1

    def pressed(self) -> list[Key]:
        keys, self._desktop.keys = self._desktop.keys, []
        return keys

    def close(self) -> None:
        self._desktop.windows.remove(self)


class FakeDesktop:
    """plugged: the displays. windows: that are open. keys: that the window will hear."""

    def __init__(self, *plugged: Display) -> None:
        self.plugged, self.windows, self.keys = list(plugged), [], []
        self.is_closed = False

    def displays(self) -> list[Display]:
        return list(self.plugged)

    def cover(self, display: Display, title: str) -> FakeSurface:
        self.windows.append(FakeSurface(display, self))
        return self.windows[-1]

    def poll(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


class FakeFeed:
    """picture: the newest."""

    picture = None

    def newest(self):
        return self.picture

    def wait(self, seconds: float):
        return self.picture


class FakeWay:
    """Runs a door for as long as its script lasts: a generator that yields between turns of the door's loop."""

    name = "wall"

    def __init__(self) -> None:
        self.feed = FakeFeed()
        self.says: list[tuple[str, str]] = []
        self.kept: list[dict[str, Any]] = []
        self.seen: list[Any] = []
        self.script: Any = iter(())

    def attend(self) -> bool:
        return next(self.script, self) is not self

    def note(self, text: str) -> None:
        self.says.append(("there", text))

    def wait_for(self, what: str) -> None:
        self.says.append(("waits", what))

    def shown(self, picture) -> None:
        self.seen.append(picture)

    def refreshed(self, at: float, rate: float) -> None:
        self.seen.append((at, rate))

    def keep(self, **options: Any) -> None:
        self.kept.append(options)


def play(desktop: FakeDesktop, script, **options: Any) -> FakeWay:
    """Run a window on a desktop. script: a generator function of the way and the door."""

    class OnFake(Window):
        @classmethod
        def make_desktop(cls):
            return desktop

    way = FakeWay()
    door = OnFake(Window.Options(**options), way)
    way.script = script(way, door)
    try:
        door.open()
        door.run()
    finally:
        door.close()
    assert next(way.script, None) is None, "the script was played to its end"
    return way
