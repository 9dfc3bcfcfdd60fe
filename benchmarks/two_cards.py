"""Two networks of one patch, on one card and on two.

    python benchmarks/two_cards.py [--size 1024] [--frames 200]

StyleGAN2 (config-f, random weights), two of them mixed. Printed: milliseconds a frame from the host's call to the
finished picture, one frame after another, and the largest difference between the two ways' pictures.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor

from ganzfeld.engine.engine import Engine
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.values.time import Clock


def patch(files: list[Path], cards: list[int]) -> str:
    lines = ["source = noise('simplex2d', amplitude=0.9, tx=t)"]
    for place, (file, card) in enumerate(zip(files, cards)):
        lines.append(f"face{place} = network({str(file)!r}, latent=source, psi=0.8, device='cuda:{card}')")
    return "\n".join([*lines, "out(mix(face0, face1, amount=0.5))"])


def played(files: list[Path], cards: list[int], frames: int) -> tuple[float, Tensor]:
    """Milliseconds a frame (median), and the last picture."""
    engine, clock = Engine(device="cuda:0"), Clock()
    engine.load(patch(files, cards))
    times = []
    for _ in range(frames):
        start = time.perf_counter()
        picture = engine.frame(clock.advance(1 / 60))["out"]
        torch.cuda.synchronize(picture.device)
        times.append(1000 * (time.perf_counter() - start))
    for problem in engine.problems:
        print("PROBLEM:", problem)
    kept = picture.cpu()
    engine.close()
    return statistics.median(times[10:]), kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--frames", type=int, default=200)
    options = parser.parse_args()
    if torch.cuda.device_count() < 2:
        raise SystemExit("This compares one card with two, and there are not two here.")
    config = StyleGAN2Config.design(options.size, channel_base=32768, channel_max=512)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        files = []
        for seed in (1, 2):
            files.append(Path(folder) / f"{seed}.safetensors")
            Network.random(config, seed=seed).save(files[-1])
        one, first = played(files, [0, 0], options.frames)
        two, second = played(files, [0, 1], options.frames)
    apart = (first.int() - second.int()).abs().max().item()
    print(f"{torch.cuda.get_device_name()}: two networks of {options.size} px")
    print(f"on one card {one:.2f} ms, on two {two:.2f} ms ({one / two:.2f} times as fast), apart by {apart} of 255")


if __name__ == "__main__":
    main()
