"""Asks the process that looks at files, so that no stranger's file is opened in this one."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
from typing import TypeVar

import msgspec
import psutil

from ganzfeld.errors import GanzfeldError
from ganzfeld.folders import cache_folder
from ganzfeld.studio.asked_child import AskedChild
from ganzfeld.studio.library.questions import Fitting, LookAtFile, SeenFile, TryNetwork

PATIENCE = 90.0
"""Seconds for an answer: a large network is converted, or a cold machine imports torch."""
PICTURE_PATIENCE = 60.0
IDLE = 30.0
LONGEST_ANSWER = 4 << 20
ARGUMENTS = (sys.executable, "-m", "ganzfeld.studio.library.child")
_SURROUNDINGS = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "GANZFELD_COMPILE_AHEAD": "0"}

Answer = TypeVar("Answer")


_LEFT = re.compile(r"looking-(\d{1,9})-\w+")


def remove_left() -> None:
    """Remove what processes left in the cache that were ended over a file: a large network as it was being read."""
    with contextlib.suppress(OSError):
        for path in (cache_folder() / "library").iterdir():
            found = _LEFT.fullmatch(path.name)
            if found and not psutil.pid_exists(int(found[1])):
                shutil.rmtree(path, ignore_errors=True)


class LookingProcess:
    """One process that looks at files. Any thread may ask; one question is answered at a time."""

    def __init__(self) -> None:
        self.child = AskedChild(ARGUMENTS, idle=IDLE, longest=LONGEST_ANSWER, surroundings=_SURROUNDINGS)

    def look(self, question: LookAtFile, patience: float = PATIENCE) -> SeenFile:
        """What is in a file. Raises GanzfeldError where nobody can say, because looking at it took the process along
        or took too long; `SeenFile.what` says what is wrong with the file."""
        return self._asked(question, SeenFile, patience)

    def fitting(self, question: TryNetwork) -> Fitting:
        """Which lines would not fit another network. Raises GanzfeldError as `look` does."""
        return self._asked(question, Fitting, PATIENCE)

    def close(self) -> None:
        """End the process, for good."""
        self.child.close()

    def _asked(self, question: LookAtFile | TryNetwork, kind: type[Answer], patience: float) -> Answer:
        answer = self.child.ask(msgspec.json.encode(question), patience)
        if answer is not None:
            try:
                return msgspec.json.decode(answer, type=kind)
            except msgspec.DecodeError:
                self.child.end()
        remove_left()
        raise GanzfeldError(
            "the file could not be looked at: that took too long, or more memory than there is",
            hint="It may be damaged, or too large for this machine",
        )
