"""Writing a file in one step."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ganzfeld.atomic_write import write_whole


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.ganz", tmp_path / "link.ganz"
    real.write_text("a")
    link.symlink_to(real)
    write_whole(link, b"b")
    assert link.is_symlink() and real.read_text() == "b"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.ganz", "real.ganz"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_what_is_private_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "links.json"
    for _ in range(2):
        write_whole(path, b"x", private=True)
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o644)
