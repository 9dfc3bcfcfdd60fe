"""The studio's web server: a thread with its own event loop beside the show."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterable

import uvicorn
from starlette.types import ASGIApp

from ganzfeld.errors import GanzfeldError, reason_of
from ganzfeld.studio import page
from ganzfeld.studio.app import create_app
from ganzfeld.studio.broadcast import PictureBroadcast, StateBroadcast
from ganzfeld.studio.connections import ConnectionLimit, SayOnce, limit_connections
from ganzfeld.studio.guard import Guard, addresses
from ganzfeld.studio.show import StudioShow
from ganzfeld.studio.thumbnails import Thumbnails
from ganzfeld.studio.viewers import Audience, Stream

log = logging.getLogger(__name__)

PORT = 8420
PORTS_TRIED = 20
LARGEST_MESSAGE_FROM_PAGE = 64 * 1024
STOPS_WITHIN = 5.0


class StudioServer:
    """Serves `show` to browsers until `stop()`.

    `port` is where it would like to be: if that is taken, the next free one is used, unless `exact_port`. 0 takes any.
    It answers on `host`, a loopback address unless one asks for another, to requests that name a loopback address,
    `host`, or one of `allowed_hosts` (names without a port stand for this port).
    Whoever reaches it may watch, turn, recall, learn, pause and restart; permission to run scripts is taken from this
    machine only.
    """

    def __init__(
        self,
        show: StudioShow,
        *,
        host: str = "127.0.0.1",
        port: int = PORT,
        exact_port: bool = False,
        allowed_hosts: Iterable[str] = (),
        open_browser: bool = False,
    ) -> None:
        self._show = show
        self._host = host
        self._port = port
        self._exact_port = exact_port
        self._allowed_hosts = tuple(allowed_hosts)
        self._open_browser = open_browser
        self._server: _Uvicorn | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self.url = ""
        """Where the page is, once started: "http://127.0.0.1:8420/"."""

    def start(self) -> StudioServer:
        """Returns when it answers. Raises `GanzfeldError` if no port can be had."""
        if self._thread is not None:
            raise RuntimeError("the studio's server was started already")
        listening = _listen(self._host, self._port, self._exact_port)
        self._port = listening.getsockname()[1]
        self.url = f"http://{_readable(self._host)}:{self._port}/"
        if not page.is_built():
            log.warning("the studio's page has not been built; build it with: %s", page.how_to_build())
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listening, ready), name="studio server", daemon=True)
        self._thread.start()
        ready.wait()
        if self._failure is not None:
            raise GanzfeldError("the studio's server did not start", hint=str(self._failure)) from self._failure
        if self._open_browser:
            # Some browsers are started by a program that does not return.
            threading.Thread(target=webbrowser.open, args=(self.url,), name="studio browser", daemon=True).start()
        return self

    def stop(self) -> None:
        """Closes every connection and returns; may be called twice."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOPS_WITHIN)

    def __enter__(self) -> StudioServer:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _run(self, listening: socket.socket, ready: threading.Event) -> None:
        for name in ("uvicorn.error", "asyncio"):
            library = logging.getLogger(name)
            if not any(isinstance(known, SayOnce) for known in library.filters):
                library.addFilter(SayOnce())
        try:
            with listening:
                asyncio.run(self._serve(listening, ready))
        except BaseException as error:
            self._failure = error
            log.exception("the studio's server stopped")
        finally:
            ready.set()

    async def _serve(self, listening: socket.socket, ready: threading.Event) -> None:
        loop = asyncio.get_running_loop()
        broadcasts: set[PictureBroadcast | StateBroadcast] = set()

        def begin(stream: Stream) -> Callable[[], None]:
            broadcast = PictureBroadcast(self._show, audience, loop, stream)
            broadcasts.difference_update([each for each in broadcasts if each.has_ended])
            broadcasts.add(broadcast)
            broadcast.start()
            return broadcast.stop

        audience = Audience(begin)
        thumbnails = Thumbnails(self._show)
        names = [*self._allowed_hosts, *([] if _is_wildcard(self._host) else [_bracketed(self._host)])]
        app = Guard(
            create_app(self._show, audience, thumbnails),
            known=addresses(self._port, names),
            url=self.url,
        )
        self._server = _Uvicorn(app, ready)
        state = StateBroadcast("studio state", self._show, audience, loop, thumbnails)
        broadcasts.add(state)
        state.start()
        try:
            await self._server.serve(sockets=[listening])
        finally:
            for broadcast in broadcasts:
                broadcast.stop()
            for broadcast in list(broadcasts):
                await asyncio.to_thread(broadcast.join)


class _Uvicorn(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, app: ASGIApp, ready: threading.Event) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="websockets-sansio",
            ws_per_message_deflate=False,  # JPEG does not shrink; deflating it doubles the cost of a frame
            ws_max_size=LARGEST_MESSAGE_FROM_PAGE,
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
        limit_connections(config, ConnectionLimit())
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()


def _listen(host: str, port: int, exact: bool) -> socket.socket:
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


def _is_wildcard(host: str) -> bool:
    return host in ("", "0.0.0.0", "::")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _readable(host: str) -> str:
    """The host as a browser on this machine reaches it."""
    return "127.0.0.1" if _is_wildcard(host) else _bracketed(host)
