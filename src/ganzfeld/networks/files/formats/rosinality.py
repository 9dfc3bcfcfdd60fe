"""Checkpoints of rosinality's StyleGAN2, the most used independent one (.pt).

A torch.save file of {"g_ema": state_dict, "latent_avg": tensor, …}, or a bare state dict. Same mathematics as the
official network, other names. The upsampling convolutions' weights are taken as they are: both implementations
hand them to a transposed convolution unflipped (checked against the golden file: flipped, the picture is wrong).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.formats import Format
from ganzfeld.networks.files.machine import Global
from ganzfeld.networks.files.source import NOISE_SIZES, Converted, Source, Weights, converted
from ganzfeld.networks.files.values import Array, Record

LATENTS_FOR_AVERAGE = 10_000
LR_MULTIPLIER = 0.01

_LAYER = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "noise.weight": "noise_strength",
    "activate.bias": "bias",
    "bias": "bias",
}


def read(source: Source) -> Converted | None:
    """See the package's docstring."""
    state, latent_avg = _state(source.content)
    if state is None:
        return None
    weights = Weights(len(source.data))
    notes: list[str] = []
    filters = []
    for name, value in state.items():
        ours = official_name(name)
        if ours is not None:
            weights[ours] = _shaped(name, weights.take(name, value))
        elif name.endswith(".kernel"):
            filters.append(weights.take(name, value))
        else:
            raise NetworkFileError(
                f"the checkpoint has a tensor '{name[:60]}', which rosinality's StyleGAN2 does not have",
                hint="It is another network, or a fork changed it in a way that Ganzfeld does not know.",
            )
    if latent_avg is not None:
        average = weights.take("latent_avg", latent_avg)
        # Some tools store one row for each layer, all alike.
        weights["mapping.w_avg"] = (
            average.reshape(-1, average.shape[-1]).mean(0) if average.ndim > 1 and average.size else average
        )
    elif "mapping.fc0.weight" in weights:
        weights["mapping.w_avg"] = estimated_average(weights)
        notes.append(
            f"the file has no average latent (latent_avg); it was estimated from {LATENTS_FOR_AVERAGE:,} random "
            "latents, so truncation may differ slightly from the original"
        )
    sizes = [int(match[1]) for name in weights.arrays if (match := re.match(r"synthesis\.b(\d+)\.conv1\.weight", name))]
    if _fill_noise(weights, sizes):
        notes.append("the file has no fixed noise; layers were given a noise of their own, always the same")
    config = {
        "kind": "stylegan2",
        "w_dim": 1,  # this and z_dim are read off the tensors
        "z_dim": 1,
        "img_resolution": max(sizes, default=4),
        "num_ws": max(2 * len(sizes), 1),
        "architecture": "skip",
        "conv_clamp": None,
        "mapping_lr_multiplier": LR_MULTIPLIER,
        "resample_filter": _taps(filters),
    }
    return converted(config, weights, tuple(notes))


def _state(content: object) -> tuple[Mapping[str, object] | None, object]:
    """(the generator's state dict or None, the average latent or None)."""
    if not isinstance(content, dict):
        return None, None
    for candidate in (content.get("g_ema"), content.get("g"), content):
        if isinstance(candidate, dict) and candidate:
            # Trained on several devices, names begin with "module.".
            state = {
                name.removeprefix("module."): value
                for name, value in candidate.items()
                if isinstance(name, str) and isinstance(value, Array)
            }
            if "input.input" in state and "conv1.conv.weight" in state:
                average = content.get("latent_avg")
                if candidate is content:
                    average = state.pop("latent_avg", None)
                return state, average
    return None, None


def official_name(name: str) -> str | None:
    """The official name of rosinality's `name`; None for filters and what is not known."""
    if match := re.fullmatch(r"style\.(\d{1,3})\.(weight|bias)", name):
        return f"mapping.fc{int(match[1]) - 1}.{match[2]}"
    if name == "input.input":
        return "synthesis.b4.const"
    if match := re.fullmatch(r"noises\.noise_(\d{1,3})", name):
        return f"synthesis.{_convolution(int(match[1]))}.noise_const"
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
    """The tensor without the leading or surrounding ones of rosinality's shapes."""
    if name.startswith("noises.") and array.ndim == 4:
        return array[0, 0] if array.shape[:2] == (1, 1) else array
    if name.endswith("noise.weight"):
        return array.reshape(()) if array.size == 1 else array
    if name.startswith("to_rgb") and array.ndim == 4 and name.endswith("bias"):
        return array.reshape(-1) if array.size == array.shape[1] else array
    if (name == "input.input" or name.endswith("conv.weight")) and array.ndim in (4, 5) and len(array) == 1:
        return array[0]
    return array


def _taps(filters: list[np.ndarray]) -> list[float]:
    """The one-dimensional resampling filter, outermost tap 1."""
    if not filters:
        return [1, 3, 3, 1]
    first = filters[0].astype(np.float64)
    if first.ndim != 2 or not 1 <= len(first) <= 32 or first.shape[0] != first.shape[1]:
        raise NetworkFileError("the checkpoint's FIR filters are no square filters")
    taps = first.sum(1)
    scale = taps[0] if abs(taps[0]) > 1e-6 else 1.0
    return [round(float(tap), 6) for tap in taps / scale]


def _fill_noise(weights: Weights, sizes: list[int]) -> bool:
    """Give every convolution without fixed noise a normal one, seeded. Whether any needed it."""
    random = np.random.RandomState(0)
    filled = False
    for size in sorted(sizes):
        for layer in ("conv0", "conv1"):
            name = f"synthesis.b{size}.{layer}"
            if f"{name}.noise_strength" in weights and f"{name}.noise_const" not in weights and size in NOISE_SIZES:
                weights[f"{name}.noise_const"] = random.randn(size, size).astype(np.float32)
                filled = True
    return filled


def estimated_average(weights: Weights, seed: int = 0) -> np.ndarray:
    """The mean w of 10,000 random latents: [w_dim]."""
    layers = sorted(
        int(match[1]) for name in weights.arrays if (match := re.fullmatch(r"mapping\.fc(\d+)\.weight", name))
    )
    matrices = [weights[f"mapping.fc{i}.weight"] for i in layers]
    width = matrices[0].shape[-1] if matrices[0].ndim else 0
    for i, matrix in zip(layers, matrices):
        bias = f"mapping.fc{i}.bias"
        if (
            matrix.ndim != 2
            or matrix.shape[1] != width
            or bias not in weights
            or weights[bias].shape != matrix.shape[:1]
        ):
            raise NetworkFileError(f"the mapping network's layer {i} does not fit the one before it")
        width = len(matrix)
    if max(matrix.shape[0] for matrix in matrices) * max(matrix.shape[1] for matrix in matrices) > 4096**2:
        raise NetworkFileError("the mapping network is larger than any StyleGAN2's")
    total = np.zeros(width)
    random = np.random.RandomState(seed)
    for _ in range(10):  # in parts, to keep memory small
        x = random.randn(LATENTS_FOR_AVERAGE // 10, matrices[0].shape[1]).astype(np.float32)
        x /= np.sqrt((x**2).mean(1, keepdims=True) + 1e-8)
        for i, matrix in zip(layers, matrices):
            x = x @ (matrix.astype(np.float32).T * (LR_MULTIPLIER / np.sqrt(matrix.shape[1])))
            x += weights[f"mapping.fc{i}.bias"].astype(np.float32) * LR_MULTIPLIER
            x = np.where(x < 0, 0.2 * x, x) * np.float32(np.sqrt(2))
        total += x.sum(0)
    return (total / LATENTS_FOR_AVERAGE).astype(np.float32)


FORMAT = Format(
    name="rosinality's StyleGAN2 checkpoints (.pt)",
    read=read,
    # The training script puts its command line into every checkpoint.
    vocabulary={("argparse", "Namespace"): Global("argparse.Namespace", new=lambda: Record("namespace", "Namespace"))},
)
