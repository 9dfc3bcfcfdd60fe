"""What a file cannot say is stated once and remembered beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

import foreign_files as foreign
import network_files as made
from ganzfeld import NetworkFileError, load_network
from ganzfeld.engine.player import Player
from ganzfeld.networks.files import open_network_file, read_network_file, save_network_file, state_facts, stated
from ganzfeld.patch.language.parser import parse


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "face.pt"
    torch.save(foreign.state_dict(made.small2()), path)
    return path


@pytest.fixture(scope="module")
def corrected(tmp_path_factory):
    """A file of which a fact is stated, for tests that change nothing of it; its folder has its cache."""
    path = tmp_path_factory.mktemp("corrected") / "face.pt"
    torch.save(foreign.state_dict(made.small2()), path)
    with pytest.MonkeyPatch.context() as here:
        here.setenv("GANZFELD_CACHE", str(path.parent / "cache"))
        state_facts(path, {"conv_clamp": 5})
    return path


def test_a_fact_is_remembered_beside_the_file_and_changes_the_network(path):
    before = open_network_file(path)
    assert before.config["conv_clamp"] == 256 and not before.stated
    state_facts(path, {"conv_clamp": None})
    after, is_new = read_network_file(path)
    assert after.config["conv_clamp"] is None and after.stated == {"conv_clamp": None} and not is_new
    assert after.sha256 != before.sha256
    assert json.loads((path.parent / "face.pt.ganzfeld.json").read_text()) == {"conv_clamp": None}
    state_facts(path, {"mapping_lr_multiplier": 1})
    assert open_network_file(path).config["conv_clamp"] is None
    assert load_network(path).config.to_json()["mapping_lr_multiplier"] == 1
    state_facts(path, {"conv_clamp": stated.FORGET, "mapping_lr_multiplier": stated.FORGET})
    assert not stated.beside(path).exists()
    again, is_new = read_network_file(path)
    assert again.sha256 == before.sha256 and not is_new


def test_it_goes_where_the_file_goes(path, tmp_path):
    state_facts(path, {"conv_clamp": 5})
    (tmp_path / "other").mkdir()
    for name in ("face.pt", "face.pt.ganzfeld.json"):
        (path.parent / name).rename(tmp_path / "other" / name)
    assert open_network_file(tmp_path / "other" / "face.pt").config["conv_clamp"] == 5


@pytest.mark.parametrize(
    ("facts", "match"),
    [
        ({"clamp": 5}, "no fact 'clamp'"),
        ({"conv_clamp": "high"}, "'high' cannot be the 'conv_clamp'"),
        ({"conv_clamp": float("nan")}, "cannot be"),
        ({"conv_clamp": True}, "cannot be"),
        ({"resample_filter": []}, "cannot be"),
        ({"resample_filter": [1, -1]}, "cannot be"),
        ({"mapping_lr_multiplier": 0}, "cannot be"),
        ({"margin_size": 10}, "has no such thing"),
        ({"output_scale": 0.5}, "has no such thing"),
    ],
)
def test_what_is_no_fact_of_this_network_is_refused_and_not_remembered(corrected, monkeypatch, facts, match):
    path = corrected
    monkeypatch.setenv("GANZFELD_CACHE", str(path.parent / "cache"))
    with pytest.raises(NetworkFileError, match=match) as caught:
        state_facts(path, facts)
    assert caught.value.where.file == str(path) and caught.value.hint
    assert stated.read(path) == {"conv_clamp": 5}
    assert open_network_file(path).config["conv_clamp"] == 5


def test_a_snapshot_of_stylegan3_says_its_design_itself(tmp_path):
    path = made.write(made.snapshot(made.small3()), tmp_path / "x.pkl")
    with pytest.raises(NetworkFileError, match=r"'margin_size'.* the file says it"):
        state_facts(path, {"margin_size": 10})
    state_facts(path, {"output_scale": 0.5, "conv_clamp": 9})
    config = open_network_file(path).config
    assert config["output_scale"] == 0.5 and {layer["clamp"] for layer in config["layers"]} == {9}


def test_a_tensorflow_snapshot_may_be_corrected_too(tmp_path):
    path = made.write(made.tensorflow(made.small2()), tmp_path / "x.pkl")
    state_facts(path, {"resample_filter": [1, 2, 1], "mapping_lr_multiplier": 0.02})
    config = open_network_file(path).config
    assert config["resample_filter"] == [0, 1, 2, 1] and config["mapping_lr_multiplier"] == 0.02


def test_a_file_of_our_own_says_everything(tmp_path):
    network = made.small2()
    save_network_file(tmp_path / "x.safetensors", network.config.to_json(), network.tensors)
    with pytest.raises(NetworkFileError, match="says everything"):
        state_facts(tmp_path / "x.safetensors", {"conv_clamp": 5})
    with pytest.raises(NetworkFileError, match="no such file"):
        state_facts(tmp_path / "y.pt", {"conv_clamp": 5})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"conv_clamp": "x"}', '{"x": 1}', "\xff", "[" * 70_000, " " * 70_000])
def test_a_damaged_memory_is_refused(path, text):
    stated.beside(path).write_text(text, "latin-1")
    with pytest.raises(NetworkFileError, match=r"JSON|cannot be|no fact"):
        open_network_file(path)


def test_a_folder_that_may_not_be_written(path, monkeypatch):
    def refused(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refused)
    with pytest.raises(NetworkFileError, match=r"cannot write .*Permission denied"):
        state_facts(path, {"conv_clamp": 5})


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        ("conv_clamp=256", ("conv_clamp", 256)),
        ("conv_clamp = None", ("conv_clamp", None)),
        ("mapping_lr_multiplier=1e-2", ("mapping_lr_multiplier", 0.01)),
        ("resample_filter=1,2, 1", ("resample_filter", [1, 2, 1])),
        ("resample_filter=2", ("resample_filter", [2])),
        ("margin_size=12", ("margin_size", 12)),
        ("conv_clamp=", ("conv_clamp", stated.FORGET)),
    ],
)
def test_words_of_the_command_line(words, fact):
    assert stated.parsed(words) == fact


@pytest.mark.parametrize(
    "words", ["conv_clamp", "clamp=3", "=3", "clamp=", "conv_clamp=x", "conv_clamp=1,2", "margin_size=1.5"]
)
def test_words_that_state_nothing(words):
    with pytest.raises(NetworkFileError):
        stated.parsed(words)


def test_the_page_on_networks_tells_every_fact():
    page = (Path(__file__).parents[3] / "docs" / "networks.md").read_text("utf-8")
    assert all(f"`{name}`" in page for name in stated.FACTS)


# -- what is told ----------------------------------------------------------------------------------------------


def test_weights_that_are_not_numbers_are_told_each_time(tmp_path, caplog):
    network = made.small2()
    network.tensors["synthesis.b8.conv0.weight"][0, 0, 0, 0] = float("nan")
    network.tensors["synthesis.b16.conv1.bias"][0] = float("inf")
    path = made.write(made.snapshot(network), tmp_path / "x.pkl")
    os.utime(path, (1e9, 1e9))
    network.save(tmp_path / "own.safetensors")
    for opened in (path, path, tmp_path / "own.safetensors"):
        caplog.clear()
        (warning,) = open_network_file(opened).warnings
        first = (
            "number [0, 0, 0, 0] of 'synthesis.b8.conv0.weight' is nan",
            "number [0] of 'synthesis.b16.conv1.bias' is inf",
        )
        assert warning.startswith(first) and "and 1 more of its tensors" in warning
        assert [record.message for record in caplog.records] == [f"{opened.name}: {warning}"]


@pytest.mark.parametrize("number", [3e38, -2e6])
def test_weights_that_no_training_ends_with_are_told(tmp_path, number):
    """They are finite, and their picture is black."""
    network = made.small2()
    network.tensors["synthesis.b16.conv1.weight"][1, 0, 2, 1] = number
    network.tensors["synthesis.b16.conv1.bias"][1] = 1e6
    network.save(tmp_path / "own.safetensors")
    (told,) = open_network_file(tmp_path / "own.safetensors").broken
    assert f"number [1, 0, 2, 1] of 'synthesis.b16.conv1.weight' is {number:.3g}: the network broke" in told
    loaded = load_network(tmp_path / "own.safetensors")
    assert loaded.broken == (told,)
    with Player(parse(f"out(network({str(tmp_path / 'own.safetensors')!r}))"), device="cpu") as player:
        assert told in [problem.what for problem in player.engine.problems]


def test_notes_are_told_the_first_time_only(path, caplog):
    os.utime(path, (1e9, 1e9))
    assert len(open_network_file(path).notes) == 1
    assert "does not say everything" in caplog.text
    caplog.clear()
    assert len(open_network_file(path).notes) == 1
    assert not caplog.records


def test_where_networks_come_from_is_kept(tmp_path):
    network = made.small2(conv_clamp=None)
    made.write(made.snapshot(network), tmp_path / "a.pkl")
    made.write(made.tensorflow(network), tmp_path / "b.pkl")
    torch.save({"g_ema": made.rosinality(network)}, tmp_path / "c.pt")
    network.save(tmp_path / "d.safetensors")
    origins = [open_network_file(path).origin for path in sorted(tmp_path.iterdir()) if path.is_file()]
    words = ["StyleGAN2-ADA-PyTorch", "TensorFlow", "rosinality", "Ganzfeld"]
    assert len(origins) == 4 and all(word in origin for word, origin in zip(words, origins))
