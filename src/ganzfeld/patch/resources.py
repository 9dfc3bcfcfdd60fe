"""Files that patches name: found beside the patch, opened once, shared by every program that uses them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.plain_file import check_plain, version_of, working_folder
from ganzfeld.values.hazards import Hazards, NeverReturned, stamp_of

OPENING_SECONDS = 10.0
OPENING_BYTES_PER_SECOND = 2_000_000
"""How long opening a file may take: as long as understanding a large network, or reading it over a slow line, takes."""

Opened = TypeVar("Opened")


class Resources:
    """A cache of opened files keyed by what they are, their path and their state on disk.

    folder: the patch's own. trusted: whether a script file may run; asks the person if it has not been seen before.
    exact: whether what comes late is waited for (a film's next frame): in a render it is, in a live show never.
    replays: whether nodes are given what they took once (`Node.give`), and so look for it nowhere.
    floats: whether pictures leave as float32 instead of bytes. sources:
    machines that streams may come from. hazards: where is written down what is being opened or run.

    set_aside: files that killed or hung a process, and what they did: they are not touched until they change. asked:
    files that a patch has asked for since `begin`. kept: copies of networks that played before, by the network's path:
    they play on where the file itself cannot be opened. stamps: the version of each file when it was asked for last.
    notes: what a person should know of what was opened since `begin`. await_kernels: waits, if what the device will
    launch is just being compiled elsewhere. does_without: whether a file that cannot be opened is told and left out, so
    that the rest plays: in a process that takes a show over.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        trusted: Callable[[Path], bool] = lambda path: False,
        exact: bool = False,
        replays: bool = False,
        floats: bool = False,
        sources: frozenset[str] = frozenset(),
        hazards: Hazards | None = None,
    ) -> None:
        self.folder = folder or working_folder()
        self.trusted = trusted
        self.exact = exact
        self.replays = replays
        self.floats = floats
        self.sources = sources
        self.hazards = hazards or Hazards()
        self.set_aside: dict[Path, str] = {}
        self.asked: set[Path] = set()
        self.kept: dict[Path, Path] = {}
        self.stamps: dict[Path, int] = {}
        self.notes: list[GanzfeldError] = []
        self.does_without = False
        self._hung: dict[Path, int] = {}
        self.await_kernels: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._opened: dict[tuple, Any] = {}
        self.used: set[Path] = set()

    def begin(self) -> None:
        """A patch is built from here on."""
        self.asked, self.notes = set(), []

    def _placed(self, name: str) -> Path:
        path = Path(name).expanduser()
        return path if path.is_absolute() else self.folder / path

    def resolve(self, name: str) -> Path:
        """The path a patch means: absolute, from the home folder, or relative to the patch's own folder. Raises
        PatchError where opening what lies there could take for ever (a pipe, a device)."""
        if "\0" in name:
            raise PatchError("A file's name holds a character that no name has", hint="Write paths with /")
        path = self._placed(name)
        if "\\" in name and os.sep == "/" and not path.exists():  # written on Windows
            path = self._placed(name.replace("\\", "/"))
        self.asked.add(path)
        self.stamps[path] = stamp_of(path)
        if path not in self.kept and not self.does_without:  # else `open` refuses it, and the rest plays
            self._refuse_pipes(path)
        return path

    @staticmethod
    def _refuse_pipes(path: Path) -> None:
        try:
            check_plain(path)
        except (FileNotFoundError, IsADirectoryError, PermissionError, ValueError):
            pass  # whoever opens it says it better
        except OSError as error:
            if error.filename is not None and error.strerror and error.strerror.startswith("it is "):
                raise PatchError(f"{path.name} cannot be opened: {error.strerror}") from None

    def open(self, kind: str, path: Path, opener: Callable[[Path], Opened]) -> Opened:
        """What `opener` makes of the file, opened again only when the file has changed on disk.

        `kind` tells apart different uses of one file (the same network on two devices). Raises what `opener` raises,
        and PatchError for a file that is set aside.
        """
        self.used.add(path)
        self._check(path)
        try:
            stamp = version_of(path.stat())
        except OSError:
            stamp = None
        key = (kind, path)
        with self._lock:
            known = self._opened.get(key)
            if known is not None and known[0] == stamp:
                return known[1]
        opened = self.once(path, opener)
        with self._lock:
            self._opened[key] = (stamp, opened)
        return opened

    def once(self, path: Path, opener: Callable[[Path], Opened]) -> Opened:
        """What `opener` makes of the file now, for whoever asks and for nobody else. Raises as `open`."""
        self._check(path)
        try:
            length = path.stat().st_size
        except OSError:
            length = 0
        patience = OPENING_SECONDS + length / OPENING_BYTES_PER_SECOND
        try:
            return self.hazards.run("opening", path, patience, lambda: opener(path))
        except NeverReturned:
            self._hung[path] = stamp_of(path)
            raise PatchError(f"{path.name} could not be opened within {patience:.0f} s") from None

    def _check(self, path: Path) -> None:
        self.asked.add(path)
        if self.does_without and path in self._hung and self._hung[path] == stamp_of(path):
            raise PatchError(f"{path.name} could not be opened in time", hint="It is opened again when it changes")
        if path in self.set_aside:
            raise PatchError(f"{path.name} {self.set_aside[path]}", hint="It is opened again when it changes")
        self._refuse_pipes(path)

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
