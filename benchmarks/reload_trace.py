"""What a render does while it draws late, as patches are taken up one after the other.

    python benchmarks/reload_trace.py [--device auto] [--size 1024] [--reloads 40] [--fps 60]

The render's own loop, in this process, with a process that reads its frames. What its building thread does, and garbage
collection, is noted with its times; the longest gaps between frames are printed with what they fell together with.
"""

from __future__ import annotations

import argparse
import gc
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from multiprocessing import Pipe
from pathlib import Path

from gap import make_network, patch, structures

Frame = tuple[float, float, dict[str, float]]
"""When it had left, since when the loop waited for it, and its parts in milliseconds, and those of the rest before."""

READS = """
import sys
from ganzfeld.values.frames import FrameReader

reader, number = FrameReader(sys.argv[1], "out"), 0
while True:
    frame = reader.wait(number, timeout=0.5)
    number = number if frame is None else frame.number
"""


def trace(network: Path, other: Path, size: int, device: str, fps: float, reloads: int) -> None:
    """Reload a render in this process, and tell what late frames coincide with."""
    import torch

    from ganzfeld.engine.program.built_patch import BuiltPatch
    from ganzfeld.engine.program.capture import CudaGraphs
    from ganzfeld.engine.program.program import Program
    from ganzfeld.kernels.cuda import compiler
    from ganzfeld.networks.device import pick_device
    from ganzfeld.process.dependencies import torch_dependencies
    from ganzfeld.process.messages import Begin, Numbered, VersionedText, decode_to_render
    from ganzfeld.process.render import Render
    from ganzfeld.process.render_inbox import RenderInbox
    from ganzfeld.values.frames import FrameStore
    from ganzfeld.values.hazards import HazardBoard
    from ganzfeld.values.message_pipe import MessagePipe

    sys.setswitchinterval(1e-4)
    did: list[tuple[float, float, str]] = []

    def noted(cls, name: str) -> None:
        real = getattr(cls, name)

        def noting(*arguments, **named):
            start = time.perf_counter()
            try:
                return real(*arguments, **named)
            finally:
                if threading.current_thread() is not threading.main_thread():
                    did.append((start, time.perf_counter(), f"{getattr(cls, '__name__', cls)}.{name}"))

        setattr(cls, name, noting)

    for cls, name in ((BuiltPatch, "__init__"), (Program, "run"), (Program, "prepare"), (CudaGraphs, "capture"),
                      (CudaGraphs, "give_back"), (torch.cuda.CUDAGraph, "capture_end"),
                      (BuiltPatch, "forget_programs"), (compiler, "compiled"), (compiler, "loaded")):  # fmt: skip
        noted(cls, name)
    if pick_device(device).type == "cuda":
        from triton.compiler.compiler import CompiledKernel
        from triton.runtime.jit import JITFunction

        noted(JITFunction, "_do_compile")
        noted(CompiledKernel, "_init_handles")
    collections: list[float] = []

    def collecting(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            collections.append(time.perf_counter())
        else:
            where = "" if threading.current_thread() is threading.main_thread() else " beside"
            did.append((collections.pop(), time.perf_counter(), f"gc {info['generation']}{where}"))

    gc.callbacks.append(collecting)
    session = f"gap{secrets.token_hex(4)}"
    _store, _board = FrameStore(session), HazardBoard(session, create=True)
    mine, theirs = Pipe()
    pipe = MessagePipe(mine, decode_to_render, lambda message: None, lambda: None).start()

    def read() -> None:
        while True:
            theirs.recv_bytes()

    threading.Thread(target=read, daemon=True).start()
    inbox = RenderInbox()
    render = Render(
        Begin(session, VersionedText(1, patch(network, fps=fps)), device=device), torch_dependencies(), pipe, inbox
    )
    gc.collect()
    gc.freeze()
    parts: dict[str, float] = {}

    def timed(name: str) -> None:
        real = getattr(render, name)

        def timing(*arguments):
            start = time.perf_counter()
            real(*arguments)
            parts[name] = 1000 * (time.perf_counter() - start)

        setattr(render, name, timing)

    for name in ("listen", "frame", "finish", "rest"):
        timed(name)
    frames: list[Frame] = []

    def play(seconds: float) -> None:
        end = time.perf_counter() + seconds
        rest = 0.0
        while time.perf_counter() < end:
            began = time.perf_counter()
            parts.clear()
            render._loop.step()
            over = time.perf_counter()
            left = over - parts.get("rest", 0.0) / 1000
            busy = sum(parts.values()) / 1000
            frames.append((left, began, {"rest before": rest, "slept": 1000 * (over - began - busy), **parts}))
            rest = parts.get("rest", 0.0)

    reading = subprocess.Popen([sys.executable, "-c", READS, session])
    play(1.5)
    frames.clear()
    did.clear()
    for number, text in enumerate([*structures(network, size, fps, reloads), patch(other, fps=fps)], start=2):
        inbox.put(Numbered(number, VersionedText(number, text)))
        until = time.perf_counter() + 10
        while render._engine.patch.version != number and time.perf_counter() < until:
            play(0.001)
        play(0.05 if number < reloads + 2 else 1.5)
    reading.kill()
    tell(frames, did, fps)
    os._exit(0)  # no waiting for what this has begun


def tell(frames: list[Frame], did: list[tuple[float, float, str]], fps: float) -> None:
    """Print it. did: (from, to, what)."""
    print(f"trace: {len(frames)} frames of the render's loop; parts in ms")
    for name in ("rest before", "slept", "listen", "frame", "finish"):
        spent = [parts.get(name, 0.0) for *_, parts in frames]
        print(f"  usual {name:<12} {statistics.median(spent):6.2f}, worst {max(spent):6.2f}")
    by_work: dict[str, list[float]] = {}
    for start, end, name in did:
        by_work.setdefault(name, []).append(1000 * (end - start))
    for name, times in sorted(by_work.items(), key=lambda item: -sum(item[1])):
        print(f"  {name:<28} {len(times):5} times, median {statistics.median(times):7.2f} ms, worst {max(times):7.2f}")
    gaps = [(fps * (now[0] - before[0]), before[1], now) for before, now in pairwise(frames)]
    for gap_now, since, (left, _, each) in sorted(gaps, key=lambda entry: -entry[0])[:16]:
        beside = sorted({name for start, end, name in did if start < left and end > since})
        shown = " ".join(f"{name} {ms:.2f}" for name, ms in each.items())
        print(f"  {gap_now:5.2f} frame times: {shown}; beside {', '.join(beside) or 'nothing'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", type=int, default=1024, help="pixels along a side, a power of two")
    parser.add_argument("--reloads", type=int, default=40)
    parser.add_argument("--fps", type=float, default=60.0)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    network = make_network(folder / "one.safetensors", options.size, seed=1)
    other = make_network(folder / "other.safetensors", options.size, seed=2)
    trace(network, other, options.size, options.device, options.fps, options.reloads)


if __name__ == "__main__":
    main()
