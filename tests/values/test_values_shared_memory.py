"""Blocks of shared memory: found by their names, and by relatives when somebody removed the names."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from ganzfeld.values.shared_memory import MemorySegment, unlink

ATTACH = """\
from ganzfeld.values.shared_memory import MemorySegment
block = MemorySegment({name!r})
assert block.buffer[0] == 7
block.buffer[1] = 8
"""


@pytest.fixture
def name():
    return f"gz{uuid.uuid4().hex[:8]}-t"


def test_a_block_by_its_name(name):
    block = MemorySegment(name, 4096)
    block.buffer[0] = 7
    other = MemorySegment(name)
    assert other.buffer[0] == 7
    with pytest.raises(FileExistsError):
        MemorySegment(name, 4096)
    other.close()
    assert unlink(name) and not unlink(name)
    block.close()
    with pytest.raises(FileNotFoundError):
        MemorySegment(name)


@pytest.mark.skipif(sys.platform != "linux", reason="only there others can remove names")
def test_a_block_whose_name_somebody_removed(name):
    block = MemorySegment(name, 4096)
    block.buffer[0] = 7
    Path("/dev/shm", name).unlink()
    other = MemorySegment(name)
    assert other.buffer[0] == 7
    view = other.buffer[:1]
    other.close()
    assert view[0] == 7, "what is held stays readable"
    subprocess.run([sys.executable, "-c", ATTACH.format(name=name)], check=True, timeout=60)
    assert block.buffer[1] == 8
    assert not unlink(name)
    block.close()
