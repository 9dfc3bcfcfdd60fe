"""A web server on an event loop of its own, and the socket it listens at."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from ganzfeld.errors import GanzfeldError, reason_of
from ganzfeld.studio import limits
from ganzfeld.studio.connections import ConnectionLimit, limit_connections
from ganzfeld.studio.reachable import bracketed, is_wildcard
from ganzfeld.studio.tls import gate

log = logging.getLogger(__name__)

PORTS_TRIED = 20
TICK = 0.1
"""Seconds after which the server looks after itself."""
STOPS_WITHIN = 5.0


class HttpServer(uvicorn.Server):
    """Says when it listens, and ends as soon as it is asked to. encryption: for https alone; None: http. ending: called
    on the event loop when it is to end, before connections are closed. Made on the event loop that it serves on."""

    def __init__(
        self,
        app: ASGIApp,
        ready: threading.Event,
        encryption: ssl.SSLContext | None = None,
        ending: Callable[[], object] = lambda: None,
    ) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="websockets-sansio",
            ws_per_message_deflate=False,  # JPEG does not shrink; deflating it doubles the cost of a frame
            ws_max_size=limits.LARGEST_MESSAGE,
            ws_ping_interval=10,
            ws_ping_timeout=20,
            timeout_graceful_shutdown=1,
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            log_level="warning",
        )
        config.load()
        limit = ConnectionLimit()
        limit_connections(config, limit)
        if encryption is not None:
            config.http_protocol_class = gate(config.http_protocol_class, encryption, limit)  # type: ignore[assignment]
        super().__init__(config)
        self._ready, self._ending = ready, ending
        self._loop, self._asked = asyncio.get_running_loop(), asyncio.Event()

    def end(self) -> None:
        """Close every connection and end; from any thread."""
        self.should_exit = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended
            self._loop.call_soon_threadsafe(self._asked.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    async def main_loop(self) -> None:
        """As uvicorn's, but that it does not sleep through the end of a tick when it is to end."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks = (ticks + 1) % 864_000
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()
        await super().shutdown(sockets)


class ServerThread(ABC):
    """A web server on a thread of its own, from `start` to `stop`. A class that derives from it says how to start, and
    what is served."""

    def __init__(self) -> None:
        self._server: HttpServer | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @abstractmethod
    def start(self) -> Self:
        """Returns when it answers; ends with `_begin`."""

    @abstractmethod
    async def _serve(self, listening: socket.socket, ready: threading.Event) -> None:
        """On its thread: make `_server` and serve, until that should exit. ready: set when it listens."""

    def stop(self) -> None:
        """Close every connection and return; may be called twice."""
        if self._server is not None:
            self._server.end()
        if self._thread is not None:
            self._thread.join(STOPS_WITHIN)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _begin(self, listening: socket.socket, name: str) -> None:
        """Start the thread `name`, and wait until it listens. Raises GanzfeldError if that fails."""
        if self._thread is not None:
            raise RuntimeError(f"{name} was started already")
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listening, ready, name), name=name, daemon=True)
        self._thread.start()
        ready.wait()
        if self._failure is not None:
            raise GanzfeldError(f"{name} did not start", hint=str(self._failure)) from self._failure

    def _run(self, listening: socket.socket, ready: threading.Event, name: str) -> None:
        try:
            with listening:
                asyncio.run(self._serve(listening, ready))
        except BaseException as error:
            self._failure = error
            log.exception("%s stopped", name)
        finally:
            ready.set()


def listening_socket(host: str, port: int, exact: bool) -> socket.socket:
    """A listening socket on `port`, or on the next free one after it."""
    tried = [port] if exact or port == 0 else [*range(port, min(port + PORTS_TRIED, 65536)), 0]
    for candidate in tried:
        try:
            return _bind(host, candidate)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and candidate != tried[-1]:
                continue
            raise _no_port(host, candidate, error) from error
    raise AssertionError("a port was tried")


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            # Lets a restart have its port back at once. On Windows the same flag would share the port with others.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except BaseException:
        listening.close()
        raise
    return listening


def _no_port(host: str, port: int, error: OSError) -> GanzfeldError:
    if error.errno == errno.EADDRINUSE:
        return GanzfeldError(
            f"port {port} on {host} is taken by another program", hint="Close it, or choose another with --port."
        )
    return GanzfeldError(f"cannot listen on {host}, port {port}: {reason_of(error)}")


def readable_host(host: str) -> str:
    """The host as a browser on this machine reaches it."""
    if is_wildcard(host):
        return "[::1]" if host == "::" else "127.0.0.1"
    return bracketed(host)
