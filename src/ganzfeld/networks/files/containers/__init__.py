"""How a file's bytes hold data: one module for each container.

A module here has `CONTAINER`, a `Container`: how to know such a file by its first bytes, and how to read what it holds
as plain data (dicts, lists, numbers, and the records and arrays of `values.py`). What the data mean is asked of
`formats/` after that. Adding a container is adding a module: they are found by looking into this folder.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from ganzfeld.networks.files.machine import Reading
from ganzfeld.networks.files.values import refuse_damaged

HEAD = 4096
"""Bytes of a file that tell its container."""
MAX_NESTING = 3
"""Files within files. An official pickle nests one deep."""


@dataclass(frozen=True)
class Container:
    """What each module of this package offers.

    suffixes: how names of such files usually end, as ".pt".
    recognises: whether a file that begins with these bytes (up to `HEAD` of them) is of this kind.
    read: what the file holds, as plain data. Raises NetworkFileError, and nothing else, for whatever bytes follow.
    general: whether it recognises more than it can read, as any zip archive. It is asked after all others.
    """

    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[memoryview, Reading], object]
    general: bool = False


@cache
def containers() -> tuple[Container, ...]:
    """Every container: in alphabetical order of its module, the general ones after the others."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = [importlib.import_module(f"{__name__}.{name}").CONTAINER for name in names]
    return tuple(sorted(found, key=lambda container: container.general))


def container_of(head: bytes) -> Container | None:
    """The container of a file that begins so, or None."""
    return next((container for container in containers() if container.recognises(head)), None)


def content(data: memoryview, reading: Reading) -> object:
    """What a file of any container holds, as plain data; None for other files. Raises NetworkFileError."""
    if reading.nesting > MAX_NESTING:
        raise refuse_damaged(f"the file holds blobs within blobs, more than {MAX_NESTING} deep")
    reading.budget.charge(100)  # so that one small blob, read again and again, comes to an end
    container = container_of(bytes(data[:HEAD]))
    return None if container is None else container.read(data, reading)


def suffixes() -> tuple[str, ...]:
    """How the names of network files usually end."""
    return tuple(dict.fromkeys(suffix for container in containers() for suffix in container.suffixes))


def endings() -> str:
    """The same as words: ".pkl, .pt or .safetensors". The first of each container stands for its others."""
    first = sorted(container.suffixes[0] for container in containers() if container.suffixes)
    return " or ".join(part for part in (", ".join(first[:-1]), *first[-1:]) if part)


def a_network_is() -> str:
    """The hint for whoever opened something else."""
    return f"A network is a {endings()} file."
