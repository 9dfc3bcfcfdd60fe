"""Which frames a render of a take makes: the frames that the show made, or others at an even rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganzfeld.takes.records import Checkpoint
from ganzfeld.takes.take import Session, Take
from ganzfeld.values.time import BEATS_PER_BAR, Moment

_NEARLY = 1e-6
"""Seconds: so much later a frame still counts as on time."""


@dataclass(frozen=True, slots=True)
class Start:
    """A place where a render can begin: a session, the state after so many of its frames (None: as it opened), and the
    first frame of the render that is made from there."""

    session: int
    frames: int
    checkpoint: Checkpoint | None
    first: int


class Timeline:
    """The frames of a render, numbered from 0.

    session, until: for each, its session and how many of that session's frames have happened by then. at: the real
    time of each, in seconds from the first. fps: of an even rate, or None for the frames as the show made them.
    """

    def __init__(self, take: Take, fps: float | None = None) -> None:
        self.take, self.fps = take, fps
        self._shown = [_first_picture(session) for session in take.sessions]
        playing = [index for index, first in enumerate(self._shown) if first is not None]
        origin = take.sessions[playing[0]].times.at[self._shown[playing[0]] or 0] if playing else 0.0
        if not playing:
            self.session = self.until = np.zeros(0, np.int64)
            self.at = np.zeros(0)
        elif fps is None:
            self._as_it_was(playing[0], float(origin))
        else:
            self._evenly(playing[0], float(origin), fps)

    def __len__(self) -> int:
        return len(self.at)

    def _as_it_was(self, first: int, origin: float) -> None:
        sessions = list(enumerate(self.take.sessions))[first:]
        begin = self._shown[first] or 0
        self.session = np.concatenate([np.full(s.count, i) for i, s in sessions])[begin:]
        self.until = np.concatenate([np.arange(1, s.count + 1) for _, s in sessions])[begin:]
        at = np.concatenate([s.times.at for _, s in sessions])[begin:]
        self.at = np.maximum.accumulate(at - origin)

    def _evenly(self, first: int, origin: float, fps: float) -> None:
        sessions = self.take.sessions
        length = sessions[-1].times.at[-1] - origin
        self.at = np.arange(round(length * fps) + 1) / fps
        begins = np.array([session.times.at[0] - origin for session in sessions[first + 1 :]])
        self.session = first + np.searchsorted(begins, self.at + _NEARLY, "right")
        self.until = np.empty(len(self.at), np.int64)
        self._moved = np.empty(len(self.at))
        self._t, self._beat, self._bpm = (np.empty(len(self.at)) for _ in range(3))
        for index in np.unique(self.session):
            here = self.session == index
            session = sessions[int(index)]
            self.until[here], self._t[here], self._beat[here], self._bpm[here] = _between(
                session, self.at[here] + origin
            )
            self._moved[here] = _moved(session, self.at[here] + origin)
        self._origin = origin

    def moment(self, index: int, start: Start | None = None) -> Moment:
        """A frame's moment. start: where the render begins, if this is its first frame."""
        session = self.take.sessions[int(self.session[index])]
        if self.fps is None:
            return session.times.moment(int(self.until[index]) - 1)
        if start is not None:
            before = _moved_before(session, start.frames)
        else:
            before = float(self._moved[index - 1])
        dt = float(self._moved[index]) - before
        beat = float(self._beat[index])
        return Moment(index, float(self._t[index]), dt, beat, beat / BEATS_PER_BAR, float(self._bpm[index]))

    def starts(self, *, tensors: bool) -> list[Start]:
        """Every place where a render can begin and go on as if it had begun at the show's first frame, in
        order. The first frame of each session is one. tensors: states that hold pictures count, too."""
        found: list[Start] = []
        for index in np.unique(self.session):
            session = self.take.sessions[int(index)]
            here = np.flatnonzero(self.session == index)
            found.append(Start(int(index), 0, None, int(here[0])))
            for frames, checkpoint in session.kept:
                if not 0 < frames < session.count or (checkpoint.tensors and not tensors):
                    continue
                first = int(here[0]) + self._place(session, frames, here)
                # What remembers the frame it was last moved on must not take the next one for the same.
                same = self.fps is not None and int(session.times.frame[frames - 1]) == first
                if here[0] < first <= here[-1] and not same:
                    found.append(Start(int(index), frames, checkpoint, first))
        return found

    def _place(self, session: Session, frames: int, here: np.ndarray) -> int:
        if self.fps is None:
            return int(np.searchsorted(self.until[here], frames, "right"))
        return int(np.searchsorted(self.at[here] + self._origin - _NEARLY, session.times.at[frames - 1], "right"))

    def numbers(self, rate: float) -> np.ndarray:
        """The place of each frame in a film of that rate: a frame that was skipped leaves the one before it on."""
        if self.fps is not None:
            return np.arange(len(self.at))
        places = np.floor(self.at * rate + 0.01).astype(np.int64)
        order = np.arange(len(places))
        return np.maximum.accumulate(places - order) + order


def _first_picture(session: Session) -> int | None:
    for frame, sizes in session.sizes():
        if sizes:
            return frame
    return 0 if session.count == 1 and session.opened.text is not None else None


def _with_beginning(session: Session) -> tuple[np.ndarray, np.ndarray]:
    """The real times of the session's frames with that of the state it began from before them; and how far the show
    had moved in each (dt summed up)."""
    times = session.times
    at = np.concatenate([[min(session.opened.at, times.at[0])], times.at])
    return np.maximum.accumulate(at), np.concatenate([[0.0], np.cumsum(times.dt)])


def _moved(session: Session, at: np.ndarray) -> np.ndarray:
    return np.interp(at, *_with_beginning(session))


def _moved_before(session: Session, frames: int) -> float:
    """How far the show had moved after so many frames."""
    return float(_with_beginning(session)[1][frames])


def _between(session: Session, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """How many frames have happened by these times, and t, beat and bpm then. Between two frames time is even; a jump
    comes right after the one before it."""
    times, (real, moved) = session.times, _with_beginning(session)
    until = np.searchsorted(real[1:], at + _NEARLY, "right")
    coming = np.clip(until, 0, len(times) - 1)
    left = np.where(until >= len(times), 0.0, moved[coming + 1] - np.interp(at, real, moved))
    left = np.where(np.abs(left) < 1e-12, 0.0, left)
    # A frame's own time where they fall together.
    on = np.clip(until - 1, 0, len(times) - 1)
    exact = (until > 0) & (np.abs(times.at[on] - at) <= _NEARLY)
    coming = np.where(exact, on, coming)
    left = np.where(exact, 0.0, left)
    previous = np.where(coming > 0, times.beat[np.maximum(coming - 1, 0)], session.opened.beat)
    even = times.dt[coming] * times.bpm[coming] / 60
    step = times.beat[coming] - previous
    # A beat that bends towards an outside one runs at half to twice its tempo; anything else is a jump.
    step = np.where((step >= 0.45 * even) & (step <= 2.05 * even), step, even)
    with np.errstate(all="ignore"):
        share = np.where(times.dt[coming] != 0, left / times.dt[coming], 0.0)
    return np.maximum(until, 1), times.t[coming] - left, times.beat[coming] - share * step, times.bpm[coming]
