"""What a render process tells of files: which are to be watched, which are set aside, of which there are copies."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any

from ganzfeld.process.messages import FilesSetAside, NetworksKept, WatchFiles

if TYPE_CHECKING:
    from ganzfeld.engine.engine import Engine


class FileReports:
    """Tells what has changed. aside: what the supervisor knows to be set aside."""

    def __init__(self, post: Callable[[Any, Hashable], None], aside: Mapping[str, str]) -> None:
        self._post = post
        self._aside: dict[str, str] = dict(aside)
        self._watched: tuple[str, ...] | None = None
        self._kept: dict[str, str] = {}

    def tell(self, engine: Engine, *, plays: bool) -> None:
        """Between frames. plays: whether there are frames."""
        watched = tuple(sorted(map(str, engine.watched)))
        if watched != self._watched and (plays or watched):
            self._watched = watched
            parts = engine.parts
            stamps = {str(path): stamp for path, stamp in engine.stamps.copy().items() if str(path) in watched}
            stamps |= {str(part.path): part.stamp for part in parts}
            wholes = {str(part.path): str(part.whole) for part in parts}
            self._post(WatchFiles(watched, stamps, wholes), "watched")
        aside = {str(path): why for path, why in engine.set_aside.copy().items()}
        if aside != self._aside:
            self._aside = aside
            stamps = engine.hazards.stopped
            self._post(FilesSetAside({path: (why, stamps.get(path, 0)) for path, why in aside.items()}), "aside")
        kept = {str(path): str(kept) for path, kept in engine.networks.items()} if plays else {}
        if kept and kept != self._kept:
            self._kept = kept
            self._post(NetworksKept(kept), "kept")
