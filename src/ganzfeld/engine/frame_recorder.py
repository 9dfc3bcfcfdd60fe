"""What the engine tells a recorder: everything that frames are made of, so that a take can be played again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from ganzfeld.patch.models import Patch
from ganzfeld.patch.node import Node
from ganzfeld.values.outside import Inbox
from ganzfeld.values.time import Moment

log = logging.getLogger(__name__)

REPEATABLE = frozenset({"set", "release", "load_snapshots", "store", "arrange"})
"""Methods of `Engine` that a person's actions call. A recorder is told their names, and a replay calls them again."""


class FrameRecorder(Protocol):
    """What a recorder has. The engine calls it on the render thread, in the order in which things happen: what it is
    told before `frame` has an effect on that frame. Its methods must return at once, and must not change what they are
    given."""

    def did(self, name: str, *arguments: Any) -> None:
        """This method of the engine (one of `REPEATABLE`) was called, and succeeded."""
        ...

    def took(self, patch: Patch, *, anew: bool) -> None:
        """This patch plays from the coming frame on. anew: because a file changed, and not its text."""
        ...

    def frame(self, moment: Moment, inbox: Inbox, halvings: int = 0) -> None:
        """A frame is made of all this. halvings: see `Engine.halvings`."""
        ...

    def showed(self, sizes: Mapping[str, tuple[int, int]], taken: Mapping[str, Any]) -> None:
        """The frame was made: (width, height) of every output; what nodes took for it that a replay has to give them
        (see `Node.taken`), where that is not what they took for the frame before."""
        ...


class Taken:
    """Remembers what each node took for the last frame (`Node.taken`), to find what is different in this one."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Node, Any]] = {}

    def changes(self, nodes: Mapping[str, Node]) -> dict[str, Any]:
        """What is not as it was, by the nodes' names."""
        changed: dict[str, Any] = {}
        for name, node in nodes.items():
            try:
                what = node.taken()
            except Exception:  # no node may end a show by what it tells
                log.exception("%s cannot tell what it took", name)
                what = None
            known, before = self._known.get(name, (node, None))
            if known is node and (before is what or (not isinstance(what, np.ndarray) and before == what)):
                continue
            self._known[name] = node, what
            changed[name] = what
        return changed
