"""What a show costs the host, and whether anything ever stops it.

    python benchmarks/gap.py [--device auto] [--size 1024] [--reloads 100] [--fps 60] [--parts host,first,gap]

Parts, each against its target (issue 4):

- host: CPU time a frame, stage by stage (expressions, uniforms and staging, launch, hand-over), and device memory while
  one patch plays and while the next is built beside it. In this process.
- first: from the start of a show to its first picture, with empty caches and with those that the first start left.
- gap: the longest time between two frames while patches of 100 distinct structures are taken up, then a network that
  was never opened before. In the real render process; the times are those at which frames were published.

Networks are StyleGAN2 with random weights (config-f at 1024 px), written to a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

BENDS = ("rotate=20*sin(t)", "noise=0.2", "invert=0.3*sin(t)", "blur=0.01", "multiply=1.2", "sharpen=0.5", "add=0.1")


def make_network(path: Path, size: int, seed: int) -> Path:
    """A StyleGAN2 as it is before training."""
    import torch

    from ganzfeld.networks.network import Network
    from ganzfeld.networks.stylegan2.config import StyleGAN2Config

    torch.manual_seed(seed)
    if size >= 256:
        config = StyleGAN2Config.design(size, channel_base=32768, channel_max=512, mapping_layers=8)
    else:
        config = StyleGAN2Config.design(size, channel_base=1024, channel_max=32, mapping_layers=2, z_dim=64, w_dim=64)
    Network.random(config, seed=seed).save(path)
    return path


def patch(network: Path, more: str = "", shown: str = "face", fps: float = 60, size: int | None = None) -> str:
    """A patch as people play it: a walk, one weight bend, one activation bend."""
    out = f", size=({size}, {size})" if size else ""
    return (
        "drift = phase(0.1)\n"
        "source = noise('simplex2d', amplitude=0.9, tx=drift)\n"
        f"face = network({str(network)!r}, latent=source, psi=0.7 + 0.2*sin(t))\n"
        "face.bend('b4.const', scale=1 + 0.5*sin(t))\n"
        "face.bend('b16', rotate=30*sin(0.7*t), channels=0.3)\n"
        f"{more}out({shown}{out}, fps={fps:g})\n"
    )


def structures(network: Path, size: int, fps: float, count: int) -> Iterator[str]:
    """Patches of which no two have the same structure; every tenth also changes the size of the output."""
    layers = [f"b{8 << k}" for k in range(20) if 8 << k <= size]
    layers += [f"{layer}.conv0" for layer in layers]
    for k in range(count):
        layer, bend = layers[k % len(layers)], BENDS[k // len(layers) % len(BENDS)]
        more = f"face.bend('{layer}', {bend})\n"
        if k % 2:
            more += "turned = flip(face, x=True)\n"
        yield patch(network, more, "turned" if k % 2 else "face", fps, size - 8 if k % 10 == 9 else None)


def report(name: str, value: float, unit: str, target: str = "") -> None:
    print(f"  {name:<46} {value:9.3f} {unit:<3} {target}", flush=True)


# Host


def host(network: Path, other: Path, size: int, device: str, frames: int) -> None:
    """CPU time a frame and device memory."""
    import torch

    from ganzfeld.engine.device_copy import CopyFromCuda
    from ganzfeld.engine.engine import Engine
    from ganzfeld.process.read_back import ReadBack, page_locking_writer
    from ganzfeld.values.frames import FrameStore
    from ganzfeld.values.time import Clock

    began = time.perf_counter()
    engine = Engine(device=device)
    cuda = engine.device.type == "cuda"
    if cuda:
        torch.cuda.set_stream(torch.cuda.Stream(engine.device, -3))
    engine.load(patch(network))
    clock = Clock()
    engine.frame(clock.advance(0))
    print(f"host: {engine.device}, {size} px; opened and first frame in {time.perf_counter() - began:.2f} s")
    for problem in engine.problems:
        print("  PROBLEM:", problem)
    store = FrameStore()
    writer = page_locking_writer(store.session, engine.device)
    handover = ReadBack(writer, CopyFromCuda())
    stages(engine, clock, handover, frames)
    whole = []
    engine.times.clear()
    for _ in range(frames):
        start = time.perf_counter()
        moment = clock.advance(1 / 60)
        handover.begin(engine.frame(moment), moment)
        whole.append(1000 * (time.perf_counter() - start))
        handover.finish()
    report("Engine.frame and hand-over, as the loop calls it", statistics.median(whole), "ms")
    report("a frame on the device", 1000 * engine.frame_seconds, "ms")
    profile(engine, clock, handover, frames)
    if cuda:
        memory(engine, clock, network, other, handover)
    handover.finish()
    writer.close()
    store.close()
    engine.close()


def stages(engine, clock, handover, frames: int) -> None:
    """The host's time, stage by stage."""
    import torch

    from ganzfeld.values.outside import Inbox

    show = engine._playing
    assert show is not None
    program = show.built.program(show.evaluator.values, show.state, engine._report)
    print(f"  captured: {program.captured}, segments: {[(s.captured, len(s.steps)) for s in program.segments]}")
    spent: dict[str, list[float]] = {}

    def timed(name: str, work: Callable):
        start = time.perf_counter()
        result = work()
        spent.setdefault(name, []).append(1000 * (time.perf_counter() - start))
        return result

    for _ in range(frames):
        moment = clock.advance(1 / 60)
        with torch.inference_mode():
            values = timed(
                "expressions", lambda now=moment: show.evaluator.evaluate(now, Inbox(), show.state.expressions, {})
            )
            program = show.built.program(values, show.state, engine._report)
            timed("uniforms and staging", lambda now=moment, v=values, p=program: p.prepare(now, v))
            pictures = timed("launch", program.run)
        timed("hand-over", lambda now=moment, p=pictures: handover.begin(p, now))
        timed("waiting for the device", handover.finish)
    total = 0.0
    for name, times in spent.items():
        total += statistics.median(times) if name != "waiting for the device" else 0
        report(f"{name}, median (worst {max(times):.2f})", statistics.median(times), "ms")
    report("CPU time a frame", total, "ms", "must ≤ 0.15 on a GPU")


def profile(engine, clock, handover, frames: int) -> None:
    """What the host's time is spent in."""
    import cProfile
    import pstats

    profiler = cProfile.Profile()
    for _ in range(frames):
        moment = clock.advance(1 / 60)
        profiler.enable()
        handover.begin(engine.frame(moment), moment)
        profiler.disable()
        handover.finish()
    statistics_of = pstats.Stats(profiler)
    rows = sorted(statistics_of.stats.items(), key=lambda item: -item[1][2])[:28]
    print("  profiled, µs a frame of its own (calls a frame), the profiler's own cost included")
    for (file, line, name), (_, calls, own, _, _) in rows:
        print(f"    {1e6 * own / frames:7.1f} ({calls / frames:4.1f})  {Path(file).name}:{line} {name}")


def memory(engine, clock, network: Path, other: Path, handover) -> None:
    """Device memory while one patch plays, and while the next is built beside it."""
    import torch

    from ganzfeld.engine.engine import QUIET_SECONDS

    def play(seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end and not until():
            moment = clock.advance(1 / 60)
            handover.begin(engine.frame(moment), moment)
            handover.finish()
            time.sleep(0.002)

    def held() -> float:
        return torch.cuda.memory_reserved(engine.device) / 1e9

    play(1.0)
    torch.cuda.reset_peak_memory_stats(engine.device)
    report("device memory, steady (reserved)", held(), "GB", "must ≤ 0.67 at 1024 px")
    report("  of it allocated", torch.cuda.memory_allocated(engine.device) / 1e9, "GB")
    for name, text in (
        ("another structure", patch(network, "turned = flip(face, x=True)\n", "turned")),
        ("another network", patch(other)),
    ):
        before = id(engine._playing.built)  # not the thing itself: that would keep it alive
        engine.submit(text)
        play(30.0, lambda before=before: id(engine._playing.built) != before)
        peak = torch.cuda.max_memory_reserved(engine.device) / 1e9
        report(f"  during the swap to {name}", peak, "GB", "must ≤ 1.34 at 1024 px")
        play(QUIET_SECONDS + 0.5)
        torch.cuda.reset_peak_memory_stats(engine.device)
        report("  when all is quiet again", held(), "GB")
        for problem in engine.problems:
            print("  PROBLEM:", problem)


# The real thing


class Watch(threading.Thread):
    """Notes when frames were published."""

    def __init__(self, session: str) -> None:
        super().__init__(daemon=True)
        from ganzfeld.values.frames import FrameReader

        self._reader = FrameReader(session, "out")
        self.seen: list[tuple[int, float]] = []
        self.ending = False

    def run(self) -> None:
        number = 0
        while not self.ending:
            frame = self._reader.wait(number, timeout=0.5)
            if frame is not None:
                number = frame.number
                self.seen.append((frame.number, frame.wall))
        self._reader.close()

    def gaps(self, since: float = 0.0) -> list[float]:
        """Seconds between neighbouring frames."""
        seen = [each for each in list(self.seen) if each[1] >= since]
        return [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(seen)]


def first(network: Path, device: str, caches: Path) -> None:
    """From the start to the first picture."""
    from ganzfeld.process.supervisor import Supervisor
    from ganzfeld.values.frames import FrameReader

    os.environ["GANZFELD_CACHE"] = str(caches / "ganzfeld")
    os.environ["TRITON_CACHE_DIR"] = str(caches / "triton")
    print("first picture after the start")
    for name, target in (("cold", "must ≤ 8"), ("warm", "must ≤ 3.5")):
        began = time.perf_counter()
        with Supervisor(text=patch(network), device=device) as show:
            reader = FrameReader(show.session, "out")
            while reader.latest() is None and time.perf_counter() - began < 90 and not show.status().errors:
                time.sleep(0.005)
            report(name, time.perf_counter() - began, "s", target)
            reader.close()
            kernels = caches / "ganzfeld" / "kernels"
            while (
                name == "cold"
                and device != "cpu"
                and time.perf_counter() - began < 40
                and not any(kernels.glob("*.first"))
            ):
                time.sleep(0.05)
            if name == "cold":
                report("what it needs first is compiled", time.perf_counter() - began, "s")
            for error in show.status().errors:
                print("  PROBLEM:", error.what)
    in_steps(network, device, caches)


IN_STEPS = """
import time, sys
began = time.perf_counter()
def say(what):
    print(f"    {time.perf_counter() - began:7.2f} s  {what}", flush=True)
import torch
say("torch is imported")
from ganzfeld.process.dependencies import torch_dependencies
from ganzfeld.process.messages import Begin, VersionedText
from ganzfeld.values.time import Clock
dependencies = torch_dependencies()
say("the engine is imported")
text = open(sys.argv[1]).read()
import secrets
from ganzfeld.values.hazards import HazardBoard
session = f"gap{secrets.token_hex(4)}"
board = HazardBoard(session, create=True)
engine = dependencies.engine(Begin(session, VersionedText(1, text), device=sys.argv[2]))
say("the device is open")
from ganzfeld.engine.program import built_patch, program
from ganzfeld.engine.program.capture import CudaGraphs
def told(cls, name, what):
    real = getattr(cls, name)
    def telling(*arguments, **named):
        start = time.perf_counter()
        try:
            return real(*arguments, **named)
        finally:
            say(f"{what} took {time.perf_counter() - start:.2f} s")
    setattr(cls, name, telling)
told(CudaGraphs, "_stream", "handles and workspaces of the libraries")
told(built_patch.BuiltPatch, "__init__", "opening files")
told(program.Program, "run", "a run")
told(program.Program, "capture", "a capture")
engine.load(text)
say("the patch is open")
engine.frame(Clock().advance(0))
if engine.device.type == "cuda":
    torch.cuda.synchronize()
say("the first frame is done")
board.close()
"""


def in_steps(network: Path, device: str, folder: Path) -> None:
    """Where the time to the first picture goes: what the render process does, told step by step."""
    import sys

    (folder / "patch.ganz").write_text(patch(network))
    print("  step by step, caches warm:")
    subprocess.run([sys.executable, "-c", IN_STEPS, str(folder / "patch.ganz"), device], check=False)


def gap(network: Path, other: Path, size: int, device: str, fps: float, reloads: int, budget: float) -> None:
    """The longest time between two frames."""
    from ganzfeld.process.supervisor import Supervisor

    with Supervisor(text=patch(network, fps=fps), device=device) as show:
        watch = Watch(show.session)
        watch.start()
        end = time.perf_counter() + 60
        while (not watch.seen or not show.spare_ready) and time.perf_counter() < end:
            time.sleep(0.05)
        time.sleep(1)
        since = time.time()
        time.sleep(3)
        frame = 1 / fps
        quiet = watch.gaps(since)
        status = show.status()
        print(f"gaps at {fps:g} fps ({status.fps:.1f} reached, {status.frame_ms:.2f} ms a frame), in frame times")
        if not quiet:
            print("  NO FRAMES:", status.errors)
            return
        report("nothing happens, worst", max(quiet) / frame, "")
        worst: list[tuple[float, str]] = []
        delays: list[float] = []
        began = time.time()
        stop = time.perf_counter() + budget
        for text in structures(network, size, fps, reloads):
            if time.perf_counter() > stop:
                print(f"  stopped after {len(delays)} reloads: the time is over")
                break
            gap_now, delay = take_up(show, watch, text)
            worst.append((gap_now, text.splitlines()[-2]))
            delays.append(delay)
        gaps = watch.gaps(began)
        report(f"{len(delays)} reloads to distinct structures, worst", max(gaps) / frame, "", "must ≤ 2, aim 1.2")
        report("  median of each reload's worst", statistics.median(each for each, _ in worst) / frame, "")
        report("  gaps above 1.2", sum(each > 1.2 * frame for each in gaps), "", f"of {len(gaps)}")
        report("  gaps above 2", sum(each > 2 * frame for each in gaps), "")
        report("  from a save to its patch playing, median", statistics.median(delays), "s")
        for each, line in sorted(worst, reverse=True)[:5]:
            print(f"    {each / frame:.2f} at {line}")
        gap_now, delay = take_up(show, watch, patch(other, fps=fps))
        report("a network never opened before, worst", gap_now / frame, "", "must ≤ 2, aim 1.2")
        report("  from the save to its playing", delay, "s")
        for error in show.status().errors:
            print("  PROBLEM:", error.what)
        watch.ending = True


def take_up(show, watch: Watch, text: str) -> tuple[float, float]:
    """Save, wait until it plays. The longest gap around it, and how long it took; seconds."""
    since, began = time.time() - 0.05, time.perf_counter()
    show.submit(text)
    version = show.status().patch_version
    while show.status().playing_version != version and time.perf_counter() - began < 60:
        if show.status().errors:
            print("  PROBLEM:", show.status().errors[0].what)
            break
        time.sleep(0.005)
    delay = time.perf_counter() - began
    time.sleep(0.05)
    return max(watch.gaps(since), default=0.0), delay


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", type=int, default=1024, help="pixels along a side, a power of two")
    parser.add_argument("--reloads", type=int, default=100)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--fps", type=float, default=60.0)
    parser.add_argument("--budget", type=float, default=60.0, help="seconds after which no more patches are taken up")
    parser.add_argument("--parts", default="first,gap,host",
                        help="of first, gap, host")  # fmt: skip
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        network = make_network(folder / "one.safetensors", options.size, seed=1)
        other = make_network(folder / "other.safetensors", options.size, seed=2)
        parts = options.parts.split(",")
        if "first" in parts:
            first(network, options.device, folder)
        if "gap" in parts:
            gap(network, other, options.size, options.device, options.fps, options.reloads, options.budget)
        if "host" in parts:
            host(network, other, options.size, options.device, options.frames)


if __name__ == "__main__":
    main()
