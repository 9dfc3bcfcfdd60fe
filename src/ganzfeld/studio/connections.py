"""How many connections the studio holds: a program that opens them and says nothing must not use up the descriptors
that the show needs for its files.

A connection is *silent* until its first request is whole. Silent ones have little time, and the oldest of them goes
when there are too many; of the others the one that waits for its next request goes first. New ones are let in as long
as there is somebody to go, so that silence cannot lock a person out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import uvicorn

from ganzfeld.studio import limits

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 400
MOST_SILENT = 64
SILENT_SECONDS = 10.0
SHARE_OF_DESCRIPTORS = 3
"""One of so many of the descriptors that the process may have are for connections."""


def most_connections() -> int:
    """How many connections there may be here."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return MOST_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(8, min(MOST_CONNECTIONS, soft // SHARE_OF_DESCRIPTORS))


class ConnectionLimit:
    """Counts the connections of one server; lives on its event loop."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most_connections() if most is None else most
        self._open: dict[Any, bool] = {}
        """Every HTTP connection, oldest first -> whether it is silent."""
        self.closed = 0
        """How many had to go."""

    def opened(self, connection: Any, count: int) -> None:
        """A connection was opened; there are so many now, WebSockets among them."""
        self._open[connection] = True
        asyncio.get_running_loop().call_later(SILENT_SECONDS, self._late, connection)
        silent = [each for each, is_silent in self._open.items() if is_silent]
        if len(silent) > MOST_SILENT:
            self._close(silent[0])
        elif count > self._most:
            waiting = (each for each in self._open if each is not connection and _waits(each))
            self._close(next(waiting, connection))

    def spoke(self, connection: Any) -> None:
        """A request of it is whole."""
        if connection in self._open:
            self._open[connection] = False

    def ended(self, connection: Any) -> None:
        """It is no HTTP connection any more."""
        self._open.pop(connection, None)

    def _late(self, connection: Any) -> None:
        if self._open.get(connection):
            self._close(connection)

    def _close(self, connection: Any) -> None:
        self._open.pop(connection, None)
        if not self.closed:
            log.warning("connections that say nothing are closed: there are too many, or they take too long")
        self.closed += 1
        with contextlib.suppress(Exception):
            connection.transport.abort()


def _waits(connection: Any) -> bool:
    """Whether no answer is on its way."""
    cycle = getattr(connection, "cycle", None)
    return cycle is None or getattr(cycle, "response_complete", False)


class _Impatient:
    """Mixed into a protocol of uvicorn's: who does not take what they are sent is hung up on, so that neither their
    descriptor nor what waits for them stays. `transport` is its connection."""

    transport: Any
    _patience: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        if self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(limits.SLOWEST_SEND, self.transport.abort)

    def resume_writing(self) -> None:
        self._be_patient()
        super().resume_writing()  # type: ignore[misc]

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_patient()
        super().connection_lost(exc)  # type: ignore[misc]

    def _be_patient(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def limit_connections(config: uvicorn.Config, limit: ConnectionLimit) -> None:
    """Make a loaded configuration's connections count, and none of them cost much."""
    plain: Any = config.http_protocol_class
    plain_socket: Any = config.ws_protocol_class

    class LimitedConnection(_Impatient, plain):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            limit.opened(self, len(self.connections))

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if getattr(self, "cycle", None) is not None:
                limit.spoke(self)
            if self.transport.get_protocol() is not self:  # it is a WebSocket from now on
                limit.ended(self)

        def connection_lost(self, exc: Exception | None) -> None:
            limit.ended(self)
            super().connection_lost(exc)

    class LimitedSocket(_Impatient, plain_socket):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            # Answers to pings wait for who sends them and never reads; a message may come in pieces without end.
            unsent = self.transport.get_write_buffer_size()
            if unsent > limits.MOST_UNSENT or len(self.frames) > limits.MOST_FRAGMENTS:
                self.transport.abort()

    config.http_protocol_class = LimitedConnection
    config.ws_protocol_class = LimitedSocket


class SayOnce(logging.Filter):
    """Lets a message of a library through the first time, and every hundredth time again with their number."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key = f"{record.levelno} {record.msg}"[:200]
        if len(self._counts) > 200:
            self._counts.clear()
        count = self._counts[key] = self._counts.get(key, 0) + 1
        if count == 1:
            return True
        record.exc_info = None
        record.msg = f"{record.msg} ({count} times)"
        return count % 100 == 0
