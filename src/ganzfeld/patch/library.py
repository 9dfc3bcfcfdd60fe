"""The patches that there are to open: the examples that ship with Ganzfeld, and a person's own."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from ganzfeld.errors import GanzfeldError, PatchError, nearest, reason_of
from ganzfeld.folders import home_folder
from ganzfeld.patch.text_file import LONGEST_TEXT, read_text_file
from ganzfeld.plain_file import is_text, read_plain

_SHIPPED = Path(__file__).with_name("shipped")
"""Where a wheel has the folder `examples` of the repository."""
_CHECKOUT = Path(__file__).parents[3] / "examples"
MOST_LISTED = 500
"""Patches of one folder; and there is no more made of them from the page."""
_MOST_LOOKED_AT = 5000
LONGEST_NAME = 80
_SUFFIX = ".ganz"
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for itself."""

Place = Literal["example", "beside", "mine"]
"""Where a patch is: shipped, in the folder of the one that plays, or in the person's Ganzfeld folder."""


class ListedPatch(msgspec.Struct, frozen=True):
    """One patch to open. what: how it is asked for ("example:organ"). name: what a person calls it. title: the first
    sentence of the comment that it begins with. folder: where it is, "" if it ships with Ganzfeld."""

    what: str
    name: str
    place: Place
    title: str = ""
    folder: str = ""


class OpenedPatch(msgspec.Struct, frozen=True):
    """A patch that was read. path: its file, None for an example, which is nobody's to write."""

    name: str
    text: str
    path: Path | None = None


def example_names() -> list[str]:
    """The names of the examples that ship."""
    return sorted(_examples())


def example_text(name: str) -> str | None:
    """The text of a shipped example; None if there is none of this name. "organ" and "organ.ganz" are the same."""
    path = _examples().get(name.removesuffix(_SUFFIX))
    return read_text_file(path) if path is not None else None


def examples() -> list[ListedPatch]:
    """Every example that ships, in the order of their names."""
    return [_listed("example", name, path, name) for name, path in sorted(_examples().items())]


def patches(playing: Path | None) -> list[ListedPatch]:
    """A person's patches: those in the folder of the one that plays, and those in the Ganzfeld folder."""
    return [_listed(place, name, path) for place, name, path in _own(playing)]


def file_of(listed: ListedPatch) -> Path:
    """The file of a patch that was listed."""
    if listed.place == "example":
        return _examples().get(listed.name, _SHIPPED / f"{listed.name}{_SUFFIX}")
    return Path(listed.folder) / f"{listed.name.rpartition('/')[2]}{_SUFFIX}"


def opened(what: str, playing: Path | None) -> OpenedPatch:
    """Read what a page asks for: "example:organ", "beside:tide.ganz", "mine:my-show.ganz", or a name alone. Only what
    is listed can be opened. Raises PatchError."""
    place, colon, name = what.partition(":")
    if not colon or place not in ("example", "beside", "mine"):
        place, name = "", what
    if place in ("", "example") and (text := example_text(name)) is not None:
        return OpenedPatch(name.removesuffix(_SUFFIX), text)
    known = list(_own(playing)) if place != "example" else []
    for where, each, path in known:
        if place in ("", where) and name in (each, each.removesuffix(_SUFFIX)):
            return OpenedPatch(path.name, read_text_file(path), path)
    hint = nearest(name, [*example_names(), *(each for _, each, _ in known)])
    raise PatchError(f"there is no patch '{name[:LONGEST_NAME]}'", hint=hint)


def new_file(name: str, text: str, folder: Path | None = None) -> Path:
    """Write a patch's text into a new file of this name ("my-show" becomes my-show.ganz) in a folder (None: the
    person's Ganzfeld folder, which is made). Raises GanzfeldError if there is one already, or it cannot be."""
    name = checked_name(name)
    where = home_folder() if folder is None else folder
    target = where / f"{name}{_SUFFIX}"
    try:
        if folder is None:
            where.mkdir(parents=True, exist_ok=True)
            if sum(1 for _ in _files(where)) >= MOST_LISTED:
                raise GanzfeldError(f"there are {MOST_LISTED} patches in {where} already", hint="Move some away")
        with target.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError:
        raise GanzfeldError(f"there is a patch '{name}' already", hint="Choose another name") from None
    except OSError as error:
        raise GanzfeldError(f"{target} cannot be written: {reason_of(error)}") from None
    return target


def checked_name(name: str) -> str:
    """A patch's name without its suffix, if a file can have it on every system. Raises GanzfeldError."""
    name = name.strip().removesuffix(_SUFFIX).strip()
    if not name or len(name) > LONGEST_NAME or len(name.encode("utf-8", "replace")) > 200:
        raise GanzfeldError(f"a patch's name has 1 to {LONGEST_NAME} letters")
    if FORBIDDEN.search(name) or name.startswith(".") or name.endswith((".", " ")) or DEVICES.fullmatch(name):
        raise GanzfeldError(
            f"no file can be called '{name[:LONGEST_NAME]}'", hint="Letters, digits, spaces, - and _ always work"
        )
    return name


def patch_in(folder: Path) -> Path | None:
    """The patch that a folder is about: the one of its own name. None if there is none."""
    own = folder / f"{folder.resolve().name}{_SUFFIX}"
    return own if own.is_file() else None


def title_of(text: str) -> str:
    """The first sentence of the comment that a patch begins with, "" if it begins with none."""
    words: list[str] = []
    for line in text.splitlines()[:12]:
        if not line.startswith("#"):
            break
        words.append(line.lstrip("# ").rstrip())
    comment = " ".join(words)
    end = re.search(r"[.!?](\s|$)", comment)
    return comment[: end.start() + 1 if end else 200][:200]


def _examples() -> dict[str, Path]:
    folder = _SHIPPED if _SHIPPED.is_dir() else _CHECKOUT
    return {path.stem: path for path in folder.glob(f"*{_SUFFIX}")}


def _own(playing: Path | None) -> Iterator[tuple[Place, str, Path]]:
    """Each of a person's patches: where it is, its name there, its file."""
    beside = playing.parent if playing is not None else None
    if beside is not None:
        for path in _files(beside):
            yield "beside", path.name, path
    home = home_folder()
    if beside is None or not _is_same(home, beside):
        for path in _files(home, deep=True):
            yield "mine", path.relative_to(home).as_posix(), path


def _files(folder: Path, *, deep: bool = False) -> Iterator[Path]:
    """The patches in a folder, by name, and (deep) those that are what a folder in it is about."""
    found: list[Path] = []
    with contextlib.suppress(OSError):
        for count, path in enumerate(folder.iterdir()):
            if count >= _MOST_LOOKED_AT:
                break
            if path.name.startswith(".") or not is_text(path):
                continue
            if path.suffix == _SUFFIX and path.is_file():
                found.append(path)
            elif deep and (path / f"{path.name}{_SUFFIX}").is_file():
                found.append(path / f"{path.name}{_SUFFIX}")
    yield from sorted(found)[:MOST_LISTED]


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _listed(place: Place, name: str, path: Path, what: str | None = None) -> ListedPatch:
    title = ""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        title = title_of(read_plain(path, LONGEST_TEXT)[:4096].decode("utf-8-sig", "replace"))
    folder = "" if place == "example" else str(path.parent)
    return ListedPatch(f"{place}:{what or name}", name.removesuffix(_SUFFIX), place, title, folder)
