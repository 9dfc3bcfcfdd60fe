"""A feeder that does what damaged files make decoders do, and what hostile ones would like to."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Answer, Feeder, Limits, answers


class TroubleFeeder(Feeder):
    """path: a file beside which it tries to write."""

    limits = Limits("trouble", memory=1 << 29, cpu_seconds=2, patience=20.0, answer_bytes=1 << 24)

    def __init__(self, path: Path, start: str = "", nbytes: int = 1 << 20) -> None:
        self.path, self.nbytes = path, nbytes
        self.facts = {"pid": os.getpid(), "modules": sorted(sys.modules)}
        if start:
            getattr(self, start)()

    @answers
    def pid(self) -> int:
        return os.getpid()

    @answers
    def numbers(self, first: int, count: int) -> Answer:
        return Answer(first, np.arange(first, first + count, dtype=np.float32))

    @answers
    def hang(self) -> None:
        time.sleep(1000)

    @answers
    def spin(self) -> None:
        while True:
            pass

    @answers
    def crash(self) -> None:
        ctypes.string_at(1)

    @answers
    def leave(self) -> None:
        os._exit(3)

    @answers
    def eat(self) -> int:
        return len(bytearray(1 << 31))

    @answers
    def garble(self) -> None:
        for number in range(3, 20):
            try:
                os.write(number, b"\xff" * 4096)
            except OSError:
                continue
        time.sleep(1000)

    @answers
    def raises(self, message: str) -> None:
        raise ValueError(message)

    @answers
    def refuses(self) -> None:
        raise FeederError("It is not so", hint="Do this")

    @answers
    def escapes(self) -> list[str]:
        """What it could do that it should not."""
        found = []

        def attempt(name: str, do: Any) -> None:
            try:
                do()
            except (OSError, ValueError):
                return
            found.append(name)

        attempt("started a program", lambda: subprocess.run(["true"], check=False))
        attempt("forked", lambda: os.fork() or os._exit(0))
        attempt("opened a socket", socket.socket)
        attempt("wrote a file", lambda: self.path.with_name("written").write_bytes(b"x" * 100_000))
        attempt("removed a file", self.path.unlink)
        attempt("renamed a file", lambda: self.path.rename(self.path.with_name("renamed")))
        attempt("killed its parent", lambda: os.kill(os.getppid(), 0))
        return found

    def secret(self) -> str:
        return "not to be asked for"
