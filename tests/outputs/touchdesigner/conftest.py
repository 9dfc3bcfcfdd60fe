"""Projects of the imitation of TouchDesigner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from td_project import Stage, stages


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Writes a folder and opens a project: `stage(text, name=…)`."""
    with stages() as make:

        def write(*words: Any, **options: Any) -> Stage:
            return make(tmp_path / "td", *words, **options)

        yield write
