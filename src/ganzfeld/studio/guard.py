"""Who may talk to the studio.

The studio answers only requests that name it by an address it knows (a page elsewhere that rebinds its own name to
127.0.0.1 names another), and takes none that a browser sends on behalf of another page. A WebSocket or request without
an Origin is let in: browsers always send one with a WebSocket, and a program on this machine needs no browser to
do what its user may do. There is no CORS: no other origin reads anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
    """Every `Host` value that means this server: loopback and `names`, with `port` unless a name brings its own."""
    known: set[str] = set()
    for name in (*LOOPBACK, *names):
        name = name.lower()
        if _has_port(name):
            known.add(name)
            continue
        known.add(f"{name}:{port}")
        if port == 80:
            known.add(name)
    return frozenset(known)


class Guard:
    """Wraps an ASGI application: checks Host and Origin, and adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, *, known: frozenset[str], url: str) -> None:
        self.app = app
        self.known = known
        self.url = url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        refusal = self.refusal(asked)
        if refusal:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": refusal})  # before accept: a plain 403
            else:
                await PlainTextResponse(refusal + "\n", 403, HEADERS)(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("content-security-policy", policy(asked["host"]))
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def refusal(self, headers: Headers) -> str:
        """Why a request with these headers is not answered; empty if it is."""
        hosts = [host.lower() for host in headers.getlist("host")]
        if len(hosts) != 1 or hosts[0] not in self.known:
            return f"Ganzfeld does not answer to this address. Open {self.url}"
        origins = headers.getlist("origin")
        if origins and (len(origins) > 1 or not _same_origin(origins[0].lower(), hosts[0])):
            return f"Ganzfeld does not talk to other pages. Open {self.url}"
        return ""


def _same_origin(origin: str, host: str) -> bool:
    return origin in (f"http://{host}", f"https://{host}")


def _has_port(name: str) -> bool:
    return urlsplit(f"//{name}").port is not None
