"""Lay one picture over another: the separable blend modes of the W3C's Compositing and Blending, and a few more."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ganzfeld.kernels.alpha import premultiplied, straight, tamed

Blend = Callable[[Tensor, Tensor], Tensor]

BLENDS: dict[str, Blend] = {
    "over": lambda a, b: b,
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: (a - b).clamp_min(0),
    "multiply": lambda a, b: a * b,
    "screen": lambda a, b: 1 - (1 - a.clamp(0, 1)) * (1 - b.clamp(0, 1)),
    "overlay": lambda a, b: torch.where(a < 0.5, 2 * a * b, 1 - 2 * (1 - a) * (1 - b)),
    "difference": lambda a, b: (a - b).abs(),
    "lighten": torch.maximum,
    "darken": torch.minimum,
}
"""Colour of a (below) and b (above), each [N, 3, H, W] -> the colour where both are opaque."""


def composited(a: Tensor, b: Tensor, mode: str, amount: Tensor) -> Tensor:
    """b over a, both [N, 4, H, W] with straight alpha, blended by `mode` (of `BLENDS`) where they overlap.

    `amount` multiplies b's alpha: 0-d or [N, 1, H, W], held to 0..1; at 0 the result looks like a.
    """
    a, b = tamed(a), tamed(b)
    below = a[:, 3:].clamp(0, 1)
    above = b[:, 3:].clamp(0, 1) * amount.clamp(0, 1)
    blended = BLENDS[mode](a[:, :3], b[:, :3])
    # Where nothing lies below, b shows its own colour.
    colour = torch.lerp(b[:, :3], blended, below)
    mixed = torch.lerp(a[:, :3] * below, colour, above)
    return tamed(straight(torch.cat([mixed, torch.lerp(below, torch.ones_like(below), above)], 1)))


def crossfaded(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """From a (share 0) to b (share 1), alpha included. `share`: 0-d or [N, 1, H, W], held to 0..1."""
    return straight(torch.lerp(premultiplied(a), premultiplied(b), share.clamp(0, 1)))


def wipe(width: int, share: Tensor, soft: float = 0.05) -> Tensor:
    """[1, 1, 1, W]: 1 where a border, moving from left to right with `share` (0-d) from 0 to 1, has passed.

    `soft`: how wide the border is, in widths.
    """
    x = (torch.arange(width, device=share.device) + 0.5) / width
    return ((share.clamp(0, 1) * (1 + soft) - x) / soft).clamp(0, 1)[None, None, None]
