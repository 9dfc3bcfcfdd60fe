"""A running show that goes over to another patch: kept under a name, or opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fake_engine import GREY, fake_dependencies
from ganzfeld.errors import GanzfeldError
from ganzfeld.patch import library
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.values.document import Draft
from waiting import until

SECONDS = 30.0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("GANZFELD_HOME", str(folder))
    return folder


@pytest.fixture
def play(home: Path) -> Iterator:
    running: list[Supervisor] = []

    def start(patch: Path | None = None, **options) -> Supervisor:
        running.append(Supervisor(patch, **{"prepare": fake_dependencies} | options).start())
        return running[-1]

    yield start
    for show in running:
        show.close()


def grey(show: Supervisor) -> int:
    frame = show.latest()
    return -1 if frame is None else int(frame.image[0, GREY, 0])


def shows(show: Supervisor, value: int) -> None:
    until(lambda: grey(show) == value, f"grey {value} did not come", seconds=SECONDS)


def test_the_opening_gets_a_file_of_its_own_without_a_restart(play, home):
    show = play(text="grey 7\n", name="the opening")
    shows(show, 7)
    pid = show.render_pid
    show.arrange("fade", 2.0, "now")
    show.hit("/snapshot/store", "dawn")
    until(lambda: "dawn" in [each.name for each in show.desk().snapshots], seconds=SECONDS)
    show.keep_as("my-show")
    file = home / "my-show.ganz"
    assert file.read_text() == "grey 7\n"
    assert (show.patch_source().name, show.patch_source().version) == ("my-show.ganz", 2)
    until(lambda: show.status().playing_version == 2, seconds=SECONDS)
    assert show.desk().kept and "dawn" in [each.name for each in show.desk().snapshots]
    until(lambda: (home / "my-show.snapshots.json").exists(), seconds=SECONDS)
    assert "dawn" in (home / "my-show.snapshots.json").read_text()
    file.write_text("grey 9\n")  # it is followed from now on
    shows(show, 9)
    assert show.render_pid == pid
    with pytest.raises(GanzfeldError, match="already"):
        show.keep_as("my-show")
    assert file.read_text() == "grey 9\n"


def test_another_patch_is_opened_with_its_snapshots_and_the_old_file_left_alone(play, home, tmp_path):
    one, two = tmp_path / "one.ganz", tmp_path / "two.ganz"
    one.write_text("grey 1\n")
    two.write_text("grey 2\n")
    show = play(one)
    shows(show, 1)
    show.hit("/snapshot/store", "dawn")
    until(lambda: [each.name for each in show.desk().snapshots] == ["dawn"], seconds=SECONDS)
    assert [each.what for each in show.patches()] == ["beside:one.ganz", "beside:two.ganz"]
    show.open_patch("beside:two.ganz")
    shows(show, 2)
    assert show.patch_source().name == show.status().patch_name == "two.ganz"
    until(lambda: show.desk().snapshots == (), seconds=SECONDS)
    one.write_text("grey 3\n")  # nobody plays this any more
    two.write_text("grey 4\n")
    shows(show, 4)
    show.edit("grey 5\n")
    assert two.read_text() == "grey 5\n" and one.read_text() == "grey 3\n"
    show.open_patch("one")
    shows(show, 3)
    until(lambda: [each.name for each in show.desk().snapshots] == ["dawn"], seconds=SECONDS)
    # A render that is replaced goes on in the patch that plays now.
    show.open_patch("two")
    shows(show, 5)
    psutil.Process(show.render_pid).kill()
    until(lambda: not show.status().render_alive or show.status().playing_version, seconds=SECONDS)
    two.write_text("grey 6\n")
    shows(show, 6)


def test_an_example_belongs_to_nobody(play, home, monkeypatch):
    monkeypatch.setattr(library, "example_text", lambda name: "grey 8\n" if name == "organ" else None)
    show = play(text="grey 1\n")
    shows(show, 1)
    show.open_patch("example:organ")
    shows(show, 8)
    assert show.patch_source().name == "organ" and not show.desk().kept
    with pytest.raises(GanzfeldError, match="no patch"):
        show.open_patch("example:ogran")
    assert show.patch_source().name == "organ"
    show.keep_as("mine")
    assert (home / "mine.ganz").read_text() == "grey 8\n"


def test_from_an_example_there_is_a_way_back(play, home, tmp_path, monkeypatch):
    monkeypatch.setattr(library, "example_text", lambda name: "grey 8\n" if name == "organ" else None)
    one = tmp_path / "one.ganz"
    one.write_text("grey 1\n")
    show = play(one)
    shows(show, 1)
    show.open_patch("example:organ")
    shows(show, 8)
    assert [each.what for each in show.patches()] == ["beside:one.ganz"]
    show.open_patch("beside:one.ganz")
    shows(show, 1)
    assert show.patch_file == one


def test_a_patch_that_cannot_be_read_changes_nothing(play, home, tmp_path):
    one = tmp_path / "one.ganz"
    one.write_text("grey 1\n")
    (tmp_path / "bad.ganz").write_bytes(b"\xff\xfe\x00")
    show = play(one)
    shows(show, 1)
    with pytest.raises(GanzfeldError):
        show.open_patch("beside:bad.ganz")
    one.write_text("grey 2\n")
    shows(show, 2)


def test_a_take_stays_in_its_folder(play, home, tmp_path):
    home.mkdir()
    (home / "far.ganz").write_text("grey 3\n")
    one = tmp_path / "one.ganz"
    one.write_text("grey 1\n")
    show = play(one)
    show._options = replace(show._options, take=tmp_path / "night.ganztake")
    with pytest.raises(GanzfeldError, match="take"):
        show.open_patch("mine:far.ganz")
    with pytest.raises(GanzfeldError, match="take"):
        show.keep_as("near")
    assert show.patch_source().name == "one.ganz" and not (home / "near.ganz").exists()


def test_what_was_typed_without_a_file_is_kept_before_another_opens(play, home, tmp_path, monkeypatch):
    monkeypatch.setattr(library, "example_text", lambda name: "grey 8\n" if name == "organ" else None)
    show = play(text="grey 1\n", name="the opening")
    shows(show, 1)
    whole, _ = show.document.told("", 0)
    show.document.push(whole.log, whole.version, "me", [Draft([7, [0, "# mine", ""]], "typed")])
    show.open_patch("organ")
    shows(show, 8)
    (kept,) = home.iterdir()
    assert kept.name.startswith("the opening 2") and kept.read_text() == "grey 1\n# mine\n"
    assert show.document.text == "grey 8\n"
    show.open_patch("organ")  # nothing was typed: nothing is kept
    assert list(home.iterdir()) == [kept]


def test_a_name_that_was_used_before_brings_nothing_back(play, home):
    show = play(text="grey 1\n", name="the opening")
    shows(show, 1)
    show.keep_as("mine")
    whole, _ = show.document.told("", 0)
    show.document.push(whole.log, whole.version, "me", [Draft([7, [0, "# not saved", ""]], "typed")])
    show.keep_as("other")
    (home / "mine.ganz").unlink()
    show.keep_as("mine")
    assert show.document.text == (home / "mine.ganz").read_text()
