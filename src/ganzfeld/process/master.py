"""Level, black and freeze of what leaves a show, as hands set them: for all live doors, or for one.

Nothing of this reaches the render process: the words are in shared memory (`values/master.py`), where the doors read
them. So it works while that process is dead, and in no take.

    /master/level 0.5        /master/level 0.5 2     with a fade of two seconds
    /master/black 1 0.5      /master/black           black, and back, by turns
    /master/freeze 1         /master/freeze
    /master/wall/black 1     for the door "wall", or every door that shows the output "wall"
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ganzfeld.errors import GanzfeldError, nearest
from ganzfeld.values.master import EVERY_DOOR, LONGEST_FADE, MasterWords
from ganzfeld.values.status import MasterStatus

log = logging.getLogger(__name__)

PREFIX = "/master/"
_WORDS = ("level", "black", "freeze")


class Master:
    """The master, for any thread.

    rows: the rows of the doors that a name stands for, by name. controls: addresses of the mailbox ("/midi/cc/1/7") and
    what of the master they move ("/master/level").
    """

    def __init__(self, words: MasterWords, rows: Callable[[], Mapping[str, list[int]]]) -> None:
        self._words, self._rows = words, rows
        self._lock = threading.Lock()
        self.controls: Mapping[str, str] = {}
        self._refused = ""

    def level(self, value: float, seconds: float = 0.0, door: str | None = None) -> None:
        """Fade to a level from 0 to 1. door: a door's name, or an output's; None: all. Raises GanzfeldError."""
        self._set(door, lambda row: self._words.set_level(row, _number(value, 1.0), _number(seconds, LONGEST_FADE)))

    def black(self, value: float = 1.0, seconds: float = 0.0, door: str | None = None) -> None:
        """Fade to black (1), from it (0), or to between. Raises GanzfeldError."""
        self._set(door, lambda row: self._words.set_black(row, _number(value, 1.0), _number(seconds, LONGEST_FADE)))

    def freeze(self, frozen: bool = True, door: str | None = None) -> None:
        """Let the last picture stay, or let pictures through again. Raises GanzfeldError."""
        self._set(door, lambda row: self._words.freeze(row, bool(frozen)))

    def toggle(self, word: str, door: str | None = None) -> None:
        """Black or freeze, on and off by turns. Raises GanzfeldError."""
        now = self._words.look((self._rows_of(door) or [EVERY_DOOR])[0])
        match word:
            case "black":
                self.black(float(now.black < 0.5), door=door)
            case "freeze":
                self.freeze(not now.frozen, door=door)
            case _:
                raise GanzfeldError(f"{PREFIX}{word} takes a number")

    def turn(self, address: str, value: Any = None) -> bool:
        """What an address and its value ask for; a list is value and seconds, None turns it over. False: the address is
        not the master's. Raises GanzfeldError."""
        if not address.startswith(PREFIX):
            return False
        *door, word = address.removeprefix(PREFIX).rsplit("/", 1)
        if word not in _WORDS:
            raise GanzfeldError(f"there is no {address}", hint=nearest(word, _WORDS))
        named = door[0] if door else None
        given = list(value) if isinstance(value, list | tuple) else [value]
        if value is None or not given:
            self.toggle(word, named)
        elif word == "freeze":
            self.freeze(_number(given[0]) >= 0.5, named)
        else:
            getattr(self, word)(*map(_number, given[:2]), door=named)
        return True

    def hears(self, address: str, value: Any, *, is_hit: bool = False) -> bool:
        """Something came from outside: a value, or a hit. True: its address is the master's own.

        A hit of `/master/black` without a value turns it over; so does a note that is struck, where a rig says that it
        moves the master. A controller's value is what it is.
        """
        is_own = address.startswith(PREFIX)
        target = address if is_own else self.controls.get(address)
        if target is None:
            return False
        try:
            if is_own:
                if is_hit and value is None:
                    self.turn(address)
            elif "/note/" not in address or target.endswith("/level"):
                if not is_hit:
                    self.turn(target, value)
            elif is_hit:
                self.turn(target)
        except GanzfeldError as error:
            if str(error) != self._refused:  # a fader says it a hundred times a second
                self._refused = str(error)
                log.warning("%s: %s", address, error)
        return is_own

    def status(self) -> MasterStatus:
        """What holds for all doors now."""
        now = self._words.look(EVERY_DOOR)
        return MasterStatus(level=now.level, black=now.black, frozen=now.frozen)

    def _set(self, door: str | None, do: Callable[[int], None]) -> None:
        rows = self._rows_of(door)
        with self._lock:
            for row in rows:
                do(row)

    def _rows_of(self, door: str | None) -> list[int]:
        if door is None:
            return [EVERY_DOOR]
        rows = self._rows()
        if door not in rows:
            raise GanzfeldError(f"there is no door '{door}'", hint=nearest(door, rows))
        return rows[door]


def _number(value: Any, most: float = math.inf) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise GanzfeldError(f"the master takes numbers, not {str(value)[:40]!r}")
    return min(max(float(value), 0.0), most)
