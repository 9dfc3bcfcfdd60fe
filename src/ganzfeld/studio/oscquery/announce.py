"""Tells the network that there is a show, by zeroconf (Bonjour), where the package `zeroconf` is installed."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
from typing import Any

log = logging.getLogger(__name__)

TYPE = "_oscjson._tcp.local."


class Announcement:
    """One server at an address of this machine, from `begin` to `end`. host: "0.0.0.0" stands for all of them."""

    def __init__(self, name: str, host: str, port: int) -> None:
        self.name = "Ganzfeld " + (re.sub(r"[^\w -]", " ", name)[:40].strip() or "show")
        self._host, self._port = host, port
        self._zeroconf: Any = None

    def begin(self, osc_port: int) -> None:
        """Announce it, if that can be done."""
        try:
            import zeroconf
        except ImportError:
            return
        wide = self._host in ("", "0.0.0.0", "::")
        try:
            self._zeroconf = zeroconf.Zeroconf() if wide else zeroconf.Zeroconf(interfaces=[self._host])
            service = zeroconf.ServiceInfo(
                TYPE,
                f"{self.name}.{TYPE}",
                port=self._port,
                parsed_addresses=_own_addresses() if wide else [self._host],
                properties={"osc": str(osc_port)},
                server=f"{socket.gethostname().split('.')[0]}.local.",
            )
            self._zeroconf.register_service(service, allow_name_change=True)
        except Exception as error:  # no network, a firewall, another mDNS program that keeps the port
            log.warning("OSCQuery is not announced on the network: %s", error)
            self.end()

    def end(self) -> None:
        """Take it back."""
        if self._zeroconf is not None:
            with contextlib.suppress(Exception):
                self._zeroconf.unregister_all_services()
            with contextlib.suppress(Exception):
                self._zeroconf.close()
            self._zeroconf = None


def _own_addresses() -> list[str]:
    import psutil

    found = [
        address.address
        for each in psutil.net_if_addrs().values()
        for address in each
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]
    return found or ["127.0.0.1"]
