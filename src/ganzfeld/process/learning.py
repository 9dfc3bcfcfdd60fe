"""Learning a control: a hand chooses what is to be turned and touches a control, in any order."""

from __future__ import annotations

import threading

from msgspec.structs import replace

from ganzfeld.values.desk import LearnableNumber, Lesson

SNAPSHOT = "snapshot:"
"""Before the name of a snapshot that is chosen, where others are addresses."""


class Learning:
    """The lesson that is going on, if one is. Any thread may call."""

    def __init__(self) -> None:
        self._lesson: Lesson | None = None
        self._lock = threading.Lock()

    @property
    def lesson(self) -> Lesson | None:
        """What is chosen and touched so far; None: nothing is being learned."""
        return self._lesson

    def begin(self, target: str | None) -> tuple[str, str] | None:
        """A hand wants to teach a control (to turn this). Returns (target, control) if both are known."""
        with self._lock:
            lesson = self._lesson or Lesson()
            return self._told(replace(lesson, target=target or lesson.target))

    def offer(self, numbers: tuple[LearnableNumber, ...]) -> None:
        """These numbers in the text may be chosen, if the lesson still goes on."""
        with self._lock:
            if self._lesson is not None and self._lesson.numbers != numbers:
                self._lesson = replace(self._lesson, numbers=numbers)

    def touched(self, control: str) -> tuple[str, str] | None:
        """A control was touched. Returns (target, control) if both are known."""
        with self._lock:
            return None if self._lesson is None else self._told(replace(self._lesson, control=control))

    def end(self) -> None:
        """Never mind."""
        with self._lock:
            self._lesson = None

    def _told(self, lesson: Lesson) -> tuple[str, str] | None:
        if lesson.target is None or lesson.control is None:
            self._lesson = lesson
            return None
        self._lesson = None
        return lesson.target, lesson.control
