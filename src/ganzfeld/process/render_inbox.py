"""What the supervisor has sent and the render process has not done yet."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

from ganzfeld.process.messages import FileChanged, Numbered, VersionedText

if TYPE_CHECKING:
    from ganzfeld.values.hazards import Hazards


class RenderInbox:
    """Messages in the order in which they came. hazards: what runs now; a save ends what never would by itself, though
    nobody takes messages while it runs."""

    def __init__(self) -> None:
        self.hazards: Hazards | None = None
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.get = self._messages.get
        self.get_nowait = self._messages.get_nowait

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return self._messages.empty()

    def put(self, message: Any) -> None:
        """Any thread: add a message; None: there will be no more."""
        self._messages.put(message)
        if self.hazards is None or not isinstance(message, Numbered):
            return
        match message.message:
            case FileChanged(path):
                self.hazards.mended(path)
            case VersionedText(text=text):
                self.hazards.mended(text=text)
