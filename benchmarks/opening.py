"""What a person sees of the first seconds: how small networks are drawn, and how many pictures a second there are.

    python benchmarks/opening.py [--patch PATCH] [--fps FPS] [--seconds 20] [--no-page]

A real show (`ganzfeld play`, the opening if no patch is named) begins with empty caches and settings; a headless
Chromium has its page open, as people do. A line each quarter of a second; at the end the shares of the time.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from websockets.sync.client import connect

EVERY = 0.25
CHROMIUM = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def page(url: str) -> Iterator[None]:
    """A browser that looks at the show. Raises ImportError without playwright."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM))
        try:
            browser.new_page(viewport={"width": 1440, "height": 900}).goto(url)
            yield
        finally:
            browser.close()


def statuses(port: int, until: float) -> Iterator[dict[str, Any]]:
    """What the show says of itself."""
    with connect(f"ws://127.0.0.1:{port}/live", compression=None, proxy=None) as connection:
        while (left := until - time.monotonic()) > 0:
            try:
                message = msgspec.msgpack.decode(connection.recv(timeout=left, decode=False))
            except TimeoutError:
                return
            if message["kind"] == "status":
                yield message


def wait_for(port: int, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if time.monotonic() > deadline:
            raise SystemExit("the show did not begin")
        time.sleep(0.05)


def sample(port: int, seconds: float) -> list[dict[str, Any]]:
    """Prints a line each quarter of a second, from the first picture on."""
    samples: list[dict[str, Any]] = []
    first, due = 0.0, 0.0
    for status in statuses(port, time.monotonic() + seconds + 60):
        now = time.monotonic()
        if status["phase"] != "playing":
            continue
        first = first or now
        if now - first > seconds:
            break
        if now >= due:
            due = now + EVERY
            samples.append(status)
            size = f"1/{2 ** status['halvings']}"
            rate, division = status.get("rate", 0.0), status.get("division", 1)
            paced = f"of {rate:.4g}, paced at {rate / division:.4g}"
            took, t = status["frame_ms"], now - first
            print(f"{t:6.2f} s  {size:>4}  {status['fps']:5.1f} {paced}  {took:6.1f} ms", flush=True)
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patch", default="", help="a patch or a network; the opening otherwise")
    parser.add_argument("--fps", type=float, help="as of play: what the patch says otherwise")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--no-page", action="store_true")
    options = parser.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        own = {f"GANZFELD_{name}": str(Path(folder, name.lower())) for name in ("CACHE", "CONFIG", "HOME")}
        command = [sys.executable, "-m", "ganzfeld", "play", *filter(None, [options.patch]), "--headless"]
        command += ["--fps", f"{options.fps:g}"] if options.fps else []
        began = time.monotonic()
        show = subprocess.Popen(
            [*command, "--port", str(port)], env={**os.environ, **own}, stdout=subprocess.DEVNULL, cwd=folder
        )
        try:
            wait_for(port)
            url = f"http://127.0.0.1:{port}/"
            with contextlib.nullcontext() if options.no_page else page(url):
                samples = sample(port, options.seconds)
        finally:
            show.terminate()
            show.wait(20)
    sizes = Counter(status["halvings"] for status in samples)
    print(f"\nended {time.monotonic() - began:.1f} s after the start")
    for halvings, count in sorted(sizes.items()):
        print(f"drawn at 1/{2**halvings:<3} {count / len(samples):4.0%} of the time")
    changes = sum(a["halvings"] != b["halvings"] for a, b in pairwise(samples))
    print(f"{changes} changes of size")


if __name__ == "__main__":
    main()
