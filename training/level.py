"""Gives the half-size picture of a StyleGAN2 the same black as the full one, on a CPU.

    python -m training.level src/ganzfeld/networks/shipped/planets.safetensors levelled.safetensors

A network that learnt at full size may add light in one block and take it away in the next: its half-size picture
(``network(…, resolution=128)``) is then pale. What the last block adds to dark places everywhere moves into the block
before. Only the border of the full picture would change by that, since upsampling takes what is outside for grey; the
last block is fitted until the picture is the old one there too.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.upfirdn import upsample2
from ganzfeld.networks.files import open_network_file, save_network_file
from ganzfeld.networks.generator import LayerHook, SynthesisOptions
from ganzfeld.networks.network import load_network
from ganzfeld.networks.reference.stylegan2 import StyleGAN2, StyleGAN2Block

BORDER = 2
"""Pixels of the full picture that upsampling treats differently."""


def bottom(network: StyleGAN2, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """What the last block reads, the half-size picture, and the rows of w that the block takes, for ``n`` latents."""
    small, seen = network.config.blocks[-2], dict[str, Tensor]()
    w = network.mapping(torch.randn(n, network.config.z_dim))
    rgb = network.synthesis(
        w, SynthesisOptions(noise_mode="random", resolution=small, after=LayerHook(seen.setdefault))
    )
    return seen[f"b{small}"], rgb, w[:, -3:]


def top(block: StyleGAN2Block, x: Tensor, rgb: Tensor, w: Tensor, noise: list[Tensor]) -> Tensor:
    """The full picture."""
    for row, (convolution, own) in enumerate(zip(block.convolutions, noise)):
        x = convolution(x, w[:, row], own)
    assert block.torgb is not None
    return upsample2(rgb, block.resample_filter) + block.torgb(x, w[:, 2])


def fresh_noise(block: StyleGAN2Block, n: int) -> list[Tensor]:
    return [torch.randn(n, 1, block.number, block.number) for _ in block.convolutions]


@torch.no_grad()
def excess(network: StyleGAN2, pictures: int = 32) -> Tensor:
    """How much lighter dark places of the half-size picture are than those of the full one: ``[3]``."""
    total, weight = torch.zeros(3), torch.zeros(())
    for _ in range(pictures // 8):
        x, rgb, w = bottom(network, 8)
        block = network.synthesis.blocks[-1]
        full = F.avg_pool2d(top(block, x, rgb, w, fresh_noise(block, 8)), 2)
        dark = (full.amax(1, keepdim=True) < -0.85).float()
        total += ((rgb - full) * dark).sum((0, 2, 3))
        weight += dark.sum()
    return total / weight


def level(network: StyleGAN2, steps: int, latents: int = 24) -> Tensor:
    """Moves the excess and fits the last block in place; returns what was moved."""
    network.requires_grad_(False)
    moved = excess(network)
    old: StyleGAN2Block = network.synthesis.blocks[-1]
    block, before = copy.deepcopy(old), network.synthesis.blocks[-2]
    assert block.torgb is not None and before.torgb is not None
    block.torgb.bias += moved
    block.requires_grad_(True)
    adam = torch.optim.Adam(block.parameters(), 1e-3, betas=(0.5, 0.99))
    with torch.no_grad():
        bottoms = [bottom(network, 1) for _ in range(latents)]
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = 1e-3 * (1 - step / steps)
        with torch.no_grad():
            x, rgb, w = bottoms[step % latents]
            noise = fresh_noise(block, 1)
            wanted = top(old, x, rgb, w, noise)
        wrong = (top(block, x, rgb - moved[:, None, None], w, noise) - wanted).abs()
        inside = wrong[..., BORDER:-BORDER, BORDER:-BORDER].mean()
        border = (wrong.mean((0, 1)).sum() - wrong.mean((0, 1))[BORDER:-BORDER, BORDER:-BORDER].sum()) / (
            4 * BORDER * (block.number - BORDER)
        )
        adam.zero_grad()
        (inside + 0.25 * border).backward()
        adam.step()
        if step % 24 == 0 or step == steps - 1:
            print(f"{step:4d}  inside {float(inside.detach()):.4f}  border {float(border.detach()):.4f}", flush=True)
    block.requires_grad_(False)
    old.load_state_dict(block.state_dict())
    before.torgb.bias -= moved
    return moved


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--steps", type=int, default=400)
    arguments = parser.parse_args()
    network = load_network(arguments.source)
    moved = level(network.module, arguments.steps)
    file = open_network_file(arguments.source)
    types = {name: tensor.dtype for name, tensor in file.weights.items()}
    weights = {name: tensor.to(types[name]).contiguous() for name, tensor in network.module.state_dict().items()}
    save_network_file(arguments.target, file.config, weights)
    print(f"moved {moved.tolist()}; left {excess(load_network(arguments.target).module).tolist()}")


if __name__ == "__main__":
    main()
