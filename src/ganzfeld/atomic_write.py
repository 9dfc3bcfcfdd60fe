"""Writing files: where one is written that has a name (`place_to_write`), and in one step, so that whatever happens the
old or the new one is there (`write_whole`, `put_in_place`).

The rule for links is the same for everything that a show writes (snapshots, kept shows, films, pictures, takes):

- A folder that is a link is followed: a person has linked it.
- A link in the place of the file itself is followed to an ordinary file that is there, and stays a link.
- A link that leads nowhere, in a circle, or to what is no file is refused: what lies beside a patch may come from a
  stranger, and would otherwise make a file of a name of theirs at a place of theirs.
- What pages bring (files, paintings) goes through no link at all: `studio.library.places`, `studio.brushes`.
- What is to be new takes no name where anything is, such a link included (`is_taken`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from pathlib import Path

from ganzfeld.plain_file import check_plain


def place_to_write(path: Path) -> Path:
    """Where a file of this name is written: `path` itself, or the ordinary file that a link there leads to. Raises
    OSError for every other link (see above); its `strerror` says so in words."""
    if not path.is_symlink():
        return path
    try:
        place = path.resolve(strict=True)
        check_plain(place)
    except FileNotFoundError:
        raise OSError(errno.ELOOP, f"{path.name} is a link that leads nowhere", str(path)) from None
    except (RuntimeError, OSError) as error:
        words = getattr(error, "strerror", None) if isinstance(error, OSError) else None
        what = words if words and words.startswith("it is ") else "it leads to nothing that can be written"
        raise OSError(errno.ELOOP, f"{path.name} is a link, and {what}", str(path)) from None
    return place


def is_taken(path: Path) -> bool:
    """Whether there is anything of this name, a link that leads nowhere included."""
    return path.exists() or path.is_symlink()


def put_in_place(made: Path, path: Path) -> None:
    """Give a finished file this name, in place of what is there (see `place_to_write`). Raises OSError."""
    place = place_to_write(path)
    try:
        made.replace(place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = place.with_name(f".{os.getpid()}.{place.name}")
        try:
            shutil.copyfile(made, beside)
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)
        made.unlink()


def write_whole(path: Path, data: bytes, *, private: bool = False) -> None:
    """Replace what is at `path` (see `place_to_write`), with the permissions it had. private: for its owner alone,
    whatever it had. Raises OSError."""
    path = place_to_write(path)
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
