"""The file beside a patch that keeps its snapshots: organ.ganz has organ.snapshots.json."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ganzfeld.atomic_write import write_whole
from ganzfeld.engine.snapshots.bank import MIDDLE, MOST_SNAPSHOTS, Bank, Fading, Snapshot, checked_name
from ganzfeld.errors import GanzfeldError, PatchError, Where, reason_of
from ganzfeld.patch.text_file import decoded
from ganzfeld.plain_file import read_plain
from ganzfeld.values.hazards import stamp_of

MOST_BYTES = 64 << 20
TRY_AGAIN_SECONDS = 2.0
MOST_TOLD = 3
"""Of the bad snapshots of a file, so many are told with their reasons."""

_decode = msgspec.json.Decoder(Bank).decode


@dataclass(frozen=True, slots=True)
class BankFile:
    """What a file of snapshots holds. bank: the good ones. bad: the others as they stand there, by name. problem: what
    is wrong with them; None if nothing is. is_missing: there is no file."""

    bank: Bank = field(default_factory=Bank)
    bad: dict[str, Any] = field(default_factory=dict)
    problem: PatchError | None = None
    is_missing: bool = False


def snapshot_path(patch: Path) -> Path:
    """Where a patch's snapshots are kept."""
    return patch.with_name(f"{patch.name.removesuffix('.ganz')}.snapshots.json")


def read_bank(path: Path) -> BankFile:
    """The snapshots in a file; none if there is no file. Raises PatchError if it cannot be read as what it is; one bad
    snapshot in it costs the others nothing."""
    try:
        return decode_file(read_plain(path, MOST_BYTES), path)
    except FileNotFoundError:
        return BankFile(is_missing=True)
    except OSError as error:
        problem = reason_of(error)
    except ValueError as error:
        problem = str(error)
    except RecursionError:
        problem = "it is nested too deeply"
    raise PatchError(
        f"The snapshots cannot be read: {problem}",
        where=Where(file=str(path)),
        hint="Mend the file or move it away; until then it stays as it is, and what is stored is kept in memory only",
    )


def decode_file(data: bytes, path: Path) -> BankFile:
    """The snapshots in the bytes of a file; `path` is for what is told. Raises ValueError, RecursionError, and
    PatchError for text in another encoding."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        bank = _decode(data)
        for name in bank.snapshots:
            checked_name(name)
        return BankFile(bank)
    except (msgspec.DecodeError, RecursionError, GanzfeldError) as error:
        whole = error
    # Something in it is wrong. Python's reader also takes NaN and Infinity, which other programs write.
    found = json.loads(decoded(data, path.name), parse_int=_whole_number)
    parts = {"ganzfeld snapshots", "fade", "snapshots"}
    if not isinstance(found, dict) or not found.keys() <= parts or not isinstance(found.get("snapshots", {}), dict):
        raise ValueError(str(whole))
    msgspec.convert({**found, "fade": {}, "snapshots": {}}, Bank)  # raises, if it is not of this version
    return _part_by_part(found, path)


def _part_by_part(found: dict[str, Any], path: Path) -> BankFile:
    told: list[str] = []
    try:
        fade = msgspec.convert(found.get("fade", {}), Fading)
    except msgspec.ValidationError as error:
        fade = Fading()
        told.append(f"how recalls fade: {error}")
    good: dict[str, Snapshot] = {}
    bad: dict[str, Any] = {}
    for name, value in found.get("snapshots", {}).items():
        try:
            if len(good) >= MOST_SNAPSHOTS:
                raise ValueError(f"there are more than {MOST_SNAPSHOTS}")
            good[checked_name(name)] = _snapshot(value)
        except (ValueError, GanzfeldError) as error:
            bad[name] = value
            told.append(f"'{name:.40}': {error}")
    more = f" (and {len(told) - MOST_TOLD} more)" if len(told) > MOST_TOLD else ""
    problem = PatchError(
        f"Not all snapshots can be read: {'; '.join(told[:MOST_TOLD])}{more}",
        where=Where(file=str(path)),
        hint="The others are used; these stay in the file as they are until somebody mends them",
    )
    return BankFile(Bank(fade=fade, snapshots=good), bad, problem if told else None)


def _snapshot(value: Any) -> Snapshot:
    """One snapshot of a file. One whose place on the pad is none (null, as we once wrote) is in the middle."""
    try:
        return msgspec.convert(value, Snapshot)
    except msgspec.ValidationError:
        if not isinstance(value, dict) or "at" not in value:
            raise
        return msgspec.convert({**value, "at": MIDDLE}, Snapshot)


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else float(digits)


def write_bank(path: Path, bank: Bank, bad: dict[str, Any] | None = None) -> None:
    """Replace the file in one step, one value a line. bad: what else stands in it, as it was read (see `BankFile`).
    Raises PatchError."""
    try:
        data = msgspec.json.encode(bank)
        _decode(data)  # what could not be read again is never written
        if bad:
            plain = msgspec.json.decode(data)
            plain["snapshots"] |= {name: value for name, value in bad.items() if name not in bank.snapshots}
            text = json.dumps(plain, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace")
        else:
            text = msgspec.json.format(data, indent=1)
        write_whole(path, text + b"\n")
    except (OSError, ValueError, TypeError, OverflowError, RecursionError) as error:
        reason = reason_of(error)
        raise PatchError(
            f"The snapshots cannot be written: {reason}",
            where=Where(file=str(path)),
            hint="They are kept while the show runs, and written as soon as it works",
        ) from None


class SnapshotKeeper:
    """Keeps a show's snapshots in their file: reads it, writes it when they change, and follows when somebody else
    does. A file that cannot be read is never written; a bad snapshot in it stays there as it is. From a file that is
    gone (a drive that is away, a folder that is renamed) nothing follows: the show keeps what it has. Any thread may
    call; times are seconds of any steady clock."""

    def __init__(self, path: Path | None) -> None:
        """path: None keeps them in memory only."""
        self.path = path
        self.problem: GanzfeldError | None = None
        """What is wrong with the file, now."""
        self._bank = self._filed = Bank()  # what the show has, and what of the file it knew then
        self._bad: dict[str, Any] = {}
        self._is_broken = self._has_news = False
        self._bad_problem: GanzfeldError | None = None
        self._try_at = 0.0
        self._stamp = 0  # of the file when it was read or written last
        self._lock = threading.Lock()

    @property
    def bank(self) -> Bank:
        """The snapshots as they are known."""
        return self._bank

    def read(self) -> Bank | None:
        """The snapshots in the file, if they are others than those known. What was stored or deleted since the file
        was read or written last is so in them, too."""
        if self.path is None:
            return None
        with self._lock:
            self._stamp = stamp_of(self.path)
            try:
                file = read_bank(self.path)
            except PatchError as error:
                self.problem, self._is_broken = error, True
                return None
            if file.is_missing and self._filed.snapshots:
                self.problem, self._is_broken = _is_gone(self.path), False
                return None
            self._bad, self._bad_problem = file.bad, file.problem
            found = file.bank
            if self._is_broken or self._has_news:
                found = _with_news(found, self._filed, self._bank)
                self._is_broken, self._has_news = False, found != file.bank
            self._filed, self.problem = file.bank, self._bad_problem
            if found == self._bank:
                return None
            self._bank = found
            return found

    def stored(self, bank: Bank) -> None:
        """The show has other snapshots: they are to be written."""
        with self._lock:
            self._bank, self._has_news, self._try_at = bank, True, 0.0

    def write(self, now: float) -> GanzfeldError | None:
        """Write what is to be written. Returns why that cannot be done; `problem` says so, too, and it is tried again
        in a while."""
        with self._lock:
            if self._has_news and self._is_broken:
                return self.problem
            if not self._has_news or self.path is None or now < self._try_at:
                return None
            bank, bad = self._bank, self._bad
            try:
                if stamp_of(self.path) != self._stamp:  # another show that plays this patch has written, too
                    file = read_bank(self.path)
                    if not file.is_missing:
                        bank, bad = _with_news(file.bank, self._filed, bank), file.bad
                write_bank(self.path, bank, bad)
            except PatchError as error:
                self.problem, self._try_at = error, now + TRY_AGAIN_SECONDS
                return error
            # The show learns what others have stored by the next `read`; until then it has not agreed to it.
            self._filed, self._bad, self._stamp = self._bank, bad, stamp_of(self.path) if bank is self._bank else 0
            self.problem, self._has_news = self._bad_problem, False
            return None


def _with_news(found: Bank, before: Bank, now: Bank) -> Bank:
    """What a file holds, with what has changed in a show since the file was as `before`."""
    news = {name: snapshot for name, snapshot in now.snapshots.items() if before.snapshots.get(name) != snapshot}
    deleted = before.snapshots.keys() - now.snapshots.keys()
    kept = {name: snapshot for name, snapshot in found.snapshots.items() if name not in deleted}
    snapshots = dict(list({**kept, **news}.items())[:MOST_SNAPSHOTS])
    fade = now.fade if now.fade != before.fade else found.fade
    return msgspec.structs.replace(found, snapshots=snapshots, fade=fade)


def _is_gone(path: Path) -> PatchError:
    return PatchError(
        "The file of the snapshots is gone",
        where=Where(file=str(path)),
        hint="They are kept while the show runs; what is stored next writes all of them",
    )
