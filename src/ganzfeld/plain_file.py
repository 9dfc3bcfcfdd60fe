"""Reading a small file whole, whatever lies at its path: a pipe, a device, a loop of links or a locked file never holds
up whoever asks, and no file is read beyond a limit.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a disk",
    stat.S_IFDIR: "a folder",
}


def read_plain(path: Path, most_bytes: int) -> bytes:
    """All bytes of an ordinary file. Raises OSError (FileNotFoundError, IsADirectoryError, …), also for what is no
    ordinary file and for one of more than `most_bytes`; its `strerror` says so in words."""
    try:
        check_plain(path)
        # Not to hang, should the path have become a pipe in the meantime.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        handle = os.open(path, flags)
    except ValueError:
        raise OSError(errno.EINVAL, "the name is not a possible one", str(path)) from None
    with os.fdopen(handle, "rb") as file:
        _refuse(os.fstat(handle).st_mode, path)
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(errno.EFBIG, f"it has more than {_size(most_bytes)}", str(path))
    return data


def check_plain(path: Path) -> None:
    """Raise OSError if what lies at the path is no ordinary file; opening it could wait for ever."""
    _refuse(path.stat().st_mode, path)


def version_of(facts: os.stat_result) -> tuple[int, int, int, int]:
    """Another one whenever a file is written or replaced, also by what gives it back its old time and length (`cp -p`,
    `rsync --times`): the time of the change itself, where the system tells it, cannot be set."""
    return facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino


def is_text(path: str | os.PathLike[str]) -> bool:
    """Whether a path can be written down: on Linux a file may have any bytes for a name."""
    try:
        os.fspath(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def working_folder() -> Path:
    """Where this process works; if that folder has been removed, as a relative path."""
    try:
        return Path.cwd()
    except OSError:
        return Path()


def real_path(path: Path) -> Path:
    """The absolute path that links lead to; of a loop of links, or where nobody can tell, the path itself."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return working_folder() / path


def _refuse(mode: int, path: Path) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something special")
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count >= 1 << 20 else f"{count:,} bytes"
