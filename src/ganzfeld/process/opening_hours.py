"""The hours in which an installation plays: `10:00-18:00`, `mo-fr 9:00-17:30, sa 10:00-14:00`, `20:00-02:00`.

Hours are what a clock on the wall shows, and they are compared with it again every second: so the hour that a summer
begins or ends with, and a clock that is put right, shift nothing. Two minutes before they begin the render is started,
dark, so that the first picture is there in time.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from ganzfeld.errors import GanzfeldError
from ganzfeld.repeated_log import RepeatedLog

log = logging.getLogger(__name__)
said = RepeatedLog(log)

Opening = Literal["open", "warm", "closed"]
"""open: it plays. warm: it plays, but shows black. closed: black, and nothing is rendered."""
WARM_MINUTES = 2
LOOK_SECONDS = 1.0
DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
MOST_RANGES = 50

_RANGE = re.compile(
    r"(?:(?P<days>[a-z]{2}(?:-[a-z]{2})?)\s+)?(?P<from>\d{1,2}:\d{2})\s*-\s*(?P<to>\d{1,2}:\d{2})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Range:
    """On these days (0: Monday) from a minute of the day to another, which is on the next day if it is not later."""

    days: frozenset[int]
    begin: int
    end: int

    def holds(self, at: datetime) -> bool:
        minute, day = 60 * at.hour + at.minute, at.weekday()
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        return (day in self.days and minute >= self.begin) or ((day - 1) % 7 in self.days and minute < self.end)


class OpeningHours:
    """Hours as a person writes them. Raises GanzfeldError for what is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        parts = [part.strip() for part in text.split(",")]
        if len(parts) > MOST_RANGES:
            raise GanzfeldError(f"there are more than {MOST_RANGES} ranges of hours")
        self._ranges = [_range(part) for part in parts]

    def at(self, now: datetime) -> Opening:
        """What the hours say of a moment, as a clock on the wall shows it."""
        if any(each.holds(now) for each in self._ranges):
            return "open"
        soon = now + timedelta(minutes=WARM_MINUTES)
        return "warm" if any(each.holds(soon) for each in self._ranges) else "closed"


def _range(text: str) -> _Range:
    found = _RANGE.fullmatch(text)
    if found is None:
        hint = "For example 10:00-18:00, or mo-fr 9:00-17:00, sa 20:00-02:00"
        raise GanzfeldError(f"'{text[:60]}' are no hours", hint=hint)
    begin, end = _minute(found["from"]), _minute(found["to"])
    if begin == end:
        raise GanzfeldError(f"'{text}' begins and ends at the same time", hint="Leave --hours out to play all day")
    return _Range(_days(found["days"]), begin % 1440, end)


def _minute(text: str) -> int:
    hour, minute = map(int, text.split(":"))
    if minute > 59 or 60 * hour + minute > 1440:
        raise GanzfeldError(f"{text} is no time of the day", hint="Times go from 0:00 to 24:00")
    return 60 * hour + minute


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    names = text.lower().split("-")
    for name in names:
        if name not in DAYS:
            raise GanzfeldError(f"'{name}' is no day of the week", hint=f"Days are {', '.join(DAYS)}")
    first, last = DAYS.index(names[0]), DAYS.index(names[-1])
    return frozenset((first + k) % 7 for k in range((last - first) % 7 + 1))


class ShowWithHours(Protocol):
    """What `HoursKeeper` asks of a show."""

    def rest(self) -> None:
        """Show black, then render nothing."""
        ...

    def wake(self, *, dark: bool) -> None:
        """Render; show it, or black."""
        ...


class HoursKeeper:
    """Keeps a show to its hours, on a thread of its own, from `start` to `stop`. now: what the clock on the wall shows.

    state: what is so now.
    """

    def __init__(self, show: ShowWithHours, hours: OpeningHours, now: Callable[[], datetime] = datetime.now) -> None:
        self._show, self._hours, self._now = show, hours, now
        self.state: Opening | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ganzfeld-hours", daemon=True)

    def start(self) -> HoursKeeper:
        """Set the show to what the hours say now, and follow them from now on."""
        self.look()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Follow them no longer."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def __enter__(self) -> HoursKeeper:
        return self.start()

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def look(self) -> None:
        """Do what the hours say, if that has changed."""
        state = self._hours.at(self._now())
        if state == self.state:
            return
        log.info("the show is %s (%s)", state, self._hours.text)
        if state == "closed":
            self._show.rest()
        else:
            self._show.wake(dark=state == "warm")
        self.state = state

    def _run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception:
                said.exception("the hours could not be kept")
                time.sleep(LOOK_SECONDS)
