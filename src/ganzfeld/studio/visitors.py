"""Who asks: what a visitor may do, whether they sit at this machine, and whether the way to them can be overheard.

Without links (`--host` was not given) the server listens on a loopback address, and whoever reaches it may do all that
the page can. With links every request needs the token of one, from this machine too: in a cookie, which the first
visit of a link sets, or as a program says it, `Authorization: Bearer TOKEN`.
"""

from __future__ import annotations

import contextlib
import ipaddress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers
from starlette.types import Scope

from ganzfeld.studio.links import Links, Role

IN_ADDRESS = "token"
"""The token's name in a link: /?token=…"""
COOKIE_SECONDS = 30 * 24 * 3600
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "cf-connecting-ip")
"""What proxies and tunnels add: who comes through one on this machine does not sit at it."""

_OUTPUT = frozenset({"/output", "/output/live"})
_WATCH = _OUTPUT | {
    "/",
    "/live",
    "/frame.jpg",
    "/frame.png",
    "/patch.ganz",
    "/api/examples",
    "/api/meters",
    "/api/patch",
    "/api/status",
    "/api/words",
}
_ASSETS = "/assets/"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sent a request. role: what they may do. is_here: they sit at the machine that plays. is_secure: nobody
    between can overhear it. token: the one they came with, "" where there are no links."""

    role: Role
    is_here: bool
    is_secure: bool
    token: str = ""

    @property
    def is_linked(self) -> bool:
        """Whether they are limited as those are who come by link (`limits.py`); who plays at this machine is not."""
        return bool(self.token) and not (self.is_here and self.role == "play")

    def may_open(self, path: str) -> bool:
        """Whether their role opens this address. Those that nobody listed are for who may play."""
        if self.role == "play":
            return True
        return path.startswith(_ASSETS) or path in (_WATCH if self.role == "watch" else _OUTPUT)


def visitor_of(scope: Scope) -> Visitor:
    """Who the guard found behind a request."""
    return scope["ganzfeld.visitor"]


def is_at_this_machine(scope: Scope, headers: Headers) -> bool:
    """Whether a request comes from this very machine, and not through a proxy that runs on it."""
    client, server = scope.get("client"), scope.get("server")
    if client is None or any(name in headers for name in _FORWARDED):
        return False
    return is_this_machine(client[0]) or (server is not None and _same_address(client[0], server[0]))


def is_this_machine(host: str) -> bool:
    """Whether a client's IP address is a loopback one, in either family."""
    address = _address(host)
    return address is not None and address.is_loopback


def tokens_said(scope: Scope, headers: Headers, cookie: str) -> list[str]:
    """The tokens that a request says, in its address first; more than one is suspicious, but no harm."""
    said = [value for name, value in _query(scope) if name == IN_ADDRESS]
    for header in headers.getlist("authorization"):
        scheme, _, value = header.partition(" ")
        if scheme.lower() == "bearer":
            said.append(value.strip())
    for header in headers.getlist("cookie"):
        for pair in header.split(";"):
            name, _, value = pair.strip().partition("=")
            if name == cookie:
                said.append(value.strip('"'))
    return said


def visitor(scope: Scope, headers: Headers, links: Links | None, cookie: str) -> Visitor | None:
    """Who sent this request; None: somebody without a link that holds."""
    is_here = is_at_this_machine(scope, headers)
    is_secure = is_here or scope.get("scheme") in ("https", "wss") or headers.get("origin", "").startswith("https://")
    if links is None:
        return Visitor("play", is_here, is_secure)
    said = tokens_said(scope, headers, cookie)
    role = links.role_of(said[0]) if said else None
    return Visitor(role, is_here, is_secure, said[0]) if role is not None else None


def cookie_name(port: int) -> str:
    """Cookies know no ports, so two shows on one machine need two names."""
    return f"ganzfeld-{port}"


def has_token_in_address(scope: Scope) -> bool:
    return any(name == IN_ADDRESS for name, _ in _query(scope))


def without_token(scope: Scope) -> str:
    """The address that was asked for, less its token: always one of this server, whatever the path looks like."""
    kept = [(name, value) for name, value in _query(scope) if name != IN_ADDRESS]
    return "/" + quote(scope["path"].lstrip("/\\")) + (f"?{urlencode(kept)}" if kept else "")


def _query(scope: Scope) -> list[tuple[str, str]]:
    with contextlib.suppress(ValueError):
        return parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True, max_num_fields=50)
    return []


def _same_address(one: str, other: str) -> bool:
    first = _address(one)
    return first is not None and first == _address(other)


def _address(host: str) -> Any:
    """An IP address, one of IPv4 that comes in IPv6's dress taken out of it; None for what is none."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
