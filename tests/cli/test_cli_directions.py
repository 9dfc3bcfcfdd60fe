"""`ganzfeld directions`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzfeld.bending.directions import beside, directions_of_w, read_directions
from ganzfeld.cli import main
from ganzfeld.networks.network import load_network
from ganzfeld.networks.shipped import SHIPPED


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return 0 if ended.value.code is None else int(ended.value.code)


def test_directions_are_written_beside_the_network(
    small_network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = tmp_path / "small.safetensors"
    network.write_bytes(small_network.read_bytes())
    sheet = tmp_path / "all.png"
    assert run("directions", network, "--count", 3, "--samples", 40, "--sheet", sheet, "--device", "cpu") == 0
    found = read_directions(tmp_path / "small.directions.npz")
    assert list(found) == [f"{layer}{k}" for layer in ("", "b8.", "b16.") for k in (1, 2, 3)]
    assert all(vector.shape == (16,) for vector in found.values())
    assert Image.open(sheet).size == (5 * 32, 9 * 32)
    shown = capsys.readouterr().out
    assert "b16.3" in shown and "9 directions in" in shown
    assert run("directions", network, "--out", tmp_path / "a.safetensors", "--layers", "", "--count", 2) == 0
    assert list(read_directions(tmp_path / "a.safetensors")) == ["1", "2"]


def test_what_is_wrong_is_told_before_the_work(small_network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("directions", small_network, "--layers", "b9") == 1
    assert "b8" in capsys.readouterr().err
    assert run("directions", small_network, "--out", "/nowhere/at/all.npz", "--layers", "") == 1
    assert run("directions", small_network, "--out", "a.txt", "--layers", "") == 1


def test_nothing_is_written_into_ganzfeld(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = beside(SHIPPED["planets"].path).read_bytes()
    assert run("directions", "planets", "--count", 1, "--layers", "", "--device", "cpu") == 0
    assert (tmp_path / "planets.directions.npz").exists()
    assert beside(SHIPPED["planets"].path).read_bytes() == before


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_directions_are_those_of_the_shipped_networks(name: str) -> None:
    """A network that was trained on wants its directions anew: ganzfeld directions NAME --count 12 --out …"""
    network = load_network(SHIPPED[name].path)
    shipped = read_directions(beside(SHIPPED[name].path))
    assert len(shipped) == 36
    assert all(vector.shape == (network.w_dim,) for vector in shipped.values())
    for direction in directions_of_w(network, 3):
        assert np.allclose(direction.vector.numpy(), shipped[direction.name].numpy(), atol=1e-3)
