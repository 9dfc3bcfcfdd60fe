"""Writing a file in one step, and where: one rule for links, whatever is written."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ganzfeld import atomic_write
from ganzfeld.atomic_write import is_taken, place_to_write, put_in_place, write_whole
from ganzfeld.engine.snapshots.bank import Bank
from ganzfeld.engine.snapshots.file import SnapshotKeeper, read_bank
from ganzfeld.errors import GanzfeldError, OutputError
from ganzfeld.outputs.base import open_output
from ganzfeld.outputs.doors.kinds.film import free_target
from ganzfeld.process.kept_show import KeptShow, ShowKeeper
from ganzfeld.process.take_watch import free_take
from ganzfeld.takes.file import TakeWriter

needs_links = pytest.mark.skipif(not hasattr(os, "symlink") or sys.platform == "win32", reason="links")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_what_is_private_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "links.json"
    for _ in range(2):
        write_whole(path, b"x", private=True)
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o644)


def film(path: Path) -> None:
    output = open_output(path, (16, 16), 30, overwrite=True)
    for number in range(3):
        output.write(np.full((16, 16, 4), 255, np.uint8), number / 30, number)
    output.close()


def snapshots(path: Path) -> None:
    keeper = SnapshotKeeper(path)
    keeper.read()
    keeper.stored(Bank())
    if (problem := keeper.write(1e9)) is not None:
        raise problem


def take(path: Path) -> None:
    TakeWriter(path).close()


def kept(path: Path) -> None:
    ShowKeeper(path).look(KeptShow(text="out(noise())"), 1.0)
    if not path.is_file():
        raise OSError("it was told in the log")


WRITERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "whole": ("a.json", lambda path: write_whole(path, b"{}")),
    "film": ("a.mp4", film),
    "pictures": ("a.png", film),
    "array": ("a.npy", film),
    "snapshots": ("a.snapshots.json", snapshots),
    "take": ("a.ganztake", take),
    "kept show": ("a.kept", kept),
}


@needs_links
@pytest.mark.parametrize("what", WRITERS)
def test_nothing_is_written_through_a_link_that_leads_nowhere(tmp_path: Path, what: str) -> None:
    name, write = WRITERS[what]
    (tmp_path / "show").mkdir()
    (tmp_path / "elsewhere").mkdir()
    path, stolen = tmp_path / "show" / name, tmp_path / "elsewhere" / name
    # Outputs make pictures in a folder, a linked one too.
    folders = [] if write is film else [tmp_path / "elsewhere"]
    for leads_to in (stolen, Path(os.pardir, "elsewhere", name), path, *folders):
        path.symlink_to(leads_to)
        with pytest.raises((GanzfeldError, OSError)):
            write(path)
        assert path.is_symlink()
        assert list((tmp_path / "elsewhere").iterdir()) == []
        assert [each.name for each in (tmp_path / "show").iterdir()] == [name], "nothing half is left"
        path.unlink()


@needs_links
@pytest.mark.parametrize("what", WRITERS)
def test_linked_folders_and_files_that_are_there_are_written_and_stay_links(tmp_path: Path, what: str) -> None:
    name, write = WRITERS[what]
    real = tmp_path / "big disk"
    real.mkdir()
    folder = tmp_path / "show"
    folder.symlink_to(real)
    write(folder / name)
    assert folder.is_symlink() and (real / name).stat().st_size > 0
    link = tmp_path / name
    link.symlink_to(real / name)
    before = (real / name).stat()
    write(link)
    assert link.is_symlink() and link.resolve() == real / name
    after = (real / name).stat()
    assert after.st_size >= before.st_size, "another file of the same kind, or the same"
    assert [each.name for each in real.iterdir()] == [name]


@needs_links
def test_a_foreign_file_behind_a_link_is_not_taken_for_snapshots(tmp_path: Path) -> None:
    foreign, path = tmp_path / "profile", tmp_path / "a.snapshots.json"
    foreign.write_text("export PATH")
    path.symlink_to(foreign)
    with pytest.raises(GanzfeldError):
        read_bank(path)
    keeper = SnapshotKeeper(path)
    assert keeper.read() is None
    keeper.stored(Bank())
    keeper.write(1e9)
    assert foreign.read_text() == "export PATH"
    (tmp_path / "a.ganztake").symlink_to(foreign)
    with pytest.raises(FileExistsError):
        TakeWriter(tmp_path / "a.ganztake")


@needs_links
def test_a_name_with_a_link_that_leads_nowhere_is_not_free(tmp_path: Path) -> None:
    for name in ("night.ganztake", "night.mp4"):
        (tmp_path / name).symlink_to(tmp_path / "nowhere")
        assert is_taken(tmp_path / name) and not is_taken(tmp_path / "nowhere")
    assert free_take(tmp_path / "night.ganztake").name == "night-2.ganztake"
    assert free_target(tmp_path / "night.mp4").name == "night-2.mp4"
    with pytest.raises(OutputError, match="already"):
        open_output(tmp_path / "night.mp4", (16, 16), 30)


@needs_links
def test_the_words_of_what_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "a"
    for leads_to, words in (("b", "a is a link that leads nowhere"), (os.devnull, "it is a device"), (".", "a folder")):
        link.symlink_to(leads_to)
        with pytest.raises(OSError, match=words) as refused:
            place_to_write(link)
        assert words in refused.value.strerror
        link.unlink()
    link.symlink_to("a")
    with pytest.raises(OSError, match="a is a link"):
        place_to_write(link)
    assert place_to_write(tmp_path / "new") == tmp_path / "new"


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_finished_file_is_put_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool) -> None:
    made, path, real = tmp_path / "made", tmp_path / "film", tmp_path / "real"
    made.write_text("new")
    real.write_text("old")
    path.symlink_to(real)
    if elsewhere:
        replace, tried = Path.replace, []

        def refusing(self: Path, target: Path) -> Path:
            tried.append(self)
            if len(tried) == 1:
                raise OSError(errno.EXDEV, "another disk")
            return replace(self, target)

        monkeypatch.setattr(atomic_write.Path, "replace", refusing)
    put_in_place(made, path)
    assert path.is_symlink() and real.read_text() == "new"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["film", "real"]
