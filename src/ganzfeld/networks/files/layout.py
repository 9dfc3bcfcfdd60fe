"""Whether a file's configuration and its tensors agree.

Every file passes through here, our own too, before a network is built from it: a configuration is only numbers
that somebody wrote, and what the tensors hold decides. What each kind of network calls for, it says itself
(`networks/kinds.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ganzfeld.errors import NetworkError, NetworkFileError
from ganzfeld.networks.config import Config
from ganzfeld.networks.kinds import config_from_json, kind_of

Shape = tuple[int, ...]


class Shaped(Protocol):
    """A tensor of any library."""

    @property
    def shape(self) -> Any: ...


def described(config: Mapping[str, Any], tensors: Mapping[str, Shaped]) -> Config:
    """The configuration with its sizes read off the tensors (official names), checked against every one of them.

    Raises NetworkFileError for values out of range, and for tensors that are missing, too many or of another shape.
    """
    try:
        words = config_from_json(config)
        kind = kind_of(words)
        kind.check_values(words)
        measured = words.measured(tensors)  # pyright: ignore[reportArgumentType]
        kind.check_values(measured)
        kind.check_chain(measured)
    except NetworkError as error:
        raise NetworkFileError(error.what, hint=error.hint) from None
    check_tensors(dict(kind.shapes(measured)), tensors)
    return measured


def check_tensors(expected: Mapping[str, Shape], tensors: Mapping[str, Shaped]) -> None:
    """Refuse tensors that are missing, too many, or of another shape than `expected`."""
    for name, shape in expected.items():
        if name not in tensors:
            raise NetworkFileError(f"the network has no tensor '{name}'", hint="A part of the file is missing.")
        found = tuple(tensors[name].shape)
        if found != shape:
            raise NetworkFileError(
                f"the tensor '{name}' has the shape {_times(found)}, and the rest of the network needs {_times(shape)}",
                hint="The file is damaged, or a fork changed the network in a way that Ganzfeld does not know.",
            )
    for name in tensors:
        if name not in expected:
            raise NetworkFileError(
                f"the network has a tensor '{name[:80]}', for which StyleGAN has no place",
                hint="A fork changed the network in a way that Ganzfeld does not know.",
            )


def _times(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "of a single number"
