"""One render at a time writes to a target."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganzfeld.errors import OutputError
from ganzfeld.rendering.target_lock import target_lock

HOLDS = """
import sys
from ganzfeld.rendering.target_lock import target_lock
from pathlib import Path
with target_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_target_is_one_renders_alone_until_it_is_done(tmp_path: Path, cache: Path) -> None:
    film = tmp_path / "film.mp4"
    if os.name != "nt":
        (tmp_path / "linked").symlink_to(tmp_path)
    with target_lock(film):
        for same in (
            film,
            tmp_path / "there" / ".." / "film.mp4",
            Path(os.path.relpath(film)),
            tmp_path / ("linked/film.mp4" if os.name != "nt" else "FILM.mp4"),
        ):
            with pytest.raises(OutputError, match="another render") as refused, target_lock(same):
                pass
            assert refused.value.hint and "film.mp4" in str(refused.value)
        with target_lock(tmp_path / "film.mov"):
            pass
    with target_lock(film):
        pass
    if os.name != "nt":  # where what is open is not removed
        assert not list((cache / "renders").iterdir())


def test_names_of_the_same_pictures_are_the_same(tmp_path: Path) -> None:
    with target_lock(tmp_path / "shots"):
        with pytest.raises(OutputError), target_lock(tmp_path / "shots" / "%05d.png"):
            pass
        with target_lock(tmp_path / "shots" / "%04d.png"):
            pass


@pytest.mark.skipif(os.name == "nt", reason="POSIX locks")
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK])
def test_a_disk_without_locks_refuses_no_render(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def nothing(*words: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", nothing)
    with target_lock(tmp_path / "film.mp4"), target_lock(tmp_path / "film.mp4"):
        pass


def test_an_error_gives_it_back(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), target_lock(tmp_path / "film.mp4"):
        raise ZeroDivisionError
    with target_lock(tmp_path / "film.mp4"):
        pass


def test_a_render_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLDS, str(tmp_path / "film.mp4")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout and other.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="another render"), target_lock(tmp_path / "film.mp4"):
            pass
        other.kill()
        other.wait()
        with target_lock(tmp_path / "film.mp4"):
            pass


def test_where_no_lock_can_be_kept_there_is_none(tmp_path: Path, cache: Path) -> None:
    cache.write_text("a file")
    with target_lock(tmp_path / "film.mp4"), target_lock(tmp_path / "film.mp4"):
        pass
