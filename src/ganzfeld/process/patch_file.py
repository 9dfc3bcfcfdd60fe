"""The file of a patch that plays: read first, then followed, and written when a hand asks for it."""

from __future__ import annotations

import time
from pathlib import Path

from ganzfeld.atomic_write import write_whole
from ganzfeld.errors import GanzfeldError, PatchError, reason_of
from ganzfeld.patch.text_file import LONGEST_TEXT, read_text_file
from ganzfeld.plain_file import read_plain, real_path
from ganzfeld.process.watch import Change, read_text

OWN_SECONDS = 5.0
"""How long after we have written the file it may be reported as changed by that."""
_MARK = b"\xef\xbb\xbf"
"""Some editors write it before the text."""


class PatchFile:
    """problem: what is wrong with the file as it is now, or None."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.problem: GanzfeldError | None = None
        self._own: tuple[str, float] | None = None
        self._folder = real_path(self.path).parent

    def moved(self) -> bool:
        """Whether its path leads into another folder than when this was asked last, because a link was turned: then the
        names in it are other files."""
        before, self._folder = self._folder, real_path(self.path).parent
        return self._folder != before

    def read(self, known: str | None = None) -> str:
        """Its text, at the start. Where it cannot be read (on a network drive that comes later), the text that is known
        of it; without one, raises PatchError."""
        try:
            return read_text_file(self.path)
        except PatchError as error:
            if known is None:
                raise
            self.problem = PatchError(error.what, hint="What played before plays on, until it can be read")
            return known

    def changed(self, change: Change) -> str | None:
        """Somebody saved. The text; None if it is what we wrote ourselves, or, with a problem, if there is none."""
        self.problem = None
        own, self._own = self._own, None
        if own is not None and change.text == own[0] and time.monotonic() - own[1] < OWN_SECONDS:
            return None
        if change.text is None:
            self.problem = PatchError(change.problem, hint=f"{change.hint}. The patch plays on as it was".lstrip(". "))
        return change.text

    def write(self, before: str, text: str) -> None:
        """Put a text in the place of `before`; the file may be missing. Raises GanzfeldError if it holds something
        else: another program is just changing it."""
        name = self.path.name
        try:
            known = self.path.exists()
            if known and read_text(self.path).text != before:
                raise GanzfeldError(f"{name} holds something else than was read", hint="Save it, then try again")
            mark = _MARK if known and read_plain(self.path, LONGEST_TEXT).startswith(_MARK) else b""
            self._own = text, time.monotonic()
            write_whole(self.path, mark + text.encode())
        except OSError as error:
            raise GanzfeldError(f"{name} cannot be written: {reason_of(error)}") from None
