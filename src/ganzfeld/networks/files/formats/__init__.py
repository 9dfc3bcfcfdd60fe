"""The formats of other programs, one module each.

A module here has `NAME` (shown to people) and `read(source)`, which returns a `Converted` network, or None when
the file is not of its kind, or raises NetworkFileError when it is but cannot be used. It reads `source.content`
(what a pickle or torch.save file holds, as plain data) or `source.data` (the bytes). Adding a format is adding a
module: they are found by looking into this folder.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Protocol

from ganzfeld.networks.files.source import Converted, Source


class Format(Protocol):
    """What each module of this package offers."""

    NAME: str

    def read(self, source: Source) -> Converted | None: ...


def formats() -> Iterator[Format]:
    """Every format, in alphabetical order of its module."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        yield importlib.import_module(f"{__name__}.{module.name}")  # pyright: ignore[reportReturnType]
