"""Which tensors a configuration calls for, and whether a file's configuration and tensors agree.

Every file passes through here, our own too, before a network is built from it: a configuration is only numbers
that somebody wrote, and what the tensors hold decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Protocol

from ganzfeld.errors import NetworkError, NetworkFileError
from ganzfeld.networks.config import Config, LayerConfig, MappingConfig, StyleGAN2Config, config_from_json

Shape = tuple[int, ...]

MAX_RESOLUTION = 8192
MAX_LAYERS = 100
MAX_CHANNELS = 65536
MAX_TAPS = 256


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
        check_values(words)
        measured = words.measured(tensors)  # pyright: ignore[reportArgumentType]
        check_values(measured)
        check_chain(measured)
    except NetworkError as error:
        raise NetworkFileError(error.what, hint=error.hint) from None
    check_tensors(dict(expected_shapes(measured)), tensors)
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


# -- the tensors of each network -------------------------------------------------------------------------------


def expected_shapes(config: Config) -> Iterator[tuple[str, Shape]]:
    """(official name, shape) of every parameter and buffer."""
    yield from _mapping_shapes(config)
    if isinstance(config, StyleGAN2Config):
        yield from _stylegan2_shapes(config)
        return
    source = config.input
    yield "synthesis.input.weight", (source.channels, source.channels)
    yield from _dense("synthesis.input.affine", config.w_dim, 4)
    yield "synthesis.input.transform", (3, 3)
    yield "synthesis.input.freqs", (source.channels, 2)
    yield "synthesis.input.phases", (source.channels,)
    for layer in config.layers:
        prefix = f"synthesis.{layer.name}"
        yield f"{prefix}.weight", (layer.out_channels, layer.in_channels, layer.kernel, layer.kernel)
        yield f"{prefix}.bias", (layer.out_channels,)
        yield from _dense(f"{prefix}.affine", config.w_dim, layer.in_channels)
        yield f"{prefix}.magnitude_ema", ()
        if layer.up_taps:
            yield f"{prefix}.up_filter", layer.up_taps
        if layer.down_taps:
            yield f"{prefix}.down_filter", layer.down_taps


def _mapping_shapes(config: MappingConfig) -> Iterator[tuple[str, Shape]]:
    if config.c_dim:
        yield from _dense("mapping.embed", config.c_dim, config.embed_features)
    width = config.z_dim + config.embed_features
    for i, features in enumerate(config.mapping_features):
        yield from _dense(f"mapping.fc{i}", width, features)
        width = features
    yield "mapping.w_avg", (config.w_dim,)


def _stylegan2_shapes(config: StyleGAN2Config) -> Iterator[tuple[str, Shape]]:
    taps = (len(config.resample_filter),) * 2
    before = 0
    for resolution, channels in zip(config.resolutions, config.channels):
        block = f"synthesis.b{resolution}"
        yield f"{block}.resample_filter", taps
        if not before:
            yield f"{block}.const", (channels, resolution, resolution)
        inputs = {"conv0": before, "conv1": channels} if before else {"conv1": channels}
        for name, width in inputs.items():
            yield f"{block}.{name}.weight", (channels, width, 3, 3)
            yield f"{block}.{name}.bias", (channels,)
            yield from _dense(f"{block}.{name}.affine", config.w_dim, width)
            yield f"{block}.{name}.noise_strength", ()
            yield f"{block}.{name}.noise_const", (resolution, resolution)
            yield f"{block}.{name}.resample_filter", taps
        if config.architecture == "skip" or resolution == config.img_resolution:
            yield f"{block}.torgb.weight", (config.img_channels, channels, 1, 1)
            yield f"{block}.torgb.bias", (config.img_channels,)
            yield from _dense(f"{block}.torgb.affine", config.w_dim, channels)
        if config.architecture == "resnet" and before:
            yield f"{block}.skip.weight", (channels, before, 1, 1)
            yield f"{block}.skip.resample_filter", taps
        before = channels


def _dense(name: str, inputs: int, outputs: int) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", (outputs, inputs)
    yield f"{name}.bias", (outputs,)


# -- the values of a configuration -----------------------------------------------------------------------------


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _real(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: type(value) in (int, float) and least <= value <= most  # NaN fails both


def _some(check: Callable[[Any], bool], least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, tuple) and least <= len(value) <= most and all(map(check, value))


def _or_none(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


_CHANNELS = _whole(0, MAX_CHANNELS)
_RATE = _real(1e-3, 1e6)
_CUTOFF = _or_none(_real(0, 1e6))
_SIZE = _some(_whole(1, MAX_RESOLUTION), 2, 2)
_TAPS = _some(_whole(1, MAX_TAPS), 0, 2)

_RULES: dict[str, Callable[[Any], bool]] = {
    "kind": lambda value: value in ("stylegan2", "stylegan3-t", "stylegan3-r"),
    "z_dim": _whole(0, MAX_CHANNELS),
    "c_dim": _whole(0, 10 * MAX_CHANNELS),
    "w_dim": _whole(1, MAX_CHANNELS),
    "num_ws": _whole(1, 2 * MAX_LAYERS),
    "img_resolution": _whole(4, MAX_RESOLUTION),
    "img_channels": _whole(1, 64),
    "mapping_lr_multiplier": _real(1e-6, 1e3),
    "mapping_features": _some(_whole(1, MAX_CHANNELS), 0, MAX_LAYERS),
    "embed_features": _CHANNELS,
    "architecture": lambda value: value in ("skip", "orig", "resnet"),
    "conv_clamp": _or_none(_real(1e-3, 1e9)),
    "resample_filter": _some(_real(-1e3, 1e3), 1, 32),
    "channels": lambda value: _CHANNELS(value) or _some(_CHANNELS, 0, MAX_LAYERS)(value),
    "output_scale": _real(-1e3, 1e3),
    "size": _SIZE,
    "sampling_rate": _RATE,
    "bandwidth": _RATE,
    "name": lambda value: isinstance(value, str) and 0 < len(value) <= 80 and "." not in value,
    "in_sampling_rate": _RATE,
    "out_sampling_rate": _RATE,
    "in_size": _SIZE,
    "out_size": _SIZE,
    "up": _whole(1, 64),
    "down": _whole(1, 64),
    "padding": _some(_whole(-4 * MAX_RESOLUTION, 4 * MAX_RESOLUTION), 4, 4),
    "kernel": _whole(1, 15),
    "torgb": lambda value: isinstance(value, bool),
    "clamp": _or_none(_real(1e-3, 1e9)),
    "in_channels": _CHANNELS,
    "out_channels": _CHANNELS,
    "up_taps": _TAPS,
    "down_taps": _TAPS,
    "in_cutoff": _CUTOFF,
    "out_cutoff": _CUTOFF,
    "in_half_width": _CUTOFF,
    "out_half_width": _CUTOFF,
}


def check_values(config: Config) -> None:
    """Refuse a configuration with a value that is not of its kind or out of all proportion."""
    _check_fields(config)
    if isinstance(config, StyleGAN2Config):
        if config.img_resolution & (config.img_resolution - 1):
            raise _wrong("img_resolution", config.img_resolution)
        if abs(math.fsum(config.resample_filter)) < 1e-6:
            raise _wrong("resample_filter", config.resample_filter)
        return
    if not isinstance(config.layers, tuple) or len(config.layers) > MAX_LAYERS:
        raise _wrong("layers", config.layers)
    for layer in config.layers:
        _check_fields(layer)
    _check_fields(config.input)


def _check_fields(config: Any) -> None:
    for field in fields(config):
        value = getattr(config, field.name)
        if not (is_dataclass(value) or field.name == "layers" or _RULES[field.name](value)):
            raise _wrong(field.name, value)


def check_chain(config: Config) -> None:
    """Each part must take what the part before it gives. For measured configurations."""
    if (config.mapping_features or (config.z_dim + config.embed_features,))[-1] != config.w_dim:
        raise _wrong("w_dim", config.w_dim)
    if isinstance(config, StyleGAN2Config):
        if not config.channels or min(config.channels) < 1:
            raise _wrong("channels", config.channels)
        return
    if not config.layers or min(config.input.channels, *(layer.out_channels for layer in config.layers)) < 1:
        raise _wrong("channels", config.input.channels)
    size, channels, names = config.input.size, config.input.channels, set()
    for layer in config.layers:
        if (
            layer.name in names
            or layer.in_size != size
            or layer.in_channels != channels
            or layer.out_size != _filtered_size(layer)
        ):
            raise NetworkFileError(
                f"the layer '{layer.name}' does not fit the one before it",
                hint="The file is damaged, or a fork changed the network in a way that Ganzfeld does not know.",
            )
        names.add(layer.name)
        size, channels = layer.out_size, layer.out_channels


def _filtered_size(layer: LayerConfig) -> Shape:
    """(width, height) that a StyleGAN3 layer gives: full convolution, upsampling filter, downsampling filter."""
    up_taps, down_taps = (layer.up_taps or (1,))[0], (layer.down_taps or (1,))[0]
    padding = layer.padding[0] + layer.padding[1], layer.padding[2] + layer.padding[3]
    return tuple(
        ((side + layer.kernel - 1) * layer.up + pads - up_taps - down_taps + 1) // layer.down + 1
        for side, pads in zip(layer.in_size, padding)
    )


def _wrong(name: str, value: object) -> NetworkFileError:
    shown = f" {value!r}" if isinstance(value, (int, float, str)) and len(str(value)) < 40 else ""
    return NetworkFileError(
        f"the file's value{shown} for '{name}' makes no sense",
        hint="The file is damaged, or it was made by a program that Ganzfeld does not know.",
    )
