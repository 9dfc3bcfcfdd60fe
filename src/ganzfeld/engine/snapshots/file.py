"""The file beside a patch that keeps its snapshots: organ.ganz has organ.snapshots.json."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from ganzfeld.atomic_write import write_whole
from ganzfeld.engine.snapshots.bank import Bank
from ganzfeld.errors import GanzfeldError, PatchError, Where
from ganzfeld.plain_file import read_plain

MOST_BYTES = 64 << 20
TRY_AGAIN_SECONDS = 2.0

_decode = msgspec.json.Decoder(Bank).decode


def snapshot_path(patch: Path) -> Path:
    """Where a patch's snapshots are kept."""
    return patch.with_name(f"{patch.name.removesuffix('.ganz')}.snapshots.json")


def read_bank(path: Path) -> Bank:
    """The snapshots in a file; an empty bank if there is none. Raises PatchError if it cannot be read as what it is."""
    try:
        data = read_plain(path, MOST_BYTES)
        return _decode(data.removeprefix(b"\xef\xbb\xbf"))
    except FileNotFoundError:
        return Bank()
    except OSError as error:
        problem = str(error.strerror or error)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        problem = str(error)
    raise PatchError(
        f"The snapshots cannot be read: {problem}",
        where=Where(file=str(path)),
        hint="Mend the file or move it away; until then it stays as it is, and what is stored is kept in memory only",
    )


def write_bank(path: Path, bank: Bank) -> None:
    """Replace the file in one step, one value a line. Raises PatchError."""
    try:
        write_whole(path, msgspec.json.format(msgspec.json.encode(bank), indent=1) + b"\n")
    except OSError as error:
        raise PatchError(
            f"The snapshots cannot be written: {error.strerror or error}",
            where=Where(file=str(path)),
            hint="They are kept while the show runs, and written as soon as it works",
        ) from None


class SnapshotKeeper:
    """Keeps a show's snapshots in their file: reads it, writes it when they change, and follows when somebody else
    does. A file that cannot be read is never written. Any thread may call; times are seconds of any steady clock."""

    def __init__(self, path: Path | None) -> None:
        """path: None keeps them in memory only."""
        self.path = path
        self.problem: GanzfeldError | None = None
        """What is wrong with the file, now."""
        self._bank = Bank()
        self._is_broken = self._has_news = False
        self._try_at = 0.0
        self._lock = threading.Lock()

    def read(self) -> Bank | None:
        """The snapshots in the file, if they are others than those known. What was stored while the file could not be
        read is among them then."""
        if self.path is None:
            return None
        with self._lock:
            try:
                found = read_bank(self.path)
            except PatchError as error:
                self.problem, self._is_broken = error, True
                return None
            if self._is_broken:
                stored = self._bank.snapshots
                found = msgspec.structs.replace(found, snapshots={**found.snapshots, **stored})
                self._is_broken, self._has_news = False, bool(stored)
            self.problem = None
            if found == self._bank:
                return None
            self._bank = found
            return found

    def stored(self, bank: Bank) -> None:
        """The show has other snapshots: they are to be written."""
        with self._lock:
            self._bank, self._has_news, self._try_at = bank, True, 0.0

    def write(self, now: float) -> None:
        """Write what is to be written. If it fails, `problem` says so, and it is tried again in a while."""
        with self._lock:
            if not self._has_news or self._is_broken or self.path is None or now < self._try_at:
                return
            try:
                write_bank(self.path, self._bank)
            except PatchError as error:
                self.problem, self._try_at = error, now + TRY_AGAIN_SECONDS
            else:
                self.problem, self._has_news = None, False
