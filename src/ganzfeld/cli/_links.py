"""The links of a running show at the terminal: who may come by which, and a QR code of the one to watch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from ganzfeld.errors import GanzfeldError

if TYPE_CHECKING:
    from ganzfeld.studio.links import Links, Role
    from ganzfeld.studio.server import Certificate, StudioServer

_WHO: dict[Role, str] = {
    "watch": "to look at the page, no more",
    "play": "to play and write the patch: for people you trust",
    "output": "to show the picture alone, on another screen",
}


def links_for(host: str | None, new: bool) -> Links | None:
    """The links that a show with this --host has; None without one."""
    if host is None:
        if new:
            raise GanzfeldError(
                "--new-links is for shows that others reach", hint="ganzfeld play --host 0.0.0.0 --new-links"
            )
        return None
    from ganzfeld.studio.links import Links

    links = Links()
    if new:
        links.renew()
    return links


def certificate_of(certificate: Path | None, key: Path | None) -> Certificate | None:
    """What --certificate and --key say together."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise GanzfeldError("--certificate and --key go together", hint="Name the file of each, in PEM")
    from ganzfeld.studio.server import Certificate

    return Certificate(certificate, key)


class LinksAtTerminal:
    """Prints them, and again when they are others."""

    def __init__(self, server: StudioServer, console: Console) -> None:
        self._server, self._console = server, console
        self._told = ""

    def rows(self) -> Iterator[tuple[Text, Text]]:
        """A line for each link, and what to know of all."""
        self._told = self._server.link("watch")
        for role, who in _WHO.items():
            yield Text(f"{role} link", "dim"), Text(self._server.link(role), "cyan")
            yield Text(""), Text(who, "dim")
        if others := self._server.bases[1:]:
            yield Text("or at", "dim"), Text("  ".join(others), "dim")
        if not self._server.is_encrypted:
            yield Text("note", "dim"), Text("Without --certificate, others in the same network can overhear links.")

    def code(self) -> None:
        """The QR code of the link to watch, where there is a terminal to show it."""
        if not self._console.is_terminal:
            return
        from ganzfeld.studio.qr import lines

        for line in lines(self._server.link("watch")):
            self._console.print(Text(line, "black on white"), no_wrap=True, overflow="ignore", crop=False)
        self._console.print(Text("watch: point a phone at it", "dim"))

    def look(self) -> None:
        """Print them again if they were taken back."""
        if self._server.link("watch") == self._told:
            return
        self._console.print("The links were taken back. The new ones:")
        for label, text in self.rows():
            self._console.print(label, text)
        self.code()
