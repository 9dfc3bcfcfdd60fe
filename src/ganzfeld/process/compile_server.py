"""A process that compiles one kernel after the other for a show that plays, into Triton's cache on disk.

    python -m ganzfeld.process.compile_server MAJOR MINOR PROCESSORS

It reads requests, a line of JSON each, and answers each with a line: empty, or what went wrong. It ends with its pipe.
What is heavy is imported late: a render process takes `CompileServer` from here.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from typing import IO, Any

from ganzfeld.process.pretended_card import Card, hide_cards, pretend

LONGEST_SECONDS = 60.0
"""After which a kernel is not waited for, and the process is given up."""
LONGEST_LINE = 4_000_000
OURS = "ganzfeld."


class CompileServer:
    """The process as the show's side sees it; it is started when it is first asked. Any thread may ask."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def compile(self, module: str, name: str, wanted: str) -> None:
        """Have the kernel `name` of a module of ours compiled for what Triton says it is `wanted` for (its
        specialization data). Waits. Raises RuntimeError, and OSError."""
        request = json.dumps({"module": module, "name": name, "wanted": wanted}).encode() + b"\n"
        with self._lock:
            process = self._process
            if process is None or process.poll() is not None:
                process = self._process = self._started()
            assert process.stdin is not None and process.stdout is not None
            giving_up = threading.Timer(LONGEST_SECONDS, process.kill)
            giving_up.start()
            try:
                process.stdin.write(request)
                process.stdin.flush()
                answer = process.stdout.readline(LONGEST_LINE)
            finally:
                giving_up.cancel()
        if not answer.endswith(b"\n"):
            raise RuntimeError("the process that compiles has ended")
        if words := answer.decode(errors="replace").strip():
            raise RuntimeError(words)

    def _started(self) -> subprocess.Popen[bytes]:
        numbers = (self._card.major, self._card.minor, self._card.processors)
        command = [sys.executable, "-P", "-m", __name__, *map(str, numbers)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)

    def close(self) -> None:
        """End it."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for end in (process.stdin, process.stdout):
                if end is not None:
                    end.close()


def serve(card: Card, requests: IO[bytes], answers: IO[bytes]) -> None:
    """The process."""
    hide_cards()
    pretend(card)
    while line := requests.readline(LONGEST_LINE):
        try:
            _compile(**json.loads(line))
            words = ""
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
        answers.write(" ".join(words.split()).encode() + b"\n")
        answers.flush()


def _compile(*, module: str, name: str, wanted: str) -> None:
    if not module.startswith(OURS):
        raise ValueError(f"{module} is none of our modules")
    kernel: Any = getattr(importlib.import_module(module), name)
    kernel.preload(wanted)


if __name__ == "__main__":
    # Ctrl-C is for the supervisor; and nobody's words but ours go into the pipe.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(Card(*map(int, sys.argv[1:])), sys.stdin.buffer, answers)
