"""The open sockets of visitors by link: how many there are, and the end of those whose link was taken back."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from itertools import count

from starlette.websockets import WebSocket

from ganzfeld.studio import limits
from ganzfeld.studio.links import Links
from ganzfeld.studio.visitors import Visitor
from ganzfeld.studio.wire import You

TAKEN_BACK = 4003
"""The WebSocket close code for a visitor whose link does not hold any more: to come again is of no use."""
LOOK_EVERY = 1.0
"""Seconds between looks at the file of the links."""
_CLOSES_WITHIN = 2.0
_REASON_BYTES = 123
"""As much as a WebSocket can say when it closes."""


def close_reason(words: str) -> str:
    """As much of it as can be said."""
    return words.encode("utf-8", "replace")[:_REASON_BYTES].decode("utf-8", "ignore")


class OpenSockets:
    """Lives on the server's event loop."""

    def __init__(self, links: Links | None) -> None:
        self.links = links
        self._linked: dict[WebSocket, Visitor] = {}
        self._numbers = count(1)

    def enter(self, socket: WebSocket, visitor: Visitor) -> bool:
        """A socket was accepted; False if there are too many."""
        if not visitor.is_linked:
            return True
        if len(self._linked) >= limits.MOST_LINKED:
            return False
        self._linked[socket] = visitor
        return True

    def leave(self, socket: WebSocket) -> None:
        self._linked.pop(socket, None)

    def greeting(self, visitor: Visitor) -> You:
        """What a page is told of itself."""
        name = f"guest {next(self._numbers)}" if visitor.is_linked else "here" if visitor.is_here else "there"
        return You(
            role=visitor.role,
            client=secrets.token_hex(8),
            name=name,
            is_here=visitor.is_here,
            is_secure=visitor.is_secure,
        )

    async def follow_links(self) -> None:
        """Close what a link that was taken back has opened, within a second. Runs until it is cancelled."""
        while self.links is not None:
            await asyncio.sleep(LOOK_EVERY)
            await asyncio.to_thread(self.links.look)
            await self.close_taken_back()

    async def close_taken_back(self) -> None:
        """Close the sockets of visitors whose link does not hold."""
        if self.links is None:
            return
        gone = [each for each, visitor in self._linked.items() if self.links.role_of(visitor.token) != visitor.role]
        for each in gone:
            self.leave(each)
        await asyncio.gather(*map(_close, gone))


async def _close(socket: WebSocket) -> None:
    with contextlib.suppress(Exception):  # it may be gone, or take nothing
        async with asyncio.timeout(_CLOSES_WITHIN):
            await socket.close(TAKEN_BACK, "this link was taken back")
