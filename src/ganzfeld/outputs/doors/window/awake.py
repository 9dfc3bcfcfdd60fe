"""Keeps a machine awake while a window shows: no sleep, no screen saver and, where that can be asked for, no
notifications.

Each system has its own way, and none is worth failing for. (GLFW holds the screen saver back too while a window is
full-screen, on X11 and Wayland; what is here adds sleep, and desktops that ask elsewhere.) Where a helper program holds
the machine awake, it ends with us however we end: its input is a pipe of ours.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from typing import Any

_WHY = "pictures are shown"
_LINUX = (
    ("systemd-inhibit", "--what=idle:sleep", "--who=Ganzfeld", f"--why={_WHY}", "cat"),
    ("gnome-session-inhibit", "--inhibit", "idle:suspend", "--app-id", "ganzfeld", "--reason", _WHY, "cat"),
    ("kde-inhibit", "--power", "--screenSaver", "--notifications", "cat"),
)
_MACOS = (("caffeinate", "-dims", "-w", str(os.getpid())),)
# winbase.h: ES_CONTINUOUS | ES_SYSTEM_REQUIRED | ES_DISPLAY_REQUIRED, and ES_CONTINUOUS alone to take it back
_WINDOWS_AWAKE, _WINDOWS_FREE = 0x80000003, 0x80000000


class Awake:
    """Keeps the machine awake until it is closed. note: what could not be had, in words, or ""."""

    def __init__(self) -> None:
        self._helpers: list[subprocess.Popen[bytes]] = []
        self.note = ""
        if sys.platform == "win32":
            self._windows(_WINDOWS_AWAKE)
            return
        for command in _MACOS if sys.platform == "darwin" else _LINUX:
            if shutil.which(command[0]):
                with contextlib.suppress(OSError):
                    self._helpers.append(_held(command))
        if not self._helpers:
            self.note = "the machine may fall asleep: nothing that prevents it is installed"

    def close(self) -> None:
        """Let it sleep again."""
        if sys.platform == "win32":
            self._windows(_WINDOWS_FREE)
        for helper in self._helpers:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                if helper.stdin is not None:
                    helper.stdin.close()
                helper.terminate()
                helper.wait(2)
        self._helpers = []

    def _windows(self, state: int) -> None:
        import ctypes

        library: Any = ctypes
        if not library.windll.kernel32.SetThreadExecutionState(state):
            self.note = "the machine may fall asleep: Windows refused"


def _held(command: tuple[str, ...]) -> subprocess.Popen[bytes]:
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, start_new_session=True)
