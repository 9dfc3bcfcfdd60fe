"""Checkpoints of rosinality's StyleGAN2, the most used independent one (.pt), and of what was built on it.

A torch.save file of {"g_ema": state_dict, "latent_avg": tensor, …}, or a bare state dict; pSp, e4e and their kin keep
the same generator as their "decoder". Same mathematics as the official network, other names. The upsampling
convolutions' weights are taken as they are: both implementations hand them to a transposed convolution unflipped
(checked against the golden file: flipped, the picture is wrong).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.completing import RATE, USUAL_TAPS, converted
from ganzfeld.networks.files.formats import Format
from ganzfeld.networks.files.machine import Global
from ganzfeld.networks.files.source import Converted, Remarks, Source, Weights
from ganzfeld.networks.files.survey import Survey, mapping_of
from ganzfeld.networks.files.values import Array, Record

_LAYER = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "noise.weight": "noise_strength",
    "activate.bias": "bias",
    "bias": "bias",
    "conv.blur.kernel": "resample_filter",
}
_AVERAGES = ("latent_avg", "mean_latent", "latent_mean", "w_avg", "dlatent_avg")


def read(source: Source) -> Converted | None:
    """See `Format.read`."""
    place = source.place("input.input", "conv1.conv.weight")
    if place is None:
        return None
    weights, remarks = Weights(len(source.data)), Remarks()
    for name, value in source.survey.state(place).items():
        ours = official_name(name)
        if ours is not None:
            weights[ours] = _shaped(name, weights.take(name, value))
        elif name not in _AVERAGES and _belongs(name, place):
            raise NetworkFileError(
                f"the checkpoint has a tensor '{name[:60]}', which rosinality's StyleGAN2 does not have",
                hint="It is another network, or a fork changed it in a way that Ganzfeld does not know.",
            )
    average = _average(source.survey, place)
    if average is not None:
        weights["mapping.w_avg"] = _one_row(weights.take("latent_avg", average), remarks)
    sizes = [int(match[1]) for name in weights.arrays if (match := re.match(r"synthesis\.b(\d+)\.conv1\.weight", name))]
    config = {
        "kind": "stylegan2",
        "w_dim": 1,  # this and z_dim are read off the tensors
        "z_dim": 1,
        "img_resolution": max(sizes, default=4),
        "num_ws": max(2 * len(sizes), 1),
        "architecture": "skip",
        "conv_clamp": source.stated.get("conv_clamp"),
        "mapping_lr_multiplier": _rate(source, place),
        "resample_filter": USUAL_TAPS,
    }
    _add_filters(weights, source, remarks)
    decoder = place.endswith("decoder.") and any(name.split(".")[0] == "encoder" for name in _heads(source, place))
    origin = "decoder of an encoder (pSp, e4e, or their kin)" if decoder else "checkpoint"
    return converted(config, weights, f"{origin}: a StyleGAN2 of rosinality's, or a fork's", remarks)


def _heads(source: Source, place: str) -> list[str]:
    """The names beside the generator, from where it lies."""
    above = place.removesuffix("decoder.")
    return [name.removeprefix(above) for name in source.survey.tensors if name.startswith(above)]


def _belongs(name: str, place: str) -> bool:
    """Whether a tensor that nobody knows may be one of the generator's. A file that is nothing but a state dict holds
    other things beside it, too."""
    first = name.partition(".")[0]
    return bool(place) or first in ("style", "input", "conv1", "to_rgb1", "convs", "to_rgbs", "noises")


def _average(survey: Survey, place: str) -> Array | None:
    """The average w: with the generator, or somewhere on the way there from the top of the file."""
    words = place.split(".")
    ways = [".".join([*words[:depth], ""]) for depth in range(len(words) - 1, 0, -1)]
    for whole in (way + name for way in (*ways, "") for name in _AVERAGES):
        if whole in survey.tensors:
            return survey.tensors[whole]
    return None


def _one_row(average: np.ndarray, remarks: Remarks) -> np.ndarray:
    """The average w [w_dim]. Some tools store one row for each layer, all alike."""
    if average.ndim < 2 or not average.size:
        return average
    rows = average.reshape(-1, average.shape[-1])
    if not np.allclose(rows, rows[0], atol=1e-3):
        remarks.warnings.append(
            "its average w differs from layer to layer; their mean was taken, so truncation differs from the original's"
        )
        return rows.mean(0)
    return rows[0]


# -- what the tensors do not say -------------------------------------------------------------------------------


def _settings(source: Source) -> Iterator[Mapping[object, object]]:
    """What the training's command line was, as the file keeps it."""
    content = mapping_of(source.content) or {}
    for name in ("args", "opts", "conf", "config", "cfg", "hparams", "opt"):
        found = content.get(name)
        if isinstance(found, Record):
            yield {**found.items, **found.state}
        elif isinstance(found, dict):
            yield found


def _rate(source: Source, place: str) -> float:
    """The learning rate multiplier of the mapping network: stated, or as a pickled module or the settings say it."""
    if "mapping_lr_multiplier" in source.stated:
        return source.stated["mapping_lr_multiplier"]
    layer = source.survey.module(f"{place}style.1.")
    candidates = [layer.state.get("lr_mul")] if layer is not None else []
    candidates += [settings.get(name) for settings in _settings(source) for name in ("lr_mlp", "lr_mul")]
    for value in candidates:
        if type(value) in (int, float) and math.isfinite(value) and value > 0:  # pyright: ignore
            return value  # pyright: ignore[reportReturnType]
    return RATE


def _add_filters(weights: Weights, source: Source, remarks: Remarks) -> None:
    """The filters of convolutions that the file leaves out: as they were stated, or as the settings say it."""
    layers = [name.removesuffix(".weight") for name in weights.arrays if name.endswith(".conv0.weight")]
    told = next(filter(None, (_taps(settings.get("blur_kernel")) for settings in _settings(source))), None)
    taps = source.stated.get("resample_filter") or told
    if taps is None:
        return
    line = np.asarray(taps, np.float32) / math.fsum(taps)
    square = np.outer(line, line)
    for layer in layers:
        name = f"{layer}.resample_filter"
        stored = weights.arrays.get(name)
        if "resample_filter" in source.stated or stored is None:
            weights[name] = square
        elif stored.shape != square.shape or not np.allclose(stored, square, atol=1e-3):
            remarks.warnings.append(
                f"its settings say that its filter is {taps}, but it holds another one, which is taken"
            )
            return


def _taps(value: object) -> list[float] | None:
    if isinstance(value, (list, tuple)) and 1 <= len(value) <= 32:
        numbers = [float(tap) for tap in value if type(tap) in (int, float) and abs(tap) <= 1000]
        if len(numbers) == len(value) and abs(math.fsum(numbers)) > 1e-6:
            return numbers
    return None


# -- names and shapes ------------------------------------------------------------------------------------------


def official_name(name: str) -> str | None:
    """The official name of rosinality's `name`; None for what is not known."""
    if match := re.fullmatch(r"style\.(\d{1,3})\.(weight|bias)", name):
        return f"mapping.fc{int(match[1]) - 1}.{match[2]}"
    if name == "input.input":
        return "synthesis.b4.const"
    if match := re.fullmatch(r"noises\.noise_(\d{1,3})", name):
        return f"synthesis.{_convolution(int(match[1]))}.noise_const"
    if match := re.fullmatch(r"to_rgbs\.(\d{1,3})\.upsample\.kernel", name):
        return f"synthesis.b{8 << int(match[1])}.resample_filter"
    if match := re.fullmatch(r"(conv1|to_rgb1|convs\.(\d{1,3})|to_rgbs\.(\d{1,3}))\.(.+)", name):
        where, convolution, torgb, rest = match.groups()
        if rest not in _LAYER:
            return None
        if where == "conv1" or convolution is not None:
            place = _convolution(0 if convolution is None else int(convolution) + 1)
        else:
            place = f"b{4 if torgb is None else 8 << int(torgb)}.torgb"
        return f"synthesis.{place}.{_LAYER[rest]}"
    return None


def _convolution(index: int) -> str:
    """The name of the index-th convolution: b4.conv1, b8.conv0, b8.conv1, b16.conv0, …"""
    return f"b{4 << (index + 1) // 2}.conv{0 if index % 2 else 1}"


def _shaped(name: str, array: np.ndarray) -> np.ndarray:
    """The tensor without the leading or surrounding ones of rosinality's shapes; filters without their gain of 4."""
    if name.startswith("noises.") and array.ndim == 4:
        return array[0, 0] if array.shape[:2] == (1, 1) else array
    if name.endswith("noise.weight"):
        return array.reshape(()) if array.size == 1 else array
    if name.startswith("to_rgb") and array.ndim == 4 and name.endswith("bias"):
        return array.reshape(-1) if array.size == array.shape[1] else array
    if (name == "input.input" or name.endswith("conv.weight")) and array.ndim in (4, 5) and len(array) == 1:
        return array[0]
    return array / 4 if name.endswith(".kernel") else array


FORMAT = Format(
    name="rosinality's StyleGAN2 checkpoints (.pt)",
    read=read,
    searches=True,
    # The training script puts its command line into every checkpoint.
    vocabulary={("argparse", "Namespace"): Global("argparse.Namespace", new=lambda: Record("namespace", "Namespace"))},
)
