"""Paths where the folder that the process works in has been removed."""

from __future__ import annotations

from pathlib import Path

from ganzfeld.patch.resources import Resources
from ganzfeld.plain_file import real_path, working_folder


def test_a_working_folder_that_was_removed_is_no_end(tmp_path: Path, monkeypatch) -> None:
    def gone() -> Path:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "cwd", gone)
    assert working_folder() == Path()
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert real_path(loop) == loop
    assert Resources().folder == Path()
