"""Displays, and what a window needs of the system that shows it: the seam between the door and the windowing library.

`glfw_desktop.py` is the real one; tests have one whose displays are plugged and unplugged by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import FinalDoorError


@dataclass(frozen=True, slots=True)
class Display:
    """A display that is plugged in.

    number: counts the system's displays from 1, its main one first; it changes when others come and go. name: what the
    display calls itself (in its EDID), or what the system calls it. connector: what the system calls the socket; "" if
    it does not say. x, y: of its left upper corner on the desktop; width, height: in pixels. rate: pictures a second,
    rounded as the system rounds it; 0 if it does not say.
    """

    number: int
    name: str
    connector: str
    x: int
    y: int
    width: int
    height: int
    rate: float

    @property
    def title(self) -> str:
        """Name and connector: "DELL U2415 (HDMI-1)"."""
        return self.name if self.connector in ("", self.name) else f"{self.name} ({self.connector})"

    @property
    def mode(self) -> str:
        """Size and rate: "1920 × 1200 at 60 Hz"."""
        return f"{self.width} × {self.height}" + (f" at {self.rate:g} Hz" if self.rate else "")

    def is_same(self, other: Display) -> bool:
        """Whether it is the same device at the same socket, whatever its number and place are now."""
        return (self.name, self.connector) == (other.name, other.connector)


class Surface(Protocol):
    """A window that covers one display, with an OpenGL context that is current."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what is drawn into, in pixels."""
        ...

    def painter(self) -> Any:
        """What draws into it: a `painter.Painter`. Raises OutputError."""
        ...

    def swap(self) -> None:
        """Show what was drawn; returns when the display has taken it, where there is v-sync."""
        ...

    def pressed(self) -> list[Key]:
        """What was pressed since the last call."""
        ...

    def close(self) -> None:
        """Take it away."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was pressed or repeats. name: "1" to "4", "tab", "left", "right", "up", "down", "backspace", "escape",
    "enter", "t". shift, control: held with it."""

    name: str
    shift: bool = False
    control: bool = False


class Desktop(Protocol):
    """The windowing system. For the main thread."""

    def displays(self) -> list[Display]:
        """The displays that are plugged in and on."""
        ...

    def cover(self, display: Display, title: str) -> Surface:
        """A window over the whole display. Raises OutputError."""
        ...

    def poll(self) -> None:
        """Take what the system has to say: keys, displays that came and went."""
        ...

    def close(self) -> None:
        """Let go of the system."""
        ...


def chosen_display(target: str, displays: Sequence[Display], known: Display | None = None) -> Display | None:
    """The display that a person means with a number, a name or a part of one; None: it is not there.

    known: the one that was chosen earlier. Numbers move up when a display is unplugged; that must not carry the picture
    onto another one, so once a number has been understood, the device at that socket is meant. Raises FinalDoorError
    where it is not clear which one is meant.
    """
    target = target.strip()
    if known is not None:
        again = [display for display in displays if display.is_same(known)]
        if again or not target or target.isdigit():
            return again[0] if again else None
    if not displays:
        return None
    if not target:
        if len(displays) > 1:
            raise FinalDoorError("say which display", hint=f"Write {_choices(displays)}")
        return displays[0]
    wanted = target.casefold()
    exact = [one for one in displays if wanted in (str(one.number), one.name.casefold(), one.connector.casefold())]
    found = exact or [one for one in displays if not target.isdigit() and wanted in one.title.casefold()]
    if len(found) > 1:
        raise FinalDoorError(
            f"{len(found)} displays are called '{target[:60]}'", hint=f"Write {_choices(found)}, or the socket's name"
        )
    return found[0] if found else None


def missing_words(target: str, displays: Sequence[Display]) -> str:
    """What is waited for, and what there is instead."""
    wanted = f"the display '{target}'" if target else "a display"
    return f"{wanted} (there is {', '.join(f'{one.number}: {one.title}' for one in displays) or 'none'})"


def no_desktop() -> OutputError:
    """The error where there is nothing to show a window on."""
    return OutputError(
        "there is no desktop to show a window on",
        hint="Start it on the desktop, or say which: DISPLAY=:0 ganzfeld play … (without one: the page /output)",
    )


def _choices(displays: Sequence[Display]) -> str:
    return " or ".join(f"window:{one.number} ({one.title})" for one in displays)
