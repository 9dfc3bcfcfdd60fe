"""Records a take of the show that a render process plays; begins again after a disk was full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ganzfeld.plain_file import real_path
from ganzfeld.takes.checkpoint_facts import is_exact
from ganzfeld.takes.recorder import TakeRecorder, header
from ganzfeld.takes.records import Opened

if TYPE_CHECKING:
    from ganzfeld.engine.engine import Engine
    from ganzfeld.errors import OutputError
    from ganzfeld.process.loop import Loop
    from ganzfeld.process.messages import Begin, VersionedText


class ShowRecorder:
    """Records what `engine` plays into `begin.take`, from when it is made. Render thread only.

    text_of: the text of a patch's version (see `Patch.version`), or None. One that was swapped in at once is recorded
    as the patch that was made of it, because a replay would fade where the text says so.
    """

    def __init__(
        self, begin: Begin, engine: Engine, loop: Loop, text_of: Callable[[int], VersionedText | None]
    ) -> None:
        self._path = Path(begin.text.path) if begin.text.path else None
        self._folder = str(real_path(self._path).parent if self._path else Path.cwd())
        self._engine, self._loop, self._text_of = engine, loop, text_of
        about = header(engine.device, begin.name, begin.sound)
        target = Path(begin.take or "")
        self._recorder = TakeRecorder(target, about, lambda: loop.time, self._swapped, cameras=begin.take_cameras)
        self._begin(begin.checkpoint)
        engine.recorder = self._recorder

    def _begin(self, checkpoint: bytes | None, *, resumed: bool = False) -> None:
        """Frames from now on are made from this state, which the engine has taken up. resumed: frames before it could
        not be written."""
        patch, clock = self._engine.patch, self._loop.clock
        opened = Opened(
            text=known.text if patch is not None and (known := self._text_of(patch.version)) else None,
            path=str(self._path) if self._path else None,
            folder=self._folder,
            checkpoint=checkpoint,
            at=self._loop.time,
            t=clock.t,
            beat=clock.beat,
            bpm=clock.bpm,
            exact=is_exact(checkpoint),
            fps=self._loop.fps,
            resumed=resumed,
        )
        self._recorder.opened(opened, self._engine.watched)

    def _swapped(self, version: int) -> str | None:
        known = self._text_of(version)
        return known.text if known is not None and not known.at_once else None

    @property
    def problem(self) -> OutputError | None:
        """Why nothing is recorded now, or None."""
        return self._recorder.problem

    def look(self) -> None:
        """Once in a while, between frames."""
        self._recorder.reads(self._engine.watched, self._folder)
        if self._recorder.wants_state:
            self._begin(self._engine.checkpoint(), resumed=True)

    def checkpoint(self, data: bytes) -> None:
        """The engine's state after the last frame."""
        self._recorder.checkpoint(data)

    def close(self) -> None:
        """Write what is left."""
        self._recorder.close()
