"""Pictures of other shapes: the own shape is untouched, fast and readable agree, and the world is the same."""

from __future__ import annotations

import pytest
import torch

from ganzfeld.errors import NetworkError
from ganzfeld.networks.generator import LayerHook
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan2.wide import WideStarts, wide_const, wide_noise
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.networks.wide import FILLS

torch.set_num_threads(1)

SMALL = {"channel_base": 128, "channel_max": 12, "mapping_layers": 2, "z_dim": 8, "w_dim": 8}


def stylegan2(architecture="skip") -> Network:
    network = Network.random(StyleGAN2Config.design(16, architecture=architecture, **SMALL), seed=1)
    for name, tensor in network.tensors.items():
        if name.endswith("noise_strength"):
            tensor.fill_(0.3)
    return network


def stylegan3(kind="stylegan3-t") -> Network:
    return Network.random(StyleGAN3Config.design(kind, 32, num_layers=5, **SMALL), seed=1)


def w_of(network: Network) -> torch.Tensor:
    return network.mapping(torch.linspace(-1, 1, 8)[None]) + 0.3 * torch.sin(torch.arange(8.0))


def far(answer: torch.Tensor, right: torch.Tensor) -> float:
    assert answer.shape == right.shape
    return float((answer - right).norm() / right.norm())


@pytest.mark.parametrize("make", [stylegan2, stylegan3])
@pytest.mark.parametrize("fast", [False, True])
def test_the_own_size_is_bitwise_the_plain_picture(make, fast):
    network = make()
    network.fast = fast
    w, own = w_of(network), (network.resolution, network.resolution)
    plain = network.synthesis(w)
    network.synthesis(w, size=(50, 20))
    assert torch.equal(network.synthesis(w, size=own, fill="noise"), plain)
    assert network.layer_shapes_at(own) == network.layer_shapes


SIZES = [(64, 16), (41, 23), (16, 48), (7, 9), (1, 1)]


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("architecture", ["skip", "resnet"])
@pytest.mark.parametrize("size", SIZES)
def test_stylegan2_fast_and_readable_agree(fill, architecture, size):
    network = stylegan2(architecture)
    w = w_of(network)
    calls = [{}, {"until": "b8"}, {"noise_mode": "random", "seed": 5}]
    calls += [{"resolution": 8}, {"until": "b4"}] if architecture == "skip" else [{"until": "b16"}]
    for options in calls:
        network.fast = False
        right = network.synthesis(w, size=size, fill=fill, **options)
        network.fast = True
        assert far(network.synthesis(w, size=size, fill=fill, **options), right) < 1e-4
        if "until" not in options:
            assert right.shape[2:] == size[::-1]
        else:
            # What lies under the picture, whole samples of it.
            scale = 16 // int(options["until"][1:])
            assert right.shape[2:] == (-(-size[1] // scale), -(-size[0] // scale))


@pytest.mark.parametrize("kind", ["stylegan3-t", "stylegan3-r"])
@pytest.mark.parametrize("size", SIZES)
def test_stylegan3_fast_and_readable_agree(kind, size):
    network = stylegan3(kind)
    w = w_of(network)
    for options in ({}, {"until": "input"}, {"until": "L2"}, {"until": "L5"}):
        network.fast = False
        right = network.synthesis(w, size=size, **options)
        network.fast = True
        assert far(network.synthesis(w, size=size, **options), right) < 1e-4
    assert network.synthesis(w, size=size).shape[2:] == size[::-1]


@pytest.mark.parametrize("make", [stylegan2, stylegan3])
@pytest.mark.parametrize("size", SIZES)
def test_after_sees_the_fields_that_were_promised(make, size):
    network = make()
    seen = {}
    network.synthesis(w_of(network), size=size, after=LayerHook(seen.setdefault))
    shapes = network.layer_shapes_at(size)
    assert {name: tuple(x.shape[1:]) for name, x in seen.items()} == shapes


def test_a_tiled_stylegan2_repeats_away_from_its_borders():
    network = stylegan2()
    x = network.synthesis(w_of(network), size=(16 * 9, 16), fill="tile")
    middle = x[..., 4 * 16 : 5 * 16]
    assert far(x[..., 3 * 16 : 4 * 16], middle) < 1e-5
    assert far(x[..., 5 * 16 : 6 * 16], middle) < 1e-5
    assert far(x[..., :16], middle) > 1e-3, "the border is a border"


@pytest.mark.parametrize("kind", ["stylegan3-t", "stylegan3-r"])
@pytest.mark.parametrize("size", [(64, 32), (96, 48), (32, 34)])
def test_a_wide_stylegan3_shows_the_same_in_its_middle(kind, size):
    network = stylegan3(kind)
    w = w_of(network)
    plain, x = network.synthesis(w), network.synthesis(w, size=size)
    top, left = (size[1] - 32) // 2, (size[0] - 32) // 2
    middle = x[..., top : top + 32, left : left + 32]
    # What the square's own border did to it reaches some pixels far.
    assert far(middle[..., 10:22, 10:22], plain[..., 10:22, 10:22]) < 1e-3


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize(("height", "width"), [(4, 4), (3, 7)])
def test_what_was_learnt_stays_in_the_middle(fill, height, width):
    const, noise = torch.randn(5, height, width), torch.randn(4 * height, 4 * width)
    originals = const.clone(), noise.clone()
    for cells_y, cells_x in ((4, 8), (4, 10), (9, 7), (2, 3)):
        field = wide_const(const, cells_y, cells_x, fill)
        grain = wide_noise(noise, cells_y * 4, cells_x * 4, fill, 4)
        assert field.shape == (5, cells_y, cells_x)
        assert grain.shape == (cells_y * 4, cells_x * 4)
        if cells_y >= 4:
            y, x = (cells_y - height) // 2, (cells_x - width) // 2
            assert torch.equal(grain[4 * y :, 4 * x :][: 4 * height, : 4 * width], noise)
            if fill != "stretch":
                assert torch.equal(field[:, y : y + height, x : x + width], const)
    assert torch.equal(const, originals[0]) and torch.equal(noise, originals[1])


def test_noise_around_the_constant_is_of_its_kind():
    const = (torch.randn(3, 1) + torch.randn(3, 3) @ torch.randn(3, 16)).view(3, 4, 4)
    far_out = wide_const(const, 100, 100, "noise").flatten(1)
    assert torch.allclose(far_out.mean(1), const.flatten(1).mean(1), atol=0.1)
    assert far(far_out.cov(), const.flatten(1).cov(correction=0)) < 0.1


def test_bends_of_constant_and_noise_reach_the_wide_picture():
    network = stylegan2()
    bent = network.variant(["synthesis.b4.const", "synthesis.b8.conv1.noise_const"])
    w, size = w_of(network), (40, 16)
    plain = network.synthesis(w, size=size)
    assert torch.equal(bent.synthesis(w, size=size), plain)
    for name in ("synthesis.b4.const", "synthesis.b8.conv1.noise_const"):
        bent.tensors[name].mul_(-1)
        bent.runtime.rederive([name])
        answer = bent.synthesis(w, size=size)
        bent.fast = False
        assert far(answer, bent.synthesis(w, size=size)) < 1e-4
        bent.fast = True
        assert far(answer, plain) > 1e-2
        bent.tensors[name].mul_(-1)
        bent.runtime.rederive([name])
        assert torch.equal(bent.synthesis(w, size=size), plain)


def test_many_sizes_do_not_pile_up():
    network = stylegan2()
    w = w_of(network)
    network.synthesis(w)
    path = network.runtime.generator(w)
    before = len(path.derived.all)
    pictures = [network.synthesis(w, size=(width, 16)) for width in range(17, 60)]
    assert len(path.derived.all) <= before + WideStarts.most * 6
    assert torch.equal(network.synthesis(w, size=(17, 16)), pictures[0])


def test_what_is_no_size_is_refused():
    network = stylegan2()
    for size in ((0, 16), (16,), (16.5, 16), (20000, 16), (True, 16)):
        with pytest.raises(NetworkError, match="size"):
            network.synthesis(w_of(network), size=size)
    with pytest.raises(NetworkError, match="fill 'mirrored'"):
        network.synthesis(w_of(network), size=(32, 16), fill="mirrored")


def test_memory_grows_with_the_picture():
    network = stylegan2()
    assert network.memory_needed((1600, 1600)) == pytest.approx(1e4 * network.memory_needed(None), rel=0.01)
    assert network.memory_needed((1600, 1600), resolution=8) > network.memory_needed((1600, 1600))
