"""Writing a file in one step: whatever happens, the old or the new one is there."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes, *, private: bool = False) -> None:
    """Replace what is at `path` (what a link leads to, if it is one), with the permissions it had. private: for its
    owner alone, whatever it had. Raises OSError."""
    path = path.resolve()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):  # a file system without permissions
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
            new.chmod(0o600 if private else mode)
        new.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
