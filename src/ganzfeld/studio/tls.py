"""TLS in front of a connection: the handshake counts as silence, so that who never ends it is soon hung up on."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any

from ganzfeld.studio.connections import SILENT_SECONDS, ConnectionLimit


class TlsGate(asyncio.Protocol):
    """Shakes hands, and then gives the connection to the protocol that `inner` makes."""

    def __init__(self, inner: Callable[[], asyncio.Protocol], context: ssl.SSLContext, limit: ConnectionLimit) -> None:
        self._inner, self._context, self._limit = inner, context, limit
        self._task: asyncio.Task[None] | None = None
        self.transport: Any = None
        self._early: list[bytes] = []
        """What came with the last words of the handshake, before the inner protocol was there."""
        self._is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._limit.opened(self, 0)
        self._task = asyncio.get_running_loop().create_task(self._shake_hands())

    def data_received(self, data: bytes) -> None:
        self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._limit.ended(self)

    async def _shake_hands(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):  # it came to nothing: ssl.SSLError is an OSError
                encrypted = await loop.start_tls(
                    self.transport,
                    self,
                    self._context,
                    server_side=True,
                    ssl_handshake_timeout=SILENT_SECONDS,
                    ssl_shutdown_timeout=SILENT_SECONDS,
                )
                if encrypted is not None and not self._is_lost:
                    inner = self._inner()
                    encrypted.set_protocol(inner)
                    inner.connection_made(encrypted)
                    for data in self._early:
                        receiver: Any = encrypted.get_protocol()  # a WebSocket's, once it was asked for
                        receiver.data_received(data)
        finally:
            self._limit.ended(self)


def gate(protocol: Callable[..., Any], context: ssl.SSLContext, limit: ConnectionLimit) -> Callable[..., TlsGate]:
    """What uvicorn makes for each connection, in place of its own protocol of HTTP."""
    return lambda **words: TlsGate(lambda: protocol(**words), context, limit)
