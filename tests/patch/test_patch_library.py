"""The patches that there are to open, and new ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganzfeld.errors import GanzfeldError
from ganzfeld.patch import library
from ganzfeld.patch.language.parser import parse


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "Ganzfeld"
    monkeypatch.setenv("GANZFELD_HOME", str(folder))
    return folder


def test_every_example_has_a_name_and_a_title_and_can_be_read():
    found = library.examples()
    assert {"organ", "tide", "dance"} <= {each.name for each in found}
    for each in found:
        assert each.title and each.place == "example" and each.folder == ""
        opened = library.opened(each.what, None)
        assert opened.path is None and opened.name == each.name
        parse(opened.text)


def test_a_title_is_the_first_sentence_of_the_first_comment():
    assert library.title_of("# One thing: it\n# moves. Another.\nx = 1\n") == "One thing: it moves."
    assert library.title_of("x = 1  # no\n") == "" == library.title_of("")
    assert len(library.title_of("# " + "a" * 1000)) == 200


def test_a_persons_patches_are_those_beside_what_plays_and_those_in_their_folder(tmp_path, home):
    show = tmp_path / "show"
    (home / "long").mkdir(parents=True)
    show.mkdir()
    for path in (show / "a.ganz", show / "b.ganz", show / "c.txt", home / "mine.ganz", home / "long" / "long.ganz"):
        path.write_text(f"# It is {path.stem}.\n")
    (show / ".hidden.ganz").write_text("")
    (show / "folder.ganz").mkdir()
    listed = {each.what: each for each in library.patches(show / "a.ganz")}
    assert list(listed) == ["beside:a.ganz", "beside:b.ganz", "mine:long/long.ganz", "mine:mine.ganz"]
    assert listed["beside:b.ganz"].title == "It is b."
    for what in (*listed, "b", "mine.ganz"):
        opened = library.opened(what, show / "a.ganz")
        assert opened.path is not None and opened.text.startswith("# It is")
    assert [each.what for each in library.patches(home / "mine.ganz")] == ["beside:mine.ganz"]
    assert [each.place for each in library.patches(None)] == ["mine", "mine"]


@pytest.mark.parametrize(
    "what", ["beside:../secret.ganz", "mine:../secret.ganz", "../secret", "example:../x", "", ":", "/etc/passwd"]
)
def test_nothing_else_can_be_opened(tmp_path, home, what):
    home.mkdir()
    (tmp_path / "secret.ganz").write_text("secret")
    with pytest.raises(GanzfeldError, match="there is no patch"):
        library.opened(what, home / "a.ganz")


def test_who_mistypes_is_told_what_is_near():
    with pytest.raises(GanzfeldError) as refused:
        library.opened("example:ogran", None)
    assert "'organ'" in refused.value.hint


def test_folders_without_end_are_listed_in_part(home, monkeypatch):
    home.mkdir()
    monkeypatch.setattr(library, "MOST_LISTED", 3)
    for number in range(6):
        (home / f"{number}.ganz").write_text("")
    assert [each.name for each in library.patches(None)] == ["0", "1", "2"]
    with pytest.raises(GanzfeldError, match="already"):
        library.new_file("another", "")


def test_a_new_patch_overwrites_nothing(home):
    path = library.new_file("my show", "text")
    assert path == home / "my show.ganz" and path.read_text() == "text"
    for name in ("my show", "my show.ganz", " my show "):
        with pytest.raises(GanzfeldError, match="already"):
            library.new_file(name, "other")
    assert path.read_text() == "text"


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        ".ganz",
        "a/b",
        "..\\b",
        "/a",
        "c:",
        "nul",
        "COM1.x",
        "a\0b",
        "a\nb",
        ".a",
        "a.",
        "x" * 81,
        "a*",
    ],
)
def test_names_that_no_file_can_have(home, name):
    with pytest.raises(GanzfeldError):
        library.new_file(name, "")
    assert not home.exists() or list(home.iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs permissions that count")
def test_a_folder_that_cannot_be_written(home):
    home.mkdir()
    home.chmod(0o500)
    with pytest.raises(GanzfeldError, match="cannot be written"):
        library.new_file("a", "")
