"""Keys of streams: read where a person keeps them, and shown nowhere.

A door's options say where a key is, never what it is: `env:NAME`, `keyring:NAME`, or `file:PATH`. So rigs, pages,
statuses, logs and lists of processes can hold all that options say.
"""

from __future__ import annotations

import importlib
import os
import stat
import sys
from pathlib import Path
from typing import Any

from ganzfeld.outputs.doors.base import FinalDoorError

KEY_PLACES = "env:NAME, keyring:NAME or file:PATH"
LONGEST_KEY = 4096
KEYRING_SERVICE = "ganzfeld"


class StreamKey:
    """A key. Only `reveal` gives it; its text and what `repr` says do not."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The key itself, for the far end alone."""
        return self._text

    def hidden(self, text: str) -> str:
        """A text of others (an error, a line of a program) without the key."""
        return text.replace(self._text, "…") if self._text else text

    def __repr__(self) -> str:
        return "StreamKey(…)"

    __str__ = __repr__


def is_key_place(text: str) -> bool:
    """Whether it says where a key is."""
    kind, separator, name = text.partition(":")
    return kind in ("env", "keyring", "file") and bool(separator and name)


def read_key(place: str) -> StreamKey:
    """The key at such a place; one without text for "". Raises FinalDoorError."""
    kind, _, name = place.partition(":")
    match kind:
        case "":
            return StreamKey("")
        case "env":
            text = os.environ.get(name, "")
            missing = f"the environment variable {name} is not set"
        case "keyring":
            text, missing = _from_keyring(name), f"the keyring has no '{name}' of '{KEYRING_SERVICE}'"
        case "file":
            text, missing = _from_file(Path(name).expanduser()), f"{name} is empty"
        case _:
            raise FinalDoorError("that is no place for a key", hint=f"Say where it is: key={KEY_PLACES}")
    key = text.strip()
    if not key:
        hints = {"keyring": f"keyring set {KEYRING_SERVICE} {name}"}
        raise FinalDoorError(f"the stream has no key: {missing}", hint=hints.get(kind, "Put the key there"))
    if not key.isprintable() or " " in key or len(key) > LONGEST_KEY:
        raise FinalDoorError("what stands there is no key: it is one word", hint="Is it the right place?")
    return StreamKey(key)


def _from_keyring(name: str) -> str:
    try:
        ring: Any = importlib.import_module("keyring")
    except ImportError:
        hint = 'pip install "ganzfeld[keyring]", or keep the key in a file: key=file:PATH'
        raise FinalDoorError("the package keyring is missing", hint=hint) from None
    try:
        return ring.get_password(KEYRING_SERVICE, name) or ""
    except Exception as error:  # a keyring of some system, which may be locked
        what = f"the keyring cannot be read: {type(error).__name__}"
        raise FinalDoorError(what, hint="Unlock it, or keep the key in a file: key=file:PATH") from None


def _from_file(path: Path) -> str:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise FinalDoorError(f"{path} is no file", hint="Name the file that holds the key")
        if sys.platform != "win32" and facts.st_mode & 0o077:
            raise FinalDoorError(f"others may read {path}, which holds a key", hint=f'chmod 600 "{path}"')
        with path.open("rb") as file:
            return file.read(LONGEST_KEY + 2).decode("utf-8")
    except OSError as error:
        raise FinalDoorError(f"the key cannot be read from {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FinalDoorError(f"{path} holds no key, but bytes that are no text") from None
