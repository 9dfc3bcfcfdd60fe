"""A show on a card that other programs keep busy: the same frames, the rate, the longest gap.

    python benchmarks/busy_card.py [--size 1024] [--frames 720] [--fps 60] [--loads 2]   exit status 1 if frames differ

A StyleGAN2 with random weights, all convolutions bent, half of it blended, gains and two activations bent, plays the
same frames twice: alone, and beside `--loads` processes that multiply large matrices without a pause. Every byte of
every frame is compared. Then it plays at --fps for as many frames, alone and beside them: printed are the rate, and the
median and the longest time between two finished frames.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import multiprocessing.synchronize
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import torch

from ganzfeld.engine.engine import Engine
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.values.time import Clock

PATCH = """\
source = noise("simplex2d", amplitude=0.9, tx=t)
face = network("one.safetensors", latent=source, psi=0.8)
face.blend("two.safetensors", "b32*", amount=0.5 + 0.5*sin(t))
face.bend("b*.conv?.weight", lerp_noise=0.1, rotate=9*sin(i + t), channels=0.5)
face.bend("b16", gain=1.2)
face.bend("b32", rotate=20*sin(t), blur=0.02)
face.bend("b64.conv0", noise=0.2, invert=0.3*sin(t))
out(face)
"""


def load(ready: multiprocessing.synchronize.Event) -> None:
    """Keep the card busy until killed."""
    a = torch.randn(8192, 8192, device="cuda", dtype=torch.float16)
    b = torch.empty_like(a)
    while True:
        for _ in range(8):
            torch.mm(a, a, out=b)
        torch.cuda.synchronize()
        ready.set()


@contextmanager
def loaded(count: int) -> Iterator[None]:
    """Within it, so many other processes use the card."""
    context = multiprocessing.get_context("spawn")
    events = [context.Event() for _ in range(count)]
    processes = [context.Process(target=load, args=(event,), daemon=True) for event in events]
    for process in processes:
        process.start()
    try:
        for event in events:
            event.wait(120)
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def frames(engine: Engine, clock: Clock, count: int, fps: float) -> list[str]:
    """A digest of each of so many frames."""
    found = []
    for _ in range(count):
        picture = engine.frame(clock.advance(1 / fps))["out"]
        found.append(hashlib.blake2b(picture.cpu().numpy().tobytes(), digest_size=16).hexdigest())
    return found


def paced(engine: Engine, clock: Clock, count: int, fps: float) -> list[float]:
    """When each of so many frames was finished, asked for at their times."""
    ends = []
    start = time.perf_counter()
    for number in range(count):
        time.sleep(max(0.0, start + number / fps - time.perf_counter()))
        engine.frame(clock.advance(1 / fps))
        torch.cuda.synchronize()
        ends.append(time.perf_counter())
    return ends


def main() -> int:
    """Play, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--frames", type=int, default=720)
    parser.add_argument("--fps", type=float, default=60.0)
    parser.add_argument("--loads", type=int, default=2)
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("This measures an NVIDIA card, and there is none here.")
    with tempfile.TemporaryDirectory() as folder:
        for seed, name in enumerate(("one", "two")):
            Network.random(StyleGAN2Config.design(asked.size), seed=seed).save(Path(folder, f"{name}.safetensors"))
        file = Path(folder, "busy.ganz")
        file.write_text(PATCH)

        def played(each: str) -> list[str]:
            engine = Engine(device="cuda")
            engine.load(PATCH, file)
            clock = Clock()
            digests = frames(engine, clock, asked.frames, asked.fps)
            ends = paced(engine, clock, asked.frames, asked.fps)
            gaps = [1e3 * (after - before) for before, after in pairwise(ends)]
            rate = (len(ends) - 1) / (ends[-1] - ends[0])
            print(
                f"{each:28} {rate:6.1f} fps, gaps: median {statistics.median(gaps):.2f} ms, longest {max(gaps):.2f} ms,"
                f" {sum(gap > 1500 / asked.fps for gap in gaps)} of {len(gaps)} above 1.5 frame times",
                flush=True,
            )
            engine.close()
            return digests

        print(f"torch {torch.__version__}, {torch.cuda.get_device_name()}, StyleGAN2 {asked.size}, {asked.fps:g} fps")
        alone = played("alone")
        with loaded(asked.loads):
            beside = played(f"beside {asked.loads} busy processes")
    different = sum(one != other for one, other in zip(alone, beside))
    print(f"{different} of {asked.frames} frames differ")
    return 1 if different else 0


if __name__ == "__main__":
    raise SystemExit(main())
