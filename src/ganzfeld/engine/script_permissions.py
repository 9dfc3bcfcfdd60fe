"""Which script files may run: those that the caller trusts, and those that a person has allowed since.

The modules beside a script that it imports go with it, and are not asked about: whoever can put them there can change
the script, too. They are looked for beside what a link to a script points to, as permission is: a link to an allowed
script, laid beside modules of somebody else, runs none of those.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ganzfeld.plain_file import real_path


class ScriptPermissions:
    """Answers whether a script file may run, and remembers which ones wait for a person's answer.

    `may_run` is called on the building thread and on the render thread, the rest on the render thread.
    """

    def __init__(self, trusted: Callable[[Path], bool]) -> None:
        """trusted: asked first, about every file."""
        self._trusted = trusted
        self._asked: set[Path] = set()

    def may_run(self, path: Path) -> bool:
        """Whether this file may run. If not, it is among `pending` from now on."""
        if self._trusted(path):
            self._asked.discard(path)
            return True
        self._asked.add(path)
        return False

    def allow(self, path: Path) -> None:
        """A person allowed this file; links count as what they point to."""
        trusted, allowed = self._trusted, real_path(path)
        self._trusted = lambda asked: real_path(asked) == allowed or trusted(asked)
        self._asked.discard(path)

    @property
    def pending(self) -> list[Path]:
        """Files that wait for a person's permission, sorted."""
        asked = tuple(self._asked)  # the building thread may add to it while it is sorted
        return sorted(asked)
