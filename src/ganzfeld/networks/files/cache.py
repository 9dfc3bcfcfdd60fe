"""Where converted networks are kept, and a small memory of which file was which.

Converted files are named by the SHA-256 of the original and the version of the converter. The memory (`index.json`)
spares hashing a large file at every start: it trusts a path while size, times and inode are as they were.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path

from ganzfeld.errors import NetworkFileError
from ganzfeld.folders import cache_folder
from ganzfeld.networks.files.native import unwritable, written_whole

CONVERTER = 2
"""Version of what the formats make of a file. Raise it when a change of theirs changes results."""
MAX_REMEMBERED = 500
STALE_SECONDS = 3600


def folder() -> Path:
    """The folder of converted networks: in GANZFELD_CACHE or the user's cache folder."""
    return cache_folder().absolute() / "networks"


def make(folder: Path) -> None:
    """Make the folder if it is not there. Raises NetworkFileError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def converted_path(folder: Path, sha256: str, facts: str = "") -> Path:
    """Where the conversion of the file with that hash is kept. `facts`: a short word for what was stated about it."""
    return folder / f"{sha256}-{CONVERTER}{facts and '-'}{facts}.safetensors"


def tidy(folder: Path, sha256: str) -> None:
    """Remove what older converters made of this file, and what broken-off conversions left behind."""
    with suppress(OSError):
        for path in folder.glob(f"{sha256}-*.safetensors"):
            if not re.fullmatch(rf"{sha256}-{CONVERTER}(-[0-9a-f]+)?", path.stem):
                path.unlink()
        for path in folder.glob(".*.part"):
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()


def recall(folder: Path, path: Path, facts: os.stat_result) -> str | None:
    """The SHA-256 of the file at `path`, if it is the same as when it was remembered."""
    entry = _index(folder).get(str(path.absolute()))
    if isinstance(entry, list) and entry[:-1] == _signature(facts) and re.fullmatch("[0-9a-f]{64}", str(entry[-1])):
        return entry[-1]
    return None


def remember(folder: Path, path: Path, facts: os.stat_result, sha256: str, looked: float) -> None:
    """Keep the SHA-256 of the file that had these `facts` when it was read, at `looked` (seconds since 1970).

    A file written only just before is not remembered: it could be written again without its time changing.
    """
    tick = 2 if facts.st_mtime_ns % 1_000_000_000 == 0 else 0.05
    if looked - facts.st_mtime < tick:
        return
    entries = _index(folder)
    entries.pop(str(path.absolute()), None)
    entries[str(path.absolute())] = [*_signature(facts), sha256]
    kept = dict(list(entries.items())[-MAX_REMEMBERED:])
    # Nothing depends on it: a full disk or another process's newer memory is no reason to fail.
    with suppress(NetworkFileError):
        make(folder)
        with written_whole(folder / "index.json") as file:
            file.write(json.dumps(kept).encode())


def _signature(facts: os.stat_result) -> list[int]:
    return [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, facts.st_dev]


def _index(folder: Path) -> dict[str, object]:
    try:
        entries = json.loads((folder / "index.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return entries if isinstance(entries, dict) else {}
