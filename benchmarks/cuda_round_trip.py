"""A show's pictures on the card, as another program sees them there: bit for bit, how late, and what sharing costs.

    python benchmarks/cuda_round_trip.py [--sizes 256x256,1024x1024,3840x2160] [--fps 60] [--seconds 4]

For each size a show plays in its own processes on the NVIDIA card. Another process, with `ganzfeld_cuda.py` and no
torch, looks for pictures all the time (`--to cuda:…`). Told are:

- how late a picture is there, from the moment that its frame began, in milliseconds and in frames; from its publication
  (what the reader needs); and the same for shared memory (`--to shared:…`), which goes through the host twice;
- how many pictures it missed;
- whether pictures of both ways, and of the show itself, are the same bit for bit;
- what a frame takes, and how many a second there are when nothing holds the show back, without the door and with it.
"""

from __future__ import annotations

import argparse
import json
import secrets
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import ganzfeld.outputs.shared
from ganzfeld.process.supervisor import Supervisor

FILES = Path(ganzfeld.outputs.shared.__file__).parent
UNLIMITED = 1000.0
LOOKER = """
import json, sys, time
sys.path.insert(0, {files!r})
import ganzfeld_cuda, ganzfeld_ring

reader, other = ganzfeld_cuda.CardReader({name!r}), ganzfeld_ring.Reader({name!r})
for line in sys.stdin:
    what, seconds = json.loads(line)
    end, seen, last = time.perf_counter() + seconds, [], None
    same = different = 0
    while time.perf_counter() < end:
        picture = (other if what == "shared" else reader).latest()
        if picture is None or picture is last:
            time.sleep(0.0002)
            continue
        last = picture
        if what != "compare":
            seen.append([picture.number, picture.t, picture.stamp / 1e9, time.perf_counter()])
            continue
        while (far := other.latest()) is None or far.frame < picture.frame:
            time.sleep(0.0002)
        if far.frame == picture.frame:
            equal = bool((picture.to_host() == far.pixels).all()) and picture.is_held
            same, different = same + equal, different + (not equal)
    print(json.dumps([seen, same, different, reader.problem]), flush=True)
reader.close(), other.close()
"""


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--sizes", default="256x256,1024x1024,3840x2160")
    parser.add_argument("--fps", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=4.0)
    asked = parser.parse_args()
    for size in asked.sizes.split(","):
        width, height = map(int, size.split("x"))
        print(f"{width} × {height} at {asked.fps:g} a second", flush=True)
        measure(width, height, asked.fps, asked.seconds)


def measure(width: int, height: int, fps: float, seconds: float) -> None:
    """One size."""
    text = f'out(noise("simplex2d", tx=phase(0.3)), size=({width}, {height}), fps={{:g}})'
    name = f"b{secrets.token_hex(4)}"
    words = LOOKER.format(files=str(FILES), name=name)
    with Supervisor(text=text.format(fps), device="cuda") as show:
        _wait(lambda: show.status().phase == "playing" and show.status().outputs)
        looker = subprocess.Popen(
            [sys.executable, "-c", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

        def look(what: str) -> Any:
            assert looker.stdin is not None
            assert looker.stdout is not None
            print(json.dumps([what, seconds]), file=looker.stdin, flush=True)
            return json.loads(looker.stdout.readline())

        try:
            plain = _frame_ms(show, seconds)
            show.doors.open(f"cuda:{name}")
            _wait(lambda: show.doors.statuses()[0].state == "open")
            shared = _frame_ms(show, seconds)
            began = _beginnings(show)
            _tell("on the card", look("cuda")[0], began, fps)
            door = show.doors.open(f"shared:{name}")
            _wait(lambda: show.doors.statuses()[-1].state == "open")
            _tell("shared memory", look("shared")[0], began, fps)
            _, same, different, problem = look("compare")
            print(f"  bit for bit: {same} pictures the same, {different} not {problem}")
            show.doors.close_door(door)
            print(f"  a frame takes {plain:.2f} ms without the door, {shared:.2f} ms with it")
        finally:
            looker.kill()
            looker.wait(10)
    rates = []
    for door in (None, f"cuda:{name}"):
        with Supervisor(text=text.format(UNLIMITED), device="cuda") as show:
            _wait(lambda show=show: show.status().phase == "playing" and show.status().outputs)
            if door is not None:
                show.doors.open(door)
                _wait(lambda show=show: show.doors.statuses()[0].state == "open")
            time.sleep(1.5)
            rates.append(statistics.median(_samples(show, "fps", seconds)))
    print(f"  unhindered: {rates[0]:.0f} frames a second without the door, {rates[1]:.0f} with it", flush=True)


def _tell(way: str, seen: list[list[float]], began: float, fps: float) -> None:
    if len(seen) < 2:
        print(f"  {way}: no pictures came")
        return
    seen = seen[1:]  # the first was there before anybody looked
    missed = int(seen[-1][0] - seen[0][0]) + 1 - len(seen)
    late = sorted(1000 * (at - began - t) for _, t, _, at in seen)
    after = sorted(1000 * (at - stamp) for _, _, stamp, at in seen)
    middle, worst = late[len(late) // 2], late[int(len(late) * 0.99)]
    print(
        f"  {way}: {len(seen)} pictures, {missed} missed; {middle:.2f} ms after the frame began"
        f" ({middle * fps / 1000:.2f} frames), 99 % within {worst:.2f} ms;"
        f" {after[len(after) // 2]:.3f} ms after it was published",
        flush=True,
    )


def _beginnings(show: Supervisor) -> float:
    """What to add to a picture's `t` for the time (perf_counter) at which its frame began."""
    return statistics.median(status.at - status.t for status in (_later(show) for _ in range(9)))


def _later(show: Supervisor) -> Any:
    before = show.status().at
    _wait(lambda: show.status().at != before)
    return show.status()


def _frame_ms(show: Supervisor, seconds: float) -> float:
    time.sleep(1.0)
    return statistics.median(_samples(show, "frame_ms", seconds))


def _samples(show: Supervisor, what: str, seconds: float) -> list[float]:
    end, values = time.perf_counter() + seconds, []
    while time.perf_counter() < end:
        values.append(getattr(show.status(), what))
        time.sleep(0.1)
    return values


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the show does not play as it should")
        time.sleep(0.01)


if __name__ == "__main__":
    main()
