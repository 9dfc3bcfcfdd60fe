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


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /dev/shm")
def test_a_block_whose_maker_was_killed_before_it_had_memory(name):
    Path("/dev/shm", name).touch()
    with pytest.raises(FileNotFoundError):
        MemorySegment(name)
    unlink(name)
    block = MemorySegment(name, 4096)
    assert unlink(name)
    block.close()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_block_beyond_a_limit_is_refused_and_leaves_nothing(name):
    code = """\
import resource
from ganzfeld.values.shared_memory import MemorySegment, remove_made
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
small = MemorySegment({name!r}, 4096)
for _ in range(3):
    try:
        MemorySegment({name!r} + "x", 1 << 20)
    except OSError as error:
        print(error.strerror)
small.close()
remove_made()
"""
    done = subprocess.run([sys.executable, "-c", code.format(name=name)], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["File too large"] * 3
    assert done.stderr == "", "the resource tracker has nothing to say"
    with pytest.raises(FileNotFoundError):
        MemorySegment(name)
