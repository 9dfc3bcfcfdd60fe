"""Plays a film without making the show wait: a thread decodes the frames that will be asked for next."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import numpy as np

from ganzfeld.errors import PatchError
from ganzfeld.patch.media.films import EARLY, Film, Shot

log = logging.getLogger(__name__)

MOST_AHEAD = 32
AHEAD_BYTES = 1 << 28
IDLE_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
TRY_AGAIN_SECONDS = 1.0


class Projector:
    """One film, watched from one place. `picture` belongs to one thread at a time.

    The thread decodes the frame that was asked for, then those that will be if the film goes on at the same speed. It
    ends when `picture` has not been called for IDLE_SECONDS, and begins again with the next call.
    """

    def __init__(self, path: Path) -> None:
        """Opens the film and decodes its first frame. Raises PatchError."""
        self._film = Film(path)
        self.seconds = self._film.seconds
        picture_bytes = self._film.width * self._film.height * 4
        self._ahead = max(3, min(MOST_AHEAD, AHEAD_BYTES // picture_bytes))
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._asked = self._try_again = 0.0
        self._wanted, self._step, self._loop = 0.0, 0.0, True
        self._ready: list[tuple[Shot, np.ndarray]] = []
        first = self._film.at(0.0)
        self._shown = first, self._film.rgba(first)
        self._ready.append(self._shown)
        self._problem: PatchError | None = None
        self.late: float | None = None
        """Which second of the film was shown last, where it was not the one that was asked for."""

    @property
    def problem(self) -> PatchError | None:
        """What is wrong with the film, as far as it has been decoded."""
        return self._problem

    def picture(self, seconds: float, *, loop: bool, wait: bool) -> np.ndarray:
        """The film at this second, uint8 [H, W, 4]. Seconds may run on beyond its ends: it is repeated, or held.

        wait: until exactly that frame is decoded; raises PatchError if it takes a minute. Otherwise, what is not
        decoded yet leaves the last one on.
        """
        with self._changed:
            if seconds != self._wanted:
                self._wanted, self._step = seconds, seconds - self._wanted
            self._loop = loop
            self._asked = time.monotonic()
            if self._thread is None and self._asked >= self._try_again:
                self._thread = threading.Thread(target=self._run, name="ganzfeld-film", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            place = self._place(seconds)
            if wait:
                waited = self._changed.wait_for(lambda: self._find(place) or self._thread is None, PATIENCE_SECONDS)
                if not waited:
                    raise PatchError(f"{self._film.path.name} took longer than {PATIENCE_SECONDS:g} s for a frame")
            self._shown = self._find(place) or self._shown
            self.late = None if self._shown[0].covers(place) else max(self._shown[0].start, 0.0)
            return self._shown[1]

    def _place(self, seconds: float) -> float:
        """Where in the film that is."""
        early = EARLY / self._film.rate
        return (seconds + early) % self.seconds - early if self._loop else min(max(seconds, 0.0), self.seconds)

    def _find(self, place: float) -> tuple[Shot, np.ndarray] | None:
        return next((ready for ready in self._ready if ready[0].covers(place)), None)

    def _window(self) -> list[float]:
        """What is wanted now, then what will be."""
        count = self._ahead if self._step else 1
        return [self._place(self._wanted + k * self._step) for k in range(count)]

    def _run(self) -> None:
        try:
            while (place := self._next_place()) is not None:
                shot = self._film.at(place)
                picture = self._film.rgba(shot)
                with self._changed:
                    window = self._window()
                    self._ready = [ready for ready in self._ready if any(map(ready[0].covers, window))]
                    self._ready.append((shot, picture))
                    if not shot.covers(window[0]) and self._find(window[0]) is None:
                        # Too late for its moment, but later than what is on.
                        self._shown = shot, picture
                    if self._film.damaged:
                        self._problem = PatchError(f"{self._film.path.name} is damaged: parts of it are left out")
                    self._changed.notify_all()
        except PatchError as error:
            self._end(error)
        except Exception as error:
            log.exception("a film failed")
            self._end(PatchError(f"{self._film.path.name} cannot be played: {type(error).__name__}: {error}"))

    def _next_place(self) -> float | None:
        """The first place of the window that is not decoded; waits for one. None: no picture has been
        asked for in the last IDLE_SECONDS."""
        with self._changed:
            while True:
                for place in self._window():
                    if self._find(place) is None:
                        return place
                self._changed.wait(IDLE_SECONDS / 4)
                if time.monotonic() - self._asked > IDLE_SECONDS:
                    self._thread = None
                    return None

    def _end(self, problem: PatchError) -> None:
        with self._changed:
            self._problem, self._thread = problem, None
            self._try_again = time.monotonic() + TRY_AGAIN_SECONDS
            self._changed.notify_all()
