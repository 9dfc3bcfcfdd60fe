"""The master: level, black and freeze of what leaves a show, as words in shared memory.

A person sets them in the supervisor, by hand, OSC, MIDI or the page; every door reads them for each picture it shows.
So they work while the render process is dead, and the engine, snapshots and takes never know of them. A fade is four
words (from, to, since when, how long): doors work out where it is, and nobody has to keep time for them.

Layout, from the master's first word on (words of 8 bytes, little-endian): row 0 is for all doors, row k for door k;
row r at word 16 · r: 0 sequence (odd while it is written), 1 to 4 a fade of the dimming (1 - level), 5 to 8 a fade of
the black, each: from, to, since (float64 seconds of perf_counter), length in seconds; 9 frozen (1). All zeros: open.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

MOST_DOORS = 16
"""Doors that a show may have at a time."""
EVERY_DOOR = 0
"""The row of what holds for all doors."""
LONGEST_FADE = 3600.0
"""Seconds."""
MASTER_WORDS = 16 * (MOST_DOORS + 1)

_DIM, _BLACK, _FROZEN = 1, 5, 9


@dataclass(frozen=True, slots=True)
class MasterValues:
    """level: 0 to 1, what colours are multiplied with. black: 0 to 1, how far they are faded to black. frozen: the last
    picture stays."""

    level: float = 1.0
    black: float = 0.0
    frozen: bool = False

    @property
    def gain(self) -> float:
        """What colours are multiplied with, black included."""
        return self.level * (1.0 - self.black)

    def under(self, other: MasterValues) -> MasterValues:
        """Both at once: a door's own under those of all doors."""
        black = 1.0 - (1.0 - self.black) * (1.0 - other.black)
        return MasterValues(self.level * other.level, black, self.frozen or other.frozen)


class MasterWords:
    """The words, for one writer (the supervisor, which holds a lock) and any number of readers in any process.

    buffer: `8 * MASTER_WORDS` bytes, shared.
    """

    def __init__(self, buffer: memoryview, *, now: Callable[[], float] = time.perf_counter) -> None:
        self._words, self._floats = buffer.cast("Q"), buffer.cast("d")
        self._now = now

    def close(self) -> None:
        """Let go of the memory."""
        self._words.release()
        self._floats.release()

    def look(self, row: int) -> MasterValues:
        """Where a row is at this moment."""
        first = 16 * row
        now = self._now()
        for _ in range(100):
            sequence = self._words[first]
            dim, black = self._fade(first + _DIM, now), self._fade(first + _BLACK, now)
            if sequence % 2 == 0 and self._words[first] == sequence:
                return MasterValues(1.0 - dim, black, self._words[first + _FROZEN] != 0)
        return MasterValues(frozen=self._words[first + _FROZEN] != 0)  # a supervisor that died while it wrote

    def for_door(self, row: int) -> MasterValues:
        """What holds for the door of that row."""
        return self.look(row).under(self.look(EVERY_DOOR))

    def set_level(self, row: int, level: float, seconds: float = 0.0) -> None:
        """Fade to a level, from where it is now."""
        self._begin_fade(row, _DIM, 1.0 - level, seconds)

    def set_black(self, row: int, black: float, seconds: float = 0.0) -> None:
        """Fade to black (1), or from it (0)."""
        self._begin_fade(row, _BLACK, black, seconds)

    def freeze(self, row: int, frozen: bool) -> None:
        """Let the last picture stay, or let pictures through again."""
        self._words[16 * row + _FROZEN] = int(frozen)

    def reset(self, row: int) -> None:
        """As nobody had touched it: for a door that takes a row which another had."""
        for word in range(16 * row + 1, 16 * row + 16):
            self._words[word] = 0

    def _fade(self, word: int, now: float) -> float:
        begin, end, since, seconds = self._floats[word : word + 4]
        if seconds <= 0 or now >= since + seconds:
            return end
        return begin + (end - begin) * max(0.0, (now - since) / seconds)

    def _begin_fade(self, row: int, part: int, end: float, seconds: float) -> None:
        first = 16 * row
        now = self._now()
        begin = self._fade(first + part, now)
        self._words[first] += 1
        for word, value in enumerate((begin, min(max(end, 0.0), 1.0), now, min(max(seconds, 0.0), LONGEST_FADE))):
            self._floats[first + part + word] = value
        self._words[first] += 1
