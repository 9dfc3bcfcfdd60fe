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
from ganzfeld.networks.generator import LayerHook, SynthesisOptions
from ganzfeld.networks.reference.stylegan2 import StyleGAN2, StyleGAN2Block
from training.discriminator import Discriminator
from training.recipes import RECIPES, Pictures, build, pictures
from training.sheet import save_sheet
from training.train import load_average

CROP, MARGIN, PER_PICTURE = 32, 4, 8
"""Samples of the smaller picture in a crop and around it; crops a picture."""
FAITHFUL = 20.0
"""Weight of the shrunk picture's distance from the one before (mean absolute)."""


def crops(x: Tensor, corners: Tensor, size: int) -> Tensor:
    """``PER_PICTURE`` windows of each picture of x, at corners ``[n, PER_PICTURE, 2]``."""
    cut = [x[i, :, r : r + size, c : c + size] for i, places in enumerate(corners.tolist()) for r, c in places]
    return torch.stack(cut)


class Sharpener:
    """The last block, its discriminator and one step of both.

    All below the block is frozen, so what the block reads is worked out once, for ``count`` pictures.
    """

    def __init__(self, network: StyleGAN2, source: Pictures, count: int):
        network.requires_grad_(False)
        self.block: StyleGAN2Block = network.synthesis.blocks[-1].requires_grad_(True)
        self.judge = Discriminator((64, 64, 48, 32, 16), dtype=torch.float32)
        self.average = copy.deepcopy(self.block).requires_grad_(False)
        self.block_adam = torch.optim.Adam(self.block.parameters(), 2e-3, betas=(0.0, 0.99))
        self.judge_adam = torch.optim.Adam(self.judge.parameters(), 2e-3, betas=(0.0, 0.99))
        self.one = torch.ones(())
        self.steps = 0
        made = [self._prepare(network, 8) for _ in range(count // 8)]
        self.features, self.before, self.styles = (torch.cat(parts) for parts in zip(*made))
        self.whole, self.whole_before, self.whole_styles = self._whole(network, 16)
        self.real = torch.cat([self._cut(source.draw(8)) for _ in range(count // 4)])

    @torch.no_grad()
    def _prepare(self, network: StyleGAN2, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """Crops of what the block reads and of the smaller picture, and the rows of w that the block takes."""
        features, rgb, w = self._whole(network, n)
        window = CROP + 2 * MARGIN
        corners = torch.randint(0, rgb.shape[-1] - window + 1, (n, PER_PICTURE, 2))
        return crops(features, corners, window), crops(rgb, corners, window), w.repeat_interleave(PER_PICTURE, 0)

    @torch.no_grad()
    def _whole(self, network: StyleGAN2, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """As `_prepare`, uncut: crops never show the block the edge of the picture."""
        small = network.config.img_resolution // 2
        seen: dict[str, Tensor] = {}
        w = network.mapping(torch.randn(n, network.config.z_dim))
        rgb = network.synthesis(
            w, SynthesisOptions(noise_mode="random", resolution=small, after=LayerHook(seen.setdefault))
        )
        return seen[f"b{small}"], rgb, w[:, -3:]

    def _cut(self, large: Tensor) -> Tensor:
        corners = torch.randint(0, large.shape[-1] - 2 * CROP + 1, (len(large), PER_PICTURE, 2))
        return crops(large, corners, 2 * CROP)

    def step(self, n: int = 8) -> dict[str, float]:
        real = turned(self.real[torch.randint(len(self.real), (n,))])
        pick = torch.randint(len(self.features), (n,))
        made, before = self._sharpened(pick)
        lazy = self.steps % 8 == 0
        real.requires_grad_(lazy)
        on_real = self.judge(real, self.one)
        judge_loss = F.softplus(self.judge(turned(made.detach()), self.one)).mean() + F.softplus(-on_real).mean()
        if lazy:
            (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
            judge_loss = judge_loss + slope.square().sum((1, 2, 3)).mean() * (0.3 / 2 * 8)
        self.judge_adam.zero_grad()
        judge_loss.backward()
        self.judge_adam.step()

        change = (F.avg_pool2d(made, 2) - before).abs().mean()
        loss = F.softplus(-self.judge(turned(made), self.one)).mean() + FAITHFUL * change
        if self.steps % 2 == 0:
            loss = loss + FAITHFUL * self._edge()
        self.block_adam.zero_grad()
        loss.backward()
        self.block_adam.step()
        with torch.no_grad():
            for mine, theirs in zip(self.average.parameters(), self.block.parameters()):
                mine.lerp_(theirs, max(0.01, 1 / (self.steps + 1)))
        self.steps += 1
        return {"judge": float(judge_loss.detach()), "block": float(loss.detach()), "change": float(change.detach())}

    def _sharpened(self, pick: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures with the block's detail, and what they should shrink to; without their margins."""
        picture, rgb = self._with_detail(self.features[pick], self.before[pick], self.styles[pick]), self.before[pick]
        inner, large = slice(MARGIN, -MARGIN), slice(2 * MARGIN, -2 * MARGIN)
        return picture[..., large, large], rgb[..., inner, inner]

    def _edge(self) -> Tensor:
        """How far the border of a whole picture, four pixels wide, is from the doubled smaller one."""
        pick = torch.randint(len(self.whole), (1,))
        before = self.whole_before[pick]
        picture = self._with_detail(self.whole[pick], before, self.whole_styles[pick])
        # Not `upsample2`: it takes what is outside for grey, which the block has to make good.
        change = (picture - F.interpolate(before, scale_factor=2, mode="bilinear", align_corners=False)).abs()
        edges = (change[..., :4, :], change[..., -4:, :], change[..., :4], change[..., -4:])
        return torch.stack([edge.mean() for edge in edges]).mean()

    def _with_detail(self, x: Tensor, rgb: Tensor, w: Tensor) -> Tensor:
        size = 2 * x.shape[-1]
        for row, convolution in enumerate(self.block.convolutions):
            x = convolution(x, w[:, row], torch.randn(len(x), 1, size, size))
        assert self.block.torgb is not None
        return upsample2(rgb, self.block.resample_filter) + self.block.torgb(x, w[:, 2])


def turned(pictures: Tensor) -> Tensor:
    """All of them turned or mirrored in the same random way."""
    pictures = pictures.rot90(int(torch.randint(4, ())), (2, 3))
    return pictures.flip(3) if torch.rand(()) < 0.5 else pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--pictures", type=int, default=96, help="how many to cut crops from")
    parser.add_argument("--garden", type=Path)
    arguments = parser.parse_args()
    started = time.monotonic()
    recipe, folder = RECIPES[arguments.recipe], arguments.folder
    state = load_average(folder, torch.device("cpu"))
    if state is None:
        raise FileNotFoundError(f"no checkpoint in {folder}")
    wrapped = build(recipe, torch.device("cpu"), torch.float32)[0]
    wrapped.load_state_dict(state["average"])
    if (folder / "sharpened.pt").exists():
        wrapped.load_state_dict(torch.load(folder / "sharpened.pt", weights_only=True)["average"])
    network: StyleGAN2 = wrapped.network
    source = pictures(recipe, recipe.config.img_resolution, torch.device("cpu"), arguments.garden)
    sharpener = Sharpener(network, source, arguments.pictures)
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

    print(f"{time.monotonic() - started:5.0f} s  {len(sharpener.features)} crops", flush=True)
    while time.monotonic() - started < 60 * arguments.minutes:
        numbers = sharpener.step()
        if sharpener.steps % 100 == 0:
            values = "  ".join(f"{name} {value:.3f}" for name, value in numbers.items())
            print(f"{time.monotonic() - started:5.0f} s  {sharpener.steps} steps  {values}", flush=True)
            keep()
    keep()


if __name__ == "__main__":
    main()
