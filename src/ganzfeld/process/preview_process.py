"""The process that draws previews: small pictures of texts that do not play, beside the show.

It gives way to everything else on the machine, keeps nothing, and can be killed at any time. When its pipe ends, so
does it. What is heavy is imported by `prepare`.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import queue
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Protocol

import numpy as np

from ganzfeld.errors import GanzfeldError
from ganzfeld.process.descriptors import keep_from_programs
from ganzfeld.process.messages import Ready
from ganzfeld.process.preview_messages import (
    CannotDraw,
    DrawAgain,
    DrawPreviews,
    Overheard,
    PictureMade,
    RoundDrawn,
    ShowTime,
    decode_to_previewer,
)
from ganzfeld.values.message_pipe import MessagePipe
from ganzfeld.values.previews import WIDEST

QUALITY = 80
NICE_TO_START, NICE = 10, 19
"""Importing torch is a few seconds of work once; drawing goes on as long as somebody looks."""


@dataclass(frozen=True, slots=True)
class PreviewOptions:
    """device: as `Engine`'s. sources: machines that streams may come from. memory: bytes that the process may have."""

    device: str = "auto"
    sources: tuple[str, ...] = ()
    memory: int = 4 << 30


class PreviewArtist(Protocol):
    """What draws (`previewing.EngineArtist`; tests have their own). Every method may raise anything."""

    def begin(self, order: DrawPreviews) -> None:
        """These texts are drawn from now on."""
        ...

    def overhear(self, message: Overheard) -> None:
        """The show was told this."""
        ...

    def draw(self, index: int, now: ShowTime) -> tuple[np.ndarray, str]:
        """A text at this time: uint8 [H, W, 4] RGBA of any size, and what is wrong with it ("" nothing)."""
        ...


Prepare = Callable[[PreviewOptions], PreviewArtist]


def main(connection: Connection, prepare: Prepare, options: PreviewOptions) -> None:
    """The process, from its start to its end."""
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    give_way(NICE_TO_START)
    limit(options)
    keep_from_programs()
    logging.basicConfig(level=logging.CRITICAL, handlers=[logging.NullHandler()], force=True)
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    pipe = MessagePipe(connection, decode_to_previewer, inbox.put, lambda: os._exit(0)).start()
    try:
        artist = prepare(options)
        give_way(NICE)
        pipe.post(Ready())
        _Previews(artist, pipe, inbox).run()
    except GanzfeldError as error:
        pipe.post(CannotDraw(error.what, error.hint))
    except BaseException as error:
        pipe.post(CannotDraw(f"previews stopped: {type(error).__name__}: {error}"[:500]))
    pipe.finish()
    os._exit(1)


def give_way(nice: int) -> None:
    """The show comes first, whoever else runs here."""
    # One thread: what a show leaves of a processor is enough for that. Before torch is imported.
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with contextlib.suppress(OSError, AttributeError, ImportError):
        if hasattr(os, "nice"):
            os.nice(max(0, nice - os.nice(0)))
        else:
            import psutil

            lowest: Any = psutil  # what follows is there on Windows alone
            psutil.Process().nice(lowest.IDLE_PRIORITY_CLASS)


def limit(options: PreviewOptions) -> None:
    """Let the system refuse more memory, where it can; the supervisor looks at it besides. (Drivers of graphics cards
    reserve far more than they use.)"""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if options.device == "cpu":
            resource.setrlimit(resource.RLIMIT_DATA, (options.memory, options.memory))


class _Previews:
    """Does what is ordered, the newest order first."""

    def __init__(self, artist: PreviewArtist, pipe: MessagePipe, inbox: queue.SimpleQueue[Any]) -> None:
        self._artist, self._pipe, self._inbox = artist, pipe, inbox
        self._order: DrawPreviews | None = None
        self._problem = ""
        """Why nothing of the last order can be drawn."""

    def run(self) -> None:
        """Until the process ends."""
        newest = self._inbox.get()
        while True:
            while newest is None or not isinstance(newest, DrawPreviews | DrawAgain):
                newest = self._listened(newest) or self._inbox.get()
            newest = self._drawn(newest)

    def _drawn(self, order: DrawPreviews | DrawAgain) -> Any:
        """Draw all of it; the message that came in between and has to be obeyed instead, or None."""
        if isinstance(order, DrawPreviews):
            self._order, self._problem = order, ""
            try:
                self._artist.begin(order)
            except Exception as error:
                self._problem = _words(error)
        if self._order is None or self._order.number != order.number:
            return None
        now = order.time.later(time.perf_counter())  # the same for all of them, so that they can be compared
        for index in self._order.texts:
            self._pipe.post(self._picture(order.number, index, now))
            if (newer := self._listened(None)) is not None:
                return newer
        self._pipe.post(RoundDrawn(order.number))
        return None

    def _listened(self, message: Any) -> DrawPreviews | DrawAgain | None:
        """Hear what waits, after `message`; the newest order among it."""
        newest: DrawPreviews | DrawAgain | None = None
        while True:
            if isinstance(message, DrawPreviews | DrawAgain):
                newest = message
            elif message is not None:
                self._artist.overhear(message)
            try:
                message = self._inbox.get_nowait()
            except queue.Empty:
                return newest

    def _picture(self, number: int, index: int, now: ShowTime) -> PictureMade:
        assert self._order is not None
        if self._problem:
            return PictureMade(number, index, problem=self._problem)
        try:
            picture, problem = self._artist.draw(index, now)
            width, height, jpeg = small_jpeg(picture, self._order.height)
            return PictureMade(number, index, width, height, jpeg, problem)
        except Exception as error:
            return PictureMade(number, index, problem=_words(error))


def _words(error: Exception) -> str:
    if isinstance(error, GanzfeldError):
        return ". ".join(part for part in (error.what, error.hint) if part)
    if isinstance(error, MemoryError):
        return "there is too little memory for a preview of this"
    return f"{type(error).__name__}: {error}"[:500]


def small_jpeg(picture: np.ndarray, height: int) -> tuple[int, int, bytes]:
    """An uint8 [H, W, 4] RGBA picture over black, at most `height` high and `WIDEST` wide: width, height, JPEG."""
    from PIL import Image

    h, w = picture.shape[:2]
    scale = min(1.0, height / h, WIDEST / w)
    size = max(1, round(w * scale)), max(1, round(h * scale))
    premultiplied = picture[..., :3].astype(np.uint16) * picture[..., 3:]
    seen = Image.fromarray(((premultiplied + 127) // 255).astype(np.uint8), "RGB")
    if size != (w, h):
        seen = seen.resize(size, Image.Resampling.BOX)
    file = io.BytesIO()
    seen.save(file, "JPEG", quality=QUALITY, subsampling=0)
    return *size, file.getvalue()
