"""Permission to run scripts: kept, seen by others, and never given by accident."""

from __future__ import annotations

import json
import os

import pytest

from ganzfeld.patch.trust import FILE_NAME, TrustStore, config_folder


def test_nothing_is_trusted_at_first_and_what_is_allowed_stays_so(tmp_path):
    script = tmp_path / "a.py"
    file = tmp_path / "settings" / "trust.json"
    store, other = TrustStore(file), TrustStore(file)
    assert not store.trusts(script)
    assert not other.trusts(script)
    store.trust(script)
    assert store.trusts(script)
    assert other.trusts(script), "another process sees it"
    assert not store.trusts(tmp_path / "b.py")
    other.trust(tmp_path / "b.py")
    assert store.trusts(script)
    assert store.trusts(tmp_path / "b.py")
    assert json.loads(file.read_text()) == sorted(str((tmp_path / name).resolve()) for name in ("a.py", "b.py"))
    assert [path.name for path in file.parent.iterdir()] == ["trust.json"]


def test_paths_are_absolute_and_a_link_counts_as_its_target(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = TrustStore(tmp_path / "trust.json")
    (tmp_path / "real.py").write_text("")
    (tmp_path / "link.py").symlink_to(tmp_path / "real.py")
    store.trust(tmp_path / "link.py")
    assert store.trusts(tmp_path / "sub" / ".." / "real.py")
    (tmp_path / "link.py").unlink()
    (tmp_path / "link.py").symlink_to(tmp_path / "other.py")
    assert not store.trusts(tmp_path / "link.py"), "the link was trusted for what it pointed to"


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', "[1, null]", "[[" * 100_000, "\x00\xff"])
def test_a_broken_file_allows_nothing_and_is_repaired_by_the_next_answer(tmp_path, content):
    file = tmp_path / "trust.json"
    file.write_text(content)
    store = TrustStore(file)
    assert not store.trusts(tmp_path / "a.py")
    store.trust(tmp_path / "a.py")
    assert store.trusts(tmp_path / "a.py")


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(tmp_path):
    (tmp_path / "file").write_text("")
    store = TrustStore(tmp_path / "file" / "trust.json")
    store.trust(tmp_path / "a.py")
    assert not store.trusts(tmp_path / "a.py")


def test_where_it_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZFELD_CONFIG", str(tmp_path))
    TrustStore().trust(tmp_path / "a.py")
    assert (tmp_path / FILE_NAME).exists()
    assert config_folder() == tmp_path
    monkeypatch.delenv("GANZFELD_CONFIG")
    assert "ganzfeld" in os.fspath(config_folder())
