"""Which tensors a StyleGAN3 calls for, and which values its configuration may have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.rules import (
    CHANNELS,
    MAPPING_RULES,
    MAX_LAYERS,
    MAX_RESOLUTION,
    MAX_TAPS,
    Rule,
    Shape,
    check_fields,
    check_w,
    dense,
    mapping_shapes,
    or_none,
    real,
    several,
    whole,
    wrong,
)
from ganzfeld.networks.stylegan3.config import InputConfig, LayerConfig, StyleGAN3Config

_RATE = real(1e-3, 1e6)
_CUTOFF = or_none(real(0, 1e6))
_SIZE = several(whole(1, MAX_RESOLUTION), 2, 2)
_TAPS = several(whole(1, MAX_TAPS), 0, 2)

_RULES: Mapping[str, Rule] = {
    **MAPPING_RULES,
    "output_scale": real(-1e3, 1e3),
    "input": lambda value: isinstance(value, InputConfig),
    "layers": lambda value: isinstance(value, tuple) and len(value) <= MAX_LAYERS,
}
_INPUT_RULES: Mapping[str, Rule] = {"size": _SIZE, "sampling_rate": _RATE, "bandwidth": _RATE, "channels": CHANNELS}
_LAYER_RULES: Mapping[str, Rule] = {
    "name": lambda value: isinstance(value, str) and 0 < len(value) <= 80 and "." not in value,
    "in_sampling_rate": _RATE,
    "out_sampling_rate": _RATE,
    "in_size": _SIZE,
    "out_size": _SIZE,
    "up": whole(1, 64),
    "down": whole(1, 64),
    "padding": several(whole(-4 * MAX_RESOLUTION, 4 * MAX_RESOLUTION), 4, 4),
    "kernel": whole(1, 15),
    "torgb": lambda value: isinstance(value, bool),
    "clamp": or_none(real(1e-3, 1e9)),
    "in_channels": CHANNELS,
    "out_channels": CHANNELS,
    "up_taps": _TAPS,
    "down_taps": _TAPS,
    "in_cutoff": _CUTOFF,
    "out_cutoff": _CUTOFF,
    "in_half_width": _CUTOFF,
    "out_half_width": _CUTOFF,
}


def check_values(config: StyleGAN3Config) -> None:
    """As `NetworkKind.check_values`."""
    check_fields(config, _RULES)
    for layer in config.layers:
        check_fields(layer, _LAYER_RULES)
    check_fields(config.input, _INPUT_RULES)


def check_chain(config: StyleGAN3Config) -> None:
    """As `NetworkKind.check_chain`."""
    check_w(config)
    if not config.layers or min(config.input.channels, *(layer.out_channels for layer in config.layers)) < 1:
        raise wrong("channels", config.input.channels)
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
    """(width, height) that a layer gives: full convolution, upsampling filter, downsampling filter."""
    up_taps, down_taps = (layer.up_taps or (1,))[0], (layer.down_taps or (1,))[0]
    padding = layer.padding[0] + layer.padding[1], layer.padding[2] + layer.padding[3]
    return tuple(
        ((side + layer.kernel - 1) * layer.up + pads - up_taps - down_taps + 1) // layer.down + 1
        for side, pads in zip(layer.in_size, padding)
    )


def shapes(config: StyleGAN3Config) -> Iterator[tuple[str, Shape]]:
    """As `NetworkKind.shapes`."""
    yield from mapping_shapes(config)
    source = config.input
    yield "synthesis.input.weight", (source.channels, source.channels)
    yield from dense("synthesis.input.affine", config.w_dim, 4)
    yield "synthesis.input.transform", (3, 3)
    yield "synthesis.input.freqs", (source.channels, 2)
    yield "synthesis.input.phases", (source.channels,)
    for layer in config.layers:
        prefix = f"synthesis.{layer.name}"
        yield f"{prefix}.weight", (layer.out_channels, layer.in_channels, layer.kernel, layer.kernel)
        yield f"{prefix}.bias", (layer.out_channels,)
        yield from dense(f"{prefix}.affine", config.w_dim, layer.in_channels)
        yield f"{prefix}.magnitude_ema", ()
        if layer.up_taps:
            yield f"{prefix}.up_filter", layer.up_taps
        if layer.down_taps:
            yield f"{prefix}.down_filter", layer.down_taps
