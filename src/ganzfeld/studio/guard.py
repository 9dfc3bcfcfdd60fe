"""Who may talk to the studio.

The studio answers only requests that name it by an address it knows (a page elsewhere that rebinds its own name to
127.0.0.1 names another), and takes none that a browser sends on behalf of another page. A WebSocket or request without
an Origin is let in: browsers always send one with a WebSocket, and a program on this machine needs no browser to
do what its user may do. What a page elsewhere merely embeds (an image, a script) comes without an Origin, but browsers
say what it is: it is refused, since to answer is work, too. There is no CORS: no other origin reads anything. Where
there are links, a request needs the token of one besides, and its role has to open the address (`visitors.py`); all of
it before a socket is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ganzfeld.studio import limits
from ganzfeld.studio.allowance import Budget
from ganzfeld.studio.links import Links
from ganzfeld.studio.visitors import (
    COOKIE_SECONDS,
    Visitor,
    cookie_name,
    has_token_in_address,
    is_at_this_machine,
    visitor,
    without_token,
)

_ELSEWHERE = ("cross-site", "same-site")
"""What a browser says of a request that another site's page, or another port's, makes. To follow a link is another
thing."""
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

HEADERS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def policy(host: str, nonce: str = "") -> str:
    """The content security policy: our own files and our own socket, nothing else, and in nobody's frame.

    `host` is the checked Host header: 'self' alone does not cover ws:// in every browser. `nonce` admits the style
    sheets that CodeMirror makes. Scripts need the policy as much as the page does: a worker lives under its own.
    """
    styles = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    return (
        f"default-src 'none'; script-src 'self'; worker-src 'self'; style-src {styles}; font-src 'self'; "
        f"img-src 'self' data: blob:; connect-src 'self' ws://{host} wss://{host}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def addresses(port: int, names: Iterable[str] = ()) -> frozenset[str]:
    """Every `Host` value that means this server: loopback and `names`, with `port` unless a name brings its own.
    Browsers leave out 80, and 443 where there is TLS."""
    known: set[str] = set()
    for name in (*LOOPBACK, *names):
        name = name.lower()
        if has_port(name):
            known.add(name)
            continue
        known.add(f"{name}:{port}")
        if port in (80, 443):
            known.add(name)
    return frozenset(known)


class Guard:
    """Wraps an ASGI application: checks Host, Origin and, where there are links, the visitor's token, and adds the
    security headers to every answer. `visitors.visitor_of` tells the application whom it let in."""

    def __init__(
        self, app: ASGIApp, *, known: frozenset[str], url: str, links: Links | None = None, port: int = 0
    ) -> None:
        """known: values of Host that mean this server. port: the one it listens at."""
        self.app = app
        self.known = known
        self.url = url
        self.links = links
        self.cookie = cookie_name(port)
        self._budget = Budget(limits.ANSWERED_BYTES_A_SECOND, limits.ANSWERED_BYTES_AT_ONCE)
        """Of what visitors by link are answered, all of them together."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        refusal = self.refusal(scope, asked)
        if refusal:
            await _refuse(scope, receive, send, 403, refusal)
            return
        found = visitor(scope, asked, self.links, self.cookie)
        if found is None:
            # A monitor on this machine needs no link to see whether the show is well.
            if scope["path"] == "/health" and is_at_this_machine(scope, asked):
                found = Visitor("output", is_here=True, is_secure=True)
            else:
                await _refuse(scope, receive, send, 401, _NO_LINK)
                return
        elif not found.may_open(scope["path"]):
            await _refuse(scope, receive, send, 403, _OTHER_ROLE[found.role])
            return
        scope["ganzfeld.visitor"], scope["ganzfeld.cookie"] = found, self.cookie
        if self.links is not None and scope["type"] == "http" and has_token_in_address(scope):
            await self._take_token(scope, found, receive, send)
            return

        is_counted = found.is_linked and scope["type"] == "http"
        if is_counted:
            if self._budget.is_spent:
                await _refuse(scope, receive, send, 429, "Too much is asked for at once: try again in a moment.")
                return
            self._budget.spend(limits.REQUEST_COSTS)
            if scope["path"].startswith("/frame."):
                self._budget.spend(limits.STILL_COSTS)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.body" and is_counted:
                self._budget.spend(len(message.get("body", b"")))
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("content-security-policy", policy(asked["host"]))
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def refusal(self, scope: Scope, headers: Headers) -> str:
        """Why a request with these headers is not answered, whoever sent it; empty if it is."""
        hosts = [host.lower() for host in headers.getlist("host")]
        if len(hosts) != 1 or not (hosts[0] in self.known or self._is_own_address(scope, hosts[0])):
            return f"Ganzfeld does not answer to this address. Open {self.url}"
        origins = headers.getlist("origin")
        is_encrypted = scope.get("scheme") in ("https", "wss")
        if origins and (len(origins) > 1 or not _same_origin(origins[0].lower(), hosts[0], is_encrypted)):
            return f"Ganzfeld does not talk to other pages. Open {self.url}"
        if headers.get("sec-fetch-site") in _ELSEWHERE and headers.get("sec-fetch-mode") != "navigate":
            return f"Ganzfeld is not shown in other pages. Open {self.url}"
        return ""

    def _is_own_address(self, scope: Scope, host: str) -> bool:
        """Whether a Host is the very IP address at which this connection came in: no page elsewhere can have that as
        its name. Only with links: without, the addresses are known beforehand."""
        server = scope.get("server")
        if self.links is None or not server or server[1] is None:
            return False
        address = f"[{server[0]}]" if ":" in server[0] else server[0]
        return host == f"{address}:{server[1]}" or (host == address and server[1] in (80, 443))

    async def _take_token(self, scope: Scope, found: Visitor, receive: Receive, send: Send) -> None:
        """Put the token into a cookie, and out of the address bar."""
        answer = RedirectResponse(without_token(scope), 303, {**HEADERS, "cache-control": "no-store"})
        set_cookie(answer, scope, found.token)
        await answer(scope, receive, send)


def set_cookie(answer: Response, scope: Scope, token: str) -> None:
    """Let whoever gets this answer in with this token from now on. No script of the page can read it. "Lax", because a
    link in a mail or behind a QR code is followed from elsewhere; no other request that another site sends carries it.
    """
    answer.set_cookie(
        scope["ganzfeld.cookie"],
        token,
        COOKIE_SECONDS,
        path="/",
        secure=scope.get("scheme") == "https",
        httponly=True,
        samesite="lax",
    )


_NO_LINK = (
    "This needs a link of the show: ask who plays it. A link that was taken back, or mistyped, opens nothing any more."
)
_OTHER_ROLE = {
    "play": "",
    "watch": "Your link lets you watch: open / instead. Ask for a link to play if you need one.",
    "output": "Your link shows the output: open /output instead.",
}


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, why: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": why})  # before accept: a plain 403
    else:
        await PlainTextResponse(why + "\n", status, {**HEADERS, "cache-control": "no-store"})(scope, receive, send)


def _same_origin(origin: str, host: str, is_encrypted: bool) -> bool:
    """A page that came over TLS may belong to a server without it, behind a proxy; never the other way round."""
    return origin == f"https://{host}" or (origin == f"http://{host}" and not is_encrypted)


def has_port(name: str) -> bool:
    """Whether a name of a host brings its port."""
    return urlsplit(f"//{name}").port is not None
