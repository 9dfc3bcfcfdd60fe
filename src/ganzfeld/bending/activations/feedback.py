"""The activation bend `feedback`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Amount, BendContext, Setting
from ganzfeld.bending.examples import LAYERS, Taste, on_layers
from ganzfeld.kernels.affine import affine
from ganzfeld.kernels.card import has_fused_bends
from ganzfeld.kernels.masks import masked

LOUDEST = 1e4  # feedback above 1 grows without end; the network clamps at 256
LONGEST = 600
USUAL = 30


def _frames(value: Any) -> int:
    if not isinstance(value, int) or not 1 <= value <= LONGEST:
        raise ValueError(f"a number of frames, from 1 to {LONGEST}")
    return value


class FeedbackActivation(ActivationBend):
    """Mix with this layer's own activations of the frame before, or of many frames before, moved, turned and zoomed.

    What is remembered is what left this bend, so the past holds its own past; a mask hides some of it, and it goes on
    beneath.
    """

    amounts = {
        "feedback": Amount(0, "0 is none, 1 is nothing but the past.", range=(0, 1), limits=(-2, 2)),
        "feedback_x": Amount(0, "How far the past moves each time.", range=(-0.1, 0.1)),
        "feedback_y": Amount(0, "How far the past rises each time.", range=(-0.1, 0.1)),
        "feedback_rotate": Amount(
            0, "How far the past turns each time.", range=(-10, 10), limits=(-1e6, 1e6), unit="degrees"
        ),
        "feedback_scale": Amount(1, "How much the past grows each time.", range=(0.9, 1.1), limits=(-100, 100)),
        "feedback_delay": Amount(
            1, "How long ago the past is; a fraction mixes two frames.", range=(1, USUAL), limits=(1, LONGEST),
            unit="frames", compared=1.5),
    }  # fmt: skip
    settings = {
        "feedback_longest": Setting(
            f"The longest feedback_delay, in frames ({USUAL} unless said): so many are kept in memory.",
            default=lambda given: USUAL if "feedback_delay" in given else 1,
            check=_frames,
        )
    }
    examples = (
        *on_layers("feedback", (0.5, 0.8, 0.9, 0.95, 1.02), ", feedback_rotate=2, feedback_scale=1.02"),
        *on_layers("feedback_x", (-0.03, -0.01, 0.01, 0.03), ", feedback=0.9"),
        *on_layers("feedback_y", (-0.03, -0.01, 0.01, 0.03), ", feedback=0.9"),
        *on_layers("feedback_rotate", (-10, -3, 3, 10), ", feedback=0.9"),
        *on_layers("feedback_scale", (0.93, 0.98, 1.02, 1.07), ", feedback=0.9"),
        *on_layers("feedback_delay", (1, 3, 6, 12), ", feedback=0.8, feedback_rotate=20"),
    )
    taste = {
        "feedback": Taste(
            LAYERS, (0.8, 0.95), often=2, more={"feedback_rotate": (1, 4), "feedback_scale": (0.01, 0.03)}
        )
    }
    fused = masks = True

    def apply(self, x: Tensor, amounts: Mapping[str, Tensor], context: BendContext) -> Tensor:
        count = context.settings.get("feedback_longest", 1)
        if has_fused_bends(x, *amounts.values()):
            from ganzfeld.kernels.triton import feedback

            memory = context.memory("feedback", feedback.remembered(x, count))
            given = [amounts[name] for name in self.amounts]
            return feedback.feedback(x, memory, context.frame, given, LOUDEST, context.mask)
        # A ring of frames: this frame's context in it is the oldest one's, read before it is written over.
        ring = context.memory("feedback", (count, *x.shape))
        now = context.frame % count
        moved = affine(
            _past(ring, now, amounts["feedback_delay"]),
            amounts["feedback_x"],
            amounts["feedback_y"],
            amounts["feedback_rotate"],
            amounts["feedback_scale"],
        )
        mixed = torch.lerp(x.float(), moved, amounts["feedback"]).clamp(-LOUDEST, LOUDEST)
        ring.index_copy_(0, now.reshape(1), mixed[None])
        return masked(x, mixed.to(x.dtype), context.mask)

    def held(self, shape: tuple[int, ...], settings: Mapping[str, Any]) -> int:
        # The fused way keeps one frame more, and each in half precision.
        return 4 * settings.get("feedback_longest", 1) * math.prod(shape)


def _past(ring: Tensor, now: Tensor, delay: Tensor) -> Tensor:
    """What was `delay` frames before `now` in ring [K, N, C, h, w]; delay 0-d, or [1, C, 1, 1] for each channel."""
    count, channels = ring.shape[0], ring.shape[2]
    if count == 1:
        return ring[0]
    delay = delay.float().clamp(1, count)
    whole = delay.floor()
    earlier = [(now - whole.long() - more).remainder(count) for more in (0, 1)]
    if delay.dim():
        each = torch.arange(channels, device=ring.device)
        past, before = (ring[context.flatten().expand(channels), :, each].transpose(0, 1) for context in earlier)
    else:
        past, before = (ring.index_select(0, context.reshape(1))[0] for context in earlier)
    return torch.lerp(past, before, delay - whole)
