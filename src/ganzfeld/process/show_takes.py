"""Takes of a running show: begun with it, or in its midst, and ended when a person says so.

A take that is begun in the midst holds the state that its first frame is made from, all of it, so it is as exact as one
of the whole show.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ganzfeld.errors import GanzfeldError, OutputError, Where
from ganzfeld.process.messages import Begin, RecordTake, VersionedText

if TYPE_CHECKING:
    from ganzfeld.engine.engine import Engine
    from ganzfeld.process.loop import Loop
    from ganzfeld.process.show_recorder import ShowRecorder
    from ganzfeld.takes.records import Header

log = logging.getLogger(__name__)

SETTLES_WITHIN = 10.0
"""Seconds that a take waits for a cross-fade to end, because the state in the midst of one is not all there is."""
LOOK_SECONDS = 0.2
ENDS_WITHIN = 6.0


class ShowTakes:
    """Render thread only. path: gives the patch's file. texts: of versions of the patch."""

    def __init__(
        self,
        begin: Begin,
        engine: Engine,
        loop: Loop,
        path: Callable[[], Path | None],
        texts: Mapping[int, VersionedText],
    ) -> None:
        self._engine, self._loop, self._path, self._texts = engine, loop, path, texts
        self._recorder: ShowRecorder | None = None
        self._coming: _ComingTake | None = None
        self._ending: list[threading.Thread] = []
        self._problem: OutputError | None = None
        if begin.take:
            asked = RecordTake(begin.take, begin.name, begin.sound, begin.take_cameras)
            coming = _ComingTake(asked, engine.device)
            coming.prepare()
            self._open(coming, begin.checkpoint)

    @property
    def problem(self) -> GanzfeldError | None:
        """Why nothing is recorded although it should be, or None."""
        return self._problem or (self._recorder and self._recorder.problem)

    def ask(self, asked: RecordTake) -> None:
        """Record such a take from the next frame on, or none. What is recorded now is ended."""
        self._end()
        if asked.path:
            self._coming = _ComingTake(asked, self._engine.device)
            threading.Thread(target=self._coming.prepare, name="ganzfeld-take-begins", daemon=True).start()

    def look(self) -> None:
        """Once in a while, between two frames."""
        coming = self._coming
        # Without kernels of our own frames are not those that a replay will make.
        plays = self._engine.patch is not None and not self._engine.is_plain
        if coming is not None and plays and coming.is_due(self._loop.time):
            state = self._engine.checkpoint(whole=True)
            if coming.may_begin(state):
                self._coming = None
                self._open(coming, state)
        if self._recorder is not None:
            self._recorder.look()

    def checkpoint(self, data: bytes) -> None:
        """The engine's state after the last frame."""
        if self._recorder is not None:
            self._recorder.checkpoint(data)

    def close(self) -> None:
        """Write what is left."""
        self._end()
        for thread in self._ending:
            thread.join(ENDS_WITHIN)

    def _open(self, coming: _ComingTake, state: bytes | None) -> None:
        try:
            if coming.header is None:
                raise coming.problem or RuntimeError("it was not prepared")
            from ganzfeld.process.show_recorder import ShowRecorder

            self._recorder = ShowRecorder(
                coming.asked, coming.header, self._engine, self._loop, self._path, self._texts
            )
            self._recorder.begin(state)
        except Exception as error:
            log.error("no take can be recorded", exc_info=error)
            what = f"no take can be recorded: {type(error).__name__}: {error}"
            self._problem = OutputError(what, where=Where(coming.asked.path), hint="The show plays on")

    def _end(self) -> None:
        self._coming, self._problem = None, None
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.end()
            # What is left is written while frames go on.
            thread = threading.Thread(target=recorder.close, name="ganzfeld-take-ends", daemon=True)
            thread.start()
            self._ending = [*(each for each in self._ending if each.is_alive()), thread]


class _ComingTake:
    """A take that was asked for; what it says of the machine takes a while to find."""

    def __init__(self, asked: RecordTake, device: object) -> None:
        self.asked, self._device = asked, device
        self.header: Header | None = None
        self.problem: Exception | None = None
        self.is_ready = False
        self._look_at = 0.0
        self._until = time.monotonic() + SETTLES_WITHIN

    def prepare(self) -> None:
        """On any thread."""
        try:
            from ganzfeld.process import show_recorder  # noqa: F401 - what it imports takes a while, too
            from ganzfeld.takes.recorder import header

            self.header = header(self._device, self.asked.name, self.asked.sound)
        except Exception as error:
            self.problem = error
        self.is_ready = True

    def is_due(self, now: float) -> bool:
        """Whether it is ready, and the state has not been looked at just now: a large one takes a while to copy. now:
        the loop's."""
        if not self.is_ready or now < self._look_at:
            return False
        self._look_at = now + LOOK_SECONDS
        return True

    def may_begin(self, state: bytes) -> bool:
        """Whether this state is all there is to know, or that has been waited for long enough."""
        from ganzfeld.takes.checkpoint_facts import is_exact

        return is_exact(state) or time.monotonic() > self._until
