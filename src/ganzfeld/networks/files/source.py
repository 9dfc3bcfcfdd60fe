"""A file as the formats see it, and what they make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.config import Config
from ganzfeld.networks.files import others
from ganzfeld.networks.files.survey import Survey, survey
from ganzfeld.networks.files.values import Array, shown


@dataclass(frozen=True)
class Source:
    """A file as the formats see it.

    data: its bytes. content: what they hold as plain data (None: in a container that nobody knows).
    stated: facts that a person stated beside it, by the names of `stated.FACTS`.
    """

    data: memoryview
    content: object
    stated: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def survey(self) -> Survey:
        """What lies where in `content`. Raises NetworkFileError."""
        return survey(self.content)

    def place(self, *names: str) -> str | None:
        """Where tensors of all these names lie together (see `Survey.place`).

        Raises NetworkFileError where they do, but in a network of other mathematics, which is then named.
        """
        place = self.survey.place(*names)
        if place is not None:
            # A backbone is a part of a network, and the rest of it lies beside.
            refusal = others.named(self.survey, within=place.removesuffix("backbone."))
            if refusal is not None:
                raise refusal
        return place


@dataclass
class Weights:
    """Tensors by official name, collected from a file that holds `size` bytes."""

    size: int
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    taken: int = 0

    def __setitem__(self, name: str, array: np.ndarray) -> None:
        self.arrays[name] = array

    def __contains__(self, name: object) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def take(self, name: str, value: object) -> np.ndarray:
        """The numbers of a tensor of the file: float16 as it is, other floats as float32.

        A plain number is a tensor of no dimensions: TensorFlow's sessions return such variables as numpy scalars.
        """
        if type(value) is float:
            value = Array(np.array(value, np.float64))
        if not isinstance(value, Array):
            raise NetworkFileError(f"'{name[:80]}' is {shown(value)}, not a tensor", hint=_FORK)
        self.taken += value.nbytes
        # Parts may share their numbers, but not so that a small file comes to a large network.
        if self.taken > 2 * self.size + 1_000_000:
            raise NetworkFileError(
                "the file's tensors claim more numbers than it holds",
                hint="It is damaged, or somebody tampered with it.",
            )
        if value.dtype not in ("float16", "bfloat16", "float32", "float64"):
            raise NetworkFileError(f"the tensor '{name[:80]}' is of the type {value.dtype}", hint=_FORK)
        array = value.numpy()
        return array.astype(np.float16 if value.dtype == "float16" else np.float32, copy=False)


_FORK = "The file is damaged, or a fork changed the network in a way that Ganzfeld does not know."


@dataclass(frozen=True)
class Converted:
    """A network in our own terms.

    config, weights: its configuration, and tensors by official name. origin: the program that made it, for people.
    notes: remarks for the person. warnings: those of them that say that its picture may be wrong.
    """

    config: Config
    weights: Mapping[str, np.ndarray]
    origin: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass
class Remarks:
    """What a format has to tell about a network, while it reads it."""

    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
