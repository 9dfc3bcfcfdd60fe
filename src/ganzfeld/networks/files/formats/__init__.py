"""The formats of other programs: what the data of a file mean, one module for each.

A module here has `FORMAT`, a `Format`. It reads `source.content` (what the file's container holds, as plain data) or
`source.data` (the bytes). Adding a format is adding a module: they are found by looking into this folder.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from ganzfeld.networks.files.machine import Global
from ganzfeld.networks.files.source import Converted, Source


@dataclass(frozen=True)
class Format:
    """What each module of this package offers.

    name: as people are shown it.
    read: the network; None when the file is not of this kind; raises NetworkFileError when it is but cannot be used.
    searches: whether it looks for tensors that it knows anywhere in a file. Such a format is asked after all others.
    vocabulary: names that only pickles of this kind use, (module, name), and what each makes.
    """

    name: str
    read: Callable[[Source], Converted | None]
    searches: bool = False
    vocabulary: Mapping[tuple[str, str], Global] = field(default_factory=dict)


@cache
def formats() -> tuple[Format, ...]:
    """Every format: in alphabetical order of its module, those that search after the others."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = [importlib.import_module(f"{__name__}.{name}").FORMAT for name in names]
    return tuple(sorted(found, key=lambda form: form.searches))
