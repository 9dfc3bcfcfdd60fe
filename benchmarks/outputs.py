"""What doors cost and how far behind they are: a show with one door at a time, beside the same show without any.

    python benchmarks/outputs.py [--sizes 256,1024,2160p] [--kinds window,shared,film,page,ndi,stream] [--fps 60]
                                 [--seconds 8] [--device auto] [--folder .]

A script draws the number of each frame into its pixels. Whoever looks at the far end (in a process of its own: the
memory of an X server, the one-file reader of shared memory, a program that opens JPEGs of the clean page, NDI's own
receiver, FFmpeg; films are decoded afterwards) reads it again. Printed for each size and door:

    rate       pictures a second at the far end
    frames     how far behind the newest frame of the show the far end is, in frames: the median of many looks, and what
               95 of 100 looks stay below
    cpu ms     processor time of the door for each picture it shows (page: of the server that encodes, beyond what the
               show takes without a page)
    show       rate of the show beside this door / rate of the bare show, which is measured before and after

The window needs Xvfb and the extra `window`; there a processor draws. With --display the window opens on the displays
of this machine instead, and is read back there (X11).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from door_far_ends import NEWEST, SCRIPT, Seen, film_numbers, watch

from ganzfeld.outputs.doors.registry import door_kinds
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.studio.server import StudioServer
from ganzfeld.values.frames import Board

SIZES = {"2160p": (3840, 2160), "1080p": (1920, 1080), "720p": (1280, 720)}


@dataclass
class Line:
    """What is printed of a door; None: it has no such thing."""

    rate: float
    median: float | None = None
    most: float | None = None
    cpu_ms: float | None = None
    show_rate: float = 0.0
    note: str = ""


class Show:
    """A show of one size, and its doors one after the other."""

    def __init__(self, supervisor: Supervisor, folder: Path, seconds: float) -> None:
        self.supervisor, self.folder, self.seconds = supervisor, folder, seconds
        self._board = Board(supervisor.session)
        self._own = psutil.Process()

    def count(self) -> int:
        """Pictures that the show has published."""
        row = self._board.row("out")
        return 0 if row is None else self._board.get(row, NEWEST)

    def bare(self) -> tuple[float, float]:
        """Pictures a second without a door, and the supervisor's processor time, in seconds a second."""
        before, cpu, began = self.count(), _cpu(self._own), time.perf_counter()
        time.sleep(self.seconds)
        passed = time.perf_counter() - began
        return (self.count() - before) / passed, (_cpu(self._own) - cpu) / passed

    def door(self, kind: str, route: str, target: str) -> Line:
        """A door whose far end can be looked at."""
        doors = self.supervisor.doors
        name = doors.open(route)
        try:
            process = psutil.Process(self._until(lambda: self._status(name).shown > 10 and doors.pid(name)))
            before, cpu, count, began = self._status(name).shown, _cpu(process), self.count(), time.perf_counter()
            seen, lost = self._watched(kind, target)
            passed = time.perf_counter() - began
            shown, spent = self._status(name).shown - before, _cpu(process) - cpu
            rate, note = (self.count() - count) / passed, f"{lost} frames dropped by the show" if lost else ""
            return Line(seen.rate, seen.median, seen.most, 1000 * spent / max(1, shown), rate, note)
        finally:
            self._close(name)

    def film(self) -> Line:
        """A film, decoded again."""
        doors, path = self.supervisor.doors, self.folder / f"film-{secrets.token_hex(3)}.mp4"
        name = doors.open(f'film:"{path}"')
        process = psutil.Process(self._until(lambda: self._status(name).shown > 10 and doors.pid(name)))
        before, cpu, count, began = self._status(name).shown, _cpu(process), self.count(), time.perf_counter()
        time.sleep(self.seconds)
        passed = time.perf_counter() - began
        shown, spent, made = self._status(name).shown - before, _cpu(process) - cpu, self.count() - count
        self._close(name)
        numbers = film_numbers(path)
        steps = np.diff(numbers)
        note = f"{100 * len(set(numbers)) / (max(numbers) - min(numbers) + 1):.0f} % of the show's frames are in it"
        if (steps < 0).any():
            note += f"; {int((steps < 0).sum())} OUT OF ORDER"
        path.unlink()
        return Line(shown / passed, cpu_ms=1000 * spent / max(1, shown), show_rate=made / passed, note=note)

    def page(self, idle: float) -> Line:
        """The clean page. idle: the supervisor's processor time without it."""
        with StudioServer(self.supervisor, port=0) as studio:
            cpu, count, began = _cpu(self._own), self.count(), time.perf_counter()
            seen, _ = self._watched("page", studio.url.replace("http", "ws") + "output/live")
            passed = time.perf_counter() - began
            # The process that looks takes a moment to begin; nothing is encoded until then.
            spent = _cpu(self._own) - cpu - idle * passed
            rate = (self.count() - count) / passed
        return Line(seen.rate, seen.median, seen.most, 1000 * spent / max(1.0, seen.rate * self.seconds), rate)

    def close(self) -> None:
        self._board.close()

    def _watched(self, kind: str, target: str) -> tuple[Seen, int]:
        context = multiprocessing.get_context("spawn")
        mine, theirs = context.Pipe(duplex=False)
        arguments = (kind, target, self.supervisor.session, self.seconds, theirs)
        process = context.Process(target=watch, args=arguments, daemon=True)
        process.start()
        theirs.close()
        try:
            if not mine.poll(self.seconds + 60):
                raise SystemExit(f"{kind}: nothing is seen at the far end")
            return mine.recv()
        finally:
            process.kill()
            process.join()

    def _status(self, name: str) -> Any:
        return next(each for each in self.supervisor.doors.statuses() if each.name == name)

    def _until(self, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 60
        while not (result := condition()):
            if time.monotonic() > deadline:
                raise SystemExit(f"a door does not open: {self.supervisor.doors.statuses()}")
            time.sleep(0.05)
        return result

    def _close(self, name: str) -> None:
        pid = self.supervisor.doors.pid(name)
        self.supervisor.doors.close_door(name)
        self._until(lambda: pid is None or not psutil.pid_exists(pid))


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


@contextmanager
def screen(size: tuple[int, int], display: str | None) -> Iterator[str | None]:
    """The name of an X server to show a window on; None: there is none."""
    if display is not None:
        yield display
        return
    if shutil.which("Xvfb") is None:
        yield None
        return
    reading, writing = os.pipe()
    wanted = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{size[0]}x{size[1]}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(wanted, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    before = os.environ.get("DISPLAY")
    os.environ["DISPLAY"] = f":{number}"
    try:
        yield f":{number}"
    finally:
        os.environ.pop("DISPLAY")
        if before is not None:
            os.environ["DISPLAY"] = before
        server.terminate()
        server.wait(10)


def measure(size: tuple[int, int], kinds: list[str], wanted: argparse.Namespace, folder: Path) -> None:
    """One size: the bare show, each door, the bare show again."""
    width, height = size
    patch = folder / f"{width}x{height}.ganz"
    (folder / "clouds.py").write_text(SCRIPT)
    patch.write_text(f'out(script("clouds.py"), size=({width}, {height}), fps={wanted.fps:g})\n')
    with Supervisor(patch, device=wanted.device, trust_all=True) as supervisor, screen(size, wanted.display) as display:
        show = Show(supervisor, folder, wanted.seconds)
        deadline = time.monotonic() + 300
        while (show.count() < 3 * wanted.fps and time.monotonic() < deadline) or not supervisor.spare_ready:
            time.sleep(0.1)
        if supervisor.status().errors:
            raise SystemExit(str(supervisor.status().errors))
        bares = [show.bare()]
        print(f"\n{width} × {height} at {wanted.fps:g}, {supervisor.status().device}", flush=True)
        print(f"  {'door':<8}{'rate':>8}{'frames':>14}{'cpu ms':>9}{'show':>8}", flush=True)
        for kind in kinds:
            missing = door_kinds()[kind].missing() if kind in door_kinds() else None
            if missing is not None or (kind == "window" and display is None):
                print(f"  {kind:<8}not here: {missing.what if missing else 'there is no Xvfb'}", flush=True)
                continue
            if kind == "stream" and shutil.which("ffmpeg") is None:
                print(f"  {kind:<8}not here: there is no program ffmpeg", flush=True)
                continue
            name = f"b{secrets.token_hex(4)}"
            if kind == "film":
                line = show.film()
            elif kind == "page":
                line = show.page(bares[0][1])
            elif kind == "window":
                line = show.door(kind, "window:1", display or "")
            elif kind == "stream":
                address = f"udp://127.0.0.1:{_free_port()}"
                line = show.door(kind, f"stream:{address},rate={min(wanted.fps, 120):g},bitrate=20000", address)
            else:
                line = show.door(kind, f"{kind}:{name}", name)
            told(kind, line, bares[0][0])
        bares.append(show.bare())
        rates = ", ".join(f"{rate:.1f}" for rate, _ in bares)
        print(
            f"  the bare show before and after: {rates} fps; a frame {supervisor.status().frame_ms:.1f} ms", flush=True
        )
        show.close()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def told(kind: str, line: Line, bare: float) -> None:
    """Print a line."""
    frames = "–" if line.median is None else f"{line.median:.0f} (95 %: {line.most:.0f})"
    numbers = f"{line.rate:>8.1f}{frames:>14}{line.cpu_ms or 0:>9.2f}{line.show_rate / bare:>8.2f}"
    print(f"  {kind:<8}{numbers}   {line.note}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="256,1024")
    parser.add_argument("--kinds", default="window,shared,film,page,ndi,stream")
    parser.add_argument("--fps", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--folder", default=None, help="where films go")
    parser.add_argument("--display", default=None, help="an X server's name, as :0")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=wanted.folder) as name:
        # NDI looks at this machine's own address alone.
        (Path(name) / "ndi-config.v1.json").write_text(json.dumps({"ndi": {"networks": {"ips": "127.0.0.1"}}}))
        os.environ["NDI_CONFIG_DIR"] = name
        for each in wanted.sizes.split(","):
            size = SIZES[each] if each in SIZES else (int(each), int(each))
            measure(size, wanted.kinds.split(","), wanted, Path(name))


if __name__ == "__main__":
    sys.exit(main())
