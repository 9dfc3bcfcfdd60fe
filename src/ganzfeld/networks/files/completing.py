"""What a file leaves out is made up, and what it says is checked: the last step of every format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.average import NOTE, estimated_average, estimated_rate
from ganzfeld.networks.files.layout import described
from ganzfeld.networks.files.source import Converted, Remarks, Weights

LARGEST_NOISE = 2048
"""Pixels a side of the largest picture for which missing noise is made up."""
BLOCKS = tuple(4 << k for k in range(12))
"""Numbers of the blocks that it is made up for; a file may name thousands that are none."""
USUAL_TAPS = [1, 3, 3, 1]
RATE = 0.01
"""The learning rate multiplier of every official mapping network."""
MAX_TAPS = 32


def converted(
    config: Mapping[str, Any], weights: Weights, origin: str = "", remarks: Remarks | None = None
) -> Converted:
    """The network, once what its file leaves out is made up and its configuration and tensors were checked against each
    other. `config` as JSON has it, with its "kind"; `origin` as in `Converted`. Raises NetworkFileError."""
    remarks = remarks or Remarks()
    first = weights.arrays.get("mapping.fc0.weight")
    if first is not None and first.shape[1:] == (0,):
        raise NetworkFileError(
            "the network reads neither a latent nor a class: its mapping network has no inputs",
            hint="It would always make the same picture. A part of the file is missing.",
        )
    rate = config.get("mapping_lr_multiplier", RATE)
    if "mapping.w_avg" not in weights and "mapping.fc0.weight" in weights:
        weights["mapping.w_avg"] = estimated_average(
            weights.arrays, rate, joint=config.get("joint_normalization") is True
        )
        remarks.notes.append(NOTE)
    likely = estimated_rate(weights.arrays)
    if likely is not None and not likely / 4 < rate < likely * 4:
        remarks.warnings.append(
            f"the weights of the mapping network look as if it had been trained with a rate (lr_mlp, lr_multiplier) of "
            f"about {likely:.2g}, and {rate:g} was taken; if the picture is wrong, state the rate: "
            "ganzfeld inspect FILE --set mapping_lr_multiplier=NUMBER"
        )
    if config["kind"] == "stylegan2":
        _complete_noise(weights, remarks)
        config = {
            **config,
            "resample_filter": _complete_filters(weights, config.get("resample_filter", USUAL_TAPS), remarks),
        }
    checked = described(config, weights.arrays)
    return Converted(checked, weights.arrays, origin, tuple(remarks.notes), tuple(remarks.warnings))


def _layers(weights: Weights, pattern: str) -> list[str]:
    """The layers whose weights' names match, in the order of the file: "synthesis.b8.conv0"."""
    matches = (re.fullmatch(rf"(synthesis\.b\d{{1,5}}\.(?:{pattern}))\.weight", name) for name in weights.arrays)
    return [match[1] for match in matches if match]


def _complete_noise(weights: Weights, remarks: Remarks) -> None:
    """Noise that is nothing for layers without any, and a noise of their own for those that only lack the constant."""
    random = np.random.RandomState(0)
    invented = False
    blocks = {layer: int(layer.split(".")[1][1:]) for layer in _layers(weights, "conv[01]")}
    const = weights["synthesis.b4.const"].shape if "synthesis.b4.const" in weights else ()
    for layer, block in sorted(blocks.items(), key=lambda item: (item[1], item[0])):
        if f"{layer}.noise_const" in weights and f"{layer}.noise_strength" in weights:
            continue
        size = tuple(side * block // 4 for side in const[-2:])
        if len(size) != 2 or max(size) > LARGEST_NOISE or block not in BLOCKS:
            size = (0, 0)
        if f"{layer}.noise_strength" not in weights:
            weights[f"{layer}.noise_strength"] = np.zeros((), np.float32)
            weights[f"{layer}.noise_const"] = np.zeros(size, np.float32)
        else:
            weights[f"{layer}.noise_const"] = random.randn(*size).astype(np.float32)
            invented = True
    if invented:
        remarks.notes.append("the file has no fixed noise; layers were given a noise of their own, always the same")


def _complete_filters(weights: Weights, taps: list[float], remarks: Remarks) -> list[float]:
    """Give every place its resampling filter as a square of one size; missing ones are made of `taps`.

    The answer are the one-dimensional taps, for the configuration.
    """
    blocks = sorted({layer.rpartition(".")[0] for layer in _layers(weights, "conv[01]|torgb|skip")})
    places = [*blocks, *_layers(weights, "conv[01]|skip")]
    filters: dict[str, np.ndarray] = {}
    for place in places:
        stored = weights.arrays.get(f"{place}.resample_filter")
        if stored is None or not stored.size:
            line = np.asarray(taps, np.float32)
            stored = line / max(abs(float(line.sum())), 1e-12)
        if stored.ndim == 1:
            stored = np.outer(stored, stored)
        if stored.ndim != 2 or stored.shape[0] != stored.shape[1] or len(stored) > MAX_TAPS:
            raise NetworkFileError(f"the filter of '{place}' in the file is no square filter")
        filters[place] = stored
    side = max((len(square) for square in filters.values()), default=len(USUAL_TAPS))
    side = max(side, len(USUAL_TAPS))
    for place, square in filters.items():
        weights[f"{place}.resample_filter"] = _widened(square, side)
    lines = {tuple(_line(square)) for place, square in filters.items() if _is_used(place)}
    if lines - {tuple(USUAL_TAPS)}:
        shown = " and ".join(str([f"{tap:g}" for tap in line]).replace("'", "") for line in sorted(lines))
        remarks.notes.append(f"its filters are {shown}; those of most networks are [1, 3, 3, 1]")
    first = next((square for place, square in filters.items() if place.endswith("conv0")), None)
    return _line(np.outer(taps, taps) if first is None else _widened(first, side))


def _is_used(place: str) -> bool:
    """Whether anything is resampled there."""
    return not place.endswith((".b4", "conv1"))


def _widened(square: np.ndarray, side: int) -> np.ndarray:
    """The same filter with zeros around it: what it filters lies where it lay. As the public code aligns filters, the
    first of k taps falls (k - 1) // 2 samples before the picture's edge."""
    after = (side - 1) // 2 - (len(square) - 1) // 2
    return np.pad(square, (side - len(square) - after, after))


def _line(square: np.ndarray) -> list[float]:
    """The one-dimensional taps of a separable filter, scaled so that the outermost is 1: [1, 3, 3, 1]."""
    taps = np.asarray(square, np.float64).sum(1)
    outermost = next((tap for tap in taps if abs(tap) > 1e-6), 1.0)
    return [round(float(tap), 6) for tap in taps / outermost]
