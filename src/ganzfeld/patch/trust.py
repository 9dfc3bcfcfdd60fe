"""Which script files may run: those a person has allowed, once, on this machine.

The answers are kept as a JSON list of absolute paths, `trusted-scripts.json` in the person's settings folder.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from ganzfeld.atomic_write import write_whole
from ganzfeld.folders import config_folder
from ganzfeld.plain_file import real_path, version_of

log = logging.getLogger(__name__)

FILE_NAME = "trusted-scripts.json"


class TrustStore:
    """The allowed script files. Other processes see what is added; links count as what they point to."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or config_folder() / FILE_NAME
        self._stamp: object = None
        self._paths: frozenset[str] = frozenset()

    def trusts(self, path: Path) -> bool:
        """Whether a person has allowed this file."""
        return _key(path) in self._read()

    def trust(self, path: Path) -> None:
        """Allow this file from now on. If that cannot be written down, it is asked for again next time."""
        paths = sorted(self._read() | {_key(path)})
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._file, json.dumps(paths, indent=1).encode(), private=True)
        except OSError as error:
            log.warning("cannot write down that %s may run: %s", path, error)

    def _read(self) -> frozenset[str]:
        """The allowed paths, read again when the file has changed. A file that makes no sense allows nothing."""
        try:
            stamp = version_of(self._file.stat())
            if stamp != self._stamp:
                paths = json.loads(self._file.read_text(encoding="utf-8"))
                if not isinstance(paths, list):
                    raise ValueError("not a list")
                self._paths, self._stamp = frozenset(path for path in paths if isinstance(path, str)), stamp
        except FileNotFoundError:
            self._paths, self._stamp = frozenset(), None
        except (OSError, ValueError, RecursionError) as error:
            log.warning("%s cannot be read, so no script is trusted: %s", self._file, error)
            self._paths, self._stamp = frozenset(), None
        return self._paths


def _key(path: Path) -> str:
    return str(real_path(path.expanduser()))
