"""Tells what of a patch can be reached from outside, beside the frames: a large patch has thousands of addresses, and
what is said of them takes longer to put together than a frame may."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from ganzfeld.patch.addresses import addresses
from ganzfeld.patch.graph import Graph
from ganzfeld.process.messages import PatchTable

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 100
"""So few that encoding them, which holds Python's lock, takes a fraction of a millisecond."""


class TableTeller:
    """Puts tables together on a thread of their own, one at a time, and posts them in pieces."""

    def __init__(self, post: Callable[[PatchTable], None]) -> None:
        self._post = post
        self._newest: Graph | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def tell(self, graph: Graph) -> None:
        """Tell this patch's table soon. Does not wait."""
        with self._lock:
            self._newest = graph
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ganzfeld-table", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        told: Graph | None = None
        while True:
            with self._lock:
                graph = self._newest
                if graph is None or graph is told:
                    self._thread = self._newest = None
                    return
            try:
                self._tell(graph)
            except Exception:
                log.exception("the table of addresses could not be told")
            told = graph

    def _tell(self, graph: Graph) -> None:
        rows = addresses(graph)
        for first in range(0, max(len(rows), 1), ROWS_AT_ONCE):
            if self._newest is not graph:
                return
            last = first + ROWS_AT_ONCE
            self._post(PatchTable(graph.number, tuple(rows[first:last]), first, last >= len(rows)))
