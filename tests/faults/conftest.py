"""A show to be broken: real processes, most of them around an engine of a few lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fake_engine import GREY, fake_dependencies
from ganzfeld.process import supervisor
from ganzfeld.process.supervisor import Supervisor
from waiting import happens


class Stage:
    """One show, its patch's file, and what a person sees of it."""

    def __init__(self, show: Supervisor, patch: Path) -> None:
        self.show, self.patch = show, patch

    def pixel(self, which: int = GREY) -> int:
        frame = self.show.latest()
        return -1 if frame is None else int(frame.image[0, which, 0])

    def shows(self, grey: int, seconds: float = 60) -> None:
        """Wait until the picture is of this grey."""
        happens(lambda: self.pixel() == grey, seconds)
        assert self.pixel() == grey, self.errors()

    def errors(self) -> str:
        return " | ".join(problem.what for problem in self.show.status().errors)

    def says(self, words: str, seconds: float = 60) -> None:
        """Wait until it is told."""
        happens(lambda: words in self.errors(), seconds)
        assert words in self.errors()

    def is_silent(self, words: str = "", seconds: float = 60) -> None:
        """Wait until it is told no more."""
        happens(lambda: words not in self.errors() if words else not self.errors(), seconds)
        assert words not in self.errors() if words else not self.errors()

    def goes_on(self) -> None:
        """Wait for some frames."""
        frame = self.show.latest()
        number = frame.number if frame is not None else -1
        assert self.show.wait(number + 3, 30) is not None, "the picture stands still"


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stage]]:
    """Starts a show of a text; afterwards nothing of it is left."""
    monkeypatch.setattr(supervisor, "SPARE_AFTER", 0.0)
    running: list[Supervisor] = []
    before = {process.pid for process in psutil.Process().children(recursive=True)}

    def start(text: str, **options) -> Stage:
        patch = tmp_path / "a.ganz"
        patch.write_text(text)
        running.append(Supervisor(patch, **{"prepare": fake_dependencies} | options).start())
        return Stage(running[-1], patch)

    yield start
    for show in running:
        show.close()
        assert list(Path("/dev/shm").glob(f"{show.session}*")) == []
    left = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
    assert [process for process in left if "resource_tracker" not in " ".join(process.cmdline())] == []
