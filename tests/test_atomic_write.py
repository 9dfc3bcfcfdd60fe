"""Writing a file in one step."""

from __future__ import annotations

from pathlib import Path

from ganzfeld.atomic_write import write_whole


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.ganz", tmp_path / "link.ganz"
    real.write_text("a")
    link.symlink_to(real)
    write_whole(link, b"b")
    assert link.is_symlink() and real.read_text() == "b"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.ganz", "real.ganz"]
