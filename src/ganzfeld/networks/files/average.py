"""The average w of a mapping network whose file does not hold one: estimated, always with the same random latents."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from ganzfeld.errors import NetworkFileError

LATENTS = 10_000
SEED = 0
MAX_CLASSES = 100_000
NOTE = (
    f"the file has no average w; it was estimated from {LATENTS:,} random latents, so truncation may differ slightly "
    "from the original"
)


def estimated_average(weights: Mapping[str, np.ndarray], lr_multiplier: float) -> np.ndarray:
    """The mean w of 10,000 random latents, and of random classes where the network has labels: [w_dim].

    `weights` by official names. Raises NetworkFileError where the mapping network's layers do not fit each other.
    """
    embed = _matrix(weights, "mapping.embed") if "mapping.embed.weight" in weights else None
    layers = sorted(int(match[1]) for name in weights if (match := re.fullmatch(r"mapping\.fc(\d+)\.weight", name)))
    dense = [_matrix(weights, f"mapping.fc{i}") for i in layers]
    if not dense:
        raise NetworkFileError("the mapping network has no layers", hint="A part of the file is missing.")
    features = 0 if embed is None else len(embed[0])
    latent = width = dense[0][0].shape[1]
    for i, (matrix, _) in zip(layers, dense):
        if matrix.shape[1] != width:
            raise NetworkFileError(f"the mapping network's layer {i} does not fit the one before it")
        width = len(matrix)
    latent -= features
    sides = [side for matrix, _ in dense for side in matrix.shape]
    classes = 0 if embed is None else embed[0].shape[1]
    if latent < 0 or max(sides) > 4096 or classes > MAX_CLASSES:
        raise NetworkFileError("the mapping network is larger than any StyleGAN's, or contradicts itself")

    total = np.zeros(width)
    random = np.random.RandomState(SEED)
    for _ in range(10):  # in parts, to keep memory small
        x = _normalized(random.randn(LATENTS // 10, latent).astype(np.float32))
        if embed is not None:
            matrix, bias = embed
            columns = random.randint(max(classes, 1), size=len(x)) if classes else np.zeros(0, int)
            label = matrix.T[columns] / np.sqrt(classes) + bias if classes else np.tile(bias, (len(x), 1))
            x = np.concatenate([x, _normalized(label.astype(np.float32))], 1)
        for matrix, bias in dense:
            x = x @ (matrix.T * np.float32(lr_multiplier / np.sqrt(max(matrix.shape[1], 1)))) + bias * lr_multiplier
            x = (np.where(x < 0, 0.2 * x, x) * np.sqrt(2)).astype(np.float32)
        total += x.sum(0)
    return (total / LATENTS).astype(np.float32)


def estimated_rate(weights: Mapping[str, np.ndarray]) -> float | None:
    """The learning rate multiplier that the mapping network seems to have been trained with: layers begin with normal
    weights of the size 1 / rate, and stay near it. None where nobody can tell."""
    sizes = [
        float(np.std(array.astype(np.float64)))
        for name, array in weights.items()
        if re.fullmatch(r"mapping\.fc\d+\.weight", name) and array.size >= 64
    ]
    sizes = [size for size in sizes if np.isfinite(size) and size > 0]
    return float(1 / np.exp(np.mean(np.log(sizes)))) if sizes else None


def _matrix(weights: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """(weight, bias) of a dense layer as float32."""
    weight, bias = weights[f"{name}.weight"], weights.get(f"{name}.bias")
    if weight.ndim != 2 or bias is None or bias.shape != weight.shape[:1]:
        raise NetworkFileError(f"the mapping network's layer '{name}' is no dense layer")
    return weight.astype(np.float32), bias.astype(np.float32)


def _normalized(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).mean(1, keepdims=True) + 1e-8) if x.shape[1] else x
