"""Who sees everything that decides what frames look like: a take that is being recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ganzfeld.patch.models import Patch
from ganzfeld.values.outside import Inbox
from ganzfeld.values.time import Moment

REPEATABLE = frozenset({"set", "release", "load_snapshots", "store", "arrange"})
"""Methods of `Engine` that hands call: told to a witness by name, called again by a replay."""


class Witness(Protocol):
    """Called on the render thread, in the order in which things happen. What is called before `frame` decides that
    frame. Must not wait, and must not write what it is given."""

    def did(self, name: str, *arguments: Any) -> None:
        """A hand called this method of the engine (one of `REPEATABLE`), and it succeeded."""
        ...

    def took(self, patch: Patch, *, anew: bool) -> None:
        """This patch plays from the coming frame on. anew: because a file changed, and not its text."""
        ...

    def frame(self, moment: Moment, inbox: Inbox) -> None:
        """A frame is made of all this."""
        ...

    def showed(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        """The frame was made: (width, height) of every output."""
        ...
