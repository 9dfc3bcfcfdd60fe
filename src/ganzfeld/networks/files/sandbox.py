"""Starts the converter in a process of its own and watches it.

The child limits itself where the system can (`convert.limit`); its memory and time are watched from here on every
system, so the limits hold on Windows and macOS too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from ganzfeld.errors import NetworkFileError

BASE_MEMORY = 768 * 2**20
"""Bytes for Python and numpy themselves."""
ADDRESSES = 2**30
"""Addresses that libraries reserve besides, without using the memory."""
MEMORY_PER_BYTE = 5
"""Bytes for each byte of the file: its mapping, text that holds numbers, one dense copy, and room."""
BASE_SECONDS = 20
BYTES_PER_SECOND = 5_000_000
POLL_SECONDS = 0.05


def convert(path: Path, size: int, folder: Path, statements: Mapping[str, Any]) -> tuple[str, Path]:
    """(SHA-256, converted file) of the file at `path` of `size` bytes, with what was stated about it.

    Raises NetworkFileError.
    """
    memory = BASE_MEMORY + MEMORY_PER_BYTE * size
    seconds = BASE_SECONDS + size // BYTES_PER_SECOND
    written = 2 * size + 800_000_000
    limits = [str(number) for number in (memory + ADDRESSES, seconds, written)]
    arguments = [str(path.absolute()), str(folder), json.dumps(dict(statements)), *limits]
    child = subprocess.Popen(
        [_python(), "-P", "-m", f"{__package__}.convert", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(),
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    try:
        out, err = _watch(child, memory, seconds)
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    return _answer(child.returncode, out, err)


def _python() -> str:
    # In a program that embeds Python, sys.executable is that program; multiprocessing knows about it.
    import multiprocessing.spawn

    executable = multiprocessing.spawn.get_executable() or sys.executable
    return os.fsdecode(executable)


def _environment() -> dict[str, str]:
    """Ours, but with the same modules in reach and one thread a process (each thread of BLAS reserves memory)."""
    # Never the working directory: it may be a folder of downloads, with a numpy.py among them.
    reach = [str(Path(__file__).resolve().parents[3]), *(entry for entry in sys.path if Path(entry).is_absolute())]
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(reach), "PYTHONIOENCODING": "utf-8"}


def _watch(child: subprocess.Popen[bytes], memory: int, seconds: float) -> tuple[bytes, bytes]:
    """The child's output once it has ended. Raises where it takes too much memory or time."""
    deadline = time.monotonic() + seconds
    process = psutil.Process(child.pid)
    while True:
        try:
            return child.communicate(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        try:
            used = process.memory_info().rss
        except psutil.Error:
            used = 0  # it has just ended
        if used > memory:
            raise _too_much("memory")
        if time.monotonic() > deadline:
            raise _too_much("time")


def _too_much(what: str) -> NetworkFileError:
    return NetworkFileError(
        f"reading the file takes more {what} than a file of its size may take",
        hint="It is damaged, or somebody built it to exhaust this machine.",
    )


def _answer(code: int, out: bytes, err: bytes) -> tuple[str, Path]:
    try:
        answer = json.loads(out)
    except ValueError:
        answer = {}
    if isinstance(answer, dict) and "what" in answer:
        raise NetworkFileError(str(answer["what"]), hint=str(answer.get("hint", "")))
    if isinstance(answer, dict) and "path" in answer:
        return str(answer["sha256"]), Path(answer["path"])
    if code < 0:
        raise NetworkFileError(
            f"the file's reader was stopped by the system (signal {-code})",
            hint="The file takes more memory or time than a file of its size may, or it changed while it was read.",
        )
    last = err.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no word why"]
    raise NetworkFileError(
        f"the file could not be understood ({last[0][:200]})",
        hint="It is damaged, or this is a fault of Ganzfeld's: please report it with the file's origin.",
    )
