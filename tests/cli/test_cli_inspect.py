"""`ganzfeld inspect`: where a network comes from, what is wrong with it, and what was stated about it."""

from __future__ import annotations

import json

import pytest
import torch

import foreign_files as foreign
import network_files as made
from command_line import exit_code
from ganzfeld.networks.find import shipped_names


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_names_are_inspected_and_converted(name, capsys, tmp_path):
    assert exit_code("inspect", name, "--json") == 0
    about = json.loads(capsys.readouterr().out)
    assert about["file"].endswith(f"{name}.safetensors") and about["origin"] == "Ganzfeld's own"
    assert exit_code("inspect", name) == 0
    assert exit_code("convert", name, tmp_path / "x.safetensors") == 0


def test_an_unknown_name_is_refused(capsys):
    assert exit_code("inspect", "planet") == 1
    assert "no such file" in capsys.readouterr().err


def test_what_a_file_cannot_say_is_told_and_can_be_stated(tmp_path, capsys):
    path = tmp_path / "face.pt"
    torch.save(foreign.state_dict(made.small2()), path)
    assert exit_code("inspect", path) == 0
    shown = capsys.readouterr().out
    assert "origin" in shown and "state dict" in shown and "conv_clamp 256" in shown
    assert exit_code("inspect", path, "--set", "conv_clamp=none", "--set", "mapping_lr_multiplier=0.02", "--json") == 0
    about = json.loads(capsys.readouterr().out)
    assert about["stated"] == {"conv_clamp": None, "mapping_lr_multiplier": 0.02}
    assert about["config"]["conv_clamp"] is None
    assert exit_code("inspect", path) == 0
    assert "conv_clamp none, mapping_lr_multiplier 0.02" in capsys.readouterr().out
    assert exit_code("inspect", path, "--set", "clamp=3") == 1
    assert "no fact 'clamp'" in capsys.readouterr().err


def test_weights_that_are_no_numbers_are_told(tmp_path, capsys):
    network = made.small2()
    network.tensors["synthesis.b8.conv0.weight"].fill_(float("nan"))
    assert exit_code("inspect", made.write(made.snapshot(network), tmp_path / "x.pkl")) == 0
    shown = capsys.readouterr()
    assert "warning" in shown.out and "synthesis.b8.conv0.weight" in shown.out
    assert not shown.err  # not said twice
    assert exit_code("convert", tmp_path / "x.pkl", tmp_path / "y.safetensors") == 0
    capsys.readouterr()
    assert exit_code("inspect", tmp_path / "y.safetensors", "--json") == 0
    about = json.loads(capsys.readouterr().out)
    assert len(about["warnings"]) == 1 and "StyleGAN2-ADA-PyTorch" in about["origin"]
