"""A stage for doors, which leaves nothing behind."""

from __future__ import annotations

import psutil
import pytest

from door_stage import Stage, shared_blocks


@pytest.fixture
def stage():
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    stage = Stage()
    yield stage
    stage.close()
    assert shared_blocks(stage.store.session) == []
    left = [process for process in psutil.Process().children(recursive=True) if is_left(process, before)]
    assert left == []


def is_left(process: psutil.Process, before: set[int]) -> bool:
    """Whether the test left it behind. What was there before (a browser of other tests) may start more."""
    try:
        if process.pid in before or any(parent.pid in before for parent in process.parents()):
            return False
        return "resource_tracker" not in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
