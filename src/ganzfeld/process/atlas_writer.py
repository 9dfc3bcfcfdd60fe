"""The render's side of the atlas: what somebody wants to see is asked of the engine, what it draws is handed out."""

from __future__ import annotations

from typing import Any

from ganzfeld.process.atlas_store import ATLAS, atlas_session
from ganzfeld.process.dependencies import Dependencies
from ganzfeld.process.messages import AtlasLaidOut, LookAt
from ganzfeld.process.read_back import ReadBack
from ganzfeld.values.frames import FrameWriter
from ganzfeld.values.message_pipe import MessagePipe
from ganzfeld.values.time import Moment


class AtlasWriter:
    """Has no memory, and does nothing, while nobody looks."""

    def __init__(self, session: str, dependencies: Dependencies, engine: Any, pipe: MessagePipe) -> None:
        """session: the show's."""
        self._session, self._dependencies, self._engine, self._pipe = session, dependencies, engine, pipe
        self._ring: tuple[FrameWriter, ReadBack] | None = None
        self._number = -1

    def look(self, asked: LookAt) -> None:
        """Do what is asked."""
        self._engine.onlooker.look(asked.views)
        if not asked.views:
            self.close()

    def hand_out(self, moment: Moment) -> None:
        """Begin to hand out what was drawn in this frame, if anything was. Raises OutputError."""
        drawn = self._engine.onlooker.take()
        if drawn is None:
            return
        if self._ring is None:
            writer = self._dependencies.writer(atlas_session(self._session), self._engine.device)
            self._ring = writer, ReadBack(writer, self._dependencies.copy)
        if drawn.number != self._number:
            self._number = drawn.number
            told = AtlasLaidOut(drawn.number, drawn.views, drawn.places, drawn.shown, drawn.rows)
            self._pipe.post(told, key="atlas")
        self._ring[1].begin({ATLAS: drawn.picture}, moment)

    def finish(self) -> None:
        """Wait for what is under way, and publish it."""
        if self._ring is not None:
            self._ring[1].finish()

    def close(self) -> None:
        """Let go of the memory."""
        if self._ring is not None:
            self.finish()
            self._ring[0].close()
            self._ring = None
