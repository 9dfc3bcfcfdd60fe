"""The file of a patch that plays: read first, then followed, and written when a hand asks for it."""

from __future__ import annotations

from pathlib import Path

from ganzfeld.atomic_write import write_whole
from ganzfeld.errors import GanzfeldError, PatchError, reason_of
from ganzfeld.plain_file import read_plain
from ganzfeld.process.watch import LONGEST_TEXT, Change, read_text

_MARK = b"\xef\xbb\xbf"
"""Some editors write it before the text."""


class PatchFile:
    """problem: what is wrong with the file as it is now, or None."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.problem: GanzfeldError | None = None

    def read(self) -> str:
        """Its text, at the start. Raises PatchError."""
        change = read_text(self.path)
        if change.text is None:
            hint = "" if self.path.exists() else "Check the path; `ganzfeld play` alone plays a shipped network"
            raise PatchError(change.problem, hint=hint)
        return change.text

    def changed(self, change: Change) -> str | None:
        """Somebody saved. The text to play; None, and a problem, if there is none."""
        self.problem = None
        if change.text is None:
            self.problem = PatchError(change.problem, hint="The patch as it was plays on")
        return change.text

    def write(self, before: str, text: str) -> None:
        """Put a text in the place of `before`. Raises GanzfeldError if the file holds something else: another program
        is just changing it."""
        name = self.path.name
        if read_text(self.path).text != before:
            raise GanzfeldError(f"{name} holds something else than what plays", hint="Save it, then try again")
        try:
            mark = _MARK if read_plain(self.path, LONGEST_TEXT).startswith(_MARK) else b""
            write_whole(self.path, mark + text.encode())
        except OSError as error:
            raise GanzfeldError(f"{name} cannot be written: {reason_of(error)}") from None
