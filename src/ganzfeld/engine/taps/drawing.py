"""What a cell shows, as operations on a device that read nothing on the host: they are captured.

Pictures are *light* [3, h, w] or [1, h, w]: −2 is black, 0 mid-grey, 2 white, not clamped. What is large is looked at
in part: a thumbnail needs no more. There are as few kernels as can be: on a card each takes some two microseconds.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.engine.taps.layout import SPECTRUM
from ganzfeld.kernels.spectrum import decades, power_spectrum
from ganzfeld.values.looking import COUNTS, MOST_CHANNELS

BLACK = -2.0
ACTIVITY_SIDE = 32
"""Of each channel so many rows and columns say how active it is."""
MOST_COUNTED = 1 << 16
"""Numbers that a histogram counts, taken evenly from all."""
SPECTRUM_CHANNELS = 16
FINER = 3
"""A picture is so many times finer than its cell before it is averaged; pixels between are left out."""


def thinned(x: Tensor, side: int) -> Tensor:
    """x [..., h, w] with rows and columns left out, its longer side below 2 · `side`."""
    step = max(1, max(x.shape[-2:]) // side)
    return x[..., ::step, ::step]


def shrunk(x: Tensor, side: int) -> Tensor:
    """x [C, h, w] averaged to a longer side of at most `side`."""
    x = thinned(x, FINER * side)
    height, width = x.shape[-2:]
    longer = max(height, width)
    if longer <= side:
        return x
    return F.adaptive_avg_pool2d(x, (max(1, height * side // longer), max(1, width * side // longer)))


def put(x: Tensor, into: Tensor, side: int) -> tuple[int, int]:
    """Write a picture [1 or 3, h, w] into the upper left corner of [3, side, side]: (height, width) there. Of a small
    one each pixel is a square of whole pixels, so that a JPEG keeps them apart."""
    x = x[:, :side, :side]
    height, width = x.shape[1:]
    times = max(1, side // max(height, width))
    squares = into[:, : times * height, : times * width].unflatten(2, (width, times)).unflatten(1, (height, times))
    squares.copy_(x[:, :, None, :, None])
    return times * height, times * width


def picture(x: Tensor, side: int) -> Tensor:
    """A node's picture over black: RGBA [1, 4, H, W] in 0..1, or what leaves an output, [H, W, 4]."""
    white = 255 if x.dtype == torch.uint8 else 1
    x = thinned(x[0] if x.dim() == 4 else x.permute(2, 0, 1), FINER * side).float()
    over_black = shrunk(x[:3] * x[3:], side)
    return torch.sub(over_black * (4 / white**2), 2)


def latent(points: Tensor, side: int) -> Tensor:
    """The numbers of a latent's first point [K, …, dim] as a grey picture: 0 is mid-grey, ±2 black and white."""
    numbers = points[0].reshape(-1, points.shape[-1])[0].float()
    across = math.ceil(math.sqrt(len(numbers)))
    across = min(across, side)
    down = min(-(-len(numbers) // across), side)
    return F.pad(numbers, (0, max(0, across * down - len(numbers))))[: across * down].view(1, down, across)


def activity(x: Tensor) -> Tensor:
    """How active each channel of x [1, C, h, w] is: the mean of its magnitudes, [C] float32."""
    return _magnitudes(x) / thinned(x[0, 0], ACTIVITY_SIDE).numel()


def _magnitudes(x: Tensor) -> Tensor:
    return torch.linalg.vector_norm(thinned(x[0], ACTIVITY_SIDE), 1, dim=(1, 2), dtype=torch.float32)


def lit(x: Tensor) -> Tensor:
    """Channels [C, h, w] as light, each by itself: its mean is mid-grey, two deviations reach black and white."""
    return F.layer_norm(x, x.shape[1:], eps=1e-7)


def chosen(x: Tensor, which: Tensor, side: int) -> Tensor:
    """The channels `which` [n] of x [1, C, h, w], [n, h, w]."""
    return lit(shrunk(thinned(x[0], FINER * side).index_select(0, which), side))


def mean(x: Tensor, side: int) -> Tensor:
    """The mean of all channels of x [1, C, h, w], [1, h, w]."""
    return lit(shrunk(thinned(x[0], FINER * side).mean(0, keepdim=True, dtype=torch.float32), side))


def most_active(x: Tensor, count: int, first: int = 0) -> Tensor:
    """Which channels of x [1, C, h, w]: `count` at most, from the `first` in the order of their activity."""
    active = _magnitudes(x)
    count = min(count, max(0, len(active) - first))
    return torch.topk(active, first + count).indices[first:]


def grid_side(side: int) -> int:
    """The longer side of a channel in a grid of 8 × 8."""
    return max(4, side // math.isqrt(MOST_CHANNELS))


def grid(channels: Tensor) -> Tensor:
    """Channels [n, h, w] side by side in rows of eight, [1, …, 8 · w]."""
    count, height, width = channels.shape
    across = math.isqrt(MOST_CHANNELS)
    down = -(-count // across)
    whole = F.pad(channels, (0, 0, 0, 0, 0, down * across - count))
    return whole.view(down, across, height, width).permute(0, 2, 1, 3).reshape(1, down * height, across * width)


def numbers_of(x: Tensor) -> Tensor:
    """Numbers of an activation x [1, C, h, w], evenly from all places, float32 [n]."""
    side = max(4, math.isqrt(MOST_COUNTED // x.shape[1]))
    return thinned(x, side).flatten().float()


def some_of(weight: Tensor) -> Tensor:
    """Numbers of a weight, evenly from all of it, float32 [n]."""
    flat = weight.flatten()
    # An odd step, so that powers of two do not meet the same channel again and again.
    return flat[:: max(1, len(flat) // MOST_COUNTED) | 1].float()


def bounds(*numbers: Tensor) -> Tensor:
    """The lowest and the highest of all, [2]."""
    found = [each for some in numbers for each in torch.aminmax(some)]
    return torch.stack([torch.stack(found[::2]).amin(), torch.stack(found[1::2]).amax()])


def counts(numbers: Tensor, within: Tensor) -> Tensor:
    """How many of [n] fall into each of 64 steps between two bounds [2]."""
    span = (within[1] - within[0]).clamp(min=1e-12)
    step = torch.nan_to_num((numbers - within[0]) / span * COUNTS).clamp(0, COUNTS - 1).long()
    return torch.zeros(COUNTS, device=numbers.device).scatter_add_(0, step, torch.ones_like(numbers))


def radial_spectrum(x: Tensor) -> Tensor:
    """The power at each frequency of x [1, C, h, w] as log10, from the slowest, averaged over directions and some of
    the channels: as many numbers as half the shorter side, up to 64."""
    channels, height, width = x.shape[1:]
    power = power_spectrum(thinned(x[:, :: max(1, channels // SPECTRUM_CHANNELS)], 2 * SPECTRUM)).mean((0, 1))
    height, width = power.shape
    rows = (torch.arange(height, device=x.device) - height // 2).float() / height
    columns = (torch.arange(width, device=x.device) - width // 2).float() / width
    count = max(1, min(SPECTRUM, min(height, width) // 2))
    ring = ((rows[:, None].square() + columns.square()).sqrt() * 2 * count).long().clamp(max=count).flatten()
    none = torch.zeros(count + 1, device=x.device)
    total = none.scatter_add(0, ring, power.flatten())
    return decades(total / none.scatter_add(0, ring, torch.ones_like(power).flatten()).clamp(min=1))[:count]
