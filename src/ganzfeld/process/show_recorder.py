"""Records a take of the show that a render process plays; begins again after a disk was full."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ganzfeld.plain_file import real_path
from ganzfeld.takes.checkpoint_facts import is_exact
from ganzfeld.takes.recorder import TakeRecorder
from ganzfeld.takes.records import Header, Opened

if TYPE_CHECKING:
    from ganzfeld.engine.engine import Engine
    from ganzfeld.errors import OutputError
    from ganzfeld.process.loop import Loop
    from ganzfeld.process.messages import RecordTake, VersionedText


class ShowRecorder:
    """Records what `engine` plays, from `begin` to `end`. Render thread only, but for `close`.

    header: what the take says of this machine. path: gives the patch's file. texts: of versions of the patch (see
    `Patch.version`). One that was swapped in at once is recorded as the patch that was made of it, because a replay
    would fade where the text says so.
    """

    def __init__(
        self,
        asked: RecordTake,
        header: Header,
        engine: Engine,
        loop: Loop,
        path: Callable[[], Path | None],
        texts: Mapping[int, VersionedText],
    ) -> None:
        self._path = path
        self._engine, self._loop, self._texts = engine, loop, texts
        target = Path(asked.path)
        self._recorder = TakeRecorder(target, header, lambda: loop.time, self._swapped, cameras=asked.cameras)

    def begin(self, checkpoint: bytes | None) -> None:
        """Frames from now on are made from this state, which the engine has taken up or is in."""
        self._begin(checkpoint)
        self._engine.recorder = self._recorder

    def _begin(self, checkpoint: bytes | None, *, resumed: bool = False) -> None:
        """resumed: frames before it could not be written."""
        patch, clock = self._engine.patch, self._loop.clock
        text = None
        if patch is not None:
            known = self._texts.get(patch.version)
            text = known.text if known is not None else patch.to_json()
        path = self._path()
        opened = Opened(
            text=text,
            path=str(path) if path else None,
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
        self._engine.tell_taken_again()

    @property
    def _folder(self) -> str:
        path = self._path()
        return str(real_path(path).parent if path else Path.cwd())

    def _swapped(self, version: int) -> str | None:
        known = self._texts.get(version)
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

    def end(self) -> None:
        """No frame from now on is a part of it."""
        self._engine.recorder = None
        self._recorder.end()

    def close(self) -> None:
        """After `end`, on any thread: write what is left."""
        self._recorder.close()
