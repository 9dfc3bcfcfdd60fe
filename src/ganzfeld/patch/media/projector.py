"""Plays a film without making the show wait: a thread asks a feeder for the frames that will be wanted next."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganzfeld.errors import FeederError, PatchError
from ganzfeld.feeders.kinds.film import EARLY
from ganzfeld.feeders.service import OpenFeeder

log = logging.getLogger(__name__)

MOST_AHEAD = 32
AHEAD_BYTES = 1 << 28
IDLE_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
"""How long a render waits for a frame."""
HUNG_SECONDS = 20.0
"""How long a show waits for an answer before the process that decodes is replaced."""
TRY_AGAIN_SECONDS = 1.0
_EXACT_TRIES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A picture, uint8 [H, W, 4], and the seconds of the film in which it is seen: start <= t < end."""

    start: float
    end: float
    picture: np.ndarray

    def covers(self, seconds: float) -> bool:
        return self.start <= seconds < self.end


class FilmReader:
    """A film that a child process decodes. seconds: how long it is. damaged: whether parts could not be decoded."""

    def __init__(self, path: Path) -> None:
        """Opens the film. Raises PatchError."""
        self.path = path
        self.damaged = False
        try:
            self._feeder = OpenFeeder("film", path)
        except FeederError as error:
            raise PatchError(error.what, hint=error.hint) from None
        facts = self._feeder.facts
        self.seconds, self.rate = float(facts["seconds"]), float(facts["rate"])
        self.width, self.height = int(facts["width"]), int(facts["height"])

    def at(self, seconds: float, *, exact: bool = False) -> Shot:
        """The frame that is seen at this second; the first before the film, the last after it. Raises PatchError.

        exact: wait long for it, and replace a child that dies at once.
        """
        patience, tries = (PATIENCE_SECONDS, _EXACT_TRIES) if exact else (HUNG_SECONDS, 1)
        try:
            answer = self._feeder.ask("at", seconds=float(seconds), patience=patience, tries=tries)
        except FeederError as error:
            raise PatchError(error.what, hint=error.hint) from None
        start, end, self.damaged = answer.facts
        picture = answer.array
        if picture is None or picture.shape != (self.height, self.width, 4) or picture.dtype != np.uint8:
            raise PatchError(f"{self.path.name} has changed while it was played", hint="Save the patch again")
        return Shot(start, end, picture)

    def prepare(self, ahead: int) -> None:
        """That many pictures will be held at once."""
        self._feeder.share(ahead)

    def rest(self) -> None:
        """Give back what decoding takes, until the next picture is asked for."""
        try:
            self._feeder.share(0)
            self._feeder.ask("rest")
        except FeederError as error:
            log.debug("%s: %s", self.path.name, error)


class NoProjector:
    """In the place of a `Projector` whose film cannot be opened: nothing is seen."""

    late: float | None = None
    problem: PatchError | None = None

    def picture(self, seconds: float, *, loop: bool, wait: bool) -> np.ndarray:
        """One pixel, transparent."""
        return np.zeros((1, 1, 4), np.uint8)


class Projector:
    """One film, watched from one place. `picture` belongs to one thread at a time.

    The thread fetches the frame that was asked for, then those that will be if the film goes on at the same speed. It
    ends when `picture` has not been called for IDLE_SECONDS, and begins again with the next call.
    """

    def __init__(self, path: Path) -> None:
        """Opens the film and decodes its first frame. Raises PatchError."""
        self._film = FilmReader(path)
        self.seconds = self._film.seconds
        self.picture_bytes = picture_bytes = self._film.width * self._film.height * 4
        """Of one picture, as it is decoded."""
        self._ahead = max(1, min(MOST_AHEAD, AHEAD_BYTES // picture_bytes))
        self.held_bytes = (self._ahead + 1) * picture_bytes
        """Of its pictures at the most: those that are ready, and the one that is shown."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._asked = self._try_again = 0.0
        self._wanted, self._step, self._loop, self._exact = 0.0, 0.0, True, False
        self._shown = self._film.at(0.0, exact=True)
        self._ready: list[Shot] = [self._shown]
        self._film.rest()
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
            self._loop, self._exact = loop, wait
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
            self.late = None if self._shown.covers(place) else max(self._shown.start, 0.0)
            return self._shown.picture

    def _place(self, seconds: float) -> float:
        """Where in the film that is."""
        early = EARLY / self._film.rate
        return (seconds + early) % self.seconds - early if self._loop else min(max(seconds, 0.0), self.seconds)

    def _find(self, place: float) -> Shot | None:
        return next((shot for shot in self._ready if shot.covers(place)), None)

    def _window(self) -> list[float]:
        """What is wanted now, then what will be."""
        count = self._ahead if self._step else 1
        return [self._place(self._wanted + k * self._step) for k in range(count)]

    def _run(self) -> None:
        try:
            while True:
                self._film.prepare(self._ahead + (3 if self._ahead > 1 else 2))  # the one shown, and the one that comes
                while (place := self._next_place()) is not None:
                    self._take(self._film.at(place, exact=self._exact))
                self._film.rest()
                with self._changed:
                    if self._left():
                        self._thread = None
                        return
        except PatchError as error:
            self._end(error)
        except Exception as error:
            log.exception("a film failed")
            self._end(PatchError(f"{self._film.path.name} cannot be played: {type(error).__name__}: {error}"))

    def _take(self, shot: Shot) -> None:
        with self._changed:
            window = self._window()
            self._ready = [ready for ready in self._ready if any(map(ready.covers, window))]
            self._ready.append(shot)
            if not shot.covers(window[0]) and self._find(window[0]) is None:
                # Too late for its moment, but later than what is on.
                self._shown = shot
            if self._film.damaged:
                self._problem = PatchError(f"{self._film.path.name} is damaged: parts of it are left out")
            else:
                self._problem = None
            self._changed.notify_all()

    def _next_place(self) -> float | None:
        """The first place of the window that is not decoded; waits for one. None: nobody watches any more."""
        with self._changed:
            while True:
                for place in self._window():
                    if self._find(place) is None:
                        return place
                self._changed.wait(IDLE_SECONDS / 4)
                if self._left():
                    # A copy, so that the memory can go that the pictures lie in.
                    self._shown = Shot(self._shown.start, self._shown.end, self._shown.picture.copy())
                    self._ready = [self._shown]
                    return None

    def _left(self) -> bool:
        """Whether no picture has been asked for in the last IDLE_SECONDS."""
        return time.monotonic() - self._asked > IDLE_SECONDS

    def _end(self, problem: PatchError) -> None:
        with self._changed:
            self._problem, self._thread = problem, None
            self._try_again = time.monotonic() + TRY_AGAIN_SECONDS
            self._changed.notify_all()
