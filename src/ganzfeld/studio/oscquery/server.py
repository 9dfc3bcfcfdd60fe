"""The OSCQuery server: a port of its own, because the tree of addresses begins at its root."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ganzfeld.signals.osc import OscInput
from ganzfeld.studio.guard import Guard, addresses
from ganzfeld.studio.http_server import HttpServer, ServerThread, is_wildcard, listening_socket, readable_host
from ganzfeld.studio.oscquery.address_space import EXTENSIONS, AddressSpace, change, of_patch
from ganzfeld.studio.oscquery.announce import Announcement
from ganzfeld.studio.oscquery.app import QueryState, create_app
from ganzfeld.studio.oscquery.show_methods import DOCS, show_methods, show_values
from ganzfeld.studio.reachable import all_own_names
from ganzfeld.values.addresses import Address
from ganzfeld.values.desk import Desk
from ganzfeld.values.status import Status
from ganzfeld.values.time import Moment

log = logging.getLogger(__name__)

VALUES_A_SECOND = 30.0
LOOK_SECONDS = 0.2
"""Between looks for another patch."""


class QueriedShow(Protocol):
    """The show that is asked about; `process.supervisor.Supervisor` is one. Nothing here waits."""

    @property
    def address_table(self) -> tuple[Address, ...]:
        """What of the patch that plays can be reached; another object when another patch plays."""
        ...

    def status(self) -> Status:
        """How it is doing now."""
        ...

    def desk(self) -> Desk:
        """What hands stand at now."""
        ...

    def report(self, choose: tuple[str, ...], rate: float, hear: Callable[[Moment, Mapping[str, Any]], None]) -> object:
        """Call `hear` after frames, at most `rate` times a second, with the values of these addresses."""
        ...


class OscQueryServer(ServerThread):
    """Answers from `start` to `stop`, at `host` and `port` (0: a free one).

    osc_port: the UDP port where the show listens. packets: takes packets that come over a WebSocket. name: of the show,
    for people. announce: by zeroconf, where that is installed. url: where it answers, once started. Raises
    GanzfeldError if the port is taken.
    """

    def __init__(
        self,
        show: QueriedShow,
        *,
        osc_port: int,
        packets: OscInput,
        name: str,
        host: str = "127.0.0.1",
        port: int = 0,
        announce: bool = True,
    ) -> None:
        super().__init__()
        self._show, self._osc_port, self._name = show, osc_port, name
        self._host, self._port, self._announce = host, port, announce
        self.url = ""
        self._state = QueryState(self._host_info, packets)
        self._table: object = None
        self._values: Mapping[str, Any] = {}
        self._moment: Moment | None = None

    def start(self) -> OscQueryServer:
        """Returns when it answers."""
        listening = listening_socket(self._host, self._port, exact=True)
        self._port = listening.getsockname()[1]
        self.url = f"http://{readable_host(self._host)}:{self._port}/"
        self._show.report(("*",), VALUES_A_SECOND, self._hear)
        self._begin(listening, "the server of OSCQuery")
        return self

    def alone_for(self) -> float:
        """Seconds since anybody asked."""
        return self._state.asked.seconds_ago()

    def _hear(self, moment: Moment, values: Mapping[str, Any]) -> None:
        """On the supervisor's thread."""
        self._moment, self._values = moment, values

    def _host_info(self) -> dict[str, Any]:
        info = {"NAME": f"Ganzfeld: {self._name}", "EXTENSIONS": EXTENSIONS, "OSC_PORT": self._osc_port}
        if not is_wildcard(self._host):
            info["OSC_IP"] = self._host
        return {**info, "OSC_TRANSPORT": "UDP"}

    async def _serve(self, listening: socket.socket, ready: threading.Event) -> None:
        names = all_own_names() if is_wildcard(self._host) else [self._host]
        known = addresses(self._port, names)
        self._look()
        self._server = HttpServer(Guard(create_app(self._state), known=known, url=self.url), ready)
        looking = asyncio.create_task(self._keep_looking())
        announced = Announcement(self._name, self._host, self._port)
        announcing = asyncio.create_task(asyncio.to_thread(announced.begin, self._osc_port)) if self._announce else None
        try:
            await self._server.serve(sockets=[listening])
        finally:
            looking.cancel()
            if announcing is not None:
                await announcing
                await asyncio.to_thread(announced.end)

    async def _keep_looking(self) -> None:
        ticks = max(1, round(LOOK_SECONDS * VALUES_A_SECOND))
        for tick in range(1 << 62):
            try:
                if tick % ticks == 0:
                    self._look()
                self._state.values = {**self._state.values, **self._values}
                self._state.told()
            except Exception:
                log.exception("OSCQuery could not look at the show")
            await asyncio.sleep(1 / VALUES_A_SECOND)

    def _look(self) -> None:
        """What changes seldom: the table, and how the show is doing."""
        table, desk, status = self._show.address_table, self._show.desk(), self._show.status()
        own = show_values(desk, status, self._moment)
        sign = (table, tuple(each.name for each in desk.snapshots), status.outputs)
        if self._table is None or any(a is not b and a != b for a, b in zip(sign, self._table)):  # type: ignore[arg-type]
            self._table = sign
            space = AddressSpace([*of_patch(table), *show_methods(desk, status)], DOCS)
            self._state.values = {}
            if (what := change(self._state.space, space)) is not None:
                self._state.changed(space, what)
        self._state.values = {**self._state.values, **own}
