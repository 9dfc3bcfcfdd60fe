"""Where files of the library are, what they may be called, and how a patch says them."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import unicodedata
import uuid
from pathlib import Path
from typing import Literal

from ganzfeld.errors import GanzfeldError, explained
from ganzfeld.folders import home_folder
from ganzfeld.patch.library import DEVICES, FORBIDDEN
from ganzfeld.plain_file import real_path
from ganzfeld.studio import limits

PlaceOfFile = Literal["shipped", "beside", "mine"]
"""With Ganzfeld, in the folder of the patch that plays, or in the person's Ganzfeld folder."""
LONGEST_STEM = 80
LONGEST_NAME_BYTES = 200
COPIED_AT_ONCE = 1 << 20
_MAKE_ROOM = "Make room on the machine that plays"


class NameTakenError(GanzfeldError):
    """There is a file of this name already."""


def folder_of(place: PlaceOfFile, patch: Path | None) -> Path | None:
    """The folder that a place means while this patch plays; None if there is none."""
    if place == "mine":
        return home_folder()
    return patch.parent if place == "beside" and patch is not None else None


def safe_name(name: str, suffix: str = "") -> str:
    """What a file may be called that somebody called `name`: its last part, without what no file name may have on any
    system, and without what could deceive a reader. suffix: how it has to end. Raises GanzfeldError if nothing is left.
    """
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    name = "".join(letter for letter in name if unicodedata.category(letter)[0] != "C")
    name = FORBIDDEN.sub("_", name)
    end = suffix or Path(name).suffix.lower()
    stem = (name[: -len(end)] if end and name.lower().endswith(end) else name).strip(" .~")
    stem = re.sub(r"\s+", " ", stem)[:LONGEST_STEM].strip(" .~")
    while len(f"{stem}{end}".encode()) > LONGEST_NAME_BYTES:
        stem = stem[:-1]
    if not stem:
        raise GanzfeldError("this file needs a name", hint="Letters, digits, spaces, - and _ always work")
    return f"_{stem}{end}" if DEVICES.fullmatch(stem) else f"{stem}{end}"


def said_in_patch(path: Path, patch: Path | None) -> str:
    """How a patch that lies here says a file: from its own folder, from the person's home, or by its whole path."""
    real, home = real_path(path), real_path(Path.home())
    if patch is not None and real.is_relative_to(own := real_path(patch.parent)):
        return real.relative_to(own).as_posix()
    if real.is_relative_to(home):
        return f"~/{real.relative_to(home).as_posix()}"
    return real.as_posix()


def check_room(folder: Path, size: int) -> None:
    """Raise GanzfeldError unless a file of this size fits there, with room left for what a show writes."""
    while not folder.exists() and folder.parent != folder:
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise unwritable(str(folder), error) from None
    if free < size + limits.FREE_DISK:
        raise GanzfeldError(
            f"the disk has no room for it: {free / 1e9:.1f} GB are free, and {limits.FREE_DISK / 1e9:.0f} GB stay free",
            hint=_MAKE_ROOM,
        )


def move_into(source: Path, target: Path, *, replace: bool) -> None:
    """Give a file another place, whole or not at all. replace: whether a file of this name may go.

    Raises NameTakenError if there is one and it may not, and GanzfeldError if it cannot be written, or the folder is
    missing; the person's own is made.
    """
    part = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        if target.parent.is_relative_to(home_folder()):  # a patch's folder that is not there is on a disk that is away
            target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() or (target.exists() and not target.is_file()):
            raise NameTakenError(f"'{target.name}' is no ordinary file there", hint="Choose another name")
        if target.exists() and not replace:
            raise _taken(target)
        _copy(source, part)
        if replace:
            part.replace(target)
        else:
            _name_new(part, target)
        with contextlib.suppress(OSError):
            source.unlink()
    except FileExistsError:
        raise _taken(target) from None
    except OSError as error:
        raise unwritable(f"'{target.name}'", error) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def unwritable(what: str, error: OSError) -> GanzfeldError:
    """Why something cannot be written, in words."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return GanzfeldError(f"{what} cannot be written: the disk is full", hint=_MAKE_ROOM)
    why, hint = explained(error)
    return GanzfeldError(f"{what} cannot be written: {why}", hint=hint)


def _copy(source: Path, part: Path) -> None:
    """source: on any disk. part: on the one where it is to be; if that is the same, nothing is copied."""
    with contextlib.suppress(OSError):
        os.link(source, part)
        return
    with source.open("rb") as read, part.open("xb") as written:
        shutil.copyfileobj(read, written, COPIED_AT_ONCE)
        written.flush()
        os.fsync(written.fileno())


def _name_new(part: Path, target: Path) -> None:
    """Give a file a name that nobody has. Raises FileExistsError."""
    try:
        os.link(part, target)  # unlike a rename, this never takes a name that somebody else has just taken
    except FileExistsError:
        raise
    except OSError:  # a disk without links
        if target.exists():
            raise FileExistsError from None
        part.replace(target)


def _taken(target: Path) -> NameTakenError:
    return NameTakenError(f"there is a file '{target.name}' already", hint="Choose another name, or replace it")
