"""The files of a running show: the patch's text, its snapshots, and whatever else the patch names."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ganzfeld.engine.snapshots.bank import Bank, decode_bank, encode_bank
from ganzfeld.engine.snapshots.file import SnapshotKeeper, snapshot_path
from ganzfeld.errors import GanzfeldError
from ganzfeld.process.patch_file import PatchFile
from ganzfeld.process.watch import Change, Kind, Watcher

log = logging.getLogger(__name__)


class FileListener(Protocol):
    """Is told what changed, on the thread that watches."""

    def text_saved(self, text: str) -> None:
        """The patch's file was saved with this text."""
        ...

    def snapshots_read(self, bank: bytes, *, anew: bool = False) -> None:
        """The file of the snapshots holds these (`bank.encode_bank`). anew: it is another patch's."""
        ...

    def file_changed(self, path: str) -> None:
        """Another watched file changed."""
        ...


class ShowFiles:
    """Reads, watches and writes them. patch: the patch's file, or None: then snapshots have no file either."""

    def __init__(self, patch: Path | None, listener: FileListener) -> None:
        self.patch = PatchFile(patch) if patch else None
        self._others: Sequence[str] = ()
        self.lock = threading.RLock()
        """Held while somebody is told of a file, and while the show goes over to others."""
        self._listener = listener
        self._snapshots = SnapshotKeeper(snapshot_path(self.patch.path) if self.patch else None)
        self._watcher = Watcher(self._changed)
        if self.patch is not None:
            self.watch(())  # before the text is read, so that no save is missed

    @property
    def keeps_snapshots(self) -> bool:
        """Whether snapshots outlive the show."""
        return self._snapshots.path is not None

    @property
    def problems(self) -> list[GanzfeldError]:
        """What is wrong with the files now."""
        found = (self.patch and self.patch.problem, self._snapshots.problem)
        return [problem for problem in found if problem]

    def start(self) -> None:
        """Read the snapshots, and follow all files from now on."""
        self._read_snapshots()
        self._watcher.start()

    def close(self) -> None:
        """Follow them no longer, and write what is left to be written."""
        self._watcher.close()
        self._snapshots.write(float("inf"))

    def move(self, patch: PatchFile | None, *, with_snapshots: bool = False) -> None:
        """The show goes on in this patch from now on, and with its snapshots; with_snapshots: those there are go with
        it, into a file beside it."""
        with self.lock:
            self._snapshots.write(float("inf"))
            before, self._snapshots = self._snapshots, SnapshotKeeper(snapshot_path(patch.path) if patch else None)
            self.patch = patch
            self.watch(self._others)
            if with_snapshots:
                self._snapshots.stored(before.bank)
            else:
                self._listener.snapshots_read(encode_bank(self._snapshots.read() or Bank()), anew=True)

    def watch(self, files: Sequence[str]) -> None:
        """Watch these files, beside the show's own, and no others."""
        self._others = files
        kinds: dict[Path, Kind] = {Path(file): "script" if file.endswith(".py") else "data" for file in files}
        if self.patch is not None:
            kinds[self.patch.path] = "patch"
        if self._snapshots.path is not None:
            kinds[self._snapshots.path] = "data"
        self._watcher.watch(kinds)

    def store_snapshots(self, bank: bytes) -> None:
        """These snapshots (`bank.encode_bank`) are to be written soon."""
        self._snapshots.stored(decode_bank(bank))

    def write_soon(self) -> None:
        """Write what is due. To be called several times a second."""
        self._snapshots.write(time.perf_counter())

    def _changed(self, change: Change) -> None:
        with self.lock:
            patch = self.patch
            if change.path == self._snapshots.path:
                self._read_snapshots()
            elif patch is None or change.path != patch.path:
                self._listener.file_changed(str(change.path))
            elif (text := patch.changed(change)) is not None:
                self._listener.text_saved(text)
                if patch.moved():
                    for file in self._others:
                        self._listener.file_changed(file)

    def _read_snapshots(self) -> None:
        bank: Bank | None = self._snapshots.read()
        if bank is not None:
            self._listener.snapshots_read(encode_bank(bank))
