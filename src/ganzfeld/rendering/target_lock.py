"""Only one render of this machine writes to a target at a time: two at once would make a file that is neither."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from ganzfeld.errors import OutputError, Where
from ganzfeld.file_lock import locked
from ganzfeld.folders import cache_folder


@contextlib.contextmanager
def target_lock(target: Path) -> Iterator[None]:
    """Within it the target is this render's alone. The system gives it back when the process ends, however it ends.

    Raises OutputError while another render has it. Where no lock can be kept (on a full disk), there is none.
    """
    path = cache_folder() / "renders" / hashlib.sha256(os.path.realpath(target).encode(errors="replace")).hexdigest()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _locked(path)
    except OSError:
        yield
        return
    if handle is None:
        hint = "Wait until it is done, or choose another name"
        raise OutputError("another render is writing this now", where=Where(file=str(target)), hint=hint)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no open file
            path.unlink()
        os.close(handle)


def _locked(path: Path) -> int | None:
    """The file, open and locked; None if another process has it. Raises OSError."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if not locked(handle):
            os.close(handle)
            return None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        os.close(handle)  # the render that had it has just removed it
