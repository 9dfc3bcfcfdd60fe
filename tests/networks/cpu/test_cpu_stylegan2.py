"""The fast path against the readable reference."""

from __future__ import annotations

import pytest
import torch

from ganzfeld.networks.cpu.stylegan2 import CpuStyleGAN2
from ganzfeld.networks.derived import DerivedTensors
from ganzfeld.networks.generator import LayerHook, SynthesisOptions
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from golden_networks import STYLEGAN2, load_golden

torch.set_num_threads(1)


def lively(seed: int = 0, **design) -> Network:
    """A network with random weights, noise and biases, no two alike."""
    shape = {"channel_base": 256, "channel_max": 24, "mapping_layers": 3, "z_dim": 8, "w_dim": 12, "conv_clamp": 1.5}
    network = Network.random(StyleGAN2Config.design(**(shape | design)), seed)
    torch.manual_seed(seed)
    for name, tensor in network.tensors.items():
        if name.endswith((".bias", "noise_strength", "w_avg")):
            tensor.normal_()
    return network


def far(answer: torch.Tensor, right: torch.Tensor) -> float:
    assert answer.shape == right.shape
    return float((answer - right).norm() / right.norm())


def both(network: Network, call) -> float:
    network.fast = False
    right = call()
    network.fast = True
    return far(call(), right)


@pytest.mark.parametrize("name", STYLEGAN2)
def test_golden_images(name):
    golden = load_golden(name)
    fast = CpuStyleGAN2(golden.config, golden.weights)
    assert CpuStyleGAN2.supports(golden.config, golden.weights)
    w = fast.mapping(golden.z, golden.label)
    assert golden.error(w, "out/w") < 1
    assert golden.error(fast.mapping(golden.z, golden.label, 0.5, 3), "out/w_psi0.5_cutoff3") < 1
    assert golden.error(fast.synthesis(w), "out/image_noise_const") < 1
    assert golden.error(fast.synthesis(w, SynthesisOptions(noise_mode="none")), "out/image_noise_none") < 1


@pytest.mark.parametrize("architecture", ["skip", "orig", "resnet"])
@pytest.mark.parametrize(
    "design", [{"resolution": 64}, {"resolution": 8, "c_dim": 3, "img_channels": 1, "conv_clamp": None}]
)
def test_everything_agrees_with_the_reference(architecture, design):
    network = lively(architecture=architecture, **design)
    z = torch.randn(3, 8)
    assert both(network, lambda: network.mapping(z, 1, torch.tensor(0.6), torch.tensor(2))) < 1e-4
    w = network.mapping(z, 2) + 0.1 * torch.randn(3, network.num_ws, 12)
    assert both(network, lambda: network.synthesis(w, "none")) < 1e-4
    assert both(network, lambda: network.synthesis(w, noise_strength=torch.tensor(0.3))) < 1e-4
    assert both(network, lambda: network.synthesis(w[:1], "random", seed=5, noise_strength=2)) < 1e-4
    for layer in network.layers:
        assert both(network, lambda layer=layer: network.synthesis(w, until=layer)) < 1e-4
        assert both(network, lambda layer=layer: network.synthesis(w, after=LayerHook(turned(layer)))) < 1e-4
    for resolution in network.resolutions:
        assert both(network, lambda resolution=resolution: network.synthesis(w, resolution=resolution)) < 1e-4


def turned(layer):
    return lambda name, x: x.flip(1).roll(1, 3) if name == layer else x


def test_the_smallest_network():
    network = lively(resolution=4)
    w = network.mapping(torch.randn(2, 8))
    assert both(network, lambda: network.synthesis(w)) < 1e-4


def test_sources_are_never_written_and_answers_never_shared():
    network = lively(resolution=16)
    before = {name: tensor.clone() for name, tensor in network.tensors.items()}
    w = network.mapping(torch.randn(1, 8))
    first = network.synthesis(w)
    kept = first.clone()
    activation = network.synthesis(w, until="b4").zero_()
    assert not activation.any()
    network.synthesis(w, "random")
    assert torch.equal(first, kept) and torch.equal(network.synthesis(w), kept)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.tensors.items())


@pytest.mark.parametrize("architecture", ["skip", "resnet"])
def test_changing_any_tensor_in_place_changes_the_answer_as_it_does_the_reference(architecture):
    network = lively(resolution=8, architecture=architecture, c_dim=2)
    z = torch.randn(2, 8)
    unused = {name for name in network.weights if name.endswith("conv1.resample_filter") or "b4.resample" in name}
    if architecture == "resnet":
        unused |= {"synthesis.b8.resample_filter"}

    def image():
        return network.synthesis(network.mapping(z, 1, 0.7))

    plain = image()
    for name, tensor in network.tensors.items():
        original = tensor.clone()
        tensor.mul_(1.3).add_(0.05)
        assert both(network, image) < 1e-4, name
        assert (far(image(), plain) > 1e-6) == (name not in unused), name
        tensor.copy_(original)
    assert torch.equal(image(), plain)


def test_only_what_depends_on_a_change_is_made_again():
    made = []
    tensors = {"a": torch.ones(2), "b": torch.ones(2)}
    derived = DerivedTensors(tensors)

    def recorded(name, function):
        return lambda *sources: (made.append(name), function(*sources))[1]

    stack = torch.zeros(2, 2)
    total = derived.make("a", "b", compute=recorded("total", torch.add))
    derived.make("a", compute=recorded("row", lambda a: a * 3), into=stack[1])
    assert stack.tolist() == [[0, 0], [3, 3]]
    made.clear()
    tensors["b"].fill_(5)
    derived.refresh()
    assert made == ["total"] and total.tolist() == [6, 6]
    tensors["a"].fill_(2)
    derived.derive(["a"])
    assert made == ["total", "total", "row"] and stack[1].tolist() == [6, 6]


def test_gradients_go_through_the_reference():
    network = lively(resolution=8)
    w = network.mapping(torch.randn(1, 8)).clone().requires_grad_(True)
    network.synthesis(w).sum().backward()
    assert w.grad is not None and float(w.grad.abs().sum()) > 0


def test_it_works_in_and_out_of_inference_mode():
    with torch.inference_mode():
        network = lively(resolution=8)
        w = network.mapping(torch.randn(1, 8))
        inside = network.synthesis(w)
    assert torch.equal(network.synthesis(w), inside)
