"""Whether two devices make the same pictures: every bend, blend, craft of latents and node, on a card and a processor.

    python benchmarks/agree.py [--device cuda] [--size 1024] [--only TEXT ...]
    python benchmarks/agree.py --device cpu --readable --size 64      # without a card: the fast path by the reference

What --device makes is held against what the processor (--against) makes in float32. StyleGAN2 and StyleGAN3-t at --size
have random weights; so has one of each whose picture is no square. Bends come from their registry, at amounts some way
into their ranges, and nodes from theirs, with shipped networks, sent out at --size. --only: the lines whose name holds
a TEXT ("weights", "activations", "convolutions", "blends", "latents", "nodes", "stylegan2", "5:3", …).

A line is what was compared; the relative L2 distance, the worst of its pictures, and its limit; then how far this is
from the plain picture, or for nodes the largest difference in steps of 8 bits, and its limit. The exit status is 1 if
any failed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # see cpu.py

import torch
from agreement import networks, nodes
from agreement.item import Item, Side
from bends import RANDOM
from torch import Tensor

from ganzfeld.networks.device import pick_device

HEAD = f"{'':60} {'distance':>9} {'limit':>6}  {'more':15}"


def distance(found: Tensor, expected: Tensor) -> float:
    return ((found - expected).norm() / expected.norm().clamp(min=1e-12)).item()


def seen(picture: Tensor) -> Tensor:
    """Bytes [H, W, 4] with their colours as far as they show: whatever colour what is transparent has, nobody sees."""
    return torch.cat([picture[..., :3] * picture[..., 3:] / 255, picture[..., 3:]], -1)


def compared(item: Item, one: Side, other: Side) -> tuple[str, bool]:
    """What a line says, and whether it is well."""
    assert item.pictures is not None
    worst, steps = 0.0, 0
    expected = torch.empty(0)
    for found, expected in zip(item.pictures(one), item.pictures(other), strict=True):
        found, expected = found.cpu().float(), expected.cpu().float()
        assert found.shape == expected.shape, f"{tuple(found.shape)} and {tuple(expected.shape)}"
        if item.steps is not None:
            found, expected = seen(found), seen(expected)
            steps = max(steps, round(float((found - expected).abs().max())))
            found, expected = found[..., :3], expected[..., :3]  # what is opaque everywhere makes no distance
        error = distance(found, expected)
        worst = worst if error <= worst else error  # not a number is worse than any
    more, limit = "", item.limit
    if item.steps is not None:
        more = f"{steps} of {item.steps} steps"
    elif item.plain is not None and (plain := item.plain(other)).shape == expected.shape:
        changed = distance(expected, plain.cpu())
        more, limit = f"changes {changed:.2g}", min(limit, changed / 2)
    well = worst <= limit and steps <= (item.steps or 0)
    return f"{worst:9.1e} {limit:6.0e}  {more:15} {'ok' if well else 'FAILED'}", well


def attempted(item: Item, one: Side, other: Side) -> bool:
    """Print a line. An exception fails it, and the next one is tried."""
    if item.not_here:
        print(f"{item.name:60} not compared: {item.not_here}", flush=True)
        return True
    try:
        said, well = compared(item, one, other)
    except Exception as error:
        traceback.print_exc()
        said, well = f"FAILED: {type(error).__name__}: {error}", False
    print(f"{item.name:60} {said}", flush=True)
    return well


def every(size: int, folder: Path, *places: tuple[torch.device, bool], wanted: list[str]) -> Iterator[tuple]:
    """Each item to be compared, with its two sides."""

    def some(items: Iterator[Item]) -> list[Item]:
        return [item for item in items if any(text in item.name for text in wanted)]

    for make in RANDOM.values():
        network = networks.lively(make(size), 1)
        if chosen := some(networks.items(network)):
            both = networks.sides(network, *places)
            yield from ((item, *both) for item in chosen)
    for name, make in networks.SHAPES.items():
        network = networks.lively(make(size), 1)
        if chosen := some(networks.shaped_items(name, network)):
            both = networks.sides(network, *places)
            yield from ((item, *both) for item in chosen)
    yield from ((item, *(Side(*place) for place in places)) for item in some(nodes.items(folder, size)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--against", default="cpu", help="another device (default: cpu)")
    parser.add_argument("--readable", action="store_true", help="there by the readable reference, which is slow")
    parser.add_argument("--size", type=int, help="in pixels (default: 1024, on a CPU 64)")
    parser.add_argument("--only", nargs="+", default=[""], metavar="TEXT")
    arguments = parser.parse_args()
    device, against = pick_device(arguments.device), pick_device(arguments.against)
    size = arguments.size or (64 if device.type == "cpu" else 1024)
    about = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    by = ", by the readable reference" if arguments.readable else ""
    print(f"torch {torch.__version__}, {size} px, {device} ({about}) against {against}{by}\n{HEAD}")
    if arguments.readable:
        torch.backends.cudnn.allow_tf32 = False  # by a card, the reference would be no better than what it is held to
    start = time.perf_counter()
    with torch.inference_mode(), tempfile.TemporaryDirectory() as folder:
        lines = every(size, Path(folder), (device, False), (against, arguments.readable), wanted=arguments.only)
        well = [attempted(*line) for line in lines]
    print(f"{len(well)} lines, {len(well) - sum(well)} FAILED, {time.perf_counter() - start:.0f} s")
    return 0 if all(well) else 1


if __name__ == "__main__":
    raise SystemExit(main())
