"""Errors written for the person in front of the screen.

Every error says three things: what happened, where (file, line, column, address), and what to do.
Any room may raise them; nothing else in the program is caught and shown.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Where:
    """The place an error points at. Lines and columns count from 1, as editors do."""

    file: str | None = None
    line: int | None = None
    column: int | None = None
    address: str | None = None

    def __str__(self) -> str:
        place = Path(self.file).name if self.file else ""
        if self.line is not None:
            place += f":{self.line}" if place else f"line {self.line}"
            if self.column is not None:
                place += f":{self.column}" if self.file else f", column {self.column}"
        return " ".join(part for part in (place, self.address) if part)


MOST_LETTERS = 2000
"""Of what is told to a person at once."""
LONGEST_NEAR = 200
"""Letters of the longest word that is proposed for another one."""
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}
"""Control characters, but for tabs and ends of lines -> what is shown for them."""


def shortened(text: str, most: int = MOST_LETTERS) -> str:
    """The text; of a longer one its beginning, and how much was left out."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"


def sayable(text: str) -> str:
    """A text that may come from anywhere, as it can be sent and shown: of limited length, with half letters (lone
    surrogates, which no encoding has) written out, and what would command a terminal, too."""
    return shortened(text).translate(_CONTROLS).encode("utf-8", "backslashreplace").decode()


class GanzfeldError(Exception):
    """What happened, where, and what to do about it.

    `what` is one sentence without a full stop, `hint` the next step (may be empty). Of each `MOST_LETTERS` are kept: a
    script may raise an array in words, and everybody who shows it would be held up.
    """

    def __init__(self, what: str, *, where: Where | None = None, hint: str = "") -> None:
        self.what = sayable(what)
        self.where = where or Where()
        self.hint = sayable(hint)
        super().__init__(self.what)

    def __str__(self) -> str:
        place = str(self.where)
        text = f"{place}: {self.what}" if place else self.what
        return f"{text}. {self.hint}" if self.hint else text

    def __reduce__(self):
        # Errors cross from the render process to the supervisor.
        return _rebuild, (type(self), self.what, self.where, self.hint)


def _rebuild(kind: type[GanzfeldError], what: str, where: Where, hint: str) -> GanzfeldError:
    return kind(what, where=where, hint=hint)


class NetworkFileError(GanzfeldError):
    """A network file that cannot be opened: what was found in it and what to do."""


class NetworkError(GanzfeldError):
    """A network asked for something it does not have (a layer, a weight, a size)."""


class PatchError(GanzfeldError):
    """A patch that cannot be played: syntax, an unknown word, a cycle, a missing file, a wrong type."""


class ExpressionError(PatchError):
    """An expression that cannot be compiled, or that failed on this frame."""


class ScriptError(PatchError):
    """A `script` node's file that failed to load, or raised."""


class OutputError(GanzfeldError):
    """An output (recording, window, …) that cannot be opened or written."""


class SignalError(GanzfeldError):
    """A signal (OSC, MIDI, sound) that cannot be opened or sent."""


class FeederError(GanzfeldError):
    """A file or a source that cannot be decoded: what was found in it, or how the process ended that read it."""


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint with the nearest valid word(s): "Did you mean 'noise'?"; lists a few words if none is near."""
    known = sorted({each for each in words if len(each) <= LONGEST_NEAR})
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.55)
    if close:
        return "Did you mean " + " or ".join(f"'{match}'" for match in close) + "?"
    if not known:
        return ""
    listed = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
    return f"Known here: {listed}"


def reason_of(error: BaseException) -> str:
    """What an exception says of itself, one of the system's without numbers and paths; its kind, if it says nothing.
    (An exception is always true, so that `error or …` never gives what stands behind the `or`.)"""
    return str(getattr(error, "strerror", None) or "").strip() or str(error).strip() or type(error).__name__


def explained(problem: Exception) -> tuple[str, str]:
    """What happened and what to do, from an exception of the system or of a library."""
    match getattr(problem, "errno", None):
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk is full", "Make room, or record to another disk; what was written so far is kept"
        case errno.EFBIG:
            return "the file has become too large for this disk", "Start another file; what was written so far is kept"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "this place may not be written", "Choose a folder of your own"
        case errno.ENOENT:
            return "there is no such folder", "Make it, or choose another"
        case errno.ENOTDIR | errno.EEXIST:
            return "a folder is needed where there is a file", "Choose another folder"
        case errno.EISDIR:
            return "this is a folder", "Give the name of a file in it"
        case errno.ELOOP:
            return str(getattr(problem, "strerror", problem)), "Remove the link, or choose another name"
        case errno.ENAMETOOLONG:
            return "the name is too long", "Choose a shorter one"
    return f"it cannot be written: {problem}", ""
