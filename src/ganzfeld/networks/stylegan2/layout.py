"""Which tensors a StyleGAN2 calls for, and which values its configuration may have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from ganzfeld.networks.rules import (
    CHANNELS,
    MAPPING_RULES,
    MAX_LAYERS,
    MAX_RESOLUTION,
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
from ganzfeld.networks.stylegan2.config import StyleGAN2Config

_RULES: Mapping[str, Rule] = {
    **MAPPING_RULES,
    "architecture": lambda value: value in ("skip", "orig", "resnet"),
    "conv_clamp": or_none(real(1e-3, 1e9)),
    "resample_filter": several(real(-1e3, 1e3), 1, 32),
    "channels": several(CHANNELS, 0, MAX_LAYERS),
    "const_size": several(whole(1, MAX_RESOLUTION), 2, 2),
}


def check_values(config: StyleGAN2Config) -> None:
    """As `NetworkKind.check_values`."""
    check_fields(config, _RULES)
    if config.channels and max(config.size) > MAX_RESOLUTION:
        raise wrong("const_size", config.const_size)
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
    for number, channels in zip(config.blocks, config.channels):
        block = f"synthesis.b{number}"
        width, height = config.block_size(number)
        yield f"{block}.resample_filter", taps
        if not before:
            yield f"{block}.const", (channels, height, width)
        inputs = {"conv0": before, "conv1": channels} if before else {"conv1": channels}
        for name, entering in inputs.items():
            yield f"{block}.{name}.weight", (channels, entering, 3, 3)
            yield f"{block}.{name}.bias", (channels,)
            yield from dense(f"{block}.{name}.affine", config.w_dim, entering)
            yield f"{block}.{name}.noise_strength", ()
            yield f"{block}.{name}.noise_const", (height, width)
            yield f"{block}.{name}.resample_filter", taps
        if config.architecture == "skip" or number == config.blocks[-1]:
            yield f"{block}.torgb.weight", (config.img_channels, channels, 1, 1)
            yield f"{block}.torgb.bias", (config.img_channels,)
            yield from dense(f"{block}.torgb.affine", config.w_dim, channels)
        if config.architecture == "resnet" and before:
            yield f"{block}.skip.weight", (channels, before, 1, 1)
            yield f"{block}.skip.resample_filter", taps
        before = channels
