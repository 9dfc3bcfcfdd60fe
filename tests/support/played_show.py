"""A show with its page in a process of its own, so that tests can kill it: python played_show.py PATCH PORT. Its engine
is the tests' own."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from fake_engine import fake_dependencies
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.studio.server import StudioServer


def play(patch: Path, port: int, keep_in: Path) -> subprocess.Popen[str]:
    """Start it; returned when its page answers."""
    command = [sys.executable, __file__, str(patch), str(port), str(keep_in)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent)
    assert process.stdout is not None
    if process.stdout.readline().strip() != "plays":
        process.kill()
        raise AssertionError("the show did not start")
    return process


def main() -> None:
    patch, port, keep_in = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    show = Supervisor(patch, prepare=fake_dependencies, keep_in=keep_in)
    with show, StudioServer(show, port=port, exact_port=True):
        print("plays", flush=True)
        threading.Event().wait(120)


if __name__ == "__main__":
    main()
