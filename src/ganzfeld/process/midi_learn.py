"""MIDI learn, and of OSC: a hand chooses what is to be turned and touches a control (or picks an address), in any
order; then the patch says so.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

from msgspec.structs import replace

from ganzfeld.errors import GanzfeldError
from ganzfeld.values.desk import Desk, LearnableNumber, Lesson
from ganzfeld.values.status import PatchSource

SNAPSHOT = "snapshot:"
"""Before the name of a snapshot that is chosen, where others are addresses."""


_ARGUMENTS: dict[str, Literal["midi", "osc"]] = {"": "midi", "cc": "midi", "osc": "osc"}


class LearningShow(Protocol):
    """What is needed of the show whose controls are learned (`Supervisor`)."""

    def desk(self) -> Desk: ...
    def patch_source(self) -> PatchSource: ...
    def edit(self, text: str) -> None: ...
    def arrange(self, what: str, *arguments: Any) -> None: ...


class MidiLearn:
    """The lesson that is going on, if one is, and what is done when it ends. Any thread may call.

    file: the patch's, for errors. editing: held while the text is read and written anew.
    """

    def __init__(self, show: LearningShow, file: str | None, editing: AbstractContextManager[Any]) -> None:
        self._show, self._editing = show, editing
        self.file = file
        self._lesson: Lesson | None = None
        self._lock = threading.Lock()

    @property
    def lesson(self) -> Lesson | None:
        """What is chosen and touched so far; None: nothing is being learned."""
        return self._lesson

    def learn(self, target: str | None = None) -> None:
        """The next control that is touched (or the one that was touched first) is to turn this: the address of a knob
        or of a plain number in the text, or a snapshot ("snapshot:dawn"). Raises GanzfeldError if it cannot be."""
        with self._lock:
            lesson = self._lesson or Lesson()
            complete = self._told(replace(lesson, target=target or lesson.target))
        if complete is not None:
            self.connect(*complete)
            return
        # This import takes a moment, the first time: by now the lesson has begun.
        from ganzfeld.patch.language.editing import numbers

        try:
            found = numbers(self._show.patch_source().text, self.file)
        except GanzfeldError:
            self.end()
            raise
        self._offer(tuple(found))

    def touched(self, control: str) -> float | None:
        """A control was touched ("cc 1/74", "note 1/60"), or an address picked ("osc /push"). If that ends the lesson,
        returns what `connect` does, else None. Raises GanzfeldError."""
        with self._lock:
            complete = None if self._lesson is None else self._told(replace(self._lesson, control=control))
        return self.connect(*complete) if complete is not None else None

    def end(self) -> None:
        """Nothing is to be learned any more."""
        with self._lock:
            self._lesson = None

    def connect(self, target: str, control: str | None) -> float | None:
        """Write down that a control (None: none) turns a knob or a number, or recalls a snapshot.

        Returns the place (0 to 1) that the control has to come by before it turns the knob; None for a snapshot. Raises
        GanzfeldError if the text has no place for it.
        """
        if target.startswith(SNAPSHOT):
            if control is not None and control.startswith("osc "):
                what = "A snapshot is recalled by a control, not by an address"
                raise GanzfeldError(what, hint="OSC recalls it at /snapshot/recall, with its name")
            self._show.arrange("bind", target.removeprefix(SNAPSHOT), control)
            return None
        kind, _, place = (control or "").partition(" ")
        if kind == "note":
            raise GanzfeldError("A knob is turned by a controller, not by a note", hint="Touch a knob or a fader")
        from ganzfeld.patch.language.editing import with_control

        with self._editing:
            desk = self._show.desk()
            known = {knob.address: knob for knob in desk.knobs}.get(target)
            held = desk.held.get(target)
            value = held if isinstance(held, int | float) else None
            text = self._show.patch_source().text
            edited = with_control(text, target, place or None, _ARGUMENTS[kind], value=value, file=self.file)
            if control is None and known is not None and known.osc:
                edited = with_control(edited.text, target, None, "osc", value=value, file=self.file)
            self._show.edit(edited.text)
            if known is None:
                self._show.arrange("move", target, edited.address)
        return known.position if known is not None else edited.position

    def _offer(self, numbers: tuple[LearnableNumber, ...]) -> None:
        """These numbers in the text may be chosen, if the lesson still goes on."""
        with self._lock:
            if self._lesson is not None and self._lesson.numbers != numbers:
                self._lesson = replace(self._lesson, numbers=numbers)

    def _told(self, lesson: Lesson) -> tuple[str, str] | None:
        """The lesson as it is now. If it is complete, it is over, and its target and control are returned."""
        if lesson.target is None or lesson.control is None:
            self._lesson = lesson
            return None
        self._lesson = None
        return lesson.target, lesson.control
