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
    left = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
    assert [process for process in left if "resource_tracker" not in " ".join(process.cmdline())] == []
