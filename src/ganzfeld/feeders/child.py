"""The child: answers questions about files until its parent goes. Never imports torch.

Each feed has a thread of its own, so that a film that takes long holds up no other. The main thread reads; when nothing
comes any more, because the parent has ended in whatever way, the process ends at once.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from ganzfeld.errors import FeederError, GanzfeldError
from ganzfeld.feeders.base import Answer, Feeder, Limits, kind_of, main_thread_work, size
from ganzfeld.feeders.limits import allow_cpu, confine
from ganzfeld.feeders.protocol import Answered, Ask, Attach, Close, Failed, Open, receive, send, to_child
from ganzfeld.values.shared_memory import MemorySegment


class Child:
    """What the process does between its two pipes."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO, limits: Limits) -> None:
        self._incoming, self._outgoing, self.limits = incoming, outgoing, limits
        self._sending = threading.Lock()
        self._feeds: dict[int, FeederThread] = {}

    def run(self) -> None:
        """Until the parent has gone."""
        while (data := receive(self._incoming)) is not None:
            message = to_child.decode(data)
            if isinstance(message, Open):
                self._feeds[message.feed] = FeederThread(self)
            feed = self._feeds.get(message.feed)
            if feed is not None:
                feed.waiting.put(message)
            if isinstance(message, Close):
                self._feeds.pop(message.feed, None)

    def say(self, message: msgspec.Struct) -> None:
        """Answer. Called by the threads of feeds."""
        try:
            with self._sending:
                send(self._outgoing, message)
        except OSError:
            os._exit(0)


class FeederThread:
    """One feeder and its thread."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self.waiting: queue.SimpleQueue[Open | Attach | Ask | Close] = queue.SimpleQueue()
        self._feeder: Feeder | None = None
        self._memory: MemorySegment | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while not isinstance(message := self.waiting.get(), Close):
            number = message.feed if isinstance(message, Open) else message.number
            allow_cpu(self._child.limits.cpu_seconds)
            try:
                answer: msgspec.Struct = self._answered(message, number)
            except GanzfeldError as error:
                answer = Failed(number, error.what, error.hint)
            except MemoryError:
                what = f"It takes more memory than a file may take here ({size(self._child.limits.memory)})"
                answer = Failed(number, what, "Make it smaller")
            except Exception as error:
                answer = Failed(number, f"It cannot be decoded ({type(error).__name__}: {str(error)[:200]})")
            self._child.say(answer)
        if self._feeder is not None:
            self._feeder.close()

    def _answered(self, message: Open | Attach | Ask, number: int) -> msgspec.Struct:
        if isinstance(message, Open):
            self._feeder = kind_of(message.kind)(Path(message.path), **message.options)  # type: ignore[call-arg]
            return Answered(number, self._feeder.facts, self._feeder.nbytes)
        if isinstance(message, Attach):
            self._memory = MemorySegment(message.name)
            return Answered(number, None)
        method = getattr(self._feeder, message.what, None)
        if not getattr(method, "answers", False):
            raise FeederError(f"Nothing here answers to '{message.what}'")
        answer = method(**message.arguments)  # type: ignore[misc]
        if not isinstance(answer, Answer):
            return Answered(number, answer)
        if answer.array is None:
            return Answered(number, answer.facts)
        return self._with_array(message, number, answer.facts, np.asarray(answer.array, order="C"))

    def _with_array(self, message: Ask, number: int, facts: object, array: np.ndarray) -> Answered:
        most = self._child.limits.answer_bytes
        if array.nbytes > most:
            raise FeederError(f"It holds {size(array.nbytes)} unpacked; at most {size(most)} are taken")
        described = (array.dtype.str, list(array.shape))
        if self._memory is None or array.nbytes > message.room:
            return Answered(number, facts, array.nbytes, described, bytearray(array.reshape(-1).view(np.uint8)))
        place = self._memory.buffer[message.offset : message.offset + array.nbytes]
        np.frombuffer(place, np.uint8)[:] = array.reshape(-1).view(np.uint8)
        return Answered(number, facts, array.nbytes, described)


def main(limits: bytes) -> None:
    """Limit this process, then answer. limits: `Limits` as JSON."""
    incoming, outgoing = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is no answer
    allowed = msgspec.json.decode(limits, type=Limits)
    confine(allowed)

    def serve() -> None:
        try:
            Child(incoming, outgoing, allowed).run()
        finally:
            os._exit(0)  # threads that are still at work are not waited for

    threading.Thread(target=serve).start()
    while True:
        main_thread_work.get()()
