"""Planets that nobody has seen, drawn in batches on whatever device trains the network.

Each picture is a sphere lit by one sun: credited maps of real bodies (``maps/CREDITS.md``) in natural, turned or
invented colours, gas giants with invented bands, relief near the terminator, an atmosphere, sometimes rings and the
planet's shadow on them, and a sky of stars and faint nebulae. Nothing repeats. Edges are antialiased analytically and
small pictures are shrunk from larger ones, because a network learns soft pictures sooner.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from training.colour import chance, constant, hsv_to_rgb, palettes, rotate_hue, soft_shoulder, through_palette, uniform

MAPS = Path(__file__).parent / "maps"
SEAM = 8
"""Columns repeated at each side of a map, so that sampling never meets the date line."""


class Planets:
    """Draws planets of ``size`` by ``size`` pixels: ``draw(n)`` gives ``[n, 3, size, size]``, -1..1, on ``device``."""

    def __init__(self, size: int, device: torch.device | str = "cpu"):
        self.size = size
        self.device = torch.device(device)
        self.canvas = max(size, min(2 * size, 256))
        self.atlas = _atlas(width=2 * self.canvas, device=self.device)
        line = (torch.arange(self.canvas, device=self.device) + 0.5) / self.canvas - 0.5
        self.across, self.up = line[None, None, None, :], -line[None, None, :, None]

    @torch.no_grad()
    def draw(self, n: int) -> Tensor:
        device = self.device
        ringed, giant = chance(n, 0.2, device), chance(n, 0.2, device)
        radius = uniform(n, 0.36, 0.43, device) - 0.06 * ringed
        u = (self.across - uniform(n, -0.015, 0.015, device)) / radius
        v = (self.up - uniform(n, -0.015, 0.015, device)) / radius
        squared = u * u + v * v
        depth = (1 - squared).clamp(min=0).sqrt()
        axes = _axes(n, upright=torch.maximum(ringed, giant), device=device)
        sun = _sun(n, device)

        surface, height = self._surface(n, u, v, depth, axes, giant)
        facing = u * sun[0] + v * sun[1] + depth * sun[2]
        slope = _slope(height, radius, depth)
        relief = uniform(n, 0.0, 0.11, device) * chance(n, 0.75, device) * (1 - 0.8 * giant)
        shaded = facing - relief * (slope[0] * sun[0] + slope[1] * sun[1])
        light = (shaded + 0.04).clamp(min=0) ** 0.8 * (facing * 6 + 1).clamp(0, 1)
        body = surface * (light * uniform(n, 1.15, 1.6, device) + 0.015)

        air, thickness = _air(n, device)
        rim = (1 - depth) ** 2.5 * (facing * 0.75 + 0.3).clamp(min=0)
        body = body * (1 - 0.5 * thickness * rim) + air * rim * thickness
        distance = squared.sqrt()
        toward = (u * sun[0] + v * sun[1]) * 0.8 + 0.4 * sun[2].clamp(min=0) + 0.3
        halo = torch.exp(-(distance - 1).clamp(min=0) * 11) * toward.clamp(min=0)
        disc = ((1 - distance) * radius * self.canvas / 1.5 + 0.5).clamp(0, 1)
        picture = (self._sky(n) + air * halo * thickness * 0.6) * (1 - disc) + body * disc
        picture = _add_rings(picture, ringed, u, v, axes, sun, radius * self.canvas)

        if self.canvas != self.size:
            picture = F.avg_pool2d(picture, self.canvas // self.size)
        return soft_shoulder(picture) * 2 - 1

    def _surface(
        self, n: int, u: Tensor, v: Tensor, depth: Tensor, axes: Tensor, giant: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The body's own colour ``[n, 3, h, w]`` and its height ``[n, 1, h, w]``, 0..1."""
        device = self.device
        point = [
            axes[:, i, 0, None, None, None] * u
            + axes[:, i, 1, None, None, None] * v
            + axes[:, i, 2, None, None, None] * depth
            for i in range(3)
        ]
        longitude = torch.atan2(point[1], point[0]) / (2 * math.pi) + 0.5
        latitude = 0.5 - torch.asin(point[2].clamp(-1, 1)) / math.pi

        far = (1.2 - 1.6 * depth).clamp(0, 1)
        first = self._sample(torch.randint(len(self.atlas), (n,), device=device), longitude, latitude, far)
        other = self._sample(
            torch.randint(len(self.atlas), (n,), device=device), longitude + uniform(n, 0, 1, device), latitude, far
        )
        share = uniform(n, 0.15, 0.85, device)
        mixed = torch.where(
            chance(n, 0.6, device) > 0, first * (1 - share) + other * share, first * (0.45 + 0.75 * other)
        )
        natural = torch.where(chance(n, 0.45, device) > 0, mixed, first)
        height = natural.mean(1, keepdim=True)

        turns = torch.where(
            chance(n, 0.45, device) > 0, torch.randn(n, 1, 1, 1, device=device) * 0.05, uniform(n, 0, 1, device)
        )
        natural = rotate_hue(natural, turns, uniform(n, 0.9, 1.8, device)).clamp(min=0)
        contrast = ((height - 0.5) * uniform(n, 1.0, 1.5, device) + 0.5).clamp(0, 1)
        invented = through_palette(contrast, palettes(n, 5, device))
        bands = through_palette(
            _bands(n, latitude + (height - 0.5) * uniform(n, 0, 0.1, device), device),
            palettes(n, 5, device, darkest=0.3),
        )
        surface = torch.where(chance(n, 0.5, device) > 0, natural, invented)
        return torch.where(giant > 0, bands * (0.8 + 0.3 * height), surface), height

    def _sample(self, which: Tensor, longitude: Tensor, latitude: Tensor, far: Tensor) -> Tensor:
        """The chosen maps at these places (turns; 0..1 from the north); ``far``: share of the blurred copies."""
        width = self.atlas.shape[-1]
        inside = width - 2 * SEAM
        x = ((longitude % 1.0) * inside + SEAM) * (2 / width) - 1
        grid = torch.stack([x, latitude * 2 - 1], -1)[:, 0]
        both = F.grid_sample(self.atlas[which], grid, mode="bilinear", padding_mode="border", align_corners=False)
        return both[:, :3] * (1 - far) + both[:, 3:] * far

    def _sky(self, n: int) -> Tensor:
        """Stars and two faint nebulae, ``[n, 3, h, w]``."""
        device, size = self.device, self.canvas
        sky = torch.zeros((), device=device)
        for _ in range(2):
            cloud = torch.zeros((), device=device)
            for cells, weight in ((4, 1.0), (8, 0.5), (16, 0.22)):
                noise = torch.rand(n, 1, cells, cells, device=device)
                cloud = cloud + weight * F.interpolate(noise, size=(size, size), mode="bicubic", align_corners=False)
            cloud = ((cloud / 1.72 - 0.44) * 2.4).clamp(0, 1) ** 1.5
            tint = hsv_to_rgb(
                torch.rand(n, device=device),
                torch.empty(n, device=device).uniform_(0.5, 0.9),
                torch.ones(n, device=device),
            )
            sky = sky + cloud * tint[:, :, None, None] * uniform(n, 0.0, 0.34, device) * chance(n, 0.7, device)
        return sky + _stars(n, size, device)


def _atlas(width: int, device: torch.device) -> Tensor:
    """All maps, ``[maps, 6, width/2, width + 2 SEAM]``: of full contrast; sharp, then blurred for the limb."""
    sheets = []
    for path in sorted(MAPS.glob("*.jpg")):
        with Image.open(path) as image:
            pixels = (
                np.asarray(image.convert("RGB").resize((width, width // 2), Image.Resampling.LANCZOS), np.float32) / 255
            )
        low, high = np.percentile(pixels, 1), np.percentile(pixels, 99)
        sharp = torch.from_numpy(((pixels - low) / (high - low + 1e-3)).clip(0, 1)).permute(2, 0, 1)[None]
        small = F.avg_pool2d(sharp, 4)
        blurred = F.interpolate(small, scale_factor=4, mode="bilinear", align_corners=False)
        both = torch.cat([sharp, blurred], 1)
        sheets.append(torch.cat([both[..., -SEAM:], both, both[..., :SEAM]], -1))
    return torch.cat(sheets).to(device)


def _axes(n: int, upright: Tensor, device: torch.device) -> Tensor:
    """``[n, 3, 3]``: rows are the planet's own axes seen by the camera, the last its pole.

    Poles point anywhere; those of ringed planets and giants (``upright`` 1) lean so that rings read well.
    """
    anywhere = F.normalize(torch.randn(n, 3, device=device), dim=-1)
    roll = torch.randn(n, device=device) * 0.45
    lean = torch.empty(n, device=device).uniform_(0.12, 0.6) * torch.where(
        torch.rand(n, device=device) < 0.5, 1.0, -1.0
    )
    leaning = torch.stack([roll.sin() * lean.cos(), roll.cos() * lean.cos(), lean.sin()], -1)
    pole = torch.where(upright.view(n, 1) > 0, leaning, anywhere)
    side = F.normalize(torch.linalg.cross(pole, F.normalize(torch.randn(n, 3, device=device), dim=-1)), dim=-1)
    return torch.stack([side, torch.linalg.cross(pole, side), pole], 1)


def _sun(n: int, device: torch.device) -> list[Tensor]:
    """The direction to the sun, three of ``[n, 1, 1, 1]``; seldom behind the planet."""
    turn, rise = uniform(n, 0, 2 * math.pi, device), uniform(n, 0.02, 1.15, device)
    return [turn.cos() * rise.cos(), turn.sin() * rise.cos(), rise.sin()]


def _slope(height: Tensor, radius: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
    """How ``height`` changes to the right and upwards, per planet radius, calmed towards the limb."""
    size = height.shape[-1]
    soft = F.avg_pool2d(F.pad(height, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    edged = F.pad(soft, (1, 1, 1, 1), mode="replicate")
    scale = 0.5 * size * radius * depth
    right = (edged[..., 1:-1, 2:] - edged[..., 1:-1, :-2]) * scale
    upward = (edged[..., :-2, 1:-1] - edged[..., 2:, 1:-1]) * scale
    return right.clamp(-6, 6), upward.clamp(-6, 6)


def _air(n: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The atmosphere's colour ``[n, 3, 1, 1]`` (half of them blue) and thickness ``[n, 1, 1, 1]``."""
    hue = torch.where(
        torch.rand(n, device=device) < 0.5,
        torch.rand(n, device=device),
        torch.empty(n, device=device).uniform_(0.52, 0.64),
    )
    colour = hsv_to_rgb(hue, torch.empty(n, device=device).uniform_(0.35, 0.85), torch.ones(n, device=device))
    return colour[:, :, None, None], uniform(n, 0.15, 1.1, device) * chance(n, 0.8, device)


def _bands(n: int, latitude: Tensor, device: torch.device) -> Tensor:
    """A gas giant's stripes: a smooth random profile along the latitude, 0..1."""
    broad = F.interpolate(torch.rand(n, 1, 9, device=device), size=256, mode="linear", align_corners=True)
    fine = F.interpolate(torch.rand(n, 1, 31, device=device), size=256, mode="linear", align_corners=True)
    return _lookup(0.75 * broad[:, 0] + 0.35 * fine[:, 0], latitude)


def _lookup(profile: Tensor, position: Tensor) -> Tensor:
    """``profile`` ``[n, k]`` read at ``position`` ``[n, 1, h, w]`` (0..1), linear between its entries."""
    n, entries = profile.shape
    place = position.clamp(0, 1) * (entries - 1)
    low = place.floor().long().clamp(max=entries - 2)
    flat = low.view(n, -1)
    left, right = profile.gather(1, flat).view_as(place), profile.gather(1, flat + 1).view_as(place)
    return left + (right - left) * (place - low)


def _stars(n: int, size: int, device: torch.device, most: int = 70) -> Tensor:
    """Points of light ``[n, 3, h, w]``, each spread over the four pixels around it so that none flickers."""
    place = torch.rand(n, most, 2, device=device) * (size - 1.001)
    present = torch.rand(n, most, device=device) < torch.rand(n, 1, device=device)
    strength = torch.rand(n, most, device=device) ** 4 * 2.2 * present
    corner, part = place.floor().long(), place % 1
    field = torch.zeros(n, size * size, device=device)
    for dx in (0, 1):
        for dy in (0, 1):
            weight = (part[..., 0] if dx else 1 - part[..., 0]) * (part[..., 1] if dy else 1 - part[..., 1])
            field.scatter_add_(1, (corner[..., 1] + dy) * size + corner[..., 0] + dx, weight * strength)
    field = field.view(n, 1, size, size)
    tint = 1 - constant((0.25, 0.1, 0.0), device).view(1, 3, 1, 1) * uniform(n, 0, 1, device)
    return (field + 0.5 * F.avg_pool2d(F.pad(field, (1, 1, 1, 1)), 3, stride=1)) * tint


def _add_rings(
    picture: Tensor, ringed: Tensor, u: Tensor, v: Tensor, axes: Tensor, sun: list[Tensor], pixels: Tensor
) -> Tensor:
    """Rings in the planet's equator, behind and before it, in its shadow, where ``ringed``; ``pixels``: its radius."""
    n, device = len(picture), picture.device
    pole = [axes[:, 2, i, None, None, None] for i in range(3)]
    tilt = torch.where(pole[2].abs() < 0.05, torch.full_like(pole[2], 0.05), pole[2])
    depth = -(pole[0] * u + pole[1] * v) / tilt
    flat = u * u + v * v
    reach = (flat + depth * depth).sqrt()
    inner, outer = uniform(n, 1.2, 1.35, device), uniform(n, 1.6, 1.95, device)
    along = (reach - inner) / (outer - inner)
    softness = (outer - inner) * pixels * tilt.abs() * 0.5
    edge = ((along * softness).clamp(0, 1)) * (((1 - along) * softness).clamp(0, 1))
    seen = torch.maximum((depth > 0).float(), ((flat.sqrt() - 1) * pixels + 0.5).clamp(0, 1))
    profile = F.interpolate(torch.rand(n, 1, 12, device=device), size=128, mode="linear", align_corners=True)[:, 0]
    density = _lookup((profile * 1.5).clamp(0, 1), along) * edge * seen * 0.9
    toward = u * sun[0] + v * sun[1] + depth * sun[2]
    across = (flat + depth * depth - toward * toward).clamp(min=0).sqrt()
    shadow = 1 - 0.88 * ((1 - across) * 12 + 0.5).clamp(0, 1) * (toward < 0)
    tint = palettes(n, 3, device, darkest=0.5)[:, 1:].mean(1)[:, :, None, None]
    density = density * ringed
    return picture * (1 - density) + tint * density * shadow * uniform(n, 0.7, 1.1, device)
