"""Pictures of another program through a show and back: how many come back, and how late.

    python benchmarks/shared_round_trip.py [--size 256] [--fps 30] [--seconds 10]

Another program is played here, with the one-file module alone (`ganzfeld_ring.py`): it writes numbered pictures so many
times a second into shared memory; a show in its own processes reads them with `shared(…)`, and hands what it renders
to the door `shared`; they are read again here. Numbers, not time, tell what was lost.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ganzfeld.outputs.shared.ganzfeld_ring import Reader, Writer

LEVELS = 200
"""Pictures are numbered 1 to so many, in turn: what eight bits can tell."""


def main() -> None:
    """Play, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--fps", type=float, default=30.0, help="of the other program; the show plays twice as fast")
    parser.add_argument("--seconds", type=float, default=10.0)
    asked = parser.parse_args()
    there, back = (word + secrets.token_hex(4) for word in "tb")
    with tempfile.TemporaryDirectory() as folder:
        patch = Path(folder, "trip.ganz")
        size = f"({asked.size}, {asked.size})"
        patch.write_text(f'out(levels(shared("{there}", size={size})), size={size}, fps={2 * asked.fps:g})\n')
        words = [sys.executable, "-m", "ganzfeld", "play", str(patch), "--headless", "--port", "0"]
        writer, reader = Writer(there), Reader(back)
        show = subprocess.Popen([*words, "--to", f"shared:{back}"], stdout=subprocess.DEVNULL)
        try:
            _wait(writer, reader, asked.size)
            sent, came = _exchange(writer, reader, asked.size, asked.fps, asked.seconds)
        finally:
            show.terminate()
            show.wait(30)
            writer.close()
            reader.close()
    late = sorted(1e3 * (came[number] - at) for number, at in sent.items() if number in came)
    lost = len(sent) - len(late)
    print(f"{len(sent)} pictures of {asked.size}² at {asked.fps:g} a second: {lost} lost")
    print(f"back after {late[len(late) // 2]:.1f} ms (median), {late[-1]:.1f} ms at most")


def _picture(size: int, number: int) -> np.ndarray:
    picture = np.full((size, size, 4), number % LEVELS + 1, np.uint8)
    picture[..., 3] = 255
    return picture


def _wait(writer: Writer, reader: Reader, size: int) -> None:
    """Until the show plays what is written."""
    deadline = time.monotonic() + 120
    while (got := reader.latest()) is None or got.pixels[0, 0, 0] != LEVELS:
        if time.monotonic() > deadline:
            raise TimeoutError("the show does not play")
        writer.write(_picture(size, LEVELS - 1))
        time.sleep(0.02)


def _exchange(
    writer: Writer, reader: Reader, size: int, fps: float, seconds: float
) -> tuple[dict[int, float], dict[int, float]]:
    """When each picture was written, and when it was published by the show (both as `time.perf_counter`)."""
    sent: dict[int, float] = {}
    came: dict[int, float] = {}
    began, last, rounds = time.perf_counter(), LEVELS, -1
    while (now := time.perf_counter()) < began + seconds + 1:
        number = int((now - began) * fps)
        if number not in sent and now < began + seconds:
            sent[number] = now
            writer.write(_picture(size, number))
        got = reader.latest()
        if got is not None and (level := int(got.pixels[0, 0, 0])) != last:
            rounds += level < last
            last = level
            came[rounds * LEVELS + level - 1] = got.stamp / 1e9
        time.sleep(0.0005)
    return sent, came


if __name__ == "__main__":
    main()
