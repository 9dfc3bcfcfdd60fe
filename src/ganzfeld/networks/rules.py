"""What may stand in a file's configuration, and which tensors StyleGAN's mapping network has.

A configuration is only numbers that somebody wrote. Each kind of network holds its own against rules made of these
parts before anything is built from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.config import MappingConfig

Rule = Callable[[Any], bool]
Shape = tuple[int, ...]

MAX_RESOLUTION = 8192
MAX_LAYERS = 100
MAX_CHANNELS = 65536
MAX_TAPS = 256


def whole(least: int, most: int) -> Rule:
    """An integer in a range, both ends included."""
    return lambda value: type(value) is int and least <= value <= most


def real(least: float, most: float) -> Rule:
    """A number in a range; NaN is in none."""
    return lambda value: type(value) in (int, float) and least <= value <= most


def several(rule: Rule, least: int, most: int) -> Rule:
    """A tuple of so many values, to each of which a rule applies."""
    return lambda value: isinstance(value, tuple) and least <= len(value) <= most and all(map(rule, value))


def or_none(rule: Rule) -> Rule:
    """What a rule allows, or None."""
    return lambda value: value is None or rule(value)


CHANNELS = whole(0, MAX_CHANNELS)
MAPPING_RULES: Mapping[str, Rule] = {
    "kind": lambda value: isinstance(value, str),
    "z_dim": whole(0, MAX_CHANNELS),
    "c_dim": whole(0, 10 * MAX_CHANNELS),
    "w_dim": whole(1, MAX_CHANNELS),
    "num_ws": whole(1, 2 * MAX_LAYERS),
    "img_resolution": whole(1, MAX_RESOLUTION),
    "img_channels": whole(1, 64),
    "mapping_lr_multiplier": real(1e-6, 1e3),
    "mapping_features": several(whole(1, MAX_CHANNELS), 0, MAX_LAYERS),
    "embed_features": CHANNELS,
    "class_features": CHANNELS,
    "class_averages": lambda value: isinstance(value, bool),
    "joint_normalization": lambda value: isinstance(value, bool),
}
"""Of the fields of a `MappingConfig`."""


def check_fields(config: object, rules: Mapping[str, Rule]) -> None:
    """Hold every field of a dataclass against its rule. Raises `NetworkFileError`."""
    for field in fields(config):  # pyright: ignore[reportArgumentType]
        value = getattr(config, field.name)
        if not rules[field.name](value):
            raise wrong(field.name, value)


def check_w(config: MappingConfig) -> None:
    """Refuse a mapping network that gives another w than the synthesis network takes. Raises `NetworkFileError`."""
    if (config.mapping_features or (config.z_dim + config.embed_features,))[-1] != config.w_dim:
        raise wrong("w_dim", config.w_dim)


def wrong(name: str, value: object) -> NetworkFileError:
    """The error for a value of a configuration that makes no sense."""
    shown = f" {value!r}" if isinstance(value, (int, float, str)) and len(str(value)) < 40 else ""
    return NetworkFileError(
        f"the file's value{shown} for '{name}' makes no sense",
        hint="The file is damaged, or it was made by a program that Ganzfeld does not know.",
    )


def mapping_shapes(config: MappingConfig) -> Iterator[tuple[str, Shape]]:
    """(official name, shape) of the mapping network's tensors."""
    if config.class_features:
        yield "mapping.embed.weight", (config.c_dim, config.class_features)
        yield from dense("mapping.embed_proj", config.class_features, config.embed_features)
    elif config.c_dim:
        yield from dense("mapping.embed", config.c_dim, config.embed_features)
    width = config.z_dim + config.embed_features
    for i, features in enumerate(config.mapping_features):
        yield from dense(f"mapping.fc{i}", width, features)
        width = features
    yield "mapping.w_avg", (config.c_dim, config.w_dim) if config.class_averages else (config.w_dim,)


def dense(name: str, inputs: int, outputs: int) -> Iterator[tuple[str, Shape]]:
    """(official name, shape) of a dense layer's tensors."""
    yield f"{name}.weight", (outputs, inputs)
    yield f"{name}.bias", (outputs,)
