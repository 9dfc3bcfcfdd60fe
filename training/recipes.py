"""The three networks: how large they are, what they learn from, and with what numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from ganzfeld.networks.reference.stylegan2 import StyleGAN2
from ganzfeld.networks.reference.stylegan3 import StyleGAN3
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from training.discriminator import Discriminator
from training.flames import Flames, Garden
from training.planets import Planets
from training.stylegan2 import TrainedStyleGAN2
from training.stylegan3 import TrainedStyleGAN3


class Pictures(Protocol):
    """What the networks learn from."""

    def draw(self, n: int) -> Tensor:
        """n pictures ``[n, 3, size, size]``, -1..1, on the training device."""
        ...


@dataclass(frozen=True)
class Recipe:
    """One network to train."""

    config: StyleGAN2Config | StyleGAN3Config
    judge_channels: tuple[int, ...]
    pictures: str
    """``planets`` or ``flames``."""
    batch: dict[int, int]
    """Pictures a step by resolution."""
    gamma: dict[int, float]
    """Weight of R1 by resolution."""
    generator_rate: float = 2.5e-3
    judge_rate: float = 2.5e-3
    mapping_rate: float = 1.0
    """Of the generator's rate; less keeps what the mapping has in common with the network that it came from."""
    fade: int = 40_000
    """Pictures over which a new block is faded in."""


def channels(largest: int, base: int, most: int) -> tuple[int, ...]:
    """The paper's rule, min(base / r, most) at r = 4, 8, …, largest."""
    return tuple(min(base // r, most) for r in (4 * 2**k for k in range(largest.bit_length() - 2)))


GARDEN_STYLEGAN2 = StyleGAN2Config.design(
    256, channel_base=6144, channel_max=256, mapping_layers=4, z_dim=256, w_dim=256, conv_clamp=256
)
ORBITS_STYLEGAN3 = StyleGAN3Config.design(
    "stylegan3-t", 128, channel_base=4096, channel_max=160, num_layers=8, mapping_layers=2, z_dim=256, w_dim=256
)
BATCH = {16: 128, 32: 128, 64: 128, 128: 128, 256: 64}
GAMMA = {16: 0.1, 32: 0.1, 64: 0.2, 128: 0.5, 256: 1.0}
JUDGE = channels(256, 6144, 256)

RECIPES = {
    "planets": Recipe(GARDEN_STYLEGAN2, JUDGE, "planets", BATCH, GAMMA),
    "flowers": Recipe(GARDEN_STYLEGAN2, JUDGE, "flames", BATCH, GAMMA | {256: 0.5}, mapping_rate=0.2),
    "orbits": Recipe(ORBITS_STYLEGAN3, channels(128, 6144, 256), "planets", {128: 64}, {128: 0.5}, judge_rate=2e-3),
    # Small enough to prove the whole chain on a CPU in a minute.
    "tiny": Recipe(
        StyleGAN2Config.design(32, channel_base=512, channel_max=32, mapping_layers=2, z_dim=32, w_dim=32),
        channels(32, 512, 32),
        "planets",
        {16: 16, 32: 16},
        {16: 0.1, 32: 0.1},
        fade=500,
    ),
    "tiny3": Recipe(
        StyleGAN3Config.design(
            "stylegan3-t", 32, channel_base=512, channel_max=24, num_layers=5, mapping_layers=2, z_dim=32, w_dim=32
        ),
        channels(32, 512, 32),
        "planets",
        {32: 8},
        {32: 0.1},
    ),
}


def build(recipe: Recipe, device: torch.device, dtype: torch.dtype) -> tuple[nn.Module, Discriminator]:
    """The generator wrapped for training, and its discriminator."""
    if isinstance(recipe.config, StyleGAN3Config):
        generator: nn.Module = TrainedStyleGAN3(StyleGAN3(recipe.config), dtype)
    else:
        generator = TrainedStyleGAN2(StyleGAN2(recipe.config), dtype)
    return generator.to(device), Discriminator(recipe.judge_channels, dtype=dtype).to(device)


def pictures(recipe: Recipe, size: int, device: torch.device, garden: Path | None) -> Pictures:
    """What the recipe learns from, at this size; flames are read from the file ``garden``, or a few are grown."""
    if recipe.pictures == "planets":
        return Planets(size, device)
    grown = Garden.load(garden, device) if garden else Garden.grow(64, size, device)
    return Flames(grown, size)
