"""What the library has: networks, patches and media, shipped ones and a person's own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.folders import home_folder
from ganzfeld.networks.shipped import SHIPPED
from ganzfeld.patch import library as patches
from ganzfeld.patch.library import ListedPatch
from ganzfeld.plain_file import real_path
from ganzfeld.studio import limits
from ganzfeld.studio.library.kinds import KINDS, FileKind, kind_of
from ganzfeld.studio.library.places import PlaceOfFile, folder_of, said_in_patch

DEPTH = 2
"""Folders within a folder that are looked into: "networks/faces/x.pkl"."""
MOST_LOOKED_AT = 5000
"""Entries of one folder and all within it."""


class LibraryItem(msgspec.Struct, frozen=True):
    """Something to use. what: how it is asked for. said: how the text of the patch that plays says it. about: what it
    is, in words. folder: where it is, "" if it ships with Ganzfeld. size: in bytes. key: its picture's, "" if it has
    none; has_picture: whether that is made already."""

    what: str
    kind: FileKind
    name: str
    place: Literal["shipped", "example", "beside", "mine"]
    said: str = ""
    about: str = ""
    folder: str = ""
    size: int = 0
    key: str = ""
    has_picture: bool = False


class Library(msgspec.Struct, frozen=True):
    """All of it. beside, mine: the folders that files can be brought to, "" where there is none. waits: how many
    pictures are being made."""

    items: list[LibraryItem]
    beside: str
    mine: str
    waits: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """An item with its file. version: changes when the file does. picture: a file that is its picture, if one ships."""

    item: LibraryItem
    path: Path
    version: tuple[int, int]
    picture: Path | None = None


def found(patch: Path | None, own: list[ListedPatch]) -> list[Found]:
    """Everything that there is while this patch plays, by kind and name. own: the person's patches."""
    everything = [*_shipped(), *_patches(own), *_files(patch)]
    order = {kind: number for number, kind in enumerate(KINDS)}
    places = ("beside", "mine", "shipped", "example")
    return sorted(
        everything,
        key=lambda each: (order[each.item.kind], places.index(each.item.place), each.item.name.lower()),
    )


def chosen(what: str, kind: FileKind, patch: Path | None) -> Found:
    """One network or file by what the page calls it: only what is listed. Raises GanzfeldError."""
    for each in (*_shipped(), *_files(patch)):
        if (each.item.what, each.item.kind) == (what, kind):
            return each
    raise GanzfeldError(f"there is no {kind} '{PurePosixPath(what).name[:80]}' in the library any more")


def brought(path: Path, kind: FileKind, place: PlaceOfFile, patch: Path | None) -> Found:
    """A file that has just been brought to a place. Raises GanzfeldError if it has gone again."""
    folder = folder_of(place, patch)
    assert folder is not None
    made = _found(path, kind, place, folder, patch)
    if made is None:
        raise GanzfeldError(f"'{path.name}' has gone again")
    return made


def _shipped() -> Iterator[Found]:
    for network in SHIPPED.values():
        item = LibraryItem(
            f"shipped:{network.name}",
            "network",
            network.name,
            "shipped",
            said=network.name,
            about=network.description,
            size=network.size,
        )
        yield Found(item, network.path, (network.size, 0), network.thumbnail)


def _patches(own: list[ListedPatch]) -> Iterator[Found]:
    for listed in (*patches.examples(), *own):
        path = patches.file_of(listed)
        with contextlib.suppress(OSError):
            facts = path.stat()
            item = LibraryItem(
                listed.what,
                "patch",
                listed.name,
                listed.place,
                about=listed.title,
                folder=listed.folder,
                size=facts.st_size,
            )
            yield Found(item, path, (facts.st_size, facts.st_mtime_ns))


def _files(patch: Path | None) -> Iterator[Found]:
    """Networks and media in the folder of the patch that plays, and in the person's; each once."""
    seen: set[Path] = set()
    folders: list[tuple[PlaceOfFile, Path]] = [("mine", home_folder())]
    if patch is not None:
        folders.insert(0, ("beside", patch.parent))
    for place, folder in folders:
        counts: dict[FileKind, int] = dict.fromkeys(KINDS, 0)
        for path in _within(folder):
            kind = kind_of(path.name)
            if kind is None or kind == "patch" or counts[kind] >= limits.MOST_FILES:
                continue
            real = real_path(path)
            made = _found(path, kind, place, folder, patch) if real not in seen else None
            if made is not None:
                seen.add(real)
                counts[kind] += 1
                yield made


def _found(path: Path, kind: FileKind, place: PlaceOfFile, folder: Path, patch: Path | None) -> Found | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    within = path.relative_to(folder).as_posix()
    item = LibraryItem(
        f"{place}:{within}",
        kind,
        within,
        place,
        said=said_in_patch(path, patch),
        folder=str(path.parent),
        size=facts.st_size,
    )
    return Found(item, path, (facts.st_size, facts.st_mtime_ns))


def _within(folder: Path) -> Iterator[Path]:
    """Ordinary files in a folder and those within it, by name; hidden ones and links to folders are passed over."""
    waiting, looked = [(folder, 0)], 0
    while waiting:
        where, depth = waiting.pop(0)
        with contextlib.suppress(OSError), os.scandir(where) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                looked += 1
                if looked > MOST_LOOKED_AT:
                    return
                if entry.name.startswith(".") or not entry.name.isprintable():  # no patch could name it
                    continue
                with contextlib.suppress(OSError):
                    if entry.is_file():
                        yield Path(entry.path)
                    elif depth < DEPTH and entry.is_dir(follow_symlinks=False):
                        waiting.append((Path(entry.path), depth + 1))
