"""A process that answers a line of JSON with a line of JSON, for what must neither slow down nor crash the studio.

It is started at the first question, kept for the next ones, and ended when nobody has asked for a while, when an answer
takes too long, or for good.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence


class AskedChild:
    """Answers one question at a time; `ask` may be called by any thread, `close` too.

    arguments: of the process. idle: seconds without a question until it is ended. longest: bytes of an answer.
    surroundings: environment variables, beside our own.
    """

    def __init__(
        self, arguments: Sequence[str], *, idle: float, longest: int, surroundings: Mapping[str, str] | None = None
    ) -> None:
        self.arguments = tuple(arguments)
        self._idle_seconds, self._longest = idle, longest
        self._surroundings = dict(surroundings or {})
        self._asking = threading.Lock()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None
        self.is_closed = False

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The process that lives now."""
        return self._child

    def ask(self, question: bytes, patience: float) -> bytes | None:
        """The answer, without its line feed; None if there is none within `patience` seconds, or the process died."""
        with self._asking:
            child = self._started()
            if child is None:
                return None
            assert child.stdin is not None and child.stdout is not None
            timer = threading.Timer(patience, child.kill)
            timer.daemon = True
            timer.start()
            try:
                child.stdin.write(question + b"\n")
                child.stdin.flush()
                answer = child.stdout.readline(self._longest)
            except (OSError, ValueError):  # ValueError: it was ended, and its pipes are closed
                answer = b""
            finally:
                timer.cancel()
            if not answer.endswith(b"\n"):
                self.end()
                return None
            self._end_when_idle()
            return answer[:-1]

    def end(self) -> None:
        """End the process; the next question starts another."""
        with self._lock:
            if self._idle is not None:
                self._idle.cancel()
            child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # a question that it never read
                        pipe.close()

    def close(self) -> None:
        """End it for good."""
        self.is_closed = True
        self.end()

    def _started(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self.is_closed:
                return None
            if self._idle is not None:
                self._idle.cancel()
            if self._child is None or self._child.poll() is not None:
                self._child = subprocess.Popen(
                    self.arguments,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=os.environ | self._surroundings,
                )
            return self._child

    def _end_when_idle(self) -> None:
        with self._lock:
            self._idle = threading.Timer(self._idle_seconds, self.end)
            self._idle.daemon = True
            self._idle.start()
