"""`ganzfeld examples` and `ganzfeld new`, and `ganzfeld play` with the name of an example."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ganzfeld.cli import main
from ganzfeld.cli._source import PlaySource, choose
from ganzfeld.errors import GanzfeldError
from ganzfeld.patch import library
from ganzfeld.patch.defaults import opening_patch


@pytest.fixture
def run(capfd, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(words)
        return (int(ended.value.code or 0), *capfd.readouterr())

    return run


def test_examples_are_listed_with_a_line_each(run):
    code, out, _ = run("examples")
    assert code == 0 and "organ" in out and "An organ" in out and "ganzfeld new my-show" in out
    code, out, _ = run("examples", "--json")
    assert {each["name"] for each in json.loads(out)} == set(library.example_names())


def test_a_new_folder_is_played_by_its_name(run, tmp_path):
    code, out, _ = run("new", "my-show", "--example", "organ")
    made = tmp_path / "my-show" / "my-show.ganz"
    assert code == 0 and made.read_text() == library.example_text("organ") and "ganzfeld play my-show" in out
    assert choose(Path("my-show"), None) == PlaySource("my-show.ganz", patch=Path("my-show/my-show.ganz"))
    code, _, err = run("new", "my-show")
    assert code == 1 and "already" in err and made.read_text() == library.example_text("organ")


def test_a_new_file_alone(run, tmp_path):
    code, _, _ = run("new", "mine.ganz")
    assert code == 0 and (tmp_path / "mine.ganz").read_text() == opening_patch()
    assert choose(Path("mine"), None).patch == Path("mine.ganz")  # the suffix may be left out
    assert run("new", "mine.ganz")[0] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [(("x", "--example", "ogran"), "organ"), (("no/where/x",), "cannot be made"), (("nul",), "no file can be called")],
)
def test_what_cannot_be_made_is_said(run, tmp_path, words, said):
    code, _, err = run("new", *words)
    assert code == 1 and said in err and list(tmp_path.iterdir()) == []


def test_an_example_plays_by_its_name_unless_there_is_such_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for word in ("organ", "organ.ganz"):
        assert choose(Path(word), None) == PlaySource("organ", text=library.example_text("organ"))
    (tmp_path / "organ").mkdir()
    assert choose(Path("organ"), None).text == library.example_text("organ")  # that folder is about something else
    (tmp_path / "organ.ganz").write_text("")
    assert choose(Path("organ.ganz"), None).patch == Path("organ.ganz")
    with pytest.raises(GanzfeldError) as refused:
        choose(Path("xrya"), None)
    assert "Did you mean 'xray'" in refused.value.hint
    with pytest.raises(GanzfeldError) as refused:
        choose(Path("qqqqqq"), None)
    assert "organ" in refused.value.hint and "planets" in refused.value.hint
