"""What a path leads to, before a byte of it is interpreted.

Cheap looks that answer most mistakes at once and in plain words: nothing there, a folder, an unfinished download, a
web page saved under the network's name.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ganzfeld.errors import NetworkFileError, nearest
from ganzfeld.networks.files.containers import a_network_is, container_of, suffixes

MAX_SIZE = 16 * 2**30

_BINARIES = (
    (b"\x1f\x8b", "a gzip archive", "Unpack it and open what is inside."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it and open what is inside."),
    (b"Rar!", "a RAR archive", "Unpack it and open what is inside."),
    (b"BZh", "a bzip2 archive", "Unpack it and open what is inside."),
    (b"\xfd7zXZ", "an xz archive", "Unpack it and open what is inside."),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "Unpack it and open what is inside."),
    (b"\x89PNG", "a PNG picture", ""),
    (b"\xff\xd8\xff", "a JPEG picture", ""),
    (b"\x89HDF", "an HDF5 file", "Ganzfeld does not read Keras networks."),
    (b"\x93NUMPY", "a NumPy array (.npy)", "A latent is given to a 'latent' node."),
    (b"GGUF", "a GGUF language model", "Ganzfeld reads StyleGAN2 and StyleGAN3 generators."),
    (b"\x7fELF", "a program", ""),
    (b"MZ", "a program", ""),
    (b"%PDF", "a PDF document", ""),
)  # fmt: skip
"""(first bytes, what it is, what to do; "": only say what a network is)."""
_AGAIN = "Download the file itself (often a button 'Download' or 'raw' on the page)."


def open_plain(path: Path) -> tuple[BinaryIO, os.stat_result]:
    """Open an ordinary file for reading. Raises NetworkFileError for anything else, and for one that is not whole."""
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            raise _folder(path)
        if not stat.S_ISREG(facts.st_mode):
            raise NetworkFileError(f"this is {_special(facts.st_mode)}, not a file", hint=a_network_is())
        # Not to hang, should the path have become a pipe in the meantime.
        file = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")
    except FileNotFoundError:
        raise _missing(path) from None
    except PermissionError:
        raise NetworkFileError(
            "you may not read this file", hint="Change its permissions, or copy it to where you may."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the name is not a possible one"
        raise NetworkFileError(f"the file cannot be opened: {reason}") from None
    facts = os.fstat(file.fileno())
    try:
        if not stat.S_ISREG(facts.st_mode):
            raise NetworkFileError("this is not an ordinary file")
        _check_size(file, facts)
    except NetworkFileError:
        file.close()
        raise
    return file, facts


def _special(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a disk"}
    return kinds.get(stat.S_IFMT(mode), "something special")


def _folder(path: Path) -> NetworkFileError:
    with suppress(OSError):
        inside = sorted(child.name for child in path.iterdir() if child.suffix.lower() in suffixes())
        if inside:
            return NetworkFileError("this is a folder", hint=f"Name a file in it: {', '.join(inside[:5])}.")
    return NetworkFileError("this is a folder, not a network file")


def _missing(path: Path) -> NetworkFileError:
    folder = path.parent
    if not folder.is_dir():
        return NetworkFileError("there is no such file", hint=f"The folder {folder} does not exist either.")
    with suppress(OSError):
        names = [child.name for child in folder.iterdir() if child.suffix.lower() in suffixes()]
        return NetworkFileError(
            "there is no such file", hint=nearest(path.name, names) or "Its folder holds no network files."
        )
    return NetworkFileError("there is no such file")


def _check_size(file: BinaryIO, facts: os.stat_result) -> None:
    size = facts.st_size
    if size == 0:
        raise NetworkFileError("the file is empty", hint="Its download or copy broke off: get it again.")
    hollow = _hollow(file, facts)
    if hollow > size // 2:
        raise NetworkFileError(
            f"the file says that it has {_megabytes(size)}, but only {_megabytes(size - hollow)} of them are there",
            hint="It is an unfinished download, or a placeholder of a cloud drive: get the whole file.",
        )
    if size > MAX_SIZE:
        raise NetworkFileError(
            f"the file has {_megabytes(size)}, more than any StyleGAN", hint="A StyleGAN has less than 2,000 MB."
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 10_000_000 else f"{size:,} bytes"


def _hollow(file: BinaryIO, facts: os.stat_result) -> int:
    """Bytes of the file that no disk holds (a sparse file reads as zeros there). 0 where nobody can tell."""
    if facts.st_size < 1_000_000:
        return 0
    if not hasattr(os, "SEEK_HOLE"):  # Windows marks whole files as sparse too, if a download manager made them
        return 0
    hollow = place = 0
    try:
        for _ in range(1000):
            begin = os.lseek(file.fileno(), place, os.SEEK_HOLE)
            if begin >= facts.st_size:
                return hollow
            try:
                place = os.lseek(file.fileno(), begin, os.SEEK_DATA)
            except OSError:  # no more data
                return hollow + facts.st_size - begin
            hollow += place - begin
    except OSError:
        return 0
    finally:
        os.lseek(file.fileno(), 0, os.SEEK_SET)
    return facts.st_size  # a thousand holes


def check_head(head: bytes, suffix: str) -> None:
    """Refuse what is plainly something else, by the first bytes of the file. Raises NetworkFileError."""
    if container_of(head) is not None:
        return
    if head.startswith(b"version https://git-lfs"):
        size = re.search(rb"\nsize (\d{1,15})\n", head)
        of = f" of a file of {_megabytes(int(size[1]))}" if size else ""
        raise NetworkFileError(
            f"the file is a Git LFS pointer{of}, not the file itself",
            hint="Run 'git lfs pull' in its repository, or download the file itself.",
        )
    for magic, name, hint in _BINARIES:
        if head.startswith(magic):
            raise NetworkFileError(f"the file is {name}", hint=hint or a_network_is())
    if head[257:262] == b"ustar":
        raise NetworkFileError("the file is a tar archive", hint="Unpack it and open what is inside.")
    if _is_text(head):
        raise _text(head)
    if not head.strip(b"\0"):
        raise NetworkFileError(
            "the file begins with nothing but zeros", hint="Its download or copy broke off: get it again."
        )
    shown = head[:4].hex(" ")
    named = f" despite its name ({suffix})" if suffix in suffixes() else ""
    raise NetworkFileError(
        f"the file is not a network{named}: it begins with the bytes {shown}",
        hint=f"{a_network_is()} If this should be one, it is damaged: get it again.",
    )


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    printable = sum(byte >= 0x20 or byte in b"\t\n\r" for byte in head)
    if printable < 0.99 * len(head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 4  # cut in the middle of a letter
    return True


def _text(head: bytes) -> NetworkFileError:
    words = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    low = words[:2000].lower()
    if low.startswith(("<!doctype html", "<html")) or "<html" in low:
        title = re.search(r"<title[^>]*>([^<]{1,80})", words, re.IGNORECASE)
        called = f" ('{' '.join(title[1].split())}')" if title else ""
        return NetworkFileError(f"the file is a web page{called}, not a network", hint=_AGAIN)
    first = " ".join(words[:200].split())[:50]
    if low.startswith(("<?xml", "{", "[")):
        return NetworkFileError(f"the file is text, not a network: {first!r}", hint=_AGAIN)
    return NetworkFileError(f"the file is text, not a network; it begins {first!r}", hint=a_network_is())
