"""A file as the formats see it, and what they make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.config import Config
from ganzfeld.networks.files.layout import described
from ganzfeld.networks.files.machine import Global
from ganzfeld.networks.files.values import Array, Record, shown


@dataclass(frozen=True)
class Source:
    """The bytes of a file, and what they hold as plain data (None: in a container that nobody knows)."""

    data: memoryview
    content: object


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


NOISE_SIZES = tuple(4 << k for k in range(10))
"""Pictures for which missing noise is made up: 4 to 2048 px."""

_FORK = "The file is damaged, or a fork changed the network in a way that Ganzfeld does not know."


@dataclass(frozen=True)
class Converted:
    """A network in our own terms: configuration, tensors by official name, remarks for the person."""

    config: Config
    weights: Mapping[str, np.ndarray]
    notes: tuple[str, ...] = ()


def converted(config: Mapping[str, Any], weights: Weights, notes: tuple[str, ...] = ()) -> Converted:
    """The network, once its configuration and tensors have been checked against each other."""
    if config["kind"] == "stylegan2":
        _complete_stylegan2(config, weights)
    return Converted(described(config, weights.arrays), weights.arrays, notes)


def _complete_stylegan2(config: Mapping[str, Any], weights: Weights) -> None:
    """Add what some files leave out: the resampling filter's buffers, and the noise of layers that have none."""
    taps = np.asarray(config["resample_filter"], np.float32)
    filter2d = np.outer(taps, taps) / max(float(taps.sum()) ** 2, 1e-12)
    for name in list(weights.arrays):
        parts = name.split(".")
        if parts[0] != "synthesis" or parts[-1] != "weight" or len(parts) not in (3, 4):
            continue
        layer = ".".join(parts[:-1])
        for place in (f"synthesis.{parts[1]}", layer):
            stored = weights.arrays.get(f"{place}.resample_filter")
            if (stored is None or stored.ndim == 1) and not (place == layer and parts[2] == "torgb"):
                weights[f"{place}.resample_filter"] = filter2d
        if parts[2] in ("conv0", "conv1") and f"{layer}.noise_strength" not in weights:
            size = next((size for size in NOISE_SIZES if parts[1] == f"b{size}"), 0)
            weights[f"{layer}.noise_strength"] = np.zeros((), np.float32)
            weights[f"{layer}.noise_const"] = np.zeros((size, size), np.float32)


def unknown_content(content: object, known: str) -> NetworkFileError:
    """The error for a file that can be read, but that no format takes for its own."""
    if isinstance(content, Record):
        found = f"an object of the class '{content.class_name}'"
    elif isinstance(content, Global):
        found = f"nothing but the name '{content.name}'"
    elif isinstance(content, dict):
        keys = ", ".join(f"'{key[:30]}'" if isinstance(key, str) else str(key) for key in list(content)[:4])
        found = f"a dictionary ({keys}{', …' if len(content) > 4 else ''})" if content else "an empty dictionary"
    elif isinstance(content, (list, tuple)):
        found = f"a {type(content).__name__} of {len(content):,}"
    elif isinstance(content, Array):
        found = f"an array of shape {list(content.shape)}"
    else:
        found = {
            "NoneType": "nothing",
            "str": "a text",
            "LongText": "a text",
            "int": "a number",
            "float": "a number",
        }.get(type(content).__name__, "something else")
    return NetworkFileError(
        f"the file holds {found}, not a generator",
        hint=f"Ganzfeld reads: {known}. Look for the network's own snapshot.",
    )
