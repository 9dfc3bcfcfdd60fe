"""A show that is pulled at from all sides for a long time: whether it stays as quick and as small as it was.

    python benchmarks/soak.py [--minutes 60] [--fps 30]     exit status 1 if something is beyond its limit
    python benchmarks/soak.py --frames 1000000 [--device auto] [--without-network]

In the real processes plays a small patch with bends, blends, sound, a picture and snapshots; 200 OSC messages a second
arrive; every two seconds the patch is saved with another structure; snapshots are recalled; one viewer of the page does
not read what it is sent; the picture's file vanishes and returns. Looked at are, of each process, the memory that it
does not share, its threads and its descriptors; blocks in /dev/shm; frames left out, the longest time without a new
frame, renders that were replaced, tracebacks. Growth counts from the time when everything has been used once: after ten
minutes, or half of a shorter run.

With --frames, so many frames of a patch that never changes are made one after the other in this process.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import logging
import math
import random
import sys
import tempfile
import threading
import time
import wave
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

MB = 1 << 20
LONG = 1800.0
"""Seconds of a run that is held to the limits of an hour."""
WARM = 600.0
MOST_GROWTH, MOST_GROWTH_SHORT = 20 * MB, 96 * MB
MOST_GAP = 2.0
MOST_MORE_THREADS, MOST_MORE_DESCRIPTORS, MOST_MORE_BLOCKS = 6, 24, 6
PATCH = """\
bpm(120)
push = knob(0, 1)
swing = 0.5 + 0.5*audio.bass + 0.1*osc("/soak/1", 0)
source = noise("simplex2d", amplitude=0.9, tx=phase(0.1))
face = network("one.safetensors", latent=source, psi=0.6 + 0.2*push)
face.bend("b4.const", scale=1 + 0.2*swing)
face.bend("b8", rotate=20*sin(t), channels=0.5)
still = image("picture.png")
{lines}
out({shown}, size=(96, 96), fps={fps:g})
"""
LINES = (
    ("", "face"),
    ('face.bend("b16", blur=0.01*swing)\n', "face"),
    ('face.blend("two.safetensors", "b8*", amount=push)\n', "face"),
    ("both = mix(face, still, amount=0.5)\n", "both"),
    ('trail = feedback(face, amount=0.8, zoom=1.01)\nface.bend("b16", noise=hit("/soak/hit") % 2)\n', "trail"),
    ('face.show("b8", view="grid")\nturned = flip(face, x=True)\n', "turned"),
    ('other = network("two.safetensors", latent=source)\nboth = mix(face, other, amount=push)\n', "both"),
)


@dataclass(slots=True)
class Sizes:
    """What one look at a process found. memory: bytes that it shares with nobody."""

    memory: int
    threads: int
    descriptors: int


@dataclass
class Seen:
    """What was found so far. process → what each look found, with its second."""

    looks: dict[str, list[tuple[float, Sizes]]] = field(default_factory=dict)
    blocks: list[tuple[float, int]] = field(default_factory=list)
    worst_gap: float = 0.0
    frames: int = 0
    tracebacks: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    rewrites: int = 0


# Loads


def every(seconds: float, stop: threading.Event) -> Iterator[int]:
    """Counts, one number each so many seconds, until the end."""
    due = time.perf_counter()
    for count in itertools.count():
        due += seconds
        if stop.wait(max(0.0, due - time.perf_counter())):
            return
        yield count


def send_osc(port: int, seen: Seen, stop: threading.Event) -> None:
    """200 messages a second: values, parameters, events, and what nobody understands."""
    import socket

    from ganzfeld.signals.osc_packets import encode

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for count in every(0.005, stop):
            match count % 4:
                case 0:
                    packet = encode(f"/soak/{count % 7}", math.sin(count / 50))
                case 1:
                    packet = encode("/push", 0.5 + 0.5 * math.sin(count / 90))
                case 2:
                    packet = encode("/soak/hit", 1.0)
                case _:
                    packet = encode(f"/stray/{count % 5000}", "text", count) if count % 8 == 3 else b"\x00/no\x01"
            out.sendto(packet, ("127.0.0.1", port))
            seen.sent += 1


def save(file: Path, text: str) -> None:
    """As editors save."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def rewrite(file: Path, fps: float, seen: Seen, stop: threading.Event) -> None:
    """Another structure every two seconds; now and then a mistake, which must change nothing."""
    for count in every(2.0, stop):
        lines, shown = LINES[count % len(LINES)]
        text = PATCH.format(lines=lines, shown=shown, fps=fps)
        save(file, text + "oops = (\n" if count % 11 == 10 else text)
        seen.rewrites += 1


def vanish(picture: Path, stop: threading.Event) -> None:
    """A source goes and comes back, another one."""
    for count in every(3.5, stop):
        if count % 2 == 0:
            picture.unlink(missing_ok=True)
        else:
            paint(picture, count)


def recall(show, stop: threading.Event) -> None:
    """Three snapshots, recalled in turn with a fade, and a finger on the pad."""
    for count in every(0.5, stop):
        if count in (4, 6, 8):
            show.hit("/snapshot/store", f"scene {count}")
        elif count > 8 and count % 3 == 0:
            show.hit("/snapshot/recall", f"scene {4 + 2 * (count % 3)}", 1.0, "seconds")
        elif count > 8 and count % 7 == 0:
            show.hit("/snapshot/morph", (count % 10) / 10, 0.5)


def stall(url: str, stop: threading.Event) -> None:
    """A viewer of the page that acknowledges for a moment, then neither reads nor answers, then goes without a word."""
    import msgspec
    from websockets.sync.client import connect

    address = url.replace("http", "ws") + "live"
    while not stop.is_set():
        with (
            contextlib.suppress(Exception),
            connect(address, origin=url.rstrip("/"), max_size=None, close_timeout=0.1) as connection,  # type: ignore[arg-type]
        ):
            until = time.perf_counter() + 3
            while time.perf_counter() < until and not stop.is_set():
                message = msgspec.msgpack.decode(connection.recv(timeout=1))
                if message["kind"] == "frame":
                    connection.send(msgspec.msgpack.encode({"kind": "ack", "number": message["number"]}))
            stop.wait(5)
            connection.socket.close()
        stop.wait(0.5)


def watch_frames(session: str, seen: Seen, stop: threading.Event) -> None:
    """The longest time between two new frames, as whoever shows them finds them."""
    from ganzfeld.values.frames import FrameReader

    reader = FrameReader(session, "out")
    number, last = 0, None
    while not stop.is_set():
        frame = reader.wait(number, timeout=0.25)
        now = time.perf_counter()
        if last is not None:
            seen.worst_gap = max(seen.worst_gap, now - last)
        if frame is not None:
            seen.frames += 1
            number, last = frame.number, now
    reader.close()


# Looking


def own_memory(process: psutil.Process) -> int:
    """Bytes that no other process has. On Linux without what only lies in files: a library counts as a process's own as
    soon as others that had it have ended."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return process.memory_full_info().uss
    return sum(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith(("RssAnon", "VmSwap")))


def look(seen: Seen, session: str, render: int | None, since: float) -> None:
    """Every process of the show, now."""
    now = time.perf_counter() - since
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            role = "show" if process == me else "render" if process.pid == render else f"other {process.name()}"
            descriptors = process.num_fds() if hasattr(process, "num_fds") else 0
            sizes = Sizes(own_memory(process), process.num_threads(), descriptors)
            seen.looks.setdefault(role, []).append((now, sizes))
    with contextlib.suppress(OSError):
        seen.blocks.append((now, sum(1 for file in Path("/dev/shm").iterdir() if session in file.name)))


class _Tracebacks(logging.Handler):
    """Counts what was logged with a traceback: what nobody foresaw."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(logging.WARNING)
        self._seen = seen

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info or "Traceback (most recent" in text:
            self._seen.tracebacks.append(text if not record.exc_info else f"{text}: {record.exc_info[1]!r}")


def growth(looks: list[tuple[float, int]], warm: float) -> tuple[int, float]:
    """By how many bytes it grew after `warm` seconds, by a straight line through all looks, and how many that is an
    hour."""
    times, sizes = (np.array(column, float) for column in zip(*[each for each in looks if each[0] >= warm] or looks))
    if len(times) < 3 or times[-1] <= times[0]:
        return 0, 0.0
    slope = float(np.polyfit(times - times[0], sizes, 1)[0])
    return int(slope * (times[-1] - times[0])), slope * 3600


# The show


def paint(path: Path, seed: int) -> None:
    from PIL import Image

    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (64, 64, 3), np.uint8)).save(path, "png")


def sound(path: Path, seconds: int = 12) -> None:
    """A beat at 120, and a tone."""
    rate = 44_100
    t = np.arange(rate * seconds) / rate
    beat = np.sin(2 * np.pi * 60 * t) * np.exp(-8 * (t % 0.5))
    samples = (20_000 * (0.7 * beat + 0.2 * np.sin(2 * np.pi * 440 * t))).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def soak(folder: Path, seconds: float, fps: float, device: str) -> int:
    """Returns how many limits were passed."""
    from gap import make_network

    from ganzfeld.process.supervisor import Supervisor
    from ganzfeld.signals.show_time import KnownTime, ShowTime
    from ganzfeld.signals.signals import Signals, Wanted
    from ganzfeld.studio.server import StudioServer
    from ganzfeld.values.frames import FrameReader

    for seed, name in enumerate(("one", "two")):
        make_network(folder / f"{name}.safetensors", 32, seed)
    paint(folder / "picture.png", 0)
    sound(folder / "beat.wav")
    file = folder / "soak.ganz"
    save(file, PATCH.format(lines="", shown="face", fps=fps))
    seen, stop = Seen(), threading.Event()
    logging.getLogger("ganzfeld").addHandler(_Tracebacks(seen))
    with Supervisor(file, device=device) as show:
        clock = ShowTime(lambda: KnownTime(*show.known_time))
        wanted = Wanted(osc=0, audio=str(folder / "beat.wav"), speaker=None)
        signals = Signals(show, wanted, turn=show.turn, clock=clock, conducts=show, desk=show)
        with StudioServer(show, port=0) as server, signals:
            first = FrameReader(show.session, "out")
            if first.wait(0, timeout=180) is None:
                print("there is no picture:", *show.status().errors)
                return 1
            first.close()
            assert signals.osc is not None
            loads: list[tuple[Callable, tuple]] = [
                (send_osc, (signals.osc.port, seen)),
                (rewrite, (file, fps, seen)),
                (vanish, (folder / "picture.png",)),
                (recall, (show,)),
                (stall, (server.url,)),
                (watch_frames, (show.session, seen)),
            ]
            threads = [threading.Thread(target=load, args=(*given, stop), daemon=True) for load, given in loads]
            began, first_render = time.perf_counter(), show.render_pid
            for thread in threads:
                thread.start()
            for count in every(2.0, stop):
                look(seen, show.session, show.render_pid, began)
                seen.told.update(problem.what for problem in show.status().errors)
                now = time.perf_counter() - began
                if count % 30 == 29:
                    print(f"  {now:6.0f} s: {seen.frames} frames, longest wait {seen.worst_gap:.2f} s", flush=True)
                if now >= seconds:
                    break
            skipped, replaced = show.status().skipped, int(show.render_pid != first_render)
            stop.set()
            for thread in threads:
                thread.join(10)
    return told(seen, seconds, skipped, replaced, left=_left_over(show.session))


def _left_over(session: str) -> int:
    with contextlib.suppress(OSError):
        return sum(1 for file in Path("/dev/shm").iterdir() if session in file.name)
    return 0


def told(seen: Seen, seconds: float, skipped: int, replaced: int, left: int) -> int:
    """Print what was found; how many limits were passed."""
    warm = min(WARM, seconds / 2)
    most_growth = MOST_GROWTH if seconds >= LONG else MOST_GROWTH_SHORT
    passed = 0

    def line(name: str, value: str, within: bool | None = None, limit: str = "") -> None:
        nonlocal passed
        passed += within is False
        mark = "" if within is None else "ok" if within else "BEYOND"
        print(f"{name:<34} {value:>28}  {limit:<12} {mark}")

    print(f"\n{seconds:.0f} s; growth is counted after {warm:.0f} s")
    line("OSC messages, rewrites", f"{seen.sent}, {seen.rewrites}")
    line("new frames, left out", f"{seen.frames}, {skipped}", seen.frames > seconds, f"> {seconds:.0f}")
    line("longest time without a new frame", f"{seen.worst_gap:.2f} s", seen.worst_gap <= MOST_GAP, f"≤ {MOST_GAP} s")
    line("renders replaced", str(replaced), replaced == 0, "0")
    line("tracebacks", str(len(seen.tracebacks)), not seen.tracebacks, "0")
    for role, looks in sorted(seen.looks.items()):
        memory = [(now, sizes.memory) for now, sizes in looks]
        grown, an_hour = growth(memory, warm)
        value = f"{memory[-1][1] / MB:.0f} MB, {grown / MB:+.1f} ({an_hour / MB:+.0f} an hour)"
        if role.startswith("other"):
            line(f"{role}: memory", value)
            continue
        line(f"{role}: memory", value, grown <= most_growth, f"≤ +{most_growth / MB:.0f} MB")
        for name, most in (("threads", MOST_MORE_THREADS), ("descriptors", MOST_MORE_DESCRIPTORS)):
            numbers = [(now, getattr(sizes, name)) for now, sizes in looks]
            before = max(number for now, number in numbers if now <= warm or number == numbers[0][1])
            last = numbers[-1][1]
            line(f"{role}: {name}", f"{before} → {last}", last <= before + most, f"≤ +{most}")
    if seen.blocks:
        blocks = [number for _, number in seen.blocks]
        line("blocks of shared memory", f"{blocks[0]} → {blocks[-1]}", blocks[-1] <= blocks[0] + MOST_MORE_BLOCKS)
    line("blocks left behind", str(left), left == 0, "0")
    for text, times in seen.told.most_common(8):
        print(f"told {times} times: {text}")
    for text in seen.tracebacks[:5]:
        print("TRACEBACK:", text[:2000])
    return passed


STEADY = """\
face = network("one.safetensors", latent=noise("simplex2d", tx=t), psi=0.5 + 0.1*osc("/x", 0))
face.bend("b4.const", scale=1 + 0.1*sin(t))
face.bend("b8", rotate=20*t)
trail = feedback(face, amount=0.5)
out(trail)
"""
STEADY_WITHOUT_NETWORK = """\
source = noise("simplex2d", tx=t, amplitude=0.5 + 0.1*osc("/x", 0))
turned = flip(source, x=lag(sin(t), 1) > 0)
trail = feedback(turned, amount=0.5)
out(trail, size=(16, 16))
"""


def frames(count: int, device: str, folder: Path, text: str) -> int:
    """So many frames of one patch in this process; returns 1 if it grew."""
    from gap import make_network

    from ganzfeld.engine.engine import Engine
    from ganzfeld.values.time import Clock

    make_network(folder / "one.safetensors", 16, 0)
    engine, clock, process = Engine(device=device), Clock(), psutil.Process()
    engine.load(text, folder / "soak.ganz")
    looks: list[tuple[float, int]] = []
    dice = random.Random(1)
    began = time.perf_counter()
    for number in range(count):
        engine.outside.set("/x", dice.random())
        if number % 50 == 0:
            engine.outside.hit("/snapshot/store", f"s{number % 200}")
        engine.frame(clock.advance(1 / 60))
        if number % max(1, count // 200) == 0:
            looks.append((number, own_memory(process)))
            if len(looks) % 10 == 0:
                print(f"  {number} frames: {looks[-1][1] / MB:.1f} MB", flush=True)
    for problem in engine.problems:
        print("PROBLEM:", problem)
    engine.close()
    grown, _ = growth(looks, count / 10)
    seconds = time.perf_counter() - began
    print(f"{count} frames in {seconds:.0f} s: {looks[-1][1] / MB:.0f} MB, {grown / MB:+.2f} after the first tenth")
    return int(grown > MOST_GROWTH / 2 or bool(engine.problems))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--frames", type=int, help="instead: so many frames of one patch, in this process")
    parser.add_argument("--without-network", action="store_true", help="with --frames: of a patch without a network")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if options.frames:
            text = STEADY_WITHOUT_NETWORK if options.without_network else STEADY
            sys.exit(frames(options.frames, options.device, Path(name), text))
        sys.exit(min(1, soak(Path(name), 60 * options.minutes, options.fps, options.device)))


if __name__ == "__main__":
    main()
