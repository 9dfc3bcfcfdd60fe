"""The service that other rooms call: `open_feeder` for a film or a sound that is asked often, `read_file` for once.

Each process has its own children. They begin with the first question, are shared by files of one kind, and end
IDLE_SECONDS after the last file was closed, or with their parent, however that ends.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Answer, Limits, kind_of, size
from ganzfeld.feeders.process import ChildDiedError, FeederProcess
from ganzfeld.feeders.protocol import Answered, Ask, Attach, Close, Open
from ganzfeld.feeders.slots import Slots

log = logging.getLogger(__name__)

IDLE_SECONDS = 20.0
PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds until a feeder is started again whose child died so many times without an answer in between."""
_INLINE = 1 << 16
"""Bytes up to which an answer comes through the pipe."""


class Children:
    """The children of this process, by their limits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[FeederProcess, int] = {}
        self._alone: set[FeederProcess] = set()
        self._tidying = False
        self.dropped: queue.SimpleQueue[_Opened] = queue.SimpleQueue()
        """What was forgotten without being closed: garbage is collected anywhere, where no lock can be taken."""

    def take(self, limits: Limits, alone: bool) -> FeederProcess:
        """The least busy child of these limits, or a new one; `alone`: one that nobody shares. Raises FeederError."""
        self._close_dropped()
        with self._lock:
            known = [
                child for child in self._used if not child.dead and child.limits == limits and child not in self._alone
            ]
            idle = [child for child in known if not self._used[child]]
            if alone or not (idle or len(known) >= limits.children):
                child = _started(limits)
                if alone:
                    self._alone.add(child)
            else:
                child = idle[0] if idle else min(known, key=self._used.__getitem__)
            self._used[child] = self._used.get(child, 0) + 1
            if not self._tidying:
                self._tidying = True
                threading.Thread(target=self._tidy, name="ganzfeld-feeders", daemon=True).start()
            return child

    def give_back(self, child: FeederProcess) -> None:
        """One file fewer."""
        with self._lock:
            self._used[child] = self._used.get(child, 1) - 1
            if child.dead or (child in self._alone and not self._used[child]):
                self._forget(child)

    def end(self) -> None:
        """End all children."""
        with self._lock:
            for child in list(self._used):
                self._forget(child)

    def pids(self) -> list[int]:
        """The numbers of the processes that live."""
        with self._lock:
            return [child.pid for child in self._used if not child.dead]

    def _close_dropped(self) -> None:
        while True:
            try:
                dropped = self.dropped.get_nowait()
            except queue.Empty:
                return
            dropped.close()

    def _forget(self, child: FeederProcess) -> None:
        self._used.pop(child, None)
        self._alone.discard(child)
        child.kill()

    def _tidy(self) -> None:
        """Ends children that nobody has used for IDLE_SECONDS."""
        idle_since: dict[FeederProcess, float] = {}
        while True:
            time.sleep(IDLE_SECONDS / 4)
            self._close_dropped()
            with self._lock:
                now = time.monotonic()
                for child, used in list(self._used.items()):
                    if used and not child.dead:
                        idle_since.pop(child, None)
                    elif child.dead or now - idle_since.setdefault(child, now) > IDLE_SECONDS:
                        self._forget(child)
                if not self._used:
                    self._tidying = False
                    return


def _started(limits: Limits) -> FeederProcess:
    try:
        return FeederProcess(limits)
    except OSError as error:
        hint = "This machine has no room for another process"
        raise FeederError(f"No process can be started to read files: {error.strerror}", hint=hint) from None


_children = Children()
_process_ends = False


def _end_with_the_process() -> None:
    global _process_ends
    _process_ends = True  # threads that still ask then are not told of children that died
    _children.end()


atexit.register(_end_with_the_process)


def _anew() -> None:
    """In a fork: the parent's children are not ours."""
    global _children
    _children = Children()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_anew)


class _Opened:
    """A feeder in one child, as long as that lives."""

    def __init__(self, kind: str, path: str, options: dict[str, Any], limits: Limits, alone: bool) -> None:
        self.child = _children.take(limits, alone)
        self.feed = self.child.number()
        self.slots: Slots | None = None
        try:
            answer = self.child.ask(self.feed, lambda feed: Open(feed, kind, path, options), limits.patience)
        except BaseException:
            self.close()
            raise
        self.facts, self.nbytes = answer.facts, answer.nbytes

    def ask(self, what: str, arguments: dict[str, Any], seconds: float) -> Answer:
        child, slots = self.child, self.slots
        slot = slots.take() if slots is not None else None
        where = (0, 0) if slots is None or slot is None else (slots.offset(slot), slots.room)
        try:
            answer = child.ask(child.number(), lambda number: Ask(self.feed, number, what, arguments, *where), seconds)
            array = self._array(answer, slot)
        except BaseException as error:
            # A child that still works may yet write there.
            if slots is not None and slot is not None and (child.dead or not isinstance(error, ChildDiedError)):
                slots.give_back(slot)
            raise
        if slots is not None and slot is not None and (answer.array is None or answer.data is not None):
            slots.give_back(slot)
        return Answer(answer.facts, array)

    def _array(self, answer: Answered, slot: int | None) -> np.ndarray | None:
        if answer.array is None:
            return None
        kind, shape = np.dtype(answer.array[0]), tuple(answer.array[1])
        if kind.hasobject or min(shape, default=0) < 0:
            raise FeederError("It holds no numbers")
        if answer.data is not None:
            return np.frombuffer(answer.data, kind).reshape(shape)
        assert self.slots is not None and slot is not None
        return self.slots.array(slot, kind, shape)

    def share(self, count: int, nbytes: int) -> None:
        """Answers come in `count` slots from now on. Where there is no shared memory, they come through the pipe."""
        try:
            self.slots = Slots(count, nbytes)
        except OSError as error:
            log.warning("no shared memory for what is decoded (%s): it is slower now", error.strerror)
            return
        slots = self.slots
        try:
            self.child.ask(
                self.child.number(),
                lambda number: Attach(self.feed, number, slots.name),
                self.child.limits.patience,
            )
        except FeederError:
            self.unshare()
            raise
        slots.hide()

    def unshare(self) -> None:
        slots, self.slots = self.slots, None
        if slots is not None:
            slots.hide()
            slots.close()

    def close(self) -> None:
        self.unshare()
        self.child.tell(Close(self.feed))
        _children.give_back(self.child)


class OpenFeeder:
    """A file or a source that a child holds open. `ask` belongs to one thread at a time.

    A child that dies is started again by the next question, after a pause that grows (`PAUSES`); a file whose question
    killed it then gets a child of its own. facts: what the feeder said of it; renewed when it is opened again.
    """

    def __init__(self, kind: str, path: Path | str = "", *, slots: int = 0, **options: Any) -> None:
        """Opens it. slots: how many arrays may be held at once without copies; 0: answers are small.

        Raises FeederError.
        """
        self.kind, self.path = kind, Path(path)
        self._options, self._slots = options, slots
        self.limits = kind_of(kind).limits
        self._opened: _Opened | None = None
        self._deaths, self._again = 0, 0.0
        self._last = FeederError("")
        self._finalizer: weakref.finalize | None = None
        self._attempt(lambda opened: opened.facts, tries=2)

    @property
    def facts(self) -> Any:
        """What the feeder said of itself when it was opened last."""
        return self._facts

    def ask(self, what: str, *, patience: float | None = None, tries: int = 1, **arguments: Any) -> Answer:
        """Call a method of the feeder. Its array is read-only and may be held as long as is wanted.

        patience: seconds until the child is ended as hung. tries: how often a child that dies is replaced at once, as a
        render wants it. Raises FeederError; while a pause lasts, at once.
        """
        seconds = self.limits.patience if patience is None else patience
        return self._attempt(lambda opened: opened.ask(what, arguments, seconds), tries)

    def share(self, slots: int) -> None:
        """Answers come in so many slots of shared memory from now on; 0: through the pipe, and the memory is given
        back."""
        if slots == self._slots:
            return
        self._slots = slots
        if self._opened is not None:
            self._opened.unshare()

    def close(self) -> None:
        """Let go of it. Arrays that are held stay."""
        opened, self._opened = self._opened, None
        if opened is not None:
            if self._finalizer is not None:
                self._finalizer.detach()
            opened.close()

    def _attempt(self, do: Callable[[_Opened], Any], tries: int) -> Any:
        for left in range(tries - 1, -1, -1):
            if not left and tries == 1 and time.monotonic() < self._again:
                raise FeederError(self._last.what, hint=self._last.hint)
            try:
                result = do(self._living())
            except ChildDiedError as error:
                self._buried(error)
                if not left:
                    hint = f"It is started again {_after(PAUSES[min(self._deaths, len(PAUSES)) - 1])}"
                    what = f"{self.path.name or self.kind} stopped: the process that decodes it {error.what}"
                    if not _process_ends:
                        log.warning("%s", what)
                    self._last = FeederError(what, hint=hint)
                    raise self._last from None
            else:
                self._deaths = 0
                return result
        raise AssertionError

    def _living(self) -> _Opened:
        """It, opened again if its child has gone, with the memory that is wanted."""
        opened = self._opened
        if opened is not None and opened.child.dead:
            self.close()
            opened = None
        if opened is None:
            opened = self._opened = _Opened(self.kind, str(self.path), self._options, self.limits, self._deaths > 0)
            self._finalizer = weakref.finalize(self, _children.dropped.put, opened)
            self._finalizer.atexit = False
            self._facts = opened.facts
        if self._slots and opened.slots is None and opened.nbytes > _INLINE:
            if opened.nbytes > self.limits.answer_bytes:
                most = self.limits.answer_bytes
                raise FeederError(f"It holds {size(opened.nbytes)} unpacked; at most {size(most)} are taken")
            opened.share(self._slots, opened.nbytes)
        return opened

    def _buried(self, error: ChildDiedError) -> None:
        log.debug("%s: the child %s", self.path, error.what)
        self._deaths += 1
        self._again = time.monotonic() + PAUSES[min(self._deaths, len(PAUSES)) - 1]
        self.close()


def _after(seconds: float) -> str:
    return f"in {seconds:g} s" if seconds else "at once"


def read_file(kind: str, path: Path | str, what: str = "read", **options: Any) -> Answer:
    """Open a file, ask one thing, close it: pictures, arrays, scores. A child that dies is replaced once.

    Raises FeederError.
    """
    feeder = OpenFeeder(kind, path, slots=1, **options)
    try:
        return feeder.ask(what, tries=2)
    finally:
        feeder.close()


def child_pids() -> list[int]:
    """The numbers of this process's children that live, for tests and for `doctor`."""
    return _children.pids()


def end_children() -> None:
    """End all children of this process; what is open is opened again when it is asked next."""
    _children.end()
