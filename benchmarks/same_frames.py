"""Are the frames of all examples the same bits as before?

    python benchmarks/same_frames.py --write before.json      # on the old code
    python benchmarks/same_frames.py --compare before.json    # on the new code; exit status 1 if a frame differs

Every example is played by a `Player` on the CPU, a few frames spread over some seconds, at the example's own size. What
is written is a SHA-256 of each frame's bytes, so both runs have to be on one machine, with the same torch and the same
number of threads.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import torch

import ganzfeld

EXAMPLES = Path(__file__).parents[1] / "examples"
FPS = 3
"""Frames a second of the show's time: few, so that slow movements are seen too."""


def frames_of(example: Path, count: int) -> list[str]:
    """The SHA-256 of each of the first `count` frames."""
    player = ganzfeld.Player(example, device="cpu")
    return [
        hashlib.sha256(frame.image.cpu().numpy().tobytes()).hexdigest()
        for frame in player.frames(seconds=count / FPS, fps=FPS)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument("--compare", type=Path, metavar="FILE")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these examples alone")
    parser.add_argument("--frames", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    before = json.loads(options.compare.read_text("utf-8")) if options.compare else {}
    found: dict[str, list[str]] = {}
    different = 0
    for example in sorted(EXAMPLES.glob("*.ganz")):
        name = example.stem
        if options.only and name not in options.only:
            continue
        found[name] = frames_of(example, options.frames)
        if options.compare:
            equal = sum(a == b for a, b in zip(found[name], before.get(name, ())))
            different += len(found[name]) - equal
            print(f"{name:20} {equal} of {len(found[name])} frames equal", flush=True)
        else:
            print(f"{name:20} {found[name][-1][:16]}", flush=True)
    if options.write:
        options.write.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
