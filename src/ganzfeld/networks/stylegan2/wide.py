"""What a StyleGAN2 starts from for a picture of another shape: its constant and its noise, continued.

The constant, of 4×4 samples in most networks, is continued beyond its borders, and so are the noise pictures.
Everything here is pure torch without host reads, on the device of the tensors it is given.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganzfeld.kernels.gaussian import gaussian
from ganzfeld.networks.derived import DerivedTensors
from ganzfeld.networks.wide import Wide

SEED = 1920
"""Of the noise beyond the borders of what was learnt: one picture of it for ever."""


def wide_const(const: Tensor, cells_y: int, cells_x: int, fill: str) -> Tensor:
    """The constant [C, h, w] continued to [C, cells_y, cells_x], its own samples in the middle.

    "mirror": reflected again and again. "tile": repeated. "noise": beyond its borders random mixtures of its own
    samples, with their mean and their covariance between channels. "stretch": itself, larger.
    """
    if fill == "stretch":
        resized = torch.nn.functional.interpolate(const[None], (cells_y, cells_x), mode="bilinear", align_corners=False)
        return resized[0]
    continued = _continued(const, cells_y, cells_x, 1, "mirror" if fill == "noise" else fill)
    if fill != "noise":
        return continued
    samples = const.flatten(1)
    mean = samples.mean(1, keepdim=True)
    count = samples.shape[1]
    draws = gaussian((1, 1, count, cells_y * cells_x), SEED, stream=0, device=const.device)[0, 0] / count**0.5
    mixtures = (mean + (samples - mean) @ draws.to(const.dtype)).view_as(continued)
    return torch.where(_inside(const, cells_y, cells_x, 1), continued, mixtures)


def wide_noise(noise: Tensor, height: int, width: int, fill: str, cell: int, stream: int = 1) -> Tensor:
    """A layer's noise picture [h, w], of cell × cell samples for one of the constant, continued to [height, width].

    As `wide_const`; "noise" has fresh noise beyond the borders, another for each `stream`; "stretch", which would
    make noise coarser and weaker, is "mirror" here.
    """
    continued = _continued(noise, height, width, cell, "tile" if fill == "tile" else "mirror")
    if fill != "noise":
        return continued
    fresh = gaussian((1, 1, height, width), SEED, stream, noise.device)[0, 0].to(noise.dtype)
    return torch.where(_inside(noise, height, width, cell), continued, fresh)


def _start(count: int, own: int, cell: int) -> int:
    """Where an axis's own samples begin among `count`: in the middle, by whole cells, so that all layers agree."""
    return (count // cell - own // cell) // 2 * cell


def _continued(x: Tensor, height: int, width: int, cell: int, fill: str) -> Tensor:
    for axis, count in ((-2, height), (-1, width)):
        own = x.shape[axis]
        place = torch.arange(count, device=x.device) - _start(count, own, cell)
        if fill == "tile":
            place = place % own
        else:
            place = place % (2 * own)
            place = torch.minimum(place, 2 * own - 1 - place)
        x = x.index_select(axis, place)
    return x


def _inside(x: Tensor, height: int, width: int, cell: int) -> Tensor:
    """Which of [height, width] places hold the own samples of x [..., h, w]."""
    rows = torch.arange(height, device=x.device) - _start(height, x.shape[-2], cell)
    columns = torch.arange(width, device=x.device) - _start(width, x.shape[-1], cell)
    return ((rows >= 0) & (rows < x.shape[-2]))[:, None] & ((columns >= 0) & (columns < x.shape[-1]))


class WideStart:
    """What a StyleGAN2 starts from to make one wide picture, as derived tensors: made when first asked for, made again
    after a bend."""

    def __init__(self, derived: DerivedTensors, wide: Wide) -> None:
        self._derived, self.wide = derived, wide
        self._made: dict[str, Tensor] = {}

    @property
    def const(self) -> Tensor:
        """[1, C, cells_y, cells_x], channels-last."""
        if "const" not in self._made:
            own = self._derived.tensors["synthesis.b4.const"]
            cells, fill = self.wide.side((own.shape[1], own.shape[2]), 1), self.wide.fill
            self._made["const"] = self._derived.make(
                "synthesis.b4.const",
                compute=lambda const: wide_const(const, *cells, fill)[None].contiguous(
                    memory_format=torch.channels_last
                ),
            )
        return self._made["const"]

    def noise(self, name: str, stream: int) -> Tensor:
        """The noise [height, width] of the layer "synthesis.b64.conv0", say; `stream` is its number."""
        if name not in self._made:
            own, const = (self._derived.tensors[each] for each in (f"{name}.noise_const", "synthesis.b4.const"))
            cell, fill = own.shape[0] // const.shape[1], self.wide.fill
            sides = self.wide.side((own.shape[0], own.shape[1]), cell)
            self._made[name] = self._derived.make(
                f"{name}.noise_const", compute=lambda noise: wide_noise(noise, *sides, fill, cell, stream + 1)
            )
        return self._made[name]

    def forget(self) -> None:
        """Give the memory back; nothing may read these tensors any more."""
        self._derived.forget(self._made.values())
        self._made.clear()


class WideStarts:
    """The starts used last, so that a show that tries many sizes does not keep all of them.

    More than any one patch uses: a captured program goes on reading a start that it was captured with.
    """

    most = 16

    def __init__(self, derived: DerivedTensors) -> None:
        self._derived = derived
        self._starts: dict[Wide, WideStart] = {}

    def __getitem__(self, wide: Wide) -> WideStart:
        start = self._starts.pop(wide, None) or WideStart(self._derived, wide)
        self._starts[wide] = start
        if len(self._starts) > self.most:
            self._starts.pop(next(iter(self._starts))).forget()
        return start
