"""The studio's web server: a thread with its own event loop beside the show."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
import webbrowser
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ganzfeld.errors import GanzfeldError, reason_of
from ganzfeld.studio import page
from ganzfeld.studio.app import create_app
from ganzfeld.studio.broadcast import AtlasBroadcast, DocumentBroadcast, PictureBroadcast, StateBroadcast
from ganzfeld.studio.connections import SayOnce
from ganzfeld.studio.guard import Guard, addresses, has_port
from ganzfeld.studio.http_server import HttpServer, ServerThread, listening_socket, readable_host
from ganzfeld.studio.library.routes import LibraryService
from ganzfeld.studio.links import Links, Role
from ganzfeld.studio.lookups import Lookups
from ganzfeld.studio.reachable import bracketed, is_wildcard, own_addresses, own_names
from ganzfeld.studio.show import StudioShow
from ganzfeld.studio.sockets import OpenSockets
from ganzfeld.studio.thumbnails import Thumbnails
from ganzfeld.studio.viewers import Audience, Stream
from ganzfeld.studio.visitors import IN_ADDRESS

log = logging.getLogger(__name__)

PORT = 8420


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the server proves itself with (TLS): a PEM file of the certificate, with those in between, and its key."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Raises `GanzfeldError` if these files are not such a pair."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # A server must not wait at its terminal for a password.
            context.load_cert_chain(self.certificate, self.key, password=lambda: "")
        except OSError as error:  # ssl.SSLError is one
            said = isinstance(error, ssl.SSLError)
            why = "they are no pair of a certificate and its key in PEM" if said else reason_of(error)
            raise GanzfeldError(
                f"{self.certificate} and {self.key} cannot be used: {why}",
                hint="A key without a password is needed; mkcert makes such a pair: mkcert stage.local 192.168.1.20",
            ) from None
        return context


class StudioServer(ServerThread):
    """Serves `show` to browsers until `stop()`.

    `port` is where it would like to be: if that is taken, the next free one is used, unless `exact_port`. 0 takes any.
    It answers on `host`, a loopback address unless one asks for another, to requests that name a loopback address,
    `host`, or one of `allowed_hosts` (names without a port stand for this port).
    Without `links`, whoever reaches it may do all that the page can; with them, what the link they came by says
    (`visitors.py`). Permission to run scripts is taken from this machine only. `certificate`: speak TLS with it.
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
        links: Links | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        super().__init__()
        self._show = show
        self.links = links
        self._encryption = certificate.context() if certificate is not None else None
        self._host = host
        self._port = port
        self._exact_port = exact_port
        self._allowed_hosts = tuple(allowed_hosts)
        self._open_browser = open_browser
        self._lookups = Lookups(show)
        self._library = LibraryService(show)
        self.url = ""
        """Where the page is, once started: "http://127.0.0.1:8420/"."""

    def start(self) -> StudioServer:
        """Returns when it answers. Raises `GanzfeldError` if no port can be had."""
        listening = listening_socket(self._host, self._port, self._exact_port)
        self._port = listening.getsockname()[1]
        self._scheme = "https" if self._encryption is not None else "http"
        self.url = f"{self._scheme}://{readable_host(self._host)}:{self._port}/"
        if not page.is_built():
            log.warning("the studio's page has not been built; build it with: %s", page.how_to_build())
        for name in ("uvicorn.error", "asyncio"):
            library = logging.getLogger(name)
            if not any(isinstance(known, SayOnce) for known in library.filters):
                library.addFilter(SayOnce())
        self._begin(listening, "the studio's server")
        if self._open_browser:
            # Some browsers are started by a program that does not return.
            opened = self.link("play", self.url)
            threading.Thread(target=webbrowser.open, args=(opened,), name="studio browser", daemon=True).start()
        return self

    @property
    def is_encrypted(self) -> bool:
        """Whether it speaks TLS."""
        return self._encryption is not None

    def link(self, role: Role, base: str = "") -> str:
        """The address that lets somebody in with this role. base: the server's, as they reach it ("": as others in the
        network do). Without links, simply the page's address."""
        base = base or self.bases[0]
        page = f"{base}output" if role == "output" else base
        return page if self.links is None else f"{page}?{IN_ADDRESS}={self.links.token(role)}"

    @property
    def bases(self) -> list[str]:
        """The server's addresses as others in the network reach it, the likeliest first; there is always one."""
        if is_wildcard(self._host):
            hosts = [*self._allowed_hosts, *own_addresses()]
        else:
            hosts = [*self._allowed_hosts, self._host]
        found = [f"{self._scheme}://{bracketed(host)}{'' if has_port(host) else f':{self._port}'}/" for host in hosts]
        return found or [self.url]

    def stop(self) -> None:
        """Closes every connection and returns; may be called twice."""
        # Or an answer that is waited for would hold up the end.
        self._lookups.close()
        self._library.close()
        super().stop()

    async def _serve(self, listening: socket.socket, ready: threading.Event) -> None:
        loop = asyncio.get_running_loop()
        broadcasts: set[PictureBroadcast | StateBroadcast | DocumentBroadcast | AtlasBroadcast] = set()

        def begin(stream: Stream) -> Callable[[], None]:
            broadcast = PictureBroadcast(self._show, audience, loop, stream)
            broadcasts.difference_update([each for each in broadcasts if each.has_ended])
            broadcasts.add(broadcast)
            broadcast.start()
            return broadcast.stop

        audience = Audience(begin)
        thumbnails = Thumbnails(self._show)
        sockets = OpenSockets(self.links)
        names = [*self._allowed_hosts, *(own_names() if is_wildcard(self._host) else [bracketed(self._host)])]
        app = Guard(
            create_app(self._show, audience, sockets, self, self._lookups, thumbnails, self._library),
            known=addresses(self._port, names),
            url=self.url,
            links=self.links,
            port=self._port,
        )

        def end_broadcasts() -> None:
            for broadcast in broadcasts:
                broadcast.stop()

        self._server = HttpServer(app, ready, self._encryption, end_broadcasts)
        for broadcast in (
            StateBroadcast("studio state", self._show, audience, loop, thumbnails),
            DocumentBroadcast("studio document", self._show, audience, loop),
            AtlasBroadcast("studio atlas", self._show, audience, loop),
        ):
            broadcasts.add(broadcast)
            broadcast.start()
        following = asyncio.create_task(sockets.follow_links())
        try:
            await self._server.serve(sockets=[listening])
        finally:
            self._lookups.close()
            self._library.close()
            following.cancel()
            end_broadcasts()
            for broadcast in list(broadcasts):
                await asyncio.to_thread(broadcast.join)
