"""Style mixing and movements in w; directions found by principal components."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ganzfeld.bending.directions import (
    Direction,
    beside,
    directions_of_layer,
    directions_of_w,
    early_layers,
    read_directions,
    write_directions,
)
from ganzfeld.bending.latents import LatentBender, random_direction
from ganzfeld.bending.targets import rows_of
from ganzfeld.errors import NetworkError, NetworkFileError
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from sealed import Sealed

torch.set_num_threads(1)

TWO = StyleGAN2Config.design(32, channel_base=128, channel_max=16, mapping_layers=2, z_dim=8, w_dim=8)
THREE = StyleGAN3Config.design("stylegan3-t", 16, channel_base=128, channel_max=8, num_layers=4, z_dim=8, w_dim=8)
RESNET = StyleGAN2Config.design(
    32, channel_base=128, channel_max=16, mapping_layers=2, z_dim=8, w_dim=8, architecture="resnet"
)


def amounts(**lines: Any) -> dict[str, SimpleNamespace]:
    return {name: SimpleNamespace(amount=torch.tensor(amount)) for name, amount in lines.items()}


@pytest.mark.parametrize("config", [TWO, RESNET, THREE], ids=["2", "resnet", "3"])
def test_rows_are_those_that_a_layer_reads(config: Any) -> None:
    """A change of the rows of a layer changes that layer's activation, and none before it."""
    network = Network.random(config, seed=1)
    if config is THREE:
        # Before training w does not move the input.
        network.tensors["synthesis.input.affine.weight"].normal_(generator=torch.Generator().manual_seed(0))
    names = network.config.row_names
    assert len(names) == network.num_ws
    w = network.mapping(network.latent(0))
    for row, name in enumerate(names):
        assert rows_of(network, name) == (row,)
        changed = w.clone()
        changed[:, row] += 1
        if not name.endswith("torgb"):
            layer = name if name in network.layers else name.partition(".")[0]
            reached = [
                other
                for other in network.layers
                if not torch.equal(network.synthesis(w, until=other), network.synthesis(changed, until=other))
            ]
            assert reached[0] == layer
        assert not torch.equal(network.synthesis(w), network.synthesis(changed))


def test_rows_by_name_and_number() -> None:
    two, three = Network.random(TWO), Network.random(THREE)
    assert rows_of(two, "*") == tuple(range(two.num_ws)) == rows_of(two, "0-7")
    assert rows_of(two, "b4") == (0,) == rows_of(two, "b4.conv1")
    assert rows_of(two, "b8") == (1, 2) == rows_of(two, "synthesis.b8*")
    assert rows_of(two, "b32*") == (5, 6, 7)
    assert rows_of(two, "b*.conv0") == (1, 3, 5)
    assert rows_of(two, "6, 1-2") == (1, 2, 6) == rows_of(two, "6 b8")
    assert rows_of(two, "b4,b32*") == (0, 5, 6, 7)
    assert rows_of(two, "b8-b16") == (1, 2, 3, 4) == rows_of(two, "b16.conv1-b8.conv0")
    assert rows_of(three, "input-L1 L4") == (0, 1, 2, 5)
    assert rows_of(three, "input") == (0,)
    assert rows_of(three, "L1") == (2,) == rows_of(three, three.layers[2])
    assert rows_of(three, "L[0-2]*") == (1, 2, 3)
    for network, target, hint in (
        (two, "b33", "b32"),
        (two, "3-8", "0 to 7"),
        (two, "1-x", "row"),
        (two, "b8-b33", "b32"),
        (two, "-", "reads w"),
        (three, "L9", "L"),
    ):
        with pytest.raises(NetworkError, match=hint):
            rows_of(network, target)


def test_style_mixing_takes_rows_from_the_other_latent() -> None:
    network = Network.random(TWO, seed=1)
    w, other = network.mapping(network.latent(1)), network.mapping(network.latent(2))
    bender = LatentBender(network)
    bender.style("fine", "b16*")
    bender.style("fan", "0-2")
    assert bender.matched == {"fine": (1, 1), "fan": (1, 1, 1)}
    others = {"fine": other, "fan": 2 * other}
    assert torch.equal(bender.bend(w, others, amounts(fine=0.0, fan=0.0)), w)
    mixed = bender.bend(w, others, amounts(fine=1.0, fan=[0.0, 0.5, -1.0]))
    assert torch.equal(mixed[:, [3, 4]], other[:, [3, 4]])
    assert torch.equal(mixed[:, [0, 5, 6, 7]], w[:, [0, 5, 6, 7]])
    assert torch.allclose(mixed[:, 1], w[:, 1] + 0.5 * (2 * other - w)[:, 1])
    assert torch.allclose(mixed[:, 2], w[:, 2] - (2 * other - w)[:, 2])
    sealed = {name: SimpleNamespace(amount=torch.tensor(1.0).as_subclass(Sealed)) for name in others}
    bender.bend(w.as_subclass(Sealed), others, sealed)


def test_moving_adds_a_direction() -> None:
    network = Network.random(TWO, seed=1)
    w = network.mapping(network.latent(1))
    by_row = torch.randn(network.num_ws, network.w_dim)
    bender = LatentBender(network)
    bender.move("named", "b4", torch.arange(8.0))
    bender.move("rows", "*", by_row)
    bender.move("random", "2-3")
    bender.prepare({"random": 5})
    assert torch.equal(bender.bend(w, {}, amounts(named=0.0, rows=0.0, random=0.0)), w)
    moved = bender.bend(w, {}, amounts(named=2.0, rows=-1.0, random=[0.0, 1.5]))
    expected = w - by_row
    expected[:, 0] += 2 * torch.arange(8.0)
    expected[:, 3] += 1.5 * random_direction(network, 5)
    assert torch.allclose(moved, expected, atol=1e-6)
    bender.prepare({"random": 6})
    assert not torch.equal(bender.bend(w, {}, amounts(named=2.0, rows=-1.0, random=[0.0, 1.5])), moved)
    with pytest.raises(NetworkError, match="direction is"):
        bender.move("wrong", "*", torch.zeros(9))


def test_random_directions_are_as_long_as_w_is_wide() -> None:
    network = Network.random(TWO, seed=1)
    z = torch.randn(500, 8, generator=torch.Generator().manual_seed(0))
    w = network.mapping(z)[:, 0]
    width = (w - w.mean(0)).norm(dim=1).square().mean().sqrt()
    lengths = torch.stack([random_direction(network, seed).norm() for seed in range(200)])
    assert 0.85 < lengths.square().mean().sqrt() / width < 1.15
    assert lengths.min() > 0


def test_directions_of_w_are_its_principal_components() -> None:
    network = Network.random(TWO, seed=1)
    found = directions_of_w(network, count=20, samples=2000)
    assert [direction.name for direction in found] == [str(k) for k in range(1, 9)]
    assert sum(direction.share for direction in found) == pytest.approx(1, abs=1e-5)
    z = torch.randn(4000, 8, generator=torch.Generator().manual_seed(3))
    w = network.mapping(z)[:, 0]
    vectors = torch.stack([direction.vector for direction in found])
    along = (w - w.mean(0)) @ (vectors / vectors.norm(dim=1, keepdim=True)).t()
    # Of other latents, too: uncorrelated, and an amount of 1 is one standard deviation.
    assert torch.allclose(along.std(0), vectors.norm(dim=1), rtol=0.1)
    assert (torch.corrcoef(along.t()) - torch.eye(8)).abs().max() < 0.1
    again = directions_of_w(network, count=20, samples=2000)
    assert all(torch.equal(one.vector, other.vector) for one, other in zip(found, again))


@pytest.mark.parametrize("config", [TWO, THREE], ids=["2", "3"])
def test_directions_of_a_layer_move_its_components_by_a_deviation(config: Any) -> None:
    network = Network.random(config, seed=1)
    layer = early_layers(network)[0]
    found = directions_of_layer(network, layer, count=3, samples=400)
    assert [direction.name for direction in found] == [f"{layer}.{k}" for k in (1, 2, 3)]
    assert 1 > found[0].share > found[1].share > found[2].share > 0

    def features(w: torch.Tensor) -> torch.Tensor:
        x = network.synthesis(w, "none", until=layer)
        return torch.nn.functional.adaptive_avg_pool2d(x, min(8, x.shape[2])).flatten(1)

    z = torch.randn(300, 8, generator=torch.Generator().manual_seed(3))
    w = network.mapping(z)
    x = features(w)
    component = torch.linalg.svd(x - x.mean(0), full_matrices=False)[2][0]
    deviation = ((x - x.mean(0)) @ component).std()
    reach = ((features(w + found[0].vector / 2) - features(w - found[0].vector / 2)) @ component).mean().abs()
    # A random network is not linear; along this direction it comes near what the regression promises.
    assert 0.5 < reach / deviation < 1.6
    with pytest.raises(NetworkError, match="no layer"):
        directions_of_layer(network, "b7")


def test_classes_are_drawn_evenly() -> None:
    config = StyleGAN2Config.design(16, channel_base=128, channel_max=8, mapping_layers=2, z_dim=8, w_dim=8, c_dim=3)
    found = directions_of_w(Network.random(config, seed=1), count=2, samples=100)
    assert all(torch.isfinite(direction.vector).all() for direction in found)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_directions_are_written_and_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"face.directions{suffix}"
    vectors = {"1": torch.randn(8), "b16.3": torch.randn(8)}
    write_directions(path, [Direction(name, vector, 0.1) for name, vector in vectors.items()])
    read = read_directions(path)
    assert read.keys() == vectors.keys()
    assert all(torch.equal(read[name], vector) for name, vector in vectors.items())
    assert beside(tmp_path / "face.pkl") == tmp_path / "face.directions.npz"


def test_files_of_others_and_bad_ones(tmp_path: Path) -> None:
    path = tmp_path / "others.npz"
    np.savez(path, smile=np.ones((1, 4, 8)), age=np.arange(8))
    read = read_directions(path)
    assert read["smile"].shape == (4, 8)
    assert read["age"].dtype == torch.float32
    for name, content in (("a.npz", b""), ("a.safetensors", b"\xff" * 20), ("a.txt", b"1 2 3"), ("b.npz", b"PK\3\4")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(NetworkFileError, match=r"a\.|b\."):
            read_directions(tmp_path / name)
    np.savez(path, evil=np.array([print], dtype=object))
    with pytest.raises(NetworkFileError, match="others"):
        read_directions(path)
    for number in (np.nan, -np.inf, 3e38, 1e300, 10001):
        bad = np.array([[0.0, 1.0], [10000.0, number]])
        words = f"number [1, 1] of 'bad' in others.npz is {number:.3g}"
        np.savez(path, fine=np.zeros(7), bad=bad)
        read = read_directions(path)
        assert list(read) == ["fine"] and words in read.bad["bad"].what, "one that is none costs the others nothing"
        np.savez(path, bad=bad)
        with pytest.raises(NetworkFileError, match=re.escape(words)):
            read_directions(path)
    with pytest.raises(NetworkFileError, match="ganzfeld directions"):
        read_directions(tmp_path / "nowhere.npz")
    with pytest.raises(NetworkFileError, match=r"\.npz or"):
        write_directions(tmp_path / "directions.txt", [])
