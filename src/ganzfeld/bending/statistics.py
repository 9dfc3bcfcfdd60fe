"""Numbers about a tensor that bends measure themselves by."""

from __future__ import annotations

from torch import Tensor


def deviation(x: Tensor) -> Tensor:
    """The root mean square of a weight, so that an amount means the same in every layer; 1 where all is zero. 0-d."""
    square = x.square().mean()
    return (square + (square == 0)).sqrt()
