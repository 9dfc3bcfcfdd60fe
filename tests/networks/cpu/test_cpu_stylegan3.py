"""The fast path of StyleGAN3 against the readable reference."""

from __future__ import annotations

import pytest
import torch

from ganzfeld.networks.cpu.stylegan3 import CpuStyleGAN3
from ganzfeld.networks.generator import LayerHook, SynthesisOptions
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from golden_networks import load_golden

torch.set_num_threads(1)


def lively(**design) -> Network:
    """A small network with random weights, biases and magnitudes, no two alike."""
    shape = {"channel_base": 128, "channel_max": 14, "num_layers": 6, "z_dim": 8, "w_dim": 12}
    network = Network.random(StyleGAN3Config.design(**({"resolution": 32} | shape | design)))
    torch.manual_seed(0)
    for name, tensor in network.tensors.items():
        if name.endswith((".bias", "w_avg", "affine.weight")):
            tensor.normal_()
        if name.endswith("magnitude_ema"):
            tensor.uniform_(0.5, 2)
    return network


def both(network: Network, call) -> float:
    network.fast = False
    right = call()
    network.fast = True
    answer = call()
    assert answer.shape == right.shape
    return float((answer - right).norm() / right.norm())


@pytest.mark.parametrize("name", ["stylegan3-t-32", "stylegan3-t-cond-64"])
def test_golden_images(name):
    golden = load_golden(name)
    assert isinstance(golden.config, StyleGAN3Config)
    assert CpuStyleGAN3.supports(golden.config, golden.weights)
    fast = CpuStyleGAN3(golden.config, golden.weights)
    w = fast.mapping(golden.z, golden.label)
    assert golden.error(fast.synthesis(w), "out/image") < 1
    taps: dict[str, torch.Tensor] = {}
    fast.synthesis(w[:1], SynthesisOptions(after=LayerHook(lambda name, x: taps.setdefault(f"tap/{name}", x))))
    assert set(taps) == {name for name in golden.arrays if name.startswith("tap/")}
    assert {name: golden.error(tap, name) for name, tap in taps.items() if golden.error(tap, name) >= 1} == {}


@pytest.mark.parametrize(
    "design",
    [
        {},
        {"conv_kernel": 1, "margin_size": 3, "num_critical": 0},
        {"filter_size": 4, "lrelu_upsampling": 4, "resolution": 16, "conv_clamp": None},
        {"img_channels": 1, "c_dim": 2, "conv_clamp": 0.5, "num_layers": 3},
    ],
)
def test_everything_agrees_with_the_reference(design):
    network = lively(**design)
    w = network.mapping(torch.randn(2, 8), 1) + 0.1 * torch.randn(2, network.num_ws, 12)
    transform = torch.tensor([[0.8, -0.6, 0.1], [0.6, 0.8, -0.2], [0, 0, 1]])
    assert both(network, lambda: network.synthesis(w, transform=transform)) < 1e-4
    for layer in network.layers:
        assert both(network, lambda layer=layer: network.synthesis(w, until=layer)) < 1e-4
    middle = network.layers[3]
    assert both(network, lambda: network.synthesis(w, after=LayerHook(lambda n, x: x.flip(1), [middle]))) < 1e-4


def test_changing_any_tensor_in_place_changes_the_answer_as_it_does_the_reference():
    network = lively(num_layers=3, resolution=16)
    z = torch.randn(1, 8)

    def image():
        return network.synthesis(network.mapping(z, truncation_psi=0.7))

    plain = image()
    for name, tensor in network.tensors.items():
        original = tensor.clone()
        tensor.add_(0.05 * torch.rand(tensor.shape))
        assert both(network, image) < 1e-4, name
        assert not torch.equal(image(), plain), name
        tensor.copy_(original)
    assert torch.equal(image(), plain)


def test_radial_filters_stay_with_the_reference():
    network = lively(kind="stylegan3-r")
    assert not CpuStyleGAN3.supports(network.config, network.tensors)
    w = network.mapping(torch.randn(1, 8))
    assert both(network, lambda: network.synthesis(w)) == 0
