"""The node `feedback`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ganzfeld.kernels.alpha import tamed
from ganzfeld.kernels.colour import recoloured
from ganzfeld.kernels.composite import composited, crossfaded
from ganzfeld.kernels.placement import OUTSIDE, placed, placement
from ganzfeld.patch.node import Choice, ImageRequest, Input, Node, PrepareContext, RenderContext, Value

_BLENDS = {"over": "over", "max": "lighten", "add": "add", "screen": "screen", "difference": "difference"}
DARKEST = 1e-5
"""Light below this is put out: numbers that only ever halve become subnormal, which processors are slow with."""
LONGEST_STEP = 60.0


class FeedbackNode(Node):
    """Trails: mixes a picture with what this node itself showed before, moved, zoomed, turned, faded and recoloured.

    All amounts are for a sixtieth of a second, so that a patch moves the same at every frame rate, and stands still
    when the show does.
    """

    word = "feedback"
    remembers = True
    examples = (
        "other = feedback(face, amount={0.5, 0.8, 0.9, 0.97}, zoom=1.03)",
        "other = feedback(face, zoom={0.95, 0.98, 1.02, 1.05})",
        "other = feedback(face, rotate={-5, -1, 1, 5})",
        "other = feedback(face, hue={-8, -3, 3, 8}, zoom=1.03)",
        'other = feedback(face, fade={0, 0.02, 0.05, 0.1}, zoom=1.03, mode="max")',
        'other = feedback(feedback(face, x=0.01, zoom=0.95), rotate=2, mode="add", edge="black")',
    )

    image = Input("image", "The picture that leaves trails.")
    amount = Value(0.9, "How much of what was shown before stays.", limits=(0, 1), unit="each 1/60 s")
    zoom = Value(1, "The trail grows (above 1) or shrinks.", range=(0.9, 1.1), limits=(0.1, 10), unit="each 1/60 s")
    rotate = Value(0, "The trail turns anticlockwise.", range=(-10, 10), unit="degrees each 1/60 s")
    x = Value(0, "The trail moves to the right.", range=(-0.05, 0.05), unit="heights each 1/60 s")
    y = Value(0, "The trail moves up.", range=(-0.05, 0.05), unit="heights each 1/60 s")
    fade = Value(0, "How much of its light the trail loses.", range=(0, 0.2), limits=(0, 1), unit="each 1/60 s")
    hue = Value(0, "The trail's colours turn: red to yellow, to green.", range=(-10, 10), unit="degrees each 1/60 s")
    mode = Choice(
        "mix",
        "How picture and trail meet: mixed, the picture laid over it, or their maximum, sum, screen or difference.",
        options=("mix", *_BLENDS),
    )
    edge = Choice("mirror", "What the trail sees outside the picture; hold repeats its last pixels.", options=OUTSIDE)

    def prepare(self, context: PrepareContext) -> None:
        steps = min(max(context.moment.dt * 60, 0.0), LONGEST_STEP)
        context.stage("steps", np.array(steps, np.float32))

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor:
        p, image, steps = context.parameters, tamed(inputs["image"]), context.staged.steps
        # Two readers that ask for two sizes run two trails: neither may move the other's. One tensor holds the trail
        # and whether it has begun, so that a checkpoint keeps both or none.
        name = f"trail {_size_of(context.request)} of {image.shape[3]}x{image.shape[2]}"
        kept = context.state(name, (image.numel() + 1,))
        trail, begun = kept[:-1].view(image.shape), kept[-1]

        nowhere = torch.zeros_like(steps)
        place = placement(p.x * steps, p.y * steps, p.rotate * steps, p.zoom.pow(steps), nowhere, nowhere)
        earlier = recoloured(placed(trail, place, p.edge), p.hue * steps, torch.ones_like(steps))
        earlier = torch.cat([earlier[:, :3] * (1 - p.fade).pow(steps), earlier[:, 3:]], 1)
        keep = p.amount.pow(steps) * begun
        if p.mode == "mix":
            shown = crossfaded(image, earlier, keep)
        else:
            earlier = torch.cat([earlier[:, :3], earlier[:, 3:] * keep], 1)
            shown = composited(earlier, image, _BLENDS[p.mode], torch.ones_like(steps))
        shown = F.threshold(shown.clamp(0, 1), DARKEST, 0.0)
        trail.copy_(shown)
        begun.fill_(1)
        return shown


def _size_of(request: Any) -> str:
    return f"{request.width}x{request.height}" if isinstance(request, ImageRequest) else ""
