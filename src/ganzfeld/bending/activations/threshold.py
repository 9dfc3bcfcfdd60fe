"""The activation bend `threshold`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place


class Threshold(ActivationBend):
    """Keep only what is further from zero than this."""

    amounts = {
        "threshold": Amount(0, "What is smaller becomes 0.", range=(0, 4), limits=(0, 1e4)),
    }

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        return x * (x.abs() >= amounts["threshold"])
