"""Networks whose picture is no square, and StyleGAN-XL's mapping: arrangements agree, and everything knows both sides.

The GPU's arrangements of such networks are tried in gpu/test_gpu_networks.py.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import network_files as made
from ganzfeld.errors import NetworkError
from ganzfeld.networks.config import Config
from ganzfeld.networks.generator import LayerHook
from ganzfeld.networks.network import Network, load_network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config

torch.set_num_threads(1)

SIDES = st.integers(1, 7)
TWO = {"channel_base": 64, "channel_max": 5, "mapping_layers": 1, "z_dim": 4, "w_dim": 4}
THREE = {"channel_base": 64, "channel_max": 6, "num_layers": 4, "mapping_layers": 1, "z_dim": 4, "w_dim": 4}


def far(answer: Tensor, right: Tensor) -> float:
    assert answer.shape == right.shape
    return float((answer - right).norm() / right.norm())


def agrees(network: Network, **options) -> Tensor:
    """The picture, or activation, once both arrangements for a CPU have made the same."""
    w = network.mapping(network.latent(3), 1 if network.c_dim else None, 0.7)
    network.fast = False
    right = network.synthesis(w, **options)
    network.fast = True
    assert far(network.synthesis(w, **options), right) < 1e-4, options
    return right


def check_shapes(network: Network) -> None:
    """Every layer has the shape that was promised, and every picture its size."""
    seen: dict[str, Tensor] = {}
    picture = agrees(network, after=LayerHook(seen.setdefault))
    assert picture.shape[2:] == network.size[::-1]
    assert {name: tuple(x.shape[1:]) for name, x in seen.items()} == network.layer_shapes
    for name, shape in network.layer_shapes.items():
        assert agrees(network, until=name).shape[1:] == shape
    for height in network.resolutions:
        width, _ = network.config.picture_size(height)
        assert agrees(network, resolution=height).shape[2:] == (height, width)
    assert network.resolution == network.resolutions[-1] == network.size[1]
    assert torch.equal(agrees(network, size=network.size), picture)


@settings(max_examples=15, deadline=None)
@given(SIDES, SIDES, st.sampled_from(["skip", "orig", "resnet"]), st.sampled_from([4, 8, 16]))
def test_a_stylegan2_of_any_constant(width, height, architecture, last):
    config = StyleGAN2Config.design(last, const_size=(width, height), architecture=architecture, **TWO)
    network = made.random_network(config)
    assert network.size == (width * last // 4, height * last // 4)
    check_shapes(network)
    assert Config.to_json(config.measured(network.tensors)) == config.to_json()


@settings(max_examples=10, deadline=None)
@given(st.integers(5, 40), st.sampled_from(["stylegan3-t", "stylegan3-r"]))
def test_a_stylegan3_of_any_width(width, kind):
    network = made.random_network(StyleGAN3Config.design(kind, 16, width=width, **THREE))
    assert network.size == (width, 16)
    check_shapes(network)


@settings(max_examples=25, deadline=None)
@given(SIDES, SIDES, st.integers(1, 70), st.integers(1, 50), st.sampled_from(["mirror", "tile", "noise", "stretch"]))
def test_pictures_of_other_sizes(const_width, const_height, width, height, fill):
    network = made.random_network(StyleGAN2Config.design(8, const_size=(const_width, const_height), **TWO))
    seen: dict[str, Tensor] = {}
    options = {"size": (width, height), "fill": fill}
    assert agrees(network, after=LayerHook(seen.setdefault), **options).shape[2:] == (height, width)
    assert {name: tuple(x.shape[1:]) for name, x in seen.items()} == network.layer_shapes_at((width, height))
    agrees(network, until="b4", **options)
    assert agrees(network, resolution=network.resolutions[0], **options).shape[2:] == (height, width)


@pytest.mark.parametrize("width", [8, 24])
def test_a_stylegan3_draws_beyond_its_own_shape(width):
    network = made.random_network(StyleGAN3Config.design("stylegan3-t", 16, width=width, **THREE))
    for size in ((40, 16), (16, 30), (7, 9)):
        assert agrees(network, size=size).shape[2:] == size[::-1]
        agrees(network, size=size, until="L2")


def test_a_height_that_it_does_not_make_is_refused():
    network = made.small2(const_size=(5, 3))
    assert network.resolutions == (3, 6, 12)
    with pytest.raises(NetworkError, match="no picture of 16 px high"):
        network.synthesis(torch.zeros(1, network.num_ws, network.w_dim), resolution=16)
    assert "20 × 12 px" in repr(network)


@pytest.mark.parametrize("make", [lambda: made.small2(const_size=(5, 3)), lambda: made.small3(width=8), made.small_xl])
def test_our_own_file_keeps_it(make, tmp_path: Path):
    network = make()
    network.save(tmp_path / "x.safetensors")
    loaded = load_network(tmp_path / "x.safetensors")
    assert loaded.config == network.config
    assert torch.equal(agrees(loaded), agrees(network))


@pytest.mark.parametrize("kind", ["stylegan3-t", "stylegan3-r"])
def test_an_average_for_each_class(kind):
    network = made.small_xl(kind)
    averages, z = network.tensors["mapping.w_avg"], network.latent(1)
    soft = torch.tensor([[0.25, 0.75, 0.0]])
    for network.fast in (False, True):
        for label, average in (
            (2, averages[2]),
            (1.5, averages[1:].mean(0)),
            (soft, averages[0] / 4 + averages[1] * 0.75),
        ):
            assert torch.allclose(network.mapping(z, label, 0.0), average.expand(1, network.num_ws, -1), atol=1e-6)
            assert torch.allclose(network.average_w(label), average.expand(1, network.num_ws, -1))
            plain, half = network.mapping(z, label), network.mapping(z, label, 0.5)
            assert torch.allclose(half, (plain + average) / 2, atol=1e-5)
            assert torch.allclose(network.truncate(plain, 0.5, label=label), half, atol=1e-5)
        several = network.mapping(z.expand(3, -1), torch.arange(3), 0.5, 2)
        each = torch.cat([network.mapping(z, label, 0.5, 2) for label in range(3)])
        assert torch.allclose(several, each, atol=1e-5)
        assert torch.equal(network.mapping(z, None, 0.5), network.mapping(z, 0, 0.5))
    first = network.mapping(z, 1.5, 0.5)
    network.fast = False
    assert far(network.mapping(z, 1.5, 0.5), first) < 1e-5


def test_a_bent_table_and_average_reach_the_mapping():
    network = made.small_xl()
    names = ["mapping.embed.weight", "mapping.embed_proj.bias", "mapping.w_avg"]
    bent, z = network.variant(names), network.latent(1)
    bent.mapping(z, 1)
    for name in names:
        before = bent.mapping(z, 1, 0.5)
        bent.tensors[name].mul_(-1.5)
        bent.runtime.rederive([name])
        after = bent.mapping(z, 1, 0.5)
        assert far(after, before) > 1e-3, name
        bent.fast = False
        assert far(bent.mapping(z, 1, 0.5), after) < 1e-5, name
        bent.fast = True


def test_classes_without_averages_of_their_own():
    config = dataclasses.replace(made.small_xl().config, class_averages=False)
    network = made.random_network(config)
    assert network.tensors["mapping.w_avg"].shape == (network.w_dim,)
    z = network.latent(2)
    assert far(network.mapping(z, 1, 0.5), network.truncate(network.mapping(z, 1), 0.5)) < 1e-5
