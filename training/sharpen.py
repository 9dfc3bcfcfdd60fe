"""Fits the last block of a StyleGAN2 alone, on crops, on a CPU: for a network whose training ended one size too early.

    python -m training.sharpen flowers --folder out/flowers --minutes 15

Everything up to the picture of half the size stays as it is. The last block learns to add detail that a small
discriminator takes for real (64 px crops), while the shrunk picture must stay the one that the network drew before.
That is a few thousand crops instead of millions of pictures: it can make edges crisp, it cannot invent.
"""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.upfirdn import upsample2
from ganzfeld.networks.stylegan2 import Block, StyleGAN2
from training.discriminator import Discriminator
from training.recipes import RECIPES, Pictures, build, pictures
from training.sheet import save_sheet
from training.train import load_average

CROP, MARGIN, PER_PICTURE = 32, 4, 4
"""Samples of the smaller picture in a crop and around it; crops a picture."""
FAITHFUL = 20.0
"""Weight of the shrunk picture's distance from the one before (mean absolute)."""


def crops(x: Tensor, corners: Tensor, size: int) -> Tensor:
    """``PER_PICTURE`` windows of each picture of x, at corners ``[n, PER_PICTURE, 2]``."""
    cut = [x[i, :, r : r + size, c : c + size] for i, places in enumerate(corners.tolist()) for r, c in places]
    return torch.stack(cut)


def last_block(block: Block, x: Tensor, w: Tensor, rows: int, noise: bool = True) -> Tensor:
    """What the block adds to the picture: x ``[n, c, h, h]`` -> ``[n, 3, 2h, 2h]``; ``rows``: its first row of w."""
    size = 2 * x.shape[-1]
    for k, convolution in enumerate(block.convolutions):
        x = convolution(x, w[:, rows + k], torch.randn(len(x), 1, size, size) if noise else None)
    assert block.torgb is not None
    return block.torgb(x, w[:, rows + 2])


class Sharpener:
    """The last block, its discriminator and one step of both."""

    def __init__(self, network: StyleGAN2, source: Pictures):
        self.network, self.source = network.requires_grad_(False), source
        self.block = network.synthesis.blocks[-1].requires_grad_(True)
        self.small = network.config.img_resolution // 2
        self.rows = network.config.num_ws - 3
        self.judge = Discriminator((96, 96, 64, 48, 32), dtype=torch.float32)
        self.average = copy.deepcopy(self.block).requires_grad_(False)
        self.block_adam = torch.optim.Adam(self.block.parameters(), 2e-3, betas=(0.0, 0.99))
        self.judge_adam = torch.optim.Adam(self.judge.parameters(), 2e-3, betas=(0.0, 0.99))
        self.one = torch.ones(())
        self.steps = 0

    def step(self, n: int = 4) -> dict[str, float]:
        made, before = self._made(n)
        real = self._real(n)
        if self.steps % 8 == 0:
            real.requires_grad_(True)
        on_real = self.judge(real, self.one)
        judge_loss = F.softplus(self.judge(made.detach(), self.one)).mean() + F.softplus(-on_real).mean()
        if self.steps % 8 == 0:
            (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
            judge_loss = judge_loss + slope.square().sum((1, 2, 3)).mean() * (0.2 / 2 * 8)
        self.judge_adam.zero_grad()
        judge_loss.backward()
        self.judge_adam.step()

        change = (F.avg_pool2d(made, 2) - before).abs().mean()
        loss = F.softplus(-self.judge(made, self.one)).mean() + FAITHFUL * change
        self.block_adam.zero_grad()
        loss.backward()
        self.block_adam.step()
        with torch.no_grad():
            for mine, theirs in zip(self.average.parameters(), self.block.parameters()):
                mine.lerp_(theirs, max(0.015, 1 / (self.steps + 1)))
        self.steps += 1
        return {"judge": float(judge_loss.detach()), "block": float(loss.detach()), "change": float(change.detach())}

    def _made(self, n: int) -> tuple[Tensor, Tensor]:
        """Crops of new pictures, and of the smaller ones that they should shrink to."""
        seen: dict[str, Tensor] = {}

        def keep(name: str, x: Tensor) -> Tensor:
            return seen.setdefault(name, x)

        with torch.no_grad():
            w = self.network.mapping(torch.randn(n, self.network.config.z_dim))
            rgb = self.network.synthesis(w, noise_mode="random", resolution=self.small, after=keep)
            window = CROP + 2 * MARGIN
            corners = torch.randint(0, self.small - window + 1, (n, PER_PICTURE, 2))
            x, rgb = crops(seen[f"b{self.small}"], corners, window), crops(rgb, corners, window)
            w = w.repeat_interleave(PER_PICTURE, 0)
        picture = upsample2(rgb, self.block.resample_filter) + last_block(self.block, x, w, self.rows)
        order = torch.randperm(len(picture))  # the discriminator compares neighbours in a batch
        inner = slice(MARGIN, -MARGIN)
        big = slice(2 * MARGIN, -2 * MARGIN)
        return picture[order][..., big, big], rgb[order][..., inner, inner]

    def _real(self, n: int) -> Tensor:
        large = self.source.draw(n)
        corners = torch.randint(0, large.shape[-1] - 2 * CROP + 1, (n, PER_PICTURE, 2))
        return crops(large, corners, 2 * CROP)[torch.randperm(n * PER_PICTURE)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--garden", type=Path)
    arguments = parser.parse_args()
    started = time.monotonic()
    recipe, folder = RECIPES[arguments.recipe], arguments.folder
    state = load_average(folder, torch.device("cpu"))
    if state is None:
        raise FileNotFoundError(f"no checkpoint in {folder}")
    wrapped = build(recipe, torch.device("cpu"), torch.float32)[0]
    wrapped.load_state_dict(state["average"])
    network: StyleGAN2 = wrapped.network
    source = pictures(recipe, recipe.config.img_resolution, torch.device("cpu"), arguments.garden)
    sharpener = Sharpener(network, source)
    z = torch.randn(8, network.config.z_dim, generator=torch.Generator().manual_seed(7))

    def keep() -> None:
        block = copy.deepcopy(sharpener.block.state_dict())
        sharpener.block.load_state_dict(sharpener.average.state_dict())
        with torch.no_grad():
            large = network.synthesis(network.mapping(z))
        numbers = {k: v.half() if v.is_floating_point() else v for k, v in wrapped.state_dict().items()}
        torch.save({"average": numbers, "seen": state["seen"], "steps": sharpener.steps}, folder / "sharpened.pt")
        save_sheet(large, folder / "sharpened.png", columns=4)
        sharpener.block.load_state_dict(block)

    while time.monotonic() - started < 60 * arguments.minutes:
        numbers = sharpener.step()
        if sharpener.steps % 50 == 0:
            values = "  ".join(f"{name} {value:.3f}" for name, value in numbers.items())
            print(f"{time.monotonic() - started:5.0f} s  {sharpener.steps} steps  {values}", flush=True)
            keep()
    keep()


if __name__ == "__main__":
    main()
