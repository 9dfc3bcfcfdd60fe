"""Records a take while the show runs, and never holds it up.

On the render thread a frame costs a few microseconds: what happened goes into a list. A thread packs it, about once a
second, and writes it. If it cannot be written, that is told, the show plays on, and recording goes on by itself when
there is room again.
"""

from __future__ import annotations

import functools
import logging
import platform
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ganzfeld.atomic_write import is_taken
from ganzfeld.errors import OutputError, Where, explained
from ganzfeld.patch.models import Patch
from ganzfeld.takes.camera_film import CameraRecorder
from ganzfeld.takes.checkpoint_facts import facts_of
from ganzfeld.takes.file import TakeWriter
from ganzfeld.takes.fingerprints import Fingerprints, code_fingerprint
from ganzfeld.takes.packing import LEVEL, Played, pack_happenings, pack_times
from ganzfeld.takes.records import (
    CameraFilm,
    Checkpoint,
    Deed,
    Did,
    Frames,
    Halved,
    Header,
    Last,
    Opened,
    Saw,
    Sizes,
    Swapped,
    Took,
)
from ganzfeld.values.outside import Inbox
from ganzfeld.values.time import Moment

log = logging.getLogger(__name__)

WRITE_SECONDS = 1.0
"""How much a kill may cost."""
SYNC_SECONDS = 10.0
MOST_WAITING = 100_000
"""Frames that wait for a disk that does not answer, before they are given up."""
CHECKPOINT_SECONDS = 10.0
CHECKPOINT_BYTES = 800
"""A second, at most 3 MB an hour: the larger a state is, the more seldom it is kept."""
TRY_AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _RecordedFrame:
    at: float
    moment: Moment
    inbox: Inbox
    deeds: tuple[Deed, ...]


@dataclass(frozen=True, slots=True)
class _State:
    data: bytes


def _never_raises(method: Callable[..., None]) -> Callable[..., None]:
    """What the engine calls while it makes a frame: whatever goes wrong here, the frame is made."""

    @functools.wraps(method)
    def safely(self: TakeRecorder, *arguments: Any, **named: Any) -> None:
        try:
            method(self, *arguments, **named)
        except Exception as error:
            log.exception("the take misses something")
            what = f"the take is not recorded: {type(error).__name__}: {error}"
            self._missed = True
            self.problem = OutputError(what, where=Where(str(self.path)), hint="The show plays on")

    return safely


class TakeRecorder:
    """Fits `engine.frame_recorder.FrameRecorder`. All methods but `problem` belong to the render thread.

    time: the real time of the present frame, in seconds of a steady clock that every render process of the show
    shares. text_of: the text of a patch's version (see `Patch.version`), or None. cameras: whether what they show is
    kept, too.
    """

    def __init__(
        self,
        path: Path,
        header: Header,
        time: Callable[[], float],
        text_of: Callable[[int], str | None],
        *,
        cameras: bool = False,
    ) -> None:
        self.path = path
        self.problem: OutputError | None = None
        """Why nothing is recorded now, or None."""
        self.wants_state = False
        """Recording goes on as soon as `opened` is called again."""
        self._header, self._time, self._text_of = header, time, text_of
        self._deeds: list[Deed] = []
        self._halvings = 0
        self._cameras: dict[str, CameraRecorder] | None = {} if cameras else None
        self._unkept: set[str] = set()
        self._sizes: Mapping[str, tuple[int, int]] | None = None
        self._queue: deque[_RecordedFrame | _State | Opened | CameraFilm | Last] = deque()
        self._missed = False
        self._over = threading.Event()
        self._writer: TakeWriter | None = None
        self._known: dict[str, Any] = {}
        self._try_again = self._synced_at = 0.0
        self._kept_at, self._kept_bytes = 0.0, 0
        self._fingerprints = Fingerprints()
        self._thread = threading.Thread(target=self._run, name="ganzfeld-take", daemon=True)

    # On the render thread

    def opened(self, opened: Opened, files: Iterable[Path] = ()) -> None:
        """Frames from now on are made from this state. files: what is read from disk."""
        self._tell_last()
        self._sizes, self._halvings = None, 0
        self._unkept.clear()
        self._missed = self.wants_state = False
        self._queue.append(opened)
        self.reads(files, opened.folder)
        if not self._thread.is_alive():
            self._thread.start()

    def reads(self, files: Iterable[Path], folder: str) -> None:
        """The show reads these files: their fingerprints are taken when there is time."""
        self._fingerprints.want(files, Path(folder))

    @_never_raises
    def did(self, name: str, *arguments: Any) -> None:
        self._deeds.append(Did(name, list(arguments)))

    @_never_raises
    def took(self, patch: Patch, *, anew: bool) -> None:
        text = self._text_of(patch.version)
        self._deeds.append(Swapped(text if text is not None else patch.to_json(), anew))

    @_never_raises
    def frame(self, moment: Moment, inbox: Inbox, halvings: int = 0) -> None:
        if halvings != self._halvings:
            self._halvings = halvings
            self._deeds.append(Halved(halvings))
        if self._missed or len(self._queue) >= MOST_WAITING:
            self._missed = True
            return
        self._queue.append(_RecordedFrame(self._time(), moment, inbox, tuple(self._deeds)))
        self._deeds.clear()

    @_never_raises
    def showed(self, sizes: Mapping[str, tuple[int, int]], taken: Mapping[str, Any]) -> None:
        # Known only when the frame is made, so it is told with the next one.
        if sizes != self._sizes:
            self._sizes = dict(sizes)
            self._deeds.append(Sizes(dict(sizes)))
        for node, what in taken.items():
            if isinstance(what, np.ndarray):
                self._saw(node, what)
            else:
                self._deeds.append(Took(node, what))

    def _saw(self, node: str, picture: np.ndarray) -> None:
        number, size = -1, (picture.shape[1], picture.shape[0])
        if self._cameras is not None:
            if node not in self._cameras:
                self._cameras[node] = CameraRecorder(self.path, node, _first_free(self.path, node))
                number = self._cameras[node].add(picture)
                self._queue.append(self._cameras[node].film)
            else:
                number = self._cameras[node].add(picture)
        if number >= 0:
            self._unkept.discard(node)
        elif node in self._unkept:
            return
        else:
            self._unkept.add(node)
        self._deeds.append(Saw(node, number, size))

    def _tell_last(self) -> None:
        """What came to be known after the last frame."""
        if self._deeds and not self._missed:
            self._queue.append(Last(list(self._deeds)))
        self._deeds.clear()

    def checkpoint(self, data: bytes) -> None:
        """The engine's state after the frame that was made last."""
        if not self._missed:
            self._queue.append(_State(data))

    def end(self) -> None:
        """There is no further frame."""
        self._tell_last()

    def close(self) -> None:
        """Write what is left. After `end` any thread may call it."""
        self._tell_last()
        for camera in (self._cameras or {}).values():
            camera.close()
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(5)
        self._fingerprints.close()

    # On the thread that writes

    def _run(self) -> None:
        while not self._over.wait(WRITE_SECONDS):
            self._write()
        self._write()
        if self._writer is not None:
            self._writer.close()

    def _write(self) -> None:
        now = time.monotonic()
        if self._writer is not None and self._writer.is_gone:
            self._writer.close()
            self._writer = None
            what = "the take's file was taken away; what was in it is lost"
            self._fail(OutputError(what, where=Where(str(self.path)), hint="Another one is begun, from now on"), now)
            self.wants_state = True
        if self._missed and self.problem is None:  # the disk stood still for minutes
            self.wants_state = True
        waiting = [self._queue.popleft() for _ in range(len(self._queue))]
        if self.problem is not None:
            # What was recorded since is lost; it goes on from a state that the render gives.
            again = [place for place, item in enumerate(waiting) if isinstance(item, Opened)]
            if not again:
                if now >= self._try_again:
                    self._try_again = now + TRY_AGAIN_SECONDS
                    self.wants_state = True
                return
            waiting = waiting[again[-1] :]
        try:
            self._write_down(waiting, now)
            self.problem = None
        except OSError as error:
            what, _ = explained(error)
            hint = "The show plays on; recording goes on as soon as there is room"
            self._fail(OutputError(f"the take is not recorded: {what}", where=Where(str(self.path)), hint=hint), now)
        except Exception as error:
            log.exception("the take could not be written")
            what = f"the take is not recorded: {type(error).__name__}: {error}"
            self._fail(OutputError(what, where=Where(str(self.path)), hint="The show plays on"), now)

    def _fail(self, problem: OutputError, now: float) -> None:
        self.problem, self._try_again = problem, now + TRY_AGAIN_SECONDS

    def _write_down(self, waiting: list[_RecordedFrame | _State | Opened | CameraFilm | Last], now: float) -> None:
        if self._writer is None:
            self._writer = TakeWriter(self.path)
        writer = self._writer
        if writer.is_new:
            writer.append(self._header)
        frames: list[Played] = []
        for item in waiting:
            if isinstance(item, _RecordedFrame):
                frames.append(self._played(item))
                continue
            if isinstance(item, _State) and not self._is_time_for(item, now):
                continue  # a block that is not cut packs better
            self._write_frames(frames)
            frames = []
            if isinstance(item, Opened):
                self._known = {}
                writer.append(item)
                self._kept_at = now
            elif isinstance(item, _State):
                self._keep(item.data, now)
            else:
                writer.append(item)
        self._write_frames(frames)
        fingerprints = self._fingerprints.taken()
        if fingerprints:
            writer.append(*fingerprints)
        if now - self._synced_at >= SYNC_SECONDS:
            self._synced_at = now
            writer.sync()

    def _played(self, frame: _RecordedFrame) -> Played:
        values, known = frame.inbox.values, self._known
        changed = {
            address: value
            for address, value in values.items()
            if address not in known or known[address].__class__ is not value.__class__ or known[address] != value
        }
        self._known = dict(values)
        return Played(frame.at, frame.moment, changed, frame.inbox.hits, frame.deeds)

    def _write_frames(self, frames: list[Played]) -> None:
        if frames and self._writer is not None:
            self._writer.append(Frames(len(frames), pack_times(frames), pack_happenings(frames)))

    def _is_time_for(self, state: _State, now: float) -> bool:
        due = now - self._kept_at >= max(CHECKPOINT_SECONDS, self._kept_bytes / CHECKPOINT_BYTES)
        return due and facts_of(state.data).exact

    def _keep(self, data: bytes, now: float) -> None:
        about, packed = facts_of(data), zlib.compress(data, LEVEL)
        self._kept_at, self._kept_bytes = now, len(packed)
        if self._writer is not None:
            self._writer.append(Checkpoint(packed, about.exact, about.tensors))


def _first_free(take: Path, node: str) -> int:
    """The first number that no film of this node's has yet."""
    number = 1
    while is_taken(take.with_name(f"{take.stem}.{node}-{number}.mkv")):
        number += 1
    return number


def header(device: Any, name: str, sound: str = "") -> Header:
    """What is to be known of this machine and these versions. device: the engine's."""
    import ganzfeld

    kind, device_name, threads, libraries = str(device), "", 0, ""
    if getattr(device, "type", None) in ("cpu", "cuda", "mps"):
        import torch

        threads = torch.get_num_threads()
        device_name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
        if device.type == "cuda":
            libraries = (
                f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}, Triton {_version('triton')}"
            )
    return Header(
        ganzfeld=getattr(ganzfeld, "__version__", ""),
        torch=_version("torch"),
        python=platform.python_version(),
        system=platform.system(),
        device=kind,
        device_name=device_name,
        threads=threads,
        began=time.time(),
        name=name,
        sound=sound,
        libraries=libraries,
        code=code_fingerprint(),
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
