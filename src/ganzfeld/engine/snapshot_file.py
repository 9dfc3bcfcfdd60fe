"""The file beside a patch that keeps its snapshots: organ.ganz has organ.snapshots.json."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import msgspec

from ganzfeld.engine.bank import Bank
from ganzfeld.errors import PatchError, Where

MOST_BYTES = 64 << 20

_decode = msgspec.json.Decoder(Bank).decode


def snapshot_path(patch: Path) -> Path:
    """Where a patch's snapshots are kept."""
    return patch.with_name(f"{patch.name.removesuffix('.ganz')}.snapshots.json")


def read_bank(path: Path) -> Bank:
    """The snapshots in a file; an empty bank if there is none. Raises PatchError if it cannot be read as what it is."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES >> 20} MB")
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
    """Replace the file in one step: whatever happens, the old or the new one is there. Raises PatchError."""
    data = msgspec.json.format(msgspec.json.encode(bank), indent=1) + b"\n"
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(OSError):  # a file system without permissions
                Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise PatchError(
            f"The snapshots cannot be written: {error.strerror or error}",
            where=Where(file=str(path)),
            hint="They are kept while the show runs, and written as soon as it works",
        ) from None
