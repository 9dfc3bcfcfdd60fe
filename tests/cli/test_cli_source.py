"""What the words of `ganzfeld play` mean."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ganzfeld.cli._source import PlaySource, choose, saved
from ganzfeld.errors import GanzfeldError
from ganzfeld.networks import find
from ganzfeld.patch import library
from ganzfeld.patch.defaults import opening_patch


def test_what_was_kept_of_a_show_plays_while_its_drive_is_away(tmp_path, shipped):
    away = tmp_path / "drive"
    for file, network in ((away / "a.ganz", None), (away / "a.pkl", None), (None, away / "a.pkl")):
        with pytest.raises(GanzfeldError, match="there is no"):
            choose(file, network)
    assert choose(away / "a.ganz", None, is_kept=True) == PlaySource("a.ganz", patch=away / "a.ganz")
    for file, network in ((away / "a.pkl", None), (None, away / "a.pkl")):
        source = choose(file, network, is_kept=True)
        assert source.patch is None and (away / "a.pkl").as_posix() in (source.text or "")
    for word in ("planets", "organ"):  # shipped ones are never away
        assert choose(Path(word), None, is_kept=True) == choose(Path(word), None)
    with pytest.raises(GanzfeldError, match="there is no"):
        choose(Path("nothing"), None, is_kept=True)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    folder = tmp_path / "shipped"
    folder.mkdir()
    for name in ("flowers", "planets"):
        (folder / f"{name}.safetensors").write_bytes(b"")
    monkeypatch.setattr(find, "FOLDER", folder)
    return folder


def test_a_patch_is_watched_and_a_network_plays_in_a_default_patch(tmp_path, shipped):
    patch, network = tmp_path / "a.ganz", tmp_path / "it's.pkl"
    patch.write_text("")
    network.write_bytes(b"\x80\x04}q\x00.")
    assert choose(patch, None) == PlaySource("a.ganz", patch=patch)
    for source in (choose(network, None), choose(None, network)):
        assert source.patch is None
        assert source.name == "it's.pkl"
        assert repr(str(network)) in (source.text or "")
    assert choose(None, None) == PlaySource("the opening", text=opening_patch())
    for source in (choose(Path("planets"), None), choose(None, Path("planets"))):
        assert source.name == "planets"
        assert 'network("planets"' in (source.text or "")


def test_the_opening_can_be_saved_but_nothing_is_overwritten(tmp_path, shipped):
    mine = tmp_path / "mine.ganz"
    assert saved(choose(None, None), mine) == PlaySource("mine.ganz", patch=mine)
    assert mine.read_text("utf-8") == opening_patch()
    with pytest.raises(GanzfeldError, match="already"):
        saved(choose(None, None), mine)
    with pytest.raises(GanzfeldError, match="cannot be written"):
        saved(choose(None, None), tmp_path / "no" / "mine.ganz")


def test_words_that_mean_nothing(tmp_path, shipped, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "organ.ganz").write_text("")
    for words, what, hint in (
        (("orgn.ganz", None), "no patch orgn.ganz", "organ.ganz"),
        (("x.pkl", None), "no network x.pkl", "Shipped networks: flowers, planets"),
        ((None, "flowrs"), "no network flowrs", "flowers"),
        ((".", None), "is a folder", "file"),
        (("organ.ganz", "planets"), "default patch only", "Leave one out"),
        (("no/such/folder/a.ganz", None), "no patch", "planets"),
    ):
        with pytest.raises(GanzfeldError) as refused:
            choose(*(Path(word) if word else None for word in words))
        assert what in refused.value.what
        assert hint in refused.value.hint
    for file in shipped.iterdir():
        file.unlink()
    with pytest.raises(GanzfeldError, match="no network ships"):
        choose(None, None)


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="names are text there")
def test_names_that_are_no_text_are_refused_with_a_word(tmp_path, shipped, monkeypatch):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "a.ganz").write_text("out(noise())\n")
    with pytest.raises(GanzfeldError, match="no text"):
        choose(folder / "a.ganz", None)
    monkeypatch.chdir(folder)
    with pytest.raises(GanzfeldError, match="no text") as told:
        choose(None, None)
    str(told.value).encode()
    monkeypatch.chdir(tmp_path)
    assert [each.name for each in library.patches(folder / "b.ganz") if each.place == "beside"] == []
