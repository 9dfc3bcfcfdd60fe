"""What the examples cost on a card, with everything in them: whether all of each is captured, and its longest frame.

    python benchmarks/examples.py [--device auto] [--beats 64] [EXAMPLE ...]     exit status 1 if one is not captured

Each example, and the opening, plays so many beats of its own tempo as fast as it can. Printed are the time that the
device takes for a frame (median), the longest that a frame kept the host waiting after the first second (a variant
that is shown for the first time is among these), how many variants were ready at the start and at the end, and what
the patch's notes say ("plays without a CUDA graph").
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch

from ganzfeld.engine.engine import Engine
from ganzfeld.networks.device import pick_device
from ganzfeld.values.time import Clock

EXAMPLES = Path(__file__).parent.parent / "examples"
OPENING = Path(__file__).parent.parent / "src" / "ganzfeld" / "patch" / "opening.ganz"


def played(file: Path, device: str, beats: float) -> bool:
    """Print an example's line; whether all of it is captured where it can be."""
    engine = Engine(device=device, trusted=lambda path: True)
    engine.load(file.read_text(), file)
    clock = Clock(engine.bpm or 120)
    fps = max((options.fps for options in engine.outs.values()), default=60.0)
    show = engine._playing
    assert show is not None
    ready = len(show.built._programs)
    times, on_device = [], []
    count = round(beats * 60 / clock.bpm * fps)
    for _ in range(count):
        start = time.perf_counter()
        engine.frame(clock.advance(1 / fps))
        if engine.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - start))
        on_device.append(1e3 * engine.frame_seconds)
    programs = show.built._programs.values()
    captures = engine.device.type == "cuda"
    well = not engine.problems and all(program.captured or not captures for program in programs)
    said = "; ".join(str(each) for each in [*show.built.notes, *engine.problems])
    print(
        f"{file.stem:18} {statistics.median(on_device):8.2f} {max(times[round(fps) :]):8.2f} {ready:6} → "
        f"{len(programs):<6} {'ok' if well else 'FAILED'} {said}",
        flush=True,
    )
    engine.close()
    return well


def main() -> int:
    """Play them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", nargs="*", metavar="EXAMPLE")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--beats", type=float, default=64)
    arguments = parser.parse_args()
    device = str(pick_device(arguments.device))
    print(f"torch {torch.__version__}, {device}\n{'milliseconds':18} {'device':>8} {'longest':>8} {'variants':>9}")
    files = [file for file in [OPENING, *sorted(EXAMPLES.glob("*.ganz"))] if file.stem in arguments.examples or (
        not arguments.examples)]  # fmt: skip
    well = [played(file, device, arguments.beats) for file in files]
    return 0 if all(well) else 1


if __name__ == "__main__":
    raise SystemExit(main())
