"""The noise that StyleGAN2 adds after each convolution, one picture a layer."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from ganzfeld.errors import NetworkError, nearest
from ganzfeld.kernels.gaussian import gaussian

NoiseMode = Literal["const", "random", "none"]
MODES: tuple[str, ...] = get_args(NoiseMode)


def layer_noise(mode: NoiseMode, constant: Tensor, batch: int, seed: int | Tensor | None, stream: int) -> Tensor | None:
    """The noise [N or 1, 1, h, w] of one layer, or None.

    "const": the network's own picture `constant` [h, w]. "random": fresh N(0, 1); with a `seed` (an integer
    or a 0-d integer tensor) the same each time for the same seed and `stream` (the layer's number). "none": none.
    """
    if mode == "none":
        return None
    if mode == "const":
        return constant[None, None]
    if mode != "random":
        raise NetworkError(f"the noise mode {mode!r} does not exist", hint=nearest(str(mode), MODES))
    shape = (batch, 1, constant.shape[0], constant.shape[1])
    if seed is None:
        return torch.randn(shape, device=constant.device)
    return gaussian(shape, seed, stream, constant.device)
