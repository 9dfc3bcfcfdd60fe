"""Records what a show shows, beside it: a thread that takes the newest picture and never holds anything up."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ganzfeld.errors import OutputError
from ganzfeld.outputs.base import Output, open_output

if TYPE_CHECKING:
    from ganzfeld.studio.show import StudioShow

FPS = 60.0
"""Frames a second of a recording: pictures keep the time at which they were shown, as near as this."""


class ShowRecorder:
    """Writes every new picture of a show into an output, from `start` to `stop`.

    If the size changes, recording goes on in a second file (`film-2.mp4`). If writing fails, it ends with `error`, and
    the show plays on.
    """

    def __init__(self, show: StudioShow, target: Path) -> None:
        self.target = target
        self.error: OutputError | None = None
        self._show = show
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ganzfeld-record", daemon=True)
        self._output: Output | None = None
        self._files = 0
        self._began = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._ended.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        number = -1
        try:
            while not self._ended.is_set():
                frame = self._show.wait(number, 0.2)
                if frame is None:
                    continue
                number = frame.number
                self._write(frame.image, frame.t)
        except OutputError as error:
            self.error = error
        finally:
            if self._output is not None and self.error is None:
                self._output.close()

    def _write(self, image, t: float) -> None:
        size = (image.shape[1], image.shape[0])
        if self._output is None or self._output.size != size:
            self._open(size)
        assert self._output is not None
        place = round((time.monotonic() - self._began) * FPS)
        self._output.write(image, t, place)

    def _open(self, size: tuple[int, int]) -> None:
        if self._output is not None:
            self._output.close()
        self._files += 1
        suffix = self.target.suffix
        name = self.target if self._files == 1 else self.target.with_name(f"{self.target.stem}-{self._files}{suffix}")
        self._output = open_output(name, size, FPS)
        self._began = time.monotonic()
