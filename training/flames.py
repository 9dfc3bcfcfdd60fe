"""Flowers of light: fractal flames with rotational symmetry, made on whatever device trains the network.

The chaos game of Draves and Reckase, "The Fractal Flame Algorithm" (2003): points jump through a few random functions,
each an affine map bent by the paper's variations, and the places they visit become light. Every jump ends with a random
turn by a multiple of 360°/n, so that the figure has the symmetry of a flower with n petals (3 to 9; some are mirrored
too). The brightness is the logarithm of the number of visits; sparse places are blurred more than dense ones (the
paper's density estimation). Functions that collapse to a dot, fill everything or only make noise are thrown away.

Growing a flame costs a few milliseconds of a GPU, so flames are kept in a `Garden` without colours: each time one is
drawn it gets a new palette, turn, mirroring, size and softness. No two pictures are the same.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from training.colour import chance, constant, palettes, soft_shoulder, through_palette, uniform
from training.sheet import save_sheet

FUNCTIONS = 4
"""The most functions in one flame."""


class Garden:
    """Flames ready to be drawn: ``density`` and ``hue`` are ``[flames, 1, size, size]`` in half precision, 0..1."""

    def __init__(self, density: Tensor, hue: Tensor):
        self.density, self.hue = density, hue

    @classmethod
    @torch.no_grad()
    def grow(
        cls,
        flames: int,
        size: int,
        device: torch.device | str = "cpu",
        walkers: int = 16384,
        steps: int = 96,
        batch: int = 64,
        seconds: float = math.inf,
    ) -> Garden:
        """Grows ``flames`` of them, or what can be had in so many seconds; ``walkers * steps`` points each."""
        started = time.monotonic()
        kept: list[tuple[Tensor, Tensor]] = []
        count = 0
        while count < flames and (not count or time.monotonic() - started < seconds):
            density, hue = grow_flames(batch, size, torch.device(device), walkers, steps)
            good = is_worth_keeping(density)
            kept.append((density[good].half(), hue[good].half()))
            count += int(good.sum())
        return cls(torch.cat([d for d, _ in kept])[:flames], torch.cat([h for _, h in kept])[:flames])

    def save(self, path: Path) -> None:
        """Writes the garden, a byte a value."""
        torch.save([(part * 255).round().to(torch.uint8).cpu() for part in (self.density, self.hue)], path)

    @classmethod
    def load(cls, path: Path, device: torch.device | str = "cpu") -> Garden:
        """Reads what `save` wrote."""
        density, hue = (part.to(device).half() / 255 for part in torch.load(path, weights_only=True))
        return cls(density, hue)


class Flames:
    """Draws flowers from a garden: ``draw(n)`` gives ``[n, 3, size, size]``, -1..1; at most the garden's size."""

    def __init__(self, garden: Garden, size: int):
        self.garden, self.size = garden, size
        self.shrink = garden.density.shape[-1] // size

    @torch.no_grad()
    def draw(self, n: int) -> Tensor:
        device = self.garden.density.device
        which = torch.randint(len(self.garden.density), (n,), device=device)
        flame = torch.cat([self.garden.density[which], self.garden.hue[which]], 1).float()

        angle, scale = uniform(n, 0, 2 * math.pi, device).flatten(), uniform(n, 0.92, 1.15, device).flatten()
        mirror = torch.where(torch.rand(n, device=device) < 0.5, 1.0, -1.0)
        cosine, sine, zero = angle.cos() * scale, angle.sin() * scale, torch.zeros(n, device=device)
        turn = torch.stack([cosine * mirror, -sine, zero, sine * mirror, cosine, zero], -1).view(n, 2, 3)
        grid = F.affine_grid(turn, [n, 2, *flame.shape[-2:]], align_corners=False)
        flame = F.grid_sample(flame, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        if self.shrink > 1:
            flame = F.avg_pool2d(flame, self.shrink)

        density, hue = flame[:, :1], flame[:, 1:] / flame[:, :1].clamp(min=0.02)
        light = (density * uniform(n, 0.95, 1.25, device)) ** uniform(n, 1.1, 1.8, device)
        along = hue.clamp(0, 1) * uniform(n, 0.5, 1.0, device) + uniform(n, 0.0, 0.25, device)
        colour = through_palette(along * 0.8 + 0.2 * density, palettes(n, 5, device, darkest=0.4, pale=0.3, play=0.1))
        glow = F.avg_pool2d(F.pad(light, (4, 4, 4, 4)), 9, stride=1) if self.size >= 64 else light
        lit = colour * (light * 1.25 + glow * uniform(n, 0.0, 0.35, device))
        lit = lit + (light - 0.7).clamp(min=0) * uniform(n, 0.0, 1.1, device)
        depth = palettes(n, 3, device)[:, 0, :, None, None] * uniform(n, 0.0, 0.5, device) * chance(n, 0.5, device)
        return soft_shoulder(lit + depth * (1 - light).clamp(min=0)) * 2 - 1


@torch.no_grad()
def grow_flames(n: int, size: int, device: torch.device, walkers: int, steps: int) -> tuple[Tensor, Tensor]:
    """Plays the chaos game for ``n`` flames: densities, and hues times densities: ``[n, 1, size, size]``, 0..1."""
    recipe = _Recipe(n, device)
    jump = torch.compile(_Recipe.jump, dynamic=False) if device.type == "cuda" else _Recipe.jump
    x, y = torch.empty(2, n, walkers, device=device).uniform_(-1, 1)
    hue = torch.rand(n, walkers, device=device)
    for _ in range(16):
        x, y, hue = jump(recipe, x, y, hue)
    reach = torch.quantile((x * x + y * y).sqrt()[:, :4096], 0.93, dim=1, keepdim=True).clamp(min=1e-3)
    zoom = torch.empty(n, 1, device=device).uniform_(0.33, 0.43) / reach * size

    counts, hues = torch.zeros(2, n, size * size, device=device)
    ones = torch.ones_like(x)
    for _ in range(steps):
        x, y, hue = jump(recipe, x, y, hue)
        column, row = x * zoom + size / 2 + torch.rand_like(x) - 0.5, y * zoom + size / 2 + torch.rand_like(x) - 0.5
        inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
        place = torch.where(inside, row.long() * size + column.long(), 0)
        counts.scatter_add_(1, place, ones * inside)
        hues.scatter_add_(1, place, hue * inside)
    return _develop(counts.view(n, 1, size, size), hues.view(n, 1, size, size))


class _Recipe:
    """The random functions of ``n`` flames and how likely each is."""

    def __init__(self, n: int, device: torch.device):
        self.n, self.device = n, device
        functions = torch.randint(2, FUNCTIONS + 1, (n, 1), device=device)
        likely = torch.rand(n, FUNCTIONS, device=device) + 0.15
        likely = likely * (torch.arange(FUNCTIONS, device=device) < functions)
        self.limits = (likely / likely.sum(1, keepdim=True)).cumsum(1)

        angle = torch.rand(n, FUNCTIONS, device=device) * 2 * math.pi
        skew = angle + math.pi / 2 + torch.randn(n, FUNCTIONS, device=device) * 0.5
        long, wide = torch.empty(2, n, FUNCTIONS, device=device).uniform_(0.35, 0.95)
        shift = torch.randn(2, n, FUNCTIONS, device=device) * 0.45
        self.affine = torch.stack(
            [long * angle.cos(), wide * skew.cos(), shift[0], long * angle.sin(), wide * skew.sin(), shift[1]], -1
        )

        # Two or three variations a function: random ones with random weights that sum to 1.
        weights = torch.rand(n, FUNCTIONS, VARIATIONS, device=device) * constant(LIKELY, device)
        strongest, index = weights.topk(3, dim=-1)
        strongest = strongest * constant((1.0, 0.6, 0.3), device) * torch.rand_like(strongest)
        strongest = strongest / strongest.sum(-1, keepdim=True)
        self.weights = torch.zeros_like(weights).scatter_(-1, index, strongest)
        self.hues = torch.rand(n, FUNCTIONS, device=device)
        self.petals = torch.randint(3, 10, (n, 1), device=device).float()
        self.mirrored = torch.rand(n, 1, device=device) < 0.35

    def jump(self, x: Tensor, y: Tensor, hue: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step of every walker ``[n, walkers]``: a random function of its flame, then a turn of its symmetry."""
        pick = (
            (torch.rand(x.shape, device=self.device).unsqueeze(-1) > self.limits[:, None, :])
            .sum(-1)
            .clamp(max=FUNCTIONS - 1)
        )
        a, b, c, d, e, f = self.affine.gather(1, pick.unsqueeze(-1).expand(*pick.shape, 6)).unbind(-1)
        weights = self.weights.gather(1, pick.unsqueeze(-1).expand(*pick.shape, VARIATIONS)).unbind(-1)
        x, y = _vary(a * x + b * y + c, d * x + e * y + f, weights)
        hue = (hue + self.hues.gather(1, pick)) / 2
        turn = torch.floor(torch.rand_like(x) * self.petals) * (2 * math.pi / self.petals)
        flip = torch.where(self.mirrored & (torch.rand_like(x) < 0.5), -1.0, 1.0)
        cosine, sine, y = turn.cos(), turn.sin(), y * flip
        x, y = cosine * x - sine * y, sine * x + cosine * y
        # A walker that flies off starts again.
        lost = ~((x * x + y * y) < 100)
        fresh = torch.rand_like(x) * 2 - 1
        return torch.where(lost, fresh, x), torch.where(lost, fresh.flip(-1), y), hue


LIKELY = (1.0, 0.9, 1.0, 0.6, 0.5, 0.7, 0.6, 0.8, 0.7, 0.5, 0.6, 0.7, 0.6, 0.6)
"""How often each variation is drawn: linear, sinusoidal, spherical, swirl, horseshoe, polar, handkerchief, heart, disc,
spiral, hyperbolic, diamond, julia, bubble (the paper's numbers 0 to 13 without ex, and 28)."""
VARIATIONS = len(LIKELY)


def _vary(x: Tensor, y: Tensor, weights: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """The weighted sum of the paper's variations at (x, y)."""
    square = x * x + y * y + 1e-9
    radius = square.sqrt()
    theta = torch.atan2(x, y)
    pi = math.pi
    sin_square, cos_square = square.sin(), square.cos()
    sine, cosine = x / radius, y / radius
    sin_disc, cos_disc = (pi * radius).sin(), (pi * radius).cos()
    root, half = radius.sqrt(), theta / 2 + pi * torch.randint(2, x.shape, device=x.device)
    results = (
        (x, y),
        (x.sin(), y.sin()),
        (x / square, y / square),
        (x * sin_square - y * cos_square, x * cos_square + y * sin_square),
        ((x - y) * (x + y) / radius, 2 * x * y / radius),
        (theta / pi, radius - 1),
        (radius * (theta + radius).sin(), radius * (theta - radius).cos()),
        (radius * (theta * radius).sin(), -radius * (theta * radius).cos()),
        (theta / pi * sin_disc, theta / pi * cos_disc),
        ((cosine + radius.sin()) / radius, (sine - radius.cos()) / radius),
        (sine / radius, radius * cosine),
        (sine * radius.cos(), cosine * radius.sin()),
        (root * half.cos(), root * half.sin()),
        (x * 4 / (square + 4), y * 4 / (square + 4)),
    )
    across = sum(w * result[0] for w, result in zip(weights, results, strict=True))
    along = sum(w * result[1] for w, result in zip(weights, results, strict=True))
    return across, along


def _develop(counts: Tensor, hues: Tensor) -> tuple[Tensor, Tensor]:
    """Visits to light: blurred the more the fewer they are, then their logarithm, scaled to 0..1."""
    size = counts.shape[-1]
    both = torch.cat([counts, hues], 1)
    fine = _blur(both, 0.7 * size / 256)
    middle = _blur(both, 1.6 * size / 256)
    wide = _blur(both, 4.0 * size / 256)
    crowd = middle[:, :1]
    many, few = (crowd / 40).clamp(0, 1), (crowd / 8).clamp(0, 1)
    soft = fine * many + (1 - many) * (middle * few + wide * (1 - few))
    light = torch.log1p(soft[:, :1] * 0.35)
    top = (
        torch.quantile(light.flatten(1)[:, :: max(1, size * size // 8192)], 0.995, dim=1)
        .view(-1, 1, 1, 1)
        .clamp(min=1e-3)
    )
    line = (torch.arange(size, device=light.device) + 0.5) / size * 2 - 1
    away = (line[:, None] ** 2 + line[None, :] ** 2).sqrt()
    density = (light / top).clamp(0, 1) * ((1 - away) / 0.16).clamp(0, 1) ** 0.7
    hue = soft[:, 1:] / soft[:, :1].clamp(min=1e-4)
    low, high = torch.quantile(
        hue.flatten(1)[:, :: max(1, size * size // 8192)], torch.tensor([0.1, 0.95], device=hue.device), dim=1
    )
    spread = (hue - low.view(-1, 1, 1, 1)) / (high - low).view(-1, 1, 1, 1).clamp(min=1e-3)
    return density, spread.clamp(0, 1) * density


def _blur(pictures: Tensor, sigma: float) -> Tensor:
    """A separable Gaussian blur; sigma in pixels."""
    reach = max(1, math.ceil(2.5 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=pictures.device) / max(sigma, 1e-3)) ** 2)
    taps = taps / taps.sum()
    channels = pictures.shape[1]
    kernel = taps.view(1, 1, 1, -1).repeat(channels, 1, 1, 1)
    blurred = F.conv2d(pictures, kernel, padding=(0, reach), groups=channels)
    return F.conv2d(blurred, kernel.transpose(2, 3), padding=(reach, 0), groups=channels)


def is_worth_keeping(density: Tensor) -> Tensor:
    """``[n]`` of bool: not a dot, not a fog over everything, dark towards the corners, with lines rather than noise."""
    light = density**1.4
    covered = (light > 0.12).float().mean((1, 2, 3))
    bright = (light > 0.5).float().mean((1, 2, 3))
    contrast = light.std((1, 2, 3))
    size = light.shape[-1]
    c = size // 10
    corners = torch.cat([light[..., :c, :c], light[..., :c, -c:], light[..., -c:, :c], light[..., -c:, -c:]], -1).mean(
        (1, 2, 3)
    )
    form = _blur(light, 3.0 * size / 256)
    detail = (light - form).std((1, 2, 3)) / contrast.clamp(min=1e-3)
    pixel = (light - _blur(light, 0.8 * size / 256)).std((1, 2, 3)) / contrast.clamp(min=1e-3)
    return (
        (covered > 0.14)
        & (covered < 0.78)
        & (bright > 0.015)
        & (bright < 0.4)
        & (contrast > 0.14)
        & (corners < 0.12)
        & (detail > 0.16)
        & (detail < 0.75)
        & (pixel < 0.33)
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Grows flames for the trainer: python -m training.flames 16384 garden.pt"
    )
    parser.add_argument("flames", type=int)
    parser.add_argument("path", type=Path)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=math.inf, help="stop growing after so long")
    parser.add_argument("--sheet", type=Path, help="also draw 64 of them here")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    started = time.monotonic()
    torch._dynamo.config.suppress_errors = True  # without a compiler it is only slower
    garden = Garden.grow(arguments.flames, arguments.size, arguments.device, seconds=arguments.seconds)
    garden.save(arguments.path)
    if arguments.sheet:
        save_sheet(
            F.avg_pool2d(Flames(garden, arguments.size).draw(64), max(1, arguments.size // 128)), arguments.sheet
        )
    print(f"grew {len(garden.density)} flames in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
