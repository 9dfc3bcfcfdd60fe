"""Which kinds of file the library knows, by the ends of their names."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal, get_args

from ganzfeld.networks.files.containers import suffixes

FileKind = Literal["network", "patch", "film", "picture", "song"]
KINDS: tuple[FileKind, ...] = get_args(FileKind)

_MEDIA: dict[FileKind, tuple[str, ...]] = {
    "patch": (".ganz",),
    "film": (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".gif", ".apng"),
    "picture": (
        *(".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif", ".bmp"),
        *(".jp2", ".ppm", ".psd", ".qoi", ".tga"),
    ),
    "song": (".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff"),
}


def suffixes_of(kind: FileKind) -> tuple[str, ...]:
    """How names of files of this kind end."""
    return tuple(suffixes()) if kind == "network" else _MEDIA[kind]


def kind_of(name: str) -> FileKind | None:
    """The kind of a file by its name; None for a file that does not belong here."""
    suffix = PurePath(name).suffix.lower()
    return next((kind for kind in KINDS if suffix in suffixes_of(kind)), None)
