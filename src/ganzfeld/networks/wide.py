"""Pictures of another shape than the network's own, from inside it: a wider first field, the same weights.

A generator is convolutions all the way, so what it starts from decides how far its picture reaches. StyleGAN2 starts
from a learnt constant of few samples, 4×4 in most networks, which is continued beyond its borders
(`stylegan2/wide.py`). StyleGAN3 starts from sine waves over the plane, which go on for ever: only the grid they are
sampled on grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ganzfeld.errors import NetworkError, nearest
from ganzfeld.networks.config import Config

FILLS = ("mirror", "tile", "noise", "stretch")
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
        as in `LayerSpec`."""
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
    sample of its constant becomes fewer pixels. Raises `NetworkError` for what is no size or no fill, and for a kind of
    network that makes one size only.
    """
    if fill not in FILLS:
        raise NetworkError(f"there is no fill '{fill}'", hint=nearest(str(fill), FILLS))
    sides = tuple(size) if isinstance(size, tuple | list) else ()
    if len(sides) != 2 or not all(type(side) is int and 1 <= side <= LARGEST_SIDE for side in sides):
        what = f"a picture of the size {size!r}"
        raise NetworkError(what, hint=f"A size is (width, height) in whole pixels, up to {LARGEST_SIDE}.")
    width, height = sides
    field = config.first_field(resolution)
    own, pitch = field.own, field.pitch
    if (width, height) == own:
        return None
    more_x, more_y = -((own[0] - width) // pitch), -((own[1] - height) // pitch)
    return Wide(width, height, more_x, more_y, pitch, own, fill)


def middle(config: Config, name: str, x: Tensor, wide: Wide | None) -> Tensor:
    """Of the whole field x [N, C, h, w] of a layer, what lies under the picture (with the margin that StyleGAN3 has
    around it): a view. x itself without `wide`."""
    if wide is None:
        return x
    spec = config.specs[name]
    return wide.cropped(x, (spec.height, spec.width), spec.scale)


@dataclass(frozen=True, slots=True)
class PictureInField:
    """Where the picture lies in a layer's whole field of height × width samples: it begins `top` and `left` of them
    from the field's corner, and is `down` samples high and `across` wide. All but the field's own are fractions."""

    height: int
    width: int
    top: float
    left: float
    down: float
    across: float


def picture_in_field(config: Config, name: str, wide: Wide | None) -> PictureInField:
    """Where the picture that is shown lies in what a hook sees of a layer: StyleGAN3 has a margin around it, and the
    field of a wide picture reaches up to one sample of the first layer beyond it."""
    spec = config.specs[name]
    width, height = config.size
    if wide is None:
        rows, columns, begins = spec.height, spec.width, (0.0, 0.0)
        down, across = float(spec.rate), spec.rate * width / height
        whole = down, across
    else:
        rows, columns = wide.side((spec.height, spec.width), spec.scale)
        size = spec.scale / wide.pitch
        drawn = wide.own[1] + wide.more_y * wide.pitch, wide.own[0] + wide.more_x * wide.pitch
        # As `cropped` takes the picture out of what was drawn, in whole pixels.
        begins = (drawn[0] - wide.height) // 2 * size, (drawn[1] - wide.width) // 2 * size
        down, across = wide.height * size, wide.width * size
        whole = drawn[0] * size, drawn[1] * size
    top, left = (rows - whole[0]) / 2 + begins[0], (columns - whole[1]) / 2 + begins[1]
    return PictureInField(rows, columns, top, left, down, across)


def memory_needed(config: Config, shapes: Mapping[str, tuple[int, int, int]]) -> int:
    """Bytes that the largest step of a synthesis holds at once, roughly, by the readable arrangement; the others need a
    third less. shapes: (channels, height, width) by layer."""
    return config.copies_held * 4 * max(channels * height * width for channels, height, width in shapes.values())
