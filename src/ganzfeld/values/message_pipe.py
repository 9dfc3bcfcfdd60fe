"""One end of the pipe between the supervisor and a process it started: the one that renders, or a door.

Neither process may ever wait for the other, least of all when the other hangs. So `post` only leaves a message in an
outbox, where a newer one with the same key takes the place of the older; one thread empties the outbox into the pipe,
another reads the pipe.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
from collections.abc import Callable, Hashable
from multiprocessing.connection import Connection
from typing import Any

import msgspec

encode = msgspec.msgpack.Encoder().encode
log = logging.getLogger(__name__)

LARGEST_BYTES = 32 << 20
"""Of what is sent at once. What is larger is not sent, and who sends it all the same is hung up on: the process at the
other end may not make this one large."""
MOST_WAITING = 8192
"""Messages that wait for an other side that does not read; the oldest go first."""


class MessagePipe:
    """Sends and receives messages over `connection`, each with a thread of its own.

    on_message is called with every message, on_end once when the other side is gone; both on the reading thread.
    """

    def __init__(
        self,
        connection: Connection,
        decode: Callable[[bytes], list[Any]],
        on_message: Callable[[Any], None],
        on_end: Callable[[], None],
    ) -> None:
        self._connection, self._decode = connection, decode
        self._on_message, self._on_end = on_message, on_end
        self._outbox: dict[Hashable, Any] = {}
        self._keys = itertools.count()
        self._news = threading.Condition()
        self._closing = False
        self._too_large: set[str] = set()
        self._writer = threading.Thread(target=self._write, name="ganzfeld-pipe-out", daemon=True)
        self._reader = threading.Thread(target=self._read, name="ganzfeld-pipe-in", daemon=True)

    def start(self) -> MessagePipe:
        self._writer.start()
        self._reader.start()
        return self

    def post(self, message: Any, key: Hashable = None) -> None:
        """Send soon. A message with the same `key` that still waits is replaced (newest wins); None replaces none."""
        with self._news:
            if key is None:
                key = next(self._keys)
            self._outbox.pop(key, None)
            self._outbox[key] = message
            if len(self._outbox) > MOST_WAITING:
                del self._outbox[next(iter(self._outbox))]
            self._news.notify_all()

    def finish(self, timeout: float = 1.0) -> None:
        """Send what waits, for `timeout` seconds at most; nothing can be sent after. Hanging up is the other side's:
        a pipe that is closed while a thread reads it may be another file by the time that thread looks."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        if self._writer.is_alive():
            self._writer.join(timeout)

    def _write(self) -> None:
        while True:
            with self._news:
                while not self._outbox:
                    if self._closing:
                        return
                    self._news.wait()
                batch = list(self._outbox.values())
                self._outbox.clear()
            try:
                data = encode(batch)
                if len(data) > LARGEST_BYTES:
                    self._send_one_by_one(batch)
                    continue
                self._connection.send_bytes(data)
            except (OSError, ValueError, EOFError):
                return  # the other side is gone; the reader says so
            except Exception:
                self._send_one_by_one(batch)

    def _send_one_by_one(self, batch: list[Any]) -> None:
        """One message of the batch cannot be sent (a value that msgpack does not know): leave out that one."""
        for message in batch:
            try:
                data = encode([message])
            except Exception as error:
                log.warning("a message cannot be sent: %s", error)
                continue
            if len(data) > LARGEST_BYTES:
                kind = type(message).__name__
                if kind not in self._too_large:
                    self._too_large.add(kind)
                    log.warning(
                        "%s has %d MB and is not sent: at most %d MB are", kind, len(data) >> 20, LARGEST_BYTES >> 20
                    )
                continue
            with contextlib.suppress(OSError, ValueError, EOFError):
                self._connection.send_bytes(data)

    def _read(self) -> None:
        while True:
            try:
                data = self._connection.recv_bytes(LARGEST_BYTES)
            except (EOFError, OSError):
                break
            try:
                messages = self._decode(data)
            except msgspec.DecodeError:
                log.exception("a message makes no sense")
                continue
            for message in messages:
                try:
                    self._on_message(message)
                except Exception:
                    log.exception("a message could not be dealt with")
        with contextlib.suppress(OSError):
            self._connection.close()
        self._on_end()
