"""The links by which others come to a show: one secret word (a token) for each role.

They are kept in `links.json` in the person's settings folder, readable by that person alone, so that a link in a
bookmark or on a printed QR code works again tomorrow. Who writes new ones (`ganzfeld links --new`, or the page) takes
the old ones back, also in shows that run: they look at the file once a second.
"""

from __future__ import annotations

import hmac
import json
import logging
import secrets
import threading
from pathlib import Path
from typing import Literal, get_args

from ganzfeld.atomic_write import write_whole
from ganzfeld.folders import config_folder
from ganzfeld.plain_file import read_plain

log = logging.getLogger(__name__)

Role = Literal["play", "watch", "output"]
"""What a visitor may do: "play" all that the page can (but not what needs this machine), "watch" look at it, "output"
see the clean page and nothing else."""
ROLES: tuple[Role, ...] = get_args(Role)

FILE_NAME = "links.json"
_BYTES = 16
_SHORTEST_TOKEN, _LONGEST_TOKEN = 22, 100
_LARGEST_FILE = 4096


class Links:
    """The tokens that hold now. Any thread may call."""

    def __init__(self, file: Path | None = None) -> None:
        """file: instead of the one in the settings folder. It is written if there is none that makes sense."""
        self._file = file or config_folder() / FILE_NAME
        self._lock = threading.Lock()
        self._stamp: object = None
        self._tokens: dict[Role, str] = {}
        self.look()
        if not self._tokens:
            self.renew()

    def token(self, role: Role) -> str:
        """The secret word of a role."""
        return self._tokens[role]

    def role_of(self, token: str) -> Role | None:
        """What this word opens; None: nothing. It takes the same time for every word."""
        given = token[: _LONGEST_TOKEN + 1].encode("utf-8", "surrogateescape")
        found: Role | None = None
        for role, known in self._tokens.items():
            if hmac.compare_digest(given, known.encode()):
                found = role
        return found

    def renew(self) -> None:
        """Take all links back, and make new ones. If they cannot be written down they hold until the show ends."""
        tokens: dict[Role, str] = {role: secrets.token_urlsafe(_BYTES) for role in ROLES}
        with self._lock:
            self._tokens = tokens
            try:
                self._write(tokens)
                self._stamp = self._stamp_now()
            except OSError as error:
                log.warning("the links cannot be kept in %s, so they hold for this show only: %s", self._file, error)

    def look(self) -> bool:
        """Take over what another program wrote. Returns whether the tokens are others now."""
        with self._lock:
            stamp = self._stamp_now()
            if stamp is None or stamp == self._stamp:
                return False
            self._stamp = stamp
            tokens = self._read()
            if tokens is None or tokens == self._tokens:
                return False
            self._tokens = tokens
            return True

    def _stamp_now(self) -> object:
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> dict[Role, str] | None:
        """The tokens in the file; None if it makes no sense."""
        try:
            said = json.loads(read_plain(self._file, _LARGEST_FILE))
            tokens: dict[Role, str] = {role: str(said[role]) for role in ROLES}
        except (OSError, ValueError, TypeError, KeyError):
            return None
        are_long = all(_SHORTEST_TOKEN <= len(token) <= _LONGEST_TOKEN for token in tokens.values())
        return tokens if are_long and len(set(tokens.values())) == len(ROLES) else None

    def _write(self, tokens: dict[Role, str]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._file, json.dumps(tokens, indent=1).encode(), private=True)
