"""What a show that is kept writes down about once a second, so that it can go on after its supervisor was killed or the
power failed: the last good text, and the last checkpoint with what hands turned and the snapshot that was recalled.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import time
from pathlib import Path
from typing import Any

import msgspec

from ganzfeld.atomic_write import write_whole
from ganzfeld.folders import cache_folder
from ganzfeld.plain_file import read_plain
from ganzfeld.process.messages import CheckpointSaved

log = logging.getLogger(__name__)

MOST_BYTES = 64 << 20
WRITE_SECONDS = 1.0
TRY_AGAIN_SECONDS = 10.0
VERSION = 1
PULSE_PORT = "GANZFELD_PULSE"
"""The environment variable that tells a kept process to which UDP port of this machine it gives its sign of life."""
PULSE_SECONDS = 1.0


class Elsewhere(msgspec.Struct, frozen=True):
    """The patch that a show went over to: its name, its file's path (None: it has none), and what is on disk of it (or,
    without a file, what it began with)."""

    name: str
    path: str | None
    disk: str


class KeptShow(msgspec.Struct, frozen=True, kw_only=True):
    """text: the last one that played well. checkpoint, clock: as `CheckpointSaved`. kept: copies of networks, by the
    networks' paths. version: of this format.

    elsewhere: None while the show plays what it was started with; else what it went over to. takes: a take is recorded,
    so another one is to be.
    """

    text: str
    elsewhere: Elsewhere | None = None
    takes: bool = False
    checkpoint: bytes | None = None
    clock: dict[str, Any] = {}
    kept: dict[str, str] = {}
    version: int = VERSION

    @property
    def saved(self) -> CheckpointSaved | None:
        """The checkpoint, as if it had been made just now: the time in between did not happen."""
        if self.checkpoint is None:
            return None
        return CheckpointSaved(0, self.checkpoint, self.clock, time.perf_counter())


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(KeptShow).decode


def kept_path(what: str) -> Path:
    """Where a show is kept that plays this (the patch's path, or a name)."""
    return cache_folder().absolute() / "kept" / f"{hashlib.sha256(what.encode()).hexdigest()[:20]}.show"


def read_kept(path: Path) -> KeptShow | None:
    """What was written down there, or None. A file that makes no sense counts as none."""
    try:
        kept = _decode(read_plain(path, MOST_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, ValueError) as error:
        log.warning("the kept show %s cannot be read: %s", path, error)
        return None
    return kept if kept.version == VERSION else None


def stay_at_home(path: Path) -> None:
    """A person ended the show: the next one that is kept there begins with what it is started with."""
    kept = read_kept(path)
    if kept is not None and kept.elsewhere is not None:
        try:
            path.unlink()
        except OSError as error:
            log.warning("the kept show %s cannot be forgotten: %s", path, error)


class SignOfLife:
    """Tells whoever keeps this process that it lives: a datagram a second. Not a file's time: a disk that is full, or
    does not answer, is no reason to end a show."""

    def __init__(self) -> None:
        port = os.environ.get(PULSE_PORT, "")
        self._to = ("127.0.0.1", int(port)) if port.isdecimal() and int(port) < 1 << 16 else None
        self._at = 0.0
        self._socket: socket.socket | None = None

    def give(self, now: float) -> None:
        """To be called often, where nothing works any more if it is not."""
        if self._to is None or now < self._at:
            return
        self._at = now + PULSE_SECONDS
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
            self._socket.sendto(b"lives", self._to)
        except OSError as error:
            log.debug("no sign of life could be given: %s", error)


class ShowKeeper:
    """Writes it down, where that has changed. To be called often, on one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: KeptShow | None = None
        self._at = 0.0

    def look(self, show: KeptShow | None, now: float) -> None:
        """show: as it is now."""
        if now < self._at:
            return
        self._at = now + WRITE_SECONDS
        try:
            if show is not None and show != self._written:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self.path, _encode(show))
                self._written = show
            elif show is not None:
                self.path.stat()
        except FileNotFoundError:
            self._written = None
        except OSError as error:
            log.warning("the show cannot be kept in %s: %s", self.path, error)
            self._at = now + TRY_AGAIN_SECONDS
