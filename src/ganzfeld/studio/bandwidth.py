"""Bytes a second that several viewers share, so that their pictures leave room in the network for the show."""

from __future__ import annotations

from typing import Protocol


class Receiver(Protocol):
    @property
    def has_room(self) -> bool:
        """Whether it takes what it is sent; one that does not needs no share."""
        ...


class SharedBandwidth:
    """Lives on the server's event loop. Every viewer has the same share, and what one does not use is not given to
    others, so all of them together never have more than `bytes_a_second`."""

    def __init__(self, bytes_a_second: float) -> None:
        self.bytes_a_second = bytes_a_second
        self._viewers: set[Receiver] = set()

    def join(self, viewer: Receiver) -> None:
        self._viewers.add(viewer)

    def leave(self, viewer: Receiver) -> None:
        self._viewers.discard(viewer)

    def seconds_for(self, size: int) -> float:
        """How long a viewer's share takes for so many bytes."""
        sharing = sum(each.has_room for each in self._viewers)
        return size * max(sharing, 1) / self.bytes_a_second
