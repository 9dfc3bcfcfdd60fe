"""One line acting on one weight or layer: what its seed draws, and how much of it each channel gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzfeld.bending.base import ActivationBend, Bend, BendContext
from ganzfeld.bending.channels import draw, order, share_mask
from ganzfeld.bending.lines import BendLine, BlendLine
from ganzfeld.kernels.gaussian import gaussian
from ganzfeld.kernels.masks import MOST_HALF, masked

Memory = Callable[[str, tuple[int, ...]], Tensor]
"""memory(name, shape): a tensor that persists from frame to frame, zero at first."""


@dataclass(slots=True)
class Seeded:
    """Tensors made from a line's seed for one match; made again only when the seed changes, outside any capture.

    deviation: of the noise; 0-d.
    """

    shape: tuple[int, ...]
    axis: int
    stream: int
    device: torch.device
    deviation: Tensor
    halved: bool = False
    """Whether noise is wanted in half precision."""
    seed: int | None = None
    noise: Tensor | None = None
    order: Tensor | None = None
    drawn: Tensor | None = None
    drawn_inputs: Tensor | None = None

    def make(self, seed: int) -> None:
        """Fill whatever has been asked for before, in place, so that captured programs see it."""
        if seed == self.seed:
            return
        self.seed = seed
        channels = self.shape[self.axis]
        for name, value in self._values(seed, channels).items():
            present: Tensor | None = getattr(self, name)
            if present is None:
                setattr(self, name, value)
            else:
                present.copy_(value)

    def _values(self, seed: int, channels: int) -> dict[str, Tensor]:
        values = {"drawn": draw(channels, seed, self.stream, self.device)}
        if self.noise is not None:
            values["noise"] = self._noise(seed)
        if self.order is not None:
            values["order"] = order(channels, seed, self.stream, self.device)
        if len(self.shape) > self.axis + 1:
            values["drawn_inputs"] = draw(self.shape[self.axis + 1], seed, self.stream + 1, self.device)
        return values

    def _noise(self, seed: int) -> Tensor:
        count = max(1, torch.Size(self.shape).numel())
        return gaussian((1, 1, 1, count), seed, self.stream, self.device).reshape(self.shape) * self.deviation

    def noise_now(self) -> Tensor:
        """The noise, made when first asked for (while warming up)."""
        if self.noise is None:
            noise = self._noise(self.seed or 0)
            self.noise = noise.half() if self.halved else noise
        return self.noise

    def order_now(self) -> Tensor:
        """The order of channels, made when first asked for."""
        if self.order is None:
            self.order = order(self.shape[self.axis], self.seed or 0, self.stream, self.device)
        return self.order


@dataclass(slots=True)
class Match:
    """One line acting on one weight or layer; `index` of the line's matches."""

    line: BendLine
    name: str
    index: int
    bends: tuple[Bend, ...]
    seeded: Seeded
    only: Tensor | None
    only_inputs: Tensor | None


@dataclass(frozen=True, slots=True)
class Blend:
    """One line that blends one weight with the other network's; `index` of the line's matches."""

    line: BlendLine
    other: Tensor
    index: int


def bent(
    x: Tensor,
    match: Match,
    values: Any,
    frame: Tensor,
    memory: Memory,
    out: Tensor | None = None,
    where: Tensor | None = None,
) -> Tensor:
    """x with what a match does to it. values: the amounts of its line, as `Bender.bent` takes them; out: where to.
    where: of an activation, how much of that each place gets [h, w]; None for all."""

    def value(name: str) -> Tensor:
        return amount_of(values[name], match.index, x, match.seeded.axis)

    seeded = match.seeded
    mask = mask_of(x, match, value)
    # One bend on all channels keeps to the mask itself.
    assert where is None or where.shape == x.shape[2:], "kernels do not look where a mask ends"
    first = match.bends[0]
    alone = where is not None and mask is None and len(match.bends) == 1
    alone = alone and isinstance(first, ActivationBend) and first.masks
    context = BendContext(
        match.name,
        lambda: seeded.noise_now().to(x.dtype) if seeded.halved else seeded.noise_now(),
        seeded.order_now,
        seeded.deviation,
        frame,
        lambda name, shape: memory(f"{match.line.name} {match.name} {name}", shape),
        dict(match.line.settings),
        where if alone else None,
    )
    y, last = x, match.bends[-1]
    for bend in match.bends:
        amounts = {name: value(name) for name in bend.amounts}
        # Numbers for each channel are float32 and want the same beside them.
        each = any(amount.dim() for amount in amounts.values())
        y = bend.apply(y.float() if each else y, amounts, context)
        held = bend is last and where is not None and not alone  # by `masked`
        if x.dtype == torch.float16 and (each or not bend.fused) and not held:
            y = y.clamp(-MOST_HALF, MOST_HALF).half()
    if where is not None and not alone:
        return masked(x, y, where, None if mask is None else mask.flatten())
    if mask is not None:
        return torch.lerp(x, y, mask.to(x.dtype), out=out)
    return y if out is None else out.copy_(y)


def amount_of(given: Tensor | tuple[Tensor, ...], index: int, x: Tensor, axis: int) -> Tensor:
    """The value for one match: 0-d, or with a number for each channel along `axis` of x, broadcast to it."""
    if isinstance(given, tuple):
        return given[index][: x.shape[axis]].reshape([-1 if other == axis else 1 for other in range(x.dim())])
    return given[index] if given.dim() else given


def masks(match: Match, value: Callable[[str], Tensor]) -> tuple[Tensor | None, Tensor | None]:
    """How much of what a match does each output and each input channel gets, or None for all."""
    line, seeded = match.line, match.seeded
    outputs, inputs = match.only, match.only_inputs
    if line.masked and seeded.drawn is not None:
        share = share_mask(seeded.drawn, value("channels"), value("soft"))
        outputs = share if outputs is None else share * outputs
    if line.masked_inputs and seeded.drawn_inputs is not None:
        share = share_mask(seeded.drawn_inputs, value("inputs"), value("soft"))
        inputs = share if inputs is None else share * inputs
    return outputs, inputs


def mask_of(x: Tensor, match: Match, value: Callable[[str], Tensor]) -> Tensor | None:
    """Where a match acts, broadcast to x, or None for everywhere."""
    mask: Tensor | None = None
    first = match.seeded.axis
    for axis, part in zip((first, first + 1), masks(match, value)):
        if part is not None and axis < x.dim() and len(part) == x.shape[axis]:
            part = part.reshape([-1 if other == axis else 1 for other in range(x.dim())])
            mask = part if mask is None else mask * part
    return mask


def indicator(channels: tuple[int, ...] | None, count: int, device: torch.device) -> Tensor | None:
    """1 for the listed channels, 0 for the others, [count]; None for all."""
    if channels is None:
        return None
    indicator = torch.zeros(count)
    indicator[[channel for channel in channels if channel < count]] = 1
    return indicator.to(device)
