from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

import ganzfeld
from ganzfeld.errors import NetworkError
from ganzfeld.networks.kinds import config_from_json
from ganzfeld.networks.network import Network, to_uint8
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from golden_networks import STYLEGAN2, STYLEGAN3, load_arrays, load_golden

torch.set_num_threads(1)

SMALL2 = StyleGAN2Config.design(16, channel_base=128, channel_max=12, mapping_layers=2, z_dim=8, w_dim=6)
SMALL3 = StyleGAN3Config.design(
    "stylegan3-r", 16, channel_base=64, channel_max=9, num_layers=4, margin_size=6, z_dim=8, w_dim=6, c_dim=3
)

T3 = StyleGAN3Config.design("stylegan3-t", 16, channel_base=64, channel_max=9, num_layers=4, z_dim=8, w_dim=6)
RESNET = StyleGAN2Config.design(
    16, channel_base=128, channel_max=12, mapping_layers=2, z_dim=8, w_dim=6, architecture="resnet"
)


@pytest.mark.parametrize("name", STYLEGAN2 + STYLEGAN3)
def test_a_golden_network_through_the_public_names(name):
    golden = load_golden(name)
    network = Network(config_from_json(golden.config.to_json()), golden.weights)
    w = network.mapping(golden.z, golden.label, truncation_psi=0.5, truncation_cutoff=3)
    assert golden.error(w, "out/w_psi0.5_cutoff3") < 1
    image = "out/image" if "out/image" in golden.arrays else "out/image_noise_const"
    assert golden.error(network.synthesis(network.mapping(golden.z, golden.label)), image) < 1
    assert network.weights == {name: tuple(tensor.shape) for name, tensor in golden.weights.items()}
    w = network.mapping(golden.z[:1], None if golden.label is None else golden.label[0])
    for layer in network.layers:
        activation = network.synthesis(w, until=layer)
        assert activation.shape[1:] == network.layer_shapes[layer]
        if f"tap/{layer}" in golden.arrays:
            assert golden.error(activation, f"tap/{layer}") < 1
            assert torch.equal(network.synthesis(w, until=layer.partition("_")[0]), activation)


@pytest.mark.parametrize("name", [*STYLEGAN2, *STYLEGAN3, "stylegan2-tf-32", "stylegan2-rosinality-32"])
def test_golden_files_of_every_format_load_play_and_save(name, golden_file, tmp_path):
    golden = load_arrays(name)
    network = ganzfeld.load_network(golden_file(name))
    assert network.path == golden_file(name) and network.sha256
    w = network.mapping(golden.z, golden.label)
    assert golden.error(w[:, 0] if golden.arrays["out/w"].ndim == 2 else w, "out/w") < 1
    images = {"image": (w, "const"), "image_noise_const": (w, "const"), "image_noise_none": (w, "none")}
    images["image_psi0.7_noise_const"] = (network.mapping(golden.z, golden.label, truncation_psi=0.7), "const")
    for image in golden.names("out/image"):
        assert golden.error(network.synthesis(*images[f"image{image}"]), f"out/image{image}") < 1

    network.save(tmp_path / "saved.safetensors")
    again = ganzfeld.load_network(tmp_path / "saved.safetensors")
    assert again.config == network.config and again.weights == network.weights
    assert torch.equal(again.synthesis(w), network.synthesis(w))


def test_attributes():
    network = Network.random(SMALL3)
    assert (network.kind, network.resolution, network.image_channels) == ("stylegan3-r", 16, 3)
    assert (network.z_dim, network.w_dim, network.c_dim, network.num_ws) == (8, 6, 3, 6)
    assert network.layers[0] == "input" and len(network.layers) == 6
    assert network.layer_name("L2") == network.layers[3]
    assert repr(network) == "<Network: stylegan3-r, 16 px, 6 layers>"
    assert Network.random(SMALL2).layer_name("b8.conv1") == "b8"


def test_random_networks_repeat_by_seed_and_leave_torch_alone():
    state = torch.random.get_rng_state()
    one, same, other = Network.random(SMALL2, 1), Network.random(SMALL2, 1), Network.random(SMALL2, 2)
    assert torch.equal(state, torch.random.get_rng_state())
    w = one.mapping(torch.ones(8))
    assert torch.equal(one.synthesis(w), same.synthesis(w))
    assert not torch.equal(one.synthesis(w), other.synthesis(w))


def test_latents_of_seeds_are_the_official_ones():
    network = Network.random(SMALL2)
    assert np.allclose(network.latent(42).numpy(), np.random.RandomState(42).randn(1, 8))


def test_labels():
    network = Network.random(SMALL3)
    z = torch.randn(2, 8)
    ones = torch.eye(3)
    second = network.mapping(z, ones[[1, 1]])
    for label in (1, 1.0, ones[1], ones[1:2], torch.tensor(1), torch.tensor(1.0), torch.tensor([1, 1])):
        assert torch.equal(network.mapping(z, label), second)
    assert torch.equal(network.mapping(z), network.mapping(z, 0))
    mixed = network.mapping(z, torch.tensor([0.0, 0.75, 0.25]))
    assert torch.equal(network.mapping(z, 1.25), mixed) and not torch.equal(mixed, second)
    assert torch.equal(network.mapping(z, torch.tensor([0, 2]))[1], network.mapping(z, 2)[1])
    plain = Network.random(SMALL2)
    assert torch.equal(plain.mapping(z, 5), plain.mapping(z))
    for wrong in (3, -1, torch.zeros(2, 4)):
        with pytest.raises(NetworkError, match=r"class|shape"):
            network.mapping(z, wrong)


@pytest.mark.parametrize("config", [SMALL2, SMALL3])
def test_one_w_for_all_rows(config):
    network = Network.random(config)
    w = network.mapping(torch.randn(2, 8))
    assert torch.equal(network.synthesis(w[:, 0]), network.synthesis(w))


def test_errors_name_what_is_there():
    network = Network.random(SMALL2)
    w = network.mapping(torch.randn(1, 8))
    with pytest.raises(NetworkError, match=r"b8.conv7.*Did you mean.*'b8.conv"):
        network.synthesis(w, until="b8.conv7")
    with pytest.raises(NetworkError, match=r"12 px. It makes: 4, 8, 16 px"):
        network.synthesis(w, resolution=12)
    with pytest.raises(NetworkError, match=r"rndom.*random"):
        network.synthesis(w, "rndom")
    with pytest.raises(NetworkError, match="transform"):
        network.synthesis(w, transform=torch.eye(3))
    with pytest.raises(NetworkError, match=r"\[1, 9\].*\[N, 8\]"):
        network.mapping(torch.randn(1, 9))
    with pytest.raises(NetworkError, match=r"\[1, 3, 6\].*\[N, 6, 6\]"):
        network.synthesis(w[:, :3])
    other = Network.random(SMALL3)
    with pytest.raises(NetworkError, match=r"L33.*Did you mean.*'L3'"):
        other.synthesis(other.mapping(torch.randn(1, 8)), until="L33")
    with pytest.raises(NetworkError, match="It makes: 16 px"):
        other.synthesis(other.mapping(torch.randn(1, 8)), resolution=8)


@pytest.mark.parametrize("fast", [True, False])
def test_psi_may_be_a_number_of_any_kind(fast: bool):
    network = Network.random(SMALL2)
    network.fast = fast
    z = torch.randn(2, 8)
    for psi, same in (
        (0.3, torch.tensor(0.3, dtype=torch.float64)),
        (0, torch.tensor(0)),
        (2, torch.tensor([2, 2])[:, None, None]),
    ):
        expected = network.mapping(z, truncation_psi=psi, truncation_cutoff=3)
        assert torch.allclose(network.mapping(z, truncation_psi=same, truncation_cutoff=3), expected, atol=1e-6)


def test_tensors_that_a_file_may_lack(caplog):
    whole = Network.random(SMALL2)
    weights = whole.tensors
    z = torch.randn(4, 8)
    filters = {name: tensor for name, tensor in weights.items() if not name.endswith("resample_filter")}
    assert torch.equal(Network(SMALL2, filters).synthesis(whole.mapping(z)), whole.synthesis(whole.mapping(z)))
    assert not caplog.records

    with caplog.at_level(logging.WARNING):
        average = Network(SMALL2, {name: tensor for name, tensor in weights.items() if name != "mapping.w_avg"})
    assert "10000 latents" in caplog.text
    right = torch.stack([whole.mapping(torch.randn(2000, 8))[:, 0].mean(0) for _ in range(5)]).mean(0)
    assert torch.allclose(average.mapping(z, truncation_psi=0)[0, 0], right, atol=0.05)

    with caplog.at_level(logging.WARNING):
        hushed = Network(SMALL2, {name: t for name, t in weights.items() if not name.endswith("noise_const")})
    assert "constant noise" in caplog.text
    assert torch.equal(hushed.synthesis(whole.mapping(z), "none"), whole.synthesis(whole.mapping(z), "none"))


def test_a_network_trained_without_noise(caplog):
    whole = Network.random(SMALL2)
    w = whole.mapping(torch.randn(1, 8))
    for name, tensor in whole.tensors.items():
        if name.endswith("noise_strength"):
            tensor.fill_(1)
    clean = {name: tensor for name, tensor in whole.tensors.items() if "noise" not in name}
    assert torch.equal(Network(SMALL2, clean).synthesis(w, "const"), whole.synthesis(w, "none"))
    assert not caplog.records


def test_tensors_that_a_file_must_not_lack():
    weights = Network.random(SMALL2).tensors
    with pytest.raises(NetworkError, match=r"no tensor 'synthesis.b8.conv0.bias'"):
        Network(SMALL2, {name: tensor for name, tensor in weights.items() if name != "synthesis.b8.conv0.bias"})
    with pytest.raises(NetworkError, match=r"b8.conv0.bias' has the shape \[3\] .* \[12\]"):
        Network(SMALL2, weights | {"synthesis.b8.conv0.bias": torch.zeros(3)})
    for missing in ("synthesis.b8.conv1.weight", "synthesis.b16.torgb.weight", "mapping.fc0.weight"):
        with pytest.raises(NetworkError):
            Network(SMALL2, {name: tensor for name, tensor in weights.items() if name != missing})


def test_sizes_are_read_off_the_tensors():
    weights = Network.random(SMALL2).tensors
    wrong = StyleGAN2Config(z_dim=512, w_dim=1, num_ws=2, img_resolution=1024, conv_clamp=256)
    assert Network(wrong, weights).config == SMALL2


def test_half_precision_files_become_float32():
    network = Network.random(SMALL3)
    halved = Network(SMALL3, {name: tensor.half() for name, tensor in network.tensors.items()})
    assert {tensor.dtype for tensor in halved.tensors.values()} == {torch.float32}
    w = network.mapping(torch.randn(1, 8))
    assert float((halved.synthesis(w) - network.synthesis(w)).norm() / network.synthesis(w).norm()) < 1e-2


@pytest.mark.parametrize("config", [SMALL2, SMALL3])
def test_nothing_reads_a_value_back(config, monkeypatch):
    """The whole way from z to the picture with every knob a tensor, as captured graphs need it."""
    network = Network.random(config)
    z, numbers = torch.randn(2, 8), [torch.tensor(x) for x in (0.7, 3, 0.5, 12, 1.5)]

    def refuse(self, *_):
        raise AssertionError("a value was read back from the device")

    for name in ("item", "__float__", "__int__", "__bool__", "__index__", "tolist", "numpy"):
        monkeypatch.setattr(torch.Tensor, name, refuse)
    psi, cutoff, strength, seed, label = numbers
    w = network.mapping(z, label, psi, cutoff)
    for mode in ("random", "const", "none"):
        image = network.synthesis(w, mode, noise_strength=strength, seed=seed)
        assert image.shape == (2, 3, 16, 16)


def test_bytes_of_a_picture():
    image = torch.tensor([-2.0, -1, 0, 0.9999, 1, 2]).reshape(1, 1, 1, 6)
    assert to_uint8(image).flatten().tolist() == [0, 0, 128, 255, 255, 255]


@pytest.mark.parametrize("name", [*STYLEGAN2, "stylegan3-t-32", "stylegan3-t-cond-64"])
def test_half_precision_is_off_by_less_than_a_hundredth(name):
    golden = load_golden(name)
    network = Network(golden.config, golden.weights)
    w = network.mapping(golden.z, golden.label)
    exact = network.synthesis(w)
    network.precision = "bfloat16"
    rough = network.synthesis(w)
    assert 1e-4 < float((rough - exact).norm() / exact.norm()) < 1e-2
    network.precision = "float32"
    assert torch.equal(network.synthesis(w), exact)
    with pytest.raises(NetworkError, match=r"float61.*bfloat16"):
        network.precision = "float61"  # type: ignore[assignment]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("config", [SMALL2, SMALL3, T3, RESNET], ids=["2", "3-r", "3-t", "resnet"])
def test_gains_multiply_a_convolution_before_noise_and_bias(config, fast):
    network = Network.random(config, seed=3)
    network.fast = fast
    for name, tensor in network.tensors.items():
        if name.endswith(("bias", "noise_strength")):
            tensor.copy_(0.3 * torch.randn_like(tensor))
    w = torch.randn(2, network.num_ws, network.w_dim)
    plain = network.synthesis(w)
    assert torch.equal(network.synthesis(w, gains={}), plain)
    assert torch.allclose(network.synthesis(w, gains=dict.fromkeys(network.convolutions, torch.ones(()))), plain)
    for layer, weight in network.convolutions.items():
        channels = network.layer_shapes[layer][0]
        own = torch.linspace(-2, 2, channels)
        mixed = network.synthesis(w, until=layer, gains={layer: own})
        for channel in (0, channels - 1):
            alike = network.synthesis(w, until=layer, gains={layer: own[channel]})
            assert torch.allclose(mixed[:, channel], alike[:, channel], atol=1e-5)
        # Nothing but noise and bias is left at 0, and the weight no longer matters.
        silent = network.synthesis(w, until=layer, gains={layer: torch.zeros(())})
        other = network.variant([weight])
        other.tensors[weight].normal_()
        other.fast = fast
        assert torch.equal(silent, other.synthesis(w, until=layer, gains={layer: torch.zeros(())}))
        assert not torch.equal(silent, network.synthesis(w, until=layer))
    if config is not SMALL2:
        with pytest.raises(NetworkError, match="no demodulated convolution"):
            network.synthesis(w, gains={network.layers[-1]: torch.ones(())})
