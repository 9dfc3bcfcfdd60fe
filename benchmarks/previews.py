"""What a show's frames lose while previews are drawn beside it.

    python benchmarks/previews.py [--device auto] [--size 1024] [--fps 60] [--seconds 8]

An engine plays a bent StyleGAN2 with random weights at a steady rate in this process, alone, then beside the process
that draws previews: one text that moves (a roll of dice), and five (a film strip). Printed: milliseconds of a frame
(median, 99 of 100, the longest), frames that were late, and previews drawn a second.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path


def main() -> None:
    """Measure and print."""
    from gap import make_network

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--fps", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        network = make_network(Path(folder) / "a.safetensors", options.size, 1)
        measure(options, network)


def measure(options: argparse.Namespace, network: Path) -> None:
    """The three rows."""
    from ganzfeld.engine.engine import Engine
    from ganzfeld.process.messages import CheckpointSaved
    from ganzfeld.process.preview_messages import PictureMade, PreviewText, ShowTime
    from ganzfeld.process.preview_process import PreviewOptions
    from ganzfeld.process.previewer import Previewer, PreviewOrder

    text = (
        f"face = network({str(network)!r}, latent=noise(tx=t))\n"
        'face.bend("b32", rotate=20*sin(t))\n'
        f"out(face, size=({options.size}, {options.size}))\n"
    )
    rolled = text.replace("out(", 'face.bend("b64", scale=1 + 0.2*sin(t))\nout(')
    strip = [text.replace("20*", f"{amount}*") for amount in (-40, -20, 0, 20, 40)]
    engine = Engine(device=options.device)
    engine.load(text)
    now = [ShowTime()]
    device = str(engine.device)
    previews = Previewer(
        lambda: (CheckpointSaved(0, engine_state, {"t": now[0].t}, 0.0), now[0]), lambda: PreviewOptions(device)
    )
    drawn: list[PictureMade] = []
    first = threading.Event()

    def hear(made: PictureMade) -> None:
        if made.problem:
            print("problem:", made.problem)
        drawn.append(made)
        first.set()

    play(engine, options.fps, 2.0, now)
    engine_state = engine.checkpoint()
    print(f"{device}, {options.size}², {options.fps:g} frames a second")
    try:
        for name, texts in (("alone", []), ("a roll of dice", [rolled]), ("a film strip", strip), ("alone again", [])):
            previews.end("bench")
            if texts:
                first.clear()
                order = PreviewOrder(144, {i: PreviewText(each) for i, each in enumerate(texts)}, text, None)
                previews.ask("bench", order, hear)
                while not first.wait(0):
                    play(engine, options.fps, 0.5, now)
            before = len(drawn)
            times, late = play(engine, options.fps, options.seconds, now)
            rate = (len(drawn) - before) / options.seconds
            low, high = statistics.median(times), sorted(times)[int(0.99 * len(times))]
            print(f"{name:16} {low:6.2f} {high:6.2f} {max(times):7.2f} ms   late {late:3d}   previews {rate:5.1f}/s")
    finally:
        previews.close()
        engine.close()


def play(engine, fps: float, seconds: float, now: list) -> tuple[list[float], int]:
    """Frames at a steady rate; milliseconds of each until the device has made it, and how many began late."""
    import torch

    from ganzfeld.process.preview_messages import ShowTime
    from ganzfeld.values.time import Moment

    times, late = [], 0
    start = time.perf_counter()
    for place in range(round(fps * seconds)):
        due = start + place / fps
        wait = due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        elif place:
            late += 1
        began, before = time.perf_counter(), now[0]
        t = before.t + 1 / fps
        moment = Moment(before.frame + 1, t, 1 / fps, 2 * t, t / 2, 120.0)
        engine.frame(moment)
        if engine.device.type == "cuda":
            torch.cuda.synchronize(engine.device)
        times.append(1000 * (time.perf_counter() - began))
        now[0] = ShowTime(moment.frame, t, moment.beat, 120.0, 1.0, fps, began)
    return times, late


if __name__ == "__main__":
    main()
