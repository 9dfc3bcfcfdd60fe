"""Cards that are not there: do our kernels fit on them, and what would they hold?

    python benchmarks/cards.py kernels [--all] [--nvrtc FOLDER] [CARD ...]   # "8.6/28": capability / processors
    python benchmarks/cards.py expected                                      # computed from counts; nothing is measured

"kernels" compiles every kernel that a show launches on such a card, as a show compiles it ahead, with
Triton's own assembler: all bends, the papers' networks and those that ship, and every tile that a convolution of any
network can be cut into; with --nvrtc what NVRTC compiles, too (the folder where the wheel lies unpacked that
`pip download --no-deps nvidia-cuda-nvrtc-cu12` brings). Printed for each card: how many kernels there are and how many
do not compile; the most registers of a thread (255 at most); how many have a stack in far memory, and the largest, in
bytes; the most memory that a block shares, beside what there is of it. Those that fail, do not fit or spill are named;
--all names every one. It takes three minutes a card, less where Triton has compiled them before. Nothing is launched.

"expected" adds up, layer by layer, the products, bytes and walks of a network, and holds them against a card's
published figures. The shares of those figures that come true are measured on one H200 and one H100; the first table
shows how well they tell what was measured there. Of other cards it prints a range: from those shares to the best that
such kernels reach.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import card_counts as counts
import card_kernels
import torch
from card_kernels import HEAVY, Compiled, card_of

from ganzfeld.kernels.card import shared_memory_of
from ganzfeld.networks.kinds import kind_of
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config

CARDS = ("8.0/108", "8.6/28", "8.6/46", "8.6/84", "8.9/24", "8.9/128", "9.0/132", "10.0/148", "12.0/70")
"""An A100; GA10x from an RTX 3060 to its largest; Ada from a 4060 to a 4090; an H200; Blackwell of both kinds."""
MEASURED = {
    "stylegan2 1024": 0.767, "stylegan2 512": 0.55, "stylegan2 256": 0.411, "stylegan3-t 1024": 4.13,
    "stylegan3-t 512": 2.61, "stylegan3-t 256": 1.71, "stylegan3-r 1024": 4.70, "stylegan3-r 512": 3.22,
}  # fmt: skip
"""Milliseconds a frame on one H200 (`frame.py`, 2026-11-30)."""
MEASURED_BY_TRITON = {"stylegan2 1024": 1.24, "stylegan2 512": 0.89, "stylegan2 256": 0.68}
"""On one H100, before it had a convolution of its own (2026-11-26)."""
THIRD_TAKEN = 1.5
"""How much longer a frame takes while another program has a third of the card."""
RESERVED = 0.77 / 0.43
"""What a patch was measured to reserve on a card (StyleGAN2 1024, `gap.py`), to what is counted of it."""
DRIVER = 1.0
"""GB that the driver, CUDA and a desktop take."""
OUTPUTS = {"1080p": (1920, 1080), "2160p": (3840, 2160), "7680×1080": (7680, 1080)}


def main_kernels(options: argparse.Namespace) -> None:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    environment.pop("TRITON_INTERPRET", None)
    for text in options.cards or CARDS:
        lines: list[str] = []
        for more in [[], [str(options.nvrtc)]] if options.nvrtc else [[]]:
            # A process for each compiler: what a card is cannot be taken back.
            command = [sys.executable, card_kernels.__file__, text, *more]
            told = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            lines += told.stdout.splitlines()
        tell(text, [Compiled(**json.loads(line)) for line in lines], every=options.all)


def tell(card: str, kernels: list[Compiled], *, every: bool) -> None:
    major, minor = card_of(card).major, card_of(card).minor
    room = shared_memory_of((major, minor))
    failed = [kernel for kernel in kernels if not kernel.fits(room)]
    stacks, registers = [kernel.stack for kernel in kernels], max(kernel.registers for kernel in kernels)
    words = [f"{len(kernels)} kernels, {len(failed)} do not fit", f"at most {registers} registers"]
    words += [f"{sum(map(bool, stacks))} with a stack, {max(stacks)} B at most"]
    words += [f"{max(kernel.shared for kernel in kernels)} of {room} B shared"]
    print(f"{card:9} {'; '.join(words)}", flush=True)
    for kernel in kernels:
        if every or kernel in failed or kernel.stack >= HEAVY:
            print(f"          {kernel}")


def config_of(network: str) -> counts.Config:
    kind, side = network.split()
    if kind == "stylegan2":
        return StyleGAN2Config.design(int(side))
    return StyleGAN3Config.design(kind, int(side))  # type: ignore[arg-type]


def expected(network: str, chip: counts.Chip, size: counts.Size | None = None) -> tuple[float, float]:
    """Milliseconds of a frame: at best, and by the shares that were measured."""
    config = config_of(network)
    best, measured = (counts.milliseconds(config, chip, shares, size) for shares in (counts.BEST, counts.MEASURED))
    return best, measured


def memory(network: str, size: counts.Size | None = None) -> float:
    """GB that a patch with this network reserves on a card."""
    config = config_of(network)
    with torch.device("meta"):
        weights = sum(tensor.numel() for tensor in kind_of(config).module(config).state_dict().values())
    return RESERVED * counts.gigabytes(config, weights, size)


def span(milliseconds: tuple[float, float]) -> str:
    """As a range."""
    digits = 0 if milliseconds[0] >= 10 else 1
    return "–".join(f"{each:.{digits}f}" for each in milliseconds)


def rate(milliseconds: tuple[float, float]) -> str:
    """Frames a second, of 60."""
    slow, fast = (min(60, int(1000 / each)) for each in reversed(milliseconds))
    return f"{slow}" if slow == fast else f"{slow}–{fast}"


def longer(milliseconds: tuple[float, float], factor: float = THIRD_TAKEN, more: float = 0) -> tuple[float, float]:
    best, measured = milliseconds
    return factor * (best + more), factor * (measured + more)


def main_expected(options: argparse.Namespace) -> None:
    print("| network | measured | computed | off |\n|---|---|---|---|")
    for chip, known in ((counts.H200, MEASURED), (counts.H100, MEASURED_BY_TRITON)):
        for network, came in known.items():
            _, computed = expected(network, chip)
            print(f"| {network}, {chip.name} | {came:.2f} | {computed:.2f} | {100 * (computed / came - 1):+.0f} % |")
    laptop, *others = counts.CHIPS
    print(f"\n| {laptop.name} | alone, ms | fps | a third taken, ms | fps | memory, GB | while another is built |")
    print("|---|---|---|---|---|---|---|")
    for network in MEASURED:
        own, held = expected(network, laptop), memory(network)
        taken = longer(own)
        both = DRIVER + 2 * held
        fits = f"{both:.1f}, {'fits' if both <= laptop.memory else 'does not fit'}"
        print(
            f"| {network} | {span(own)} | {rate(own)} | {span(taken)} | {rate(taken)} | {DRIVER + held:.1f} | {fits} |"
        )
    print(f"\n| {laptop.name}, a third taken, ms (fps) | {' | '.join(OUTPUTS)} |\n|---|{'---|' * len(OUTPUTS)}")
    for network in MEASURED:
        pixels = int(network.split()[1]) ** 2
        moved = {name: counts.enlarged(pixels, size) / laptop.bandwidth / 1e6 for name, size in OUTPUTS.items()}
        spans = [longer(expected(network, laptop), more=more / counts.MEASURED.bytes) for more in moved.values()]
        print(f"| {network}, enlarged | {' | '.join(f'{span(each)} ({rate(each)})' for each in spans)} |")
    for network in MEASURED:
        cells = []
        for size in OUTPUTS.values():
            taken, held = longer(expected(network, laptop, size)), DRIVER + memory(network, size)
            cells.append(
                f"{span(taken)} ({rate(taken)}), {held:.1f} GB{'' if held <= laptop.memory else ': does not fit'}"
            )
        print(f"| {network}, drawn as wide | {' | '.join(cells)} |")
    print(f"\n| alone, ms | {' | '.join(MEASURED)} |\n|---|{'---|' * len(MEASURED)}")
    for chip in (laptop, *others):
        print(f"| {chip.name} | {' | '.join(span(expected(network, chip)) for network in MEASURED)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    questions = parser.add_subparsers(required=True)
    kernels = questions.add_parser("kernels", help="do our kernels fit?")
    kernels.add_argument("cards", nargs="*", metavar="CARD", help=f"{', '.join(CARDS)} unless given")
    kernels.add_argument("--all", action="store_true", help="name every kernel")
    kernels.add_argument("--nvrtc", type=Path, metavar="FOLDER", help="where NVRTC's wheel lies unpacked")
    kernels.set_defaults(run=main_kernels)
    questions.add_parser("expected", help="what would they hold?").set_defaults(run=main_expected)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
