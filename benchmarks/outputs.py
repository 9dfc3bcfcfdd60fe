"""What doors cost and how far behind they are: a show with one door at a time, beside the same show without any.

    python benchmarks/outputs.py [--sizes 256,1024,2160p] [--kinds window,shared,film,page] [--fps 60] [--seconds 8]
                                 [--device auto] [--folder .]

A script draws the number of each frame into its pixels. Whoever looks at the far end (in a process of its own: the
memory of an X server, the one-file reader of shared memory, a program that opens JPEGs of the clean page; films are
decoded afterwards) reads it again. Printed for each size and door:

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
import ctypes
import ctypes.util
import importlib.util
import io
import multiprocessing
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

import ganzfeld.outputs.shared
from ganzfeld.outputs.doors.registry import door_kinds
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.studio.server import StudioServer
from ganzfeld.values.frames import Board, FrameReader

BITS, CELL = 16, 8
"""The number stands in the left upper corner: so many squares of so many pixels, white for 1."""
NEWEST = 1
"""Of a row of the board: the word that counts the output's pictures."""
LOOK_SECONDS = 0.0005
SIZES = {"2160p": (3840, 2160), "1080p": (1920, 1080), "720p": (1280, 720)}
SCRIPT = f'''
import torch


def frame(context, inputs):
    """Soft clouds that drift, with the frame's number in the corner."""
    width, height = context.request.width, context.request.height
    clouds = context.state.get("clouds")
    if clouds is None or clouds.shape[2:] != (height, 2 * width):
        made = torch.Generator().manual_seed(1)
        soft = torch.rand(1, 4, 10, 20, generator=made).to(context.device)
        clouds = torch.nn.functional.interpolate(soft, (height, 2 * width), mode="bicubic", align_corners=True)
        clouds[:, 3] = 1
        context.state["clouds"] = clouds = clouds.clamp(0, 1)
        bits = torch.arange({BITS}, device=context.device).repeat_interleave({CELL})
        context.state["bits"] = 2 ** bits
    drift = 2 * context.frame % width
    shown = clouds[..., drift : drift + width].contiguous()
    cells = (context.frame // context.state["bits"] % 2).to(shown.dtype)
    shown[:, :3, :{CELL}, : {BITS * CELL}] = cells
    return shown
'''


def number_in(corner: np.ndarray) -> int:
    """The frame's number. corner: [CELL, BITS * CELL] or more, grey from 0 to 255."""
    middles = corner[CELL // 2, CELL // 2 : BITS * CELL : CELL]
    return int((middles > 127) @ (1 << np.arange(BITS)))


# Far ends: each is looked at by `watch`, in a process of its own.


class SharedMemory:
    """Reads as another program does."""

    def __init__(self, name: str) -> None:
        path = Path(ganzfeld.outputs.shared.__file__).with_name("ganzfeld_ring.py")
        spec = importlib.util.spec_from_file_location("ganzfeld_ring", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self._reader = module.Reader(name)

    def number(self) -> int | None:
        picture = self._reader.latest()
        return None if picture is None else number_in(picture.pixels[:CELL, :, 1])


class _XImage(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("width", "height", "xoffset", "format")),
        ("data", ctypes.POINTER(ctypes.c_ubyte)),
        *((name, ctypes.c_int) for name in ("byte_order", "unit", "bit_order", "pad", "depth", "bytes_per_line")),
    ]


class Screen:
    """The corner of an X server's screen, 32 bits a pixel."""

    def __init__(self, display: str) -> None:
        self._x = ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
        self._x.XOpenDisplay.restype = self._x.XDefaultRootWindow.restype = ctypes.c_void_p
        self._x.XGetImage.restype = ctypes.POINTER(_XImage)
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(display.encode()))
        self._root = ctypes.c_void_p(self._x.XDefaultRootWindow(self._display))

    def number(self) -> int | None:
        everything, z_pixmap = ctypes.c_ulong(0xFFFFFFFF), 2
        image = self._x.XGetImage(self._display, self._root, 0, 0, BITS * CELL, CELL, everything, z_pixmap)
        if not image:
            return None
        line = image.contents.bytes_per_line
        bytes_of = np.ctypeslib.as_array(image.contents.data, (CELL, line))
        number = number_in(bytes_of[:, 1 : BITS * CELL * 4 : 4])
        self._x.XDestroyImage(image)
        return number


class CleanPage:
    """What a browser does, but for drawing: takes JPEGs of the clean page, opens their corner, asks for the next."""

    def __init__(self, address: str) -> None:
        import msgspec
        from websockets.sync.client import connect

        self._connection = connect(address, compression=None, proxy=None, max_size=None)
        self._pack, self._unpack = msgspec.msgpack.encode, msgspec.msgpack.decode
        self._number: int | None = None
        threading.Thread(target=self._hear, daemon=True).start()

    def number(self) -> int | None:
        return self._number

    def _hear(self) -> None:
        from PIL import Image

        while True:
            message = self._unpack(self._connection.recv())
            if message["kind"] == "frame":
                picture = Image.open(io.BytesIO(message["jpeg"])).convert("L")
                self._number = number_in(np.asarray(picture.crop((0, 0, BITS * CELL, CELL))))
                self._connection.send(self._pack({"kind": "ack", "number": message["number"]}))


FAR_ENDS: dict[str, Callable[[str], Any]] = {"shared": SharedMemory, "window": Screen, "page": CleanPage}


@dataclass
class Seen:
    """rate: pictures a second. median, most: frames behind the show's newest; most: of 95 of 100 looks."""

    rate: float
    median: float
    most: float


def watch(kind: str, target: str, session: str, seconds: float, answer: Any) -> None:
    """Look at a far end for so many seconds, and send what was seen."""
    far_end, reader, board = FAR_ENDS[kind](target), FrameReader(session, "out"), Board(session)
    first = reader.wait(0, 60)
    row = board.row("out")
    assert first is not None and row is not None
    shift = first.frame - first.number  # from a picture's place to its frame, if none is left out
    while far_end.number() is None:
        time.sleep(LOOK_SECONDS)
    shown, behind, last = 0, [], far_end.number()
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        number = far_end.number()
        assert number is not None
        behind.append((board.get(row, NEWEST) + shift - number) % (1 << BITS))
        shown, last = shown + (number != last), number
        time.sleep(LOOK_SECONDS)
    last_frame = reader.latest()
    assert last_frame is not None
    lost = last_frame.frame - last_frame.number - shift
    answer.send((Seen(shown / passed, float(np.median(behind)), float(np.percentile(behind, 95))), lost))


# The show


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


def film_numbers(path: Path) -> list[int]:
    """Of the frames that a film shows."""
    import av

    with av.open(str(path)) as film:
        film.streams.video[0].thread_type = "AUTO"
        planes = (frame.reformat(format="gray").to_ndarray()[:CELL] for frame in film.decode(video=0))
        return [number_in(plane) for plane in planes]


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
            name = f"b{secrets.token_hex(4)}"
            if kind == "film":
                line = show.film()
            elif kind == "page":
                line = show.page(bares[0][1])
            elif kind == "window":
                line = show.door(kind, "window:1", display or "")
            else:
                line = show.door(kind, f"{kind}:{name}", name)
            told(kind, line, bares[0][0])
        bares.append(show.bare())
        rates = ", ".join(f"{rate:.1f}" for rate, _ in bares)
        print(
            f"  the bare show before and after: {rates} fps; a frame {supervisor.status().frame_ms:.1f} ms", flush=True
        )
        show.close()


def told(kind: str, line: Line, bare: float) -> None:
    """Print a line."""
    frames = "–" if line.median is None else f"{line.median:.0f} (95 %: {line.most:.0f})"
    numbers = f"{line.rate:>8.1f}{frames:>14}{line.cpu_ms or 0:>9.2f}{line.show_rate / bare:>8.2f}"
    print(f"  {kind:<8}{numbers}   {line.note}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="256,1024")
    parser.add_argument("--kinds", default="window,shared,film,page")
    parser.add_argument("--fps", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--folder", default=None, help="where films go")
    parser.add_argument("--display", default=None, help="an X server's name, as :0")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=wanted.folder) as name:
        for each in wanted.sizes.split(","):
            size = SIZES[each] if each in SIZES else (int(each), int(each))
            measure(size, wanted.kinds.split(","), wanted, Path(name))


if __name__ == "__main__":
    sys.exit(main())
