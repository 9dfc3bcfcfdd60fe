"""Resize with Lanczos' window: the sharpest of the classic filters (Duchon 1979)."""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from torch import Tensor

from ganzfeld.kernels.alpha import premultiplied, straight

LOBES = 3


def lanczos(image: Tensor, width: int, height: int) -> Tensor:
    """A picture [N, 4, h, w] (straight alpha) -> [N, 4, height, width]. Overshoots are held to 0..1.

    Along each axis in turn, the one that leaves least work first. The edge is held.
    """
    h, w = image.shape[2:]
    image = premultiplied(image)
    if height * w < width * h:
        image = _across(_down(image, height), width)
    else:
        image = _down(_across(image, width), height)
    return straight(image).clamp(0, 1)


def _across(image: Tensor, width: int) -> Tensor:
    # Whole rows are quicker to fetch than single pixels: lie the picture down.
    return _down(image.transpose(2, 3).contiguous(), width).transpose(2, 3).contiguous()


def _down(image: Tensor, height: int) -> Tensor:
    """The height changed: a weighted sum of as many shifted pictures as the filter has taps."""
    if image.shape[2] == height:
        return image
    total: Tensor | None = None
    for place, weight in zip(*_taps(image.shape[2], height, image.device)):
        rows = image.index_select(2, place)
        total = rows * weight[:, None] if total is None else total.addcmul_(rows, weight[:, None])
    assert total is not None
    return total


@functools.lru_cache(64)
def _taps(length: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """For each tap: where in the source each result pixel reads [taps, size], and with which weight [taps, size]."""
    wider = max(1.0, length / size)  # when shrinking, the filter grows, so that no pixel is skipped
    centre = (np.arange(size) + 0.5) * length / size - 0.5
    reach = LOBES * wider
    taps = math.ceil(2 * reach) + 1
    place = np.floor(centre - reach)[None].astype(np.int64) + 1 + np.arange(taps)[:, None]
    x = (place - centre) / wider
    weight = np.where(np.abs(x) < LOBES, np.sinc(x) * np.sinc(x / LOBES), 0)
    weight /= weight.sum(0)
    place = place.clip(0, length - 1)
    with torch.inference_mode(False):  # kept beyond this frame, for any use
        return torch.from_numpy(place).to(device), torch.from_numpy(weight).to(device, torch.float32)
