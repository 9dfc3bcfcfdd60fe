"""The average w of a mapping network whose file does not hold one: estimated, always with the same random latents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ganzfeld.errors import NetworkFileError

LATENTS = 10_000
SEED = 0
MAX_CLASSES = 100_000
NOTE = (
    f"the file has no average w; it was estimated from {LATENTS:,} random latents, so truncation may differ slightly "
    "from the original"
)


def estimated_average(weights: Mapping[str, np.ndarray], lr_multiplier: float, joint: bool = False) -> np.ndarray:
    """The mean w of 10,000 random latents, and of random classes where the network has labels: [w_dim].

    `weights` by official names; `joint` as in `MappingConfig.joint_normalization`.
    Raises NetworkFileError where the mapping network's layers do not fit each other.
    """
    embed = _embedding(weights)
    layers = sorted(int(match[1]) for name in weights if (match := re.fullmatch(r"mapping\.fc(\d+)\.weight", name)))
    dense = [_matrix(weights, f"mapping.fc{i}") for i in layers]
    if not dense:
        raise NetworkFileError("the mapping network has no layers", hint="A part of the file is missing.")
    latent = width = dense[0][0].shape[1]
    for i, (matrix, _) in zip(layers, dense):
        if matrix.shape[1] != width:
            raise NetworkFileError(f"the mapping network's layer {i} does not fit the one before it")
        width = len(matrix)
    latent -= 0 if embed is None else embed.features
    sides = [side for matrix, _ in dense for side in matrix.shape]
    classes = 0 if embed is None else embed.classes
    if latent < 0 or max(sides) > 4096 or classes > MAX_CLASSES:
        raise NetworkFileError("the mapping network is larger than any StyleGAN's, or contradicts itself")

    total = np.zeros(width)
    random = np.random.RandomState(SEED)
    for _ in range(10):  # in parts, to keep memory small
        x = random.randn(LATENTS // 10, latent).astype(np.float32)
        x = x if joint else _normalized(x)
        if embed is not None:
            label = embed.of(random.randint(classes, size=len(x)) if classes else None, len(x)).astype(np.float32)
            x = np.concatenate([x, label if joint else _normalized(label)], 1)
        x = _normalized(x) if joint else x
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


@dataclass(frozen=True)
class _Embedding:
    """How classes are embedded: by a dense layer of the label, or of a class's row of a table (StyleGAN-XL)."""

    weight: np.ndarray
    bias: np.ndarray
    table: np.ndarray | None = None

    @property
    def features(self) -> int:
        return len(self.weight)

    @property
    def classes(self) -> int:
        return self.weight.shape[1] if self.table is None else len(self.table)

    def of(self, classes: np.ndarray | None, count: int) -> np.ndarray:
        """The embedding [count, features] of these classes [count]; None where there are none."""
        if classes is None:
            return np.tile(self.bias, (count, 1))
        if self.table is None:
            return self.weight.T[classes] / np.sqrt(self.classes) + self.bias
        x = self.table[classes] @ self.weight.T / np.sqrt(max(self.table.shape[1], 1)) + self.bias
        return np.where(x < 0, 0.2 * x, x) * np.sqrt(2)


def _embedding(weights: Mapping[str, np.ndarray]) -> _Embedding | None:
    if "mapping.embed_proj.weight" not in weights:
        return _Embedding(*_matrix(weights, "mapping.embed")) if "mapping.embed.weight" in weights else None
    table, (weight, bias) = weights.get("mapping.embed.weight"), _matrix(weights, "mapping.embed_proj")
    if table is None or table.ndim != 2 or table.shape[1] != weight.shape[1]:
        raise NetworkFileError("the mapping network's table of classes does not fit what reads it")
    return _Embedding(weight, bias, table.astype(np.float32))


def _matrix(weights: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """(weight, bias) of a dense layer as float32."""
    weight, bias = weights[f"{name}.weight"], weights.get(f"{name}.bias")
    if weight.ndim != 2 or bias is None or bias.shape != weight.shape[:1]:
        raise NetworkFileError(f"the mapping network's layer '{name}' is no dense layer")
    return weight.astype(np.float32), bias.astype(np.float32)


def _normalized(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).mean(1, keepdims=True) + 1e-8) if x.shape[1] else x
