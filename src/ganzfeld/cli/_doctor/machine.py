"""The page, its port, and room on disk and in shared memory."""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
from pathlib import Path

from ganzfeld.cli._doctor.finding import Result
from ganzfeld.errors import GanzfeldError

LITTLE_DISK = 2e9  # bytes; a converted network of 1024 px takes 0.1 to 0.4 GB
LITTLE_SHARED_MEMORY = 256e6  # bytes; a picture of 3840 × 2160 takes 33 MB, and a show holds several


def check_ports() -> Result:
    """Whether the page's port is free."""
    from ganzfeld.studio.http_server import PORTS_TRIED
    from ganzfeld.studio.server import PORT

    for port in range(PORT, PORT + PORTS_TRIED):
        with socket.socket() as listener:
            if sys.platform != "win32":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port == PORT:
                return "works", f"{PORT} is free", ""
            return "works", f"{PORT} is taken (another Ganzfeld?); {port} is free and will be used", ""
    return "missing", f"{PORT} to {PORT + PORTS_TRIED - 1} are taken", "Choose another with --port"


def check_page() -> Result:
    """Whether the page in the browser is built."""
    from ganzfeld.studio.page import how_to_build, is_built

    if is_built():
        return "works", "built", ""
    return "missing", "not built: `play` has no page in the browser, everything else works", how_to_build()


def check_cache() -> Result:
    """Whether the folder of converted networks can be written, and how much room it has."""
    from ganzfeld.networks.files import cache

    try:
        folder = cache.folder()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, GanzfeldError) as problem:
        return "broken", str(problem), "Set GANZFELD_CACHE to a folder of your own"
    free = shutil.disk_usage(folder).free
    used = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    found = f"{folder}: {used / 1e9:.1f} GB used, {free / 1e9:.1f} GB free"
    if free < LITTLE_DISK:
        return "missing", found, "Make room: networks are kept there in a form that opens at once"
    return "works", found, ""


def check_shared_memory() -> Result:
    """Whether the shared memory has room for large pictures."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        return "works", "the system's", ""
    size = shutil.disk_usage(memory)
    found = f"{memory}: {size.free / 1e6:,.0f} of {size.total / 1e6:,.0f} MB free"
    if size.free < LITTLE_SHARED_MEMORY:
        return "missing", found, "Large pictures will not fit; in a container, start it with --shm-size=1g"
    return "works", found, ""
