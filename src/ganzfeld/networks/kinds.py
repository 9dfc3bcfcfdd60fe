"""Which kinds of network there are, and what each kind has to offer.

A kind is a folder here with a module `kind.py`, in which a class derived from `NetworkKind` says what its configuration
is, which tensors it calls for and which arrangements of its mathematics can play it. Nothing else has to know of it.

No torch is imported by this module, nor by a kind's `kind.py` before something is to be played: files are checked
without it.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from ganzfeld.errors import NetworkError
from ganzfeld.networks.config import Config

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganzfeld.kernels.side_streams import PendingTensors
    from ganzfeld.networks.generator import Generator, GeneratorModule

C = TypeVar("C", bound=Config)


class NetworkKind(ABC, Generic[C]):
    """What a kind of network offers."""

    names: ClassVar[tuple[str, ...]]
    """What its configurations may have under "kind"."""
    config: ClassVar[type[Config]]

    # What a file must hold

    @abstractmethod
    def shapes(self, config: C) -> Iterator[tuple[str, tuple[int, ...]]]:
        """(official name, shape) of every parameter and buffer."""

    @abstractmethod
    def check_values(self, config: C) -> None:
        """Raise `NetworkFileError` for a value that is not of its kind or out of all proportion."""

    @abstractmethod
    def check_chain(self, config: C) -> None:
        """Raise `NetworkFileError` where a part does not take what the part before it gives. config: measured."""

    def made(self, config: C, name: str, like: Tensor) -> Tensor | None:
        """A tensor that files may leave out, made again, in the shape of `like`; None for one that they may not."""
        return None

    # What plays it

    @abstractmethod
    def module(self, config: C) -> GeneratorModule:
        """The readable arrangement with random weights, which can be trained. Its state has the official names."""

    def on_cpu(self, config: C, tensors: Mapping[str, Tensor], convolve_in: torch.dtype) -> Generator | None:
        """A faster arrangement for any device; None where the readable one has to do it.

        tensors: all by official names, float32. convolve_in: the type of plain convolutions, float32 or bfloat16."""
        return None

    def fits_gpu(self, config: C, tensors: Mapping[str, Tensor]) -> bool:
        """Whether `on_gpu` can play this network."""
        return False

    def on_gpu(self, config: C, tensors: Mapping[str, Tensor], pending: PendingTensors) -> Generator:
        """The arrangement in half precision for NVIDIA cards. pending: those of the tensors that are still being made,
        for each of which it may wait when it needs it."""
        raise NotImplementedError


@functools.cache
def kinds() -> Mapping[str, NetworkKind[Config]]:
    """Every kind, by each of its names."""
    package = importlib.import_module("ganzfeld.networks")
    found: dict[str, NetworkKind[Config]] = {}
    for info in pkgutil.iter_modules(package.__path__, "ganzfeld.networks."):
        if info.ispkg and importlib.util.find_spec(f"{info.name}.kind") is not None:
            module = importlib.import_module(f"{info.name}.kind")
            for member in vars(module).values():
                if inspect.isclass(member) and issubclass(member, NetworkKind) and member.__module__ == module.__name__:
                    found |= dict.fromkeys(member.names, member())
    return found


def kind_of(config: Config) -> NetworkKind[Config]:
    """The kind that a configuration is of."""
    return kinds()[config.kind]


def config_from_json(data: Mapping[str, Any]) -> Config:
    """The configuration of whatever kind stands under "kind". Raises `NetworkError`."""
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in kinds():
        known = ", ".join(kinds())
        raise NetworkError(f"a network of the unknown kind {kind!r}", hint=f"Known kinds: {known}.")
    return kinds()[kind].config.from_json(data)
