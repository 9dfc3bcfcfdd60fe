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
from ganzfeld.outputs.base import output_for

TRIES = 20
"""To open the file again that another render has removed meanwhile."""


@contextlib.contextmanager
def target_lock(target: Path) -> Iterator[None]:
    """Within it what a render writes to this target is its own. The system gives it back when the process ends, however
    it ends. Known by the first file that is written, so that `shots` and `shots/%05d.png` are the same.

    Raises OutputError while another render has it. Where no lock can be kept (a full disk, one without locks), there is
    none.
    """
    first = os.path.normcase(os.path.realpath(output_for(target)(target).first))
    path = cache_folder() / "renders" / hashlib.sha256(os.fsencode(first)).hexdigest()
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
    for _ in range(TRIES):
        with contextlib.ExitStack() as opened:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            opened.callback(os.close, handle)
            if not locked(handle):
                return None
            with contextlib.suppress(FileNotFoundError):  # the render that had it has just removed it
                if os.path.samestat(os.fstat(handle), path.stat()):
                    opened.pop_all()
                    return handle
    raise OSError(f"{path} is never what was opened")
