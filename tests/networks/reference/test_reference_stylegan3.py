from __future__ import annotations

import math

import pytest
import torch

from ganzfeld.networks.generator import LayerHook, SynthesisOptions
from ganzfeld.networks.reference.stylegan3 import StyleGAN3
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from golden_networks import STYLEGAN3, load_golden

torch.set_num_threads(1)


@pytest.fixture(params=STYLEGAN3, scope="module")
def golden_and_network(request):
    golden = load_golden(request.param)
    network = StyleGAN3(golden.config).eval().requires_grad_(False)
    network.load_state_dict(golden.weights)
    return golden, network


def small(kind="stylegan3-t", **changes) -> StyleGAN3:
    design = {
        "resolution": 16,
        "channel_base": 128,
        "channel_max": 10,
        "num_layers": 5,
        "margin_size": 6,
        "z_dim": 8,
        "w_dim": 6,
    }
    torch.manual_seed(0)
    return StyleGAN3(StyleGAN3Config.design(kind, **(design | changes))).requires_grad_(False)


def test_every_golden_number_agrees(golden_and_network):
    golden, network = golden_and_network
    mapping, synthesis = network.mapping, network.synthesis
    w = mapping(golden.z, golden.label)
    answers = {
        "out/w": w,
        "out/w_psi0.7": mapping(golden.z, golden.label, truncation_psi=0.7),
        "out/w_psi0.5_cutoff3": mapping(golden.z, golden.label, truncation_psi=0.5, truncation_cutoff=3),
        "out/image": synthesis(w),
    }
    taps: dict[str, torch.Tensor] = {}
    synthesis(w[:1], SynthesisOptions(after=LayerHook(lambda name, x: taps.setdefault(f"tap/{name}", x))))
    answers |= taps if golden.names("tap/") else {}  # a small golden has none
    errors = {name: golden.error(answer, name) for name, answer in answers.items()}
    assert {name: error for name, error in errors.items() if not error < 1} == {}
    assert set(answers) == {name for name in golden.arrays if name.startswith(("out/", "tap"))}


def test_designed_filters_are_those_of_the_golden_files(golden_and_network):
    golden, _ = golden_and_network
    config, layers = golden.config, golden.config.layers
    designed = StyleGAN3(
        StyleGAN3Config.design(
            config.kind,
            config.img_resolution,
            channel_base=512,
            channel_max=config.input.channels,
            num_layers=len(layers) - 1,
            conv_kernel=layers[0].kernel,
            mapping_layers=2,
            z_dim=config.z_dim,
            c_dim=config.c_dim,
            w_dim=config.w_dim,
        )
    )
    assert designed.synthesis.layers == ("input", *(layer.name for layer in layers))
    for name, tensor in designed.state_dict().items():
        assert tensor.shape == golden.weights[name].shape
        if name.endswith("_filter"):
            assert torch.allclose(tensor, golden.weights[name], atol=1e-7), name


@pytest.mark.parametrize(
    "changes", [{}, {"num_critical": 0}, {"num_critical": 3}, {"conv_kernel": 1}, {"margin_size": 2}]
)
@pytest.mark.parametrize("kind", ["stylegan3-t", "stylegan3-r"])
def test_every_layer_has_the_size_of_its_name(kind, changes):
    network = small(kind, c_dim=2, img_channels=1, **changes)
    w = network.mapping(torch.randn(2, 8), torch.eye(2))
    sizes = {}
    image = network.synthesis(
        w, SynthesisOptions(after=LayerHook(lambda name, x: sizes.setdefault(name, (x, tuple(x.shape)))[0]))
    )
    assert image.shape == (2, 1, 16, 16)
    assert network.config.num_ws == w.shape[1] == len(network.synthesis.layers)
    for layer in network.config.layers:
        _, size, channels = layer.name.split("_")
        assert sizes[layer.name][1] == (2, int(channels), int(size), int(size))


def test_stopping_early_runs_nothing_after(monkeypatch):
    network = small()
    w = network.mapping(torch.randn(1, 8))
    second = network.synthesis.layers[2]
    right = network.synthesis(w, SynthesisOptions(until=second))
    for name in network.synthesis.layers[3:]:
        monkeypatch.setattr(network.synthesis.get_submodule(name), "forward", None)
    assert torch.equal(network.synthesis(w, SynthesisOptions(until=second)), right)


def test_a_transform_moves_the_fourier_features_by_whole_samples():
    network = small()
    start = network.synthesis.input
    w = torch.randn(1, 6)
    shift = torch.eye(3)
    shift[0, 2] = 3 / start.config.sampling_rate
    still, moved = start(w), start(w, shift)
    assert torch.allclose(moved[..., :-3], still[..., 3:], atol=1e-4)

    angle = math.pi / 2
    turn = torch.tensor([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    assert torch.allclose(start(w, turn), still.rot90(1, (2, 3)), atol=1e-4)

    start.transform.copy_(shift)
    assert torch.equal(start(w), moved)
    assert torch.equal(start(w, torch.stack([torch.eye(3)]))[0], still[0])


def test_it_trains():
    network = small("stylegan3-r").requires_grad_(True)
    with torch.autocast("cpu", torch.bfloat16):
        w = network.mapping(torch.randn(3, 8))
        image = network.synthesis(w, track_magnitudes=True)
    assert image.dtype == torch.float32
    image.square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and float(parameter.grad.abs().sum()) > 0, name
    assert all(float(layer.magnitude_ema) != 1 for layer in list(network.synthesis.children())[1:])
