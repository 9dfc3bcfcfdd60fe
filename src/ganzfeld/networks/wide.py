"""Pictures of another shape than the network's own, from inside it: a wider first field, the same weights.

A generator is convolutions all the way, so what it starts from decides how far its picture reaches. StyleGAN2 starts
from a learnt constant of 4×4 samples, which is continued beyond its borders here, as are its noise pictures. StyleGAN3
starts from sine waves over the plane, which go on for ever: only the grid they are sampled on grows.

Everything here is pure torch without host reads, on the device of the tensors it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzfeld.errors import NetworkError, nearest
from ganzfeld.kernels.gaussian import gaussian
from ganzfeld.networks.config import Config, StyleGAN3Config
from ganzfeld.networks.derived import DerivedTensors

FILLS = ("mirror", "tile", "noise", "stretch")
SEED = 1920
"""Of the noise beyond the borders of what was learnt: one picture of it for ever."""
LARGEST_SIDE = 16384


@dataclass(frozen=True, slots=True)
class Wide:
    """A picture of width × height pixels and what the network starts from to make it.

    more_x, more_y: by how many samples the first field is wider and higher than the network's own; negative for a
    smaller one. pitch: pixels that one of its samples becomes. own: (width, height) of the network's own picture.
    """

    width: int
    height: int
    more_x: int
    more_y: int
    pitch: int
    own: tuple[int, int]
    fill: str = "mirror"

    def side(self, own: tuple[int, int], scale: int) -> tuple[int, int]:
        """(height, width) of a layer's whole field. `own`: its (height, width) for the network's own picture; `scale`:
        as `layer_scale`."""
        return own[0] + self.more_y * scale, own[1] + self.more_x * scale

    def cropped(self, x: Tensor, own: tuple[int, int], scale: int) -> Tensor:
        """The middle of a layer's whole field x [N, C, h, w]: what lies under the picture. A view."""
        height = own[0] - (self.own[1] - self.height) * scale // self.pitch
        width = own[1] - (self.own[0] - self.width) * scale // self.pitch
        top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
        return x[:, :, top : top + height, left : left + width]


def wide(config: Config, size: tuple[int, int], fill: str = "mirror", resolution: int | None = None) -> Wide | None:
    """How a network makes a picture of `size` (width, height) in pixels; None if that is its own size.

    The first field is the smallest that covers it. `resolution`: StyleGAN2 stops at the blocks of this size, so each
    sample of its constant becomes fewer pixels. Raises `NetworkError` for what is no size or no fill.
    """
    if fill not in FILLS:
        raise NetworkError(f"there is no fill '{fill}'", hint=nearest(str(fill), FILLS))
    sides = tuple(size) if isinstance(size, tuple | list) else ()
    if len(sides) != 2 or not all(type(side) is int and 1 <= side <= LARGEST_SIDE for side in sides):
        what = f"a picture of the size {size!r}"
        raise NetworkError(what, hint=f"A size is (width, height) in whole pixels, up to {LARGEST_SIDE}.")
    width, height = sides
    if isinstance(config, StyleGAN3Config):
        own = config.layers[-1].out_size
        pitch = int(config.layers[-1].out_sampling_rate // config.input.sampling_rate)
    else:
        side = resolution or config.img_resolution
        own, pitch = (side, side), side // 4
    if (width, height) == own:
        return None
    more_x, more_y = -((own[0] - width) // pitch), -((own[1] - height) // pitch)
    return Wide(width, height, more_x, more_y, pitch, own, fill)


def layer_scale(config: Config, name: str) -> int:
    """How many samples of the layer `name` one sample of the first field becomes."""
    if isinstance(config, StyleGAN3Config):
        rates = {layer.name: layer.out_sampling_rate for layer in config.layers}
        return int(rates.get(name, config.input.sampling_rate) // config.input.sampling_rate)
    return _side(name) // 4


def middle(config: Config, name: str, x: Tensor, wide: Wide | None) -> Tensor:
    """Of the whole field x [N, C, h, w] of a layer, what lies under the picture (with the margin that StyleGAN3 has
    around it): a view. x itself without `wide`."""
    if wide is None:
        return x
    if isinstance(config, StyleGAN3Config):
        sizes = {"input": config.input.size, **{layer.name: layer.out_size for layer in config.layers}}
        width, height = sizes[name]
    else:
        width = height = _side(name)
    return wide.cropped(x, (height, width), layer_scale(config, name))


def _side(name: str) -> int:
    """The resolution in the name of a StyleGAN2 layer: 64 of b64.conv0."""
    return int(name.removeprefix("b").partition(".")[0])


# StyleGAN2


def wide_const(const: Tensor, cells_y: int, cells_x: int, fill: str) -> Tensor:
    """The constant [C, 4, 4] continued to [C, cells_y, cells_x], its own samples in the middle.

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


def wide_noise(noise: Tensor, height: int, width: int, fill: str, stream: int = 1) -> Tensor:
    """A layer's noise picture [h, w], of h / 4 samples a cell of the constant, continued to [height, width].

    As `wide_const`; "noise" has fresh noise beyond the borders, another for each `stream`; "stretch", which would
    make noise coarser and weaker, is "mirror" here.
    """
    cell = noise.shape[0] // 4
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
            cells, fill = self.wide.side((4, 4), 1), self.wide.fill
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
            own = self._derived.tensors[f"{name}.noise_const"]
            sides, fill = self.wide.side((own.shape[0], own.shape[1]), own.shape[0] // 4), self.wide.fill
            self._made[name] = self._derived.make(
                f"{name}.noise_const", compute=lambda noise: wide_noise(noise, *sides, fill, stream + 1)
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


# StyleGAN3


def sampling_grid(size: tuple[int, int], rate: float, device: torch.device) -> Tensor:
    """Where the samples of a field of `size` (width, height) are: x and y [1, height, width, 2] in units of the
    network's own picture, from the centre; `rate` samples a unit."""
    axes = [(torch.arange(side, device=device) + 0.5 - side / 2) / rate for side in size]
    return torch.stack(torch.meshgrid(*axes, indexing="xy"), 2)[None]


# Memory


def memory_needed(config: Config, shapes: Mapping[str, tuple[int, int, int]]) -> int:
    """Bytes that the largest step of a synthesis holds at once, roughly; `shapes`: (channels, height, width) by layer.

    Measured: StyleGAN2 holds some six copies of its largest activation, StyleGAN3, which upsamples inside its layers,
    some fifteen; the fast paths need a third less.
    """
    copies = 15 if isinstance(config, StyleGAN3Config) else 6
    return copies * 4 * max(channels * height * width for channels, height, width in shapes.values())
