"""Which tensors a StyleGAN2 calls for, and which values its configuration may have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from ganzfeld.networks.rules import (
    CHANNELS,
    MAPPING_RULES,
    MAX_LAYERS,
    Rule,
    Shape,
    check_fields,
    check_w,
    dense,
    mapping_shapes,
    or_none,
    real,
    several,
    wrong,
)
from ganzfeld.networks.stylegan2.config import StyleGAN2Config

_RULES: Mapping[str, Rule] = {
    **MAPPING_RULES,
    "architecture": lambda value: value in ("skip", "orig", "resnet"),
    "conv_clamp": or_none(real(1e-3, 1e9)),
    "resample_filter": several(real(-1e3, 1e3), 1, 32),
    "channels": several(CHANNELS, 0, MAX_LAYERS),
}


def check_values(config: StyleGAN2Config) -> None:
    """As `NetworkKind.check_values`."""
    check_fields(config, _RULES)
    if config.img_resolution & (config.img_resolution - 1):
        raise wrong("img_resolution", config.img_resolution)
    if abs(math.fsum(config.resample_filter)) < 1e-6:
        raise wrong("resample_filter", config.resample_filter)


def check_chain(config: StyleGAN2Config) -> None:
    """As `NetworkKind.check_chain`."""
    check_w(config)
    if not config.channels or min(config.channels) < 1:
        raise wrong("channels", config.channels)


def shapes(config: StyleGAN2Config) -> Iterator[tuple[str, Shape]]:
    """As `NetworkKind.shapes`."""
    yield from mapping_shapes(config)
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
            yield from dense(f"{block}.{name}.affine", config.w_dim, width)
            yield f"{block}.{name}.noise_strength", ()
            yield f"{block}.{name}.noise_const", (resolution, resolution)
            yield f"{block}.{name}.resample_filter", taps
        if config.architecture == "skip" or resolution == config.img_resolution:
            yield f"{block}.torgb.weight", (config.img_channels, channels, 1, 1)
            yield f"{block}.torgb.bias", (config.img_channels,)
            yield from dense(f"{block}.torgb.affine", config.w_dim, channels)
        if config.architecture == "resnet" and before:
            yield f"{block}.skip.weight", (channels, before, 1, 1)
            yield f"{block}.skip.resample_filter", taps
        before = channels
