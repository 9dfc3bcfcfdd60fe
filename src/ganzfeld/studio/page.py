"""The built page: where it is, and what is served in its place before it is built."""

from __future__ import annotations

import html
import secrets
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ganzfeld.studio.guard import policy

FOLDER = Path(__file__).with_name("page")
WEB = Path(__file__).with_name("web")
NONCE = "GANZFELD-NONCE"
"""Stands in the built index.html (see web/vite.config.ts) where each answer puts a fresh nonce."""


def how_to_build() -> str:
    """The commands that build the page from a checkout."""
    return f"cd {WEB} && npm ci && npm run build"


def is_built() -> bool:
    return all((FOLDER / name).is_file() for name in ("index.html", "output.html"))


def index(request: Request) -> Response:
    """The page itself, under a policy that lets it load its own files and talk to this server, and nothing else."""
    return _served(request, "index.html")


def output(request: Request) -> Response:
    """The clean page, under the same policy."""
    return _served(request, "output.html")


def _served(request: Request, name: str) -> Response:
    if not is_built():
        return HTMLResponse(_NOT_BUILT.format(command=html.escape(how_to_build())), 503)
    nonce = secrets.token_urlsafe(16)
    text = (FOLDER / name).read_text("utf-8").replace(NONCE, nonce)
    headers = {"content-security-policy": policy(request.headers["host"], nonce), "cache-control": "no-store"}
    return HTMLResponse(text, headers=headers)


_NOT_BUILT = """<!doctype html>
<title>Ganzfeld</title>
<h1>The studio's page has not been built</h1>
<p>This is a checkout. Build its page once, then reload:
<pre>{command}</pre>
<p>The newest frame is at <a href="/frame.jpg">/frame.jpg</a>.
"""
