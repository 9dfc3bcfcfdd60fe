"""The activation bend `feedback`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, Place
from ganzfeld.kernels.affine import affine

LOUDEST = 1e4  # feedback above 1 grows without end; the network clamps at 256


class Feedback(ActivationBend):
    """Mix with this layer's own activations of the frame before, moved, turned and zoomed."""

    amounts = {
        "feedback": Amount(0, "0 is none, 1 is nothing but the past.", range=(0, 1), limits=(-2, 2)),
        "feedback_x": Amount(0, "How far the past moves each frame.", range=(-0.1, 0.1)),
        "feedback_y": Amount(0, "How far the past rises each frame.", range=(-0.1, 0.1)),
        "feedback_rotate": Amount(
            0, "How far the past turns each frame.", range=(-10, 10), limits=(-1e6, 1e6), unit="degrees"
        ),
        "feedback_scale": Amount(1, "How much the past grows each frame.", range=(0.9, 1.1), limits=(-100, 100)),
    }

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], place: Place) -> Tensor:
        past = place.memory("feedback", tuple(x.shape))
        moved = affine(
            past, amounts["feedback_x"], amounts["feedback_y"], amounts["feedback_rotate"], amounts["feedback_scale"]
        )
        mixed = torch.lerp(x.float(), moved, amounts["feedback"]).clamp(-LOUDEST, LOUDEST)
        past.copy_(mixed)
        return mixed.to(x.dtype)
