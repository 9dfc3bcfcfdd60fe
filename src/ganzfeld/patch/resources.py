"""Files that patches name: found beside the patch, opened once, shared by every program that uses them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

Opened = TypeVar("Opened")


class Resources:
    """A cache of opened files keyed by what they are, their path and their state on disk.

    folder: the patch's own. trusted: whether a script file may run; asks the person if it has not been seen before.
    exact: whether what comes late is waited for (a film's next frame): in a render it is, in a live show never.
    replays: whether nodes are given what they took once (`Node.give`), and so look for it nowhere.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        trusted: Callable[[Path], bool] = lambda path: False,
        exact: bool = False,
        replays: bool = False,
    ) -> None:
        self.folder = folder or Path.cwd()
        self.trusted = trusted
        self.exact = exact
        self.replays = replays
        self._lock = threading.Lock()
        self._opened: dict[tuple, Any] = {}
        self.used: set[Path] = set()

    def resolve(self, name: str) -> Path:
        """The path a patch means: absolute, from the home folder, or relative to the patch's own folder."""
        path = Path(name).expanduser()
        return path if path.is_absolute() else self.folder / path

    def open(self, kind: str, path: Path, opener: Callable[[Path], Opened]) -> Opened:
        """What `opener` makes of the file, opened again only when the file has changed on disk.

        `kind` tells apart different uses of one file (the same network on two devices). Raises what `opener` raises.
        """
        self.used.add(path)
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError:
            stamp = None
        key = (kind, path)
        with self._lock:
            known = self._opened.get(key)
            if known is not None and known[0] == stamp:
                return known[1]
        opened = opener(path)
        with self._lock:
            self._opened[key] = (stamp, opened)
        return opened

    def opened(self) -> dict[tuple, Any]:
        """What is open now, for `keep`."""
        with self._lock:
            return dict(self._opened)

    def keep(self, opened: dict[tuple, Any]) -> None:
        """Drop what was opened since."""
        with self._lock:
            self._opened = dict(opened)

    def forget_unused(self) -> None:
        """Drop what no program has opened since the last call."""
        with self._lock:
            self._opened = {key: value for key, value in self._opened.items() if key[1] in self.used}
        self.used = set()
