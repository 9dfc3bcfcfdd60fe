"""A bar at the terminal while frames are rendered, and each error once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ganzfeld.cli._terminal import console, show_error
from ganzfeld.errors import GanzfeldError

MOST_ERRORS_SHOWN = 20


class FrameProgress:
    """Shows how many of `total` frames are done and how fast, on stderr. Without a terminal only errors are shown."""

    def __init__(self, total: int, done: int = 0) -> None:
        """done: how many frames were there already."""
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
        messages = console(stderr=True)
        self._bar = Progress(*columns, console=messages, disable=not messages.is_terminal)
        self._task = self._bar.add_task("", total=total, completed=done, rate="")
        self._shown: set[str] = set()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def advance(self, count: int, problems: Iterable[GanzfeldError]) -> None:
        """`count` more frames are done, and these errors are standing."""
        speed = self._bar.tasks[0].speed
        self._bar.update(self._task, advance=count, rate=f"{speed:.1f} frames a second" if speed else "")
        for problem in problems:
            if str(problem) not in self._shown and len(self._shown) < MOST_ERRORS_SHOWN:
                self._shown.add(str(problem))
                show_error(problem)
