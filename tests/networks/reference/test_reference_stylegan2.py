from __future__ import annotations

import pytest
import torch

from ganzfeld.errors import NetworkError
from ganzfeld.networks.generator import LayerHook, SynthesisOptions
from ganzfeld.networks.reference.stylegan2 import StyleGAN2
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from golden_networks import STYLEGAN2, load_golden

torch.set_num_threads(1)


@pytest.fixture(params=STYLEGAN2, scope="module")
def golden_and_network(request):
    golden = load_golden(request.param)
    network = StyleGAN2(golden.config).eval().requires_grad_(False)
    network.load_state_dict(golden.weights)
    return golden, network


def small(**changes) -> StyleGAN2:
    design = {"resolution": 16, "channel_base": 128, "channel_max": 12, "mapping_layers": 2, "z_dim": 8, "w_dim": 6}
    torch.manual_seed(0)
    network = StyleGAN2(StyleGAN2Config.design(**(design | changes)))
    for name, tensor in network.named_parameters():
        if "noise_strength" in name:
            tensor.data.fill_(0.3)
    return network.requires_grad_(False)


def test_every_golden_number_agrees(golden_and_network):
    golden, network = golden_and_network
    mapping, synthesis = network.mapping, network.synthesis
    w = mapping(golden.z, golden.label)
    answers = {
        "out/w": w,
        "out/w_psi0.7": mapping(golden.z, golden.label, truncation_psi=0.7),
        "out/w_psi0.5_cutoff3": mapping(golden.z, golden.label, truncation_psi=0.5, truncation_cutoff=3),
        "out/image_noise_const": synthesis(w, SynthesisOptions(noise_mode="const")),
        "out/image_noise_none": synthesis(w, SynthesisOptions(noise_mode="none")),
    }
    answers |= {f"tap/{name}": synthesis(w[:1], SynthesisOptions(until=name)) for name in golden.names("tap/")}
    answers |= {
        f"tap_rgb/{name}": synthesis(w[:1], SynthesisOptions(resolution=int(name[1:])))
        for name in golden.names("tap_rgb/")
    }
    errors = {name: golden.error(answer, name) for name, answer in answers.items()}
    assert {name: error for name, error in errors.items() if not error < 1} == {}
    assert set(answers) == {name for name in golden.arrays if name.startswith(("out/", "tap"))}


def test_truncation_takes_tensors(golden_and_network):
    golden, network = golden_and_network
    w = network.mapping(golden.z, golden.label, torch.tensor(0.5), torch.tensor(3))
    assert golden.error(w, "out/w_psi0.5_cutoff3") < 1


@pytest.mark.parametrize("architecture", ["skip", "orig", "resnet"])
@pytest.mark.parametrize("resolution", [4, 8, 32])
def test_sizes_of_every_activation(architecture, resolution):
    network = small(architecture=architecture, resolution=resolution, img_channels=4, c_dim=3)
    w = network.mapping(torch.randn(2, 8), torch.eye(3)[:2])
    assert w.shape == (2, network.config.num_ws, 6)
    assert network.synthesis(w).shape == (2, 4, resolution, resolution)
    channels = dict(zip(network.config.blocks, network.config.channels))
    for name in network.synthesis.layers:
        size = int(name[1:].partition(".")[0])
        assert network.synthesis(w, SynthesisOptions(until=name)).shape == (2, channels[size], size, size)


def test_random_noise_by_its_statistics():
    """The layer's noise, recovered by taking away what the layer gives without it (before the activation)."""
    network = small(resolution=64, channel_max=2)
    layer = network.synthesis.get_submodule("b64.conv0")
    layer.bias.fill_(100)  # the activation is linear there
    w = network.mapping(torch.randn(3, 8))
    quiet = network.synthesis(w, SynthesisOptions(noise_mode="none", until="b32"))

    def noise(**how):
        kept = {}
        options = SynthesisOptions(
            noise_mode="random", until="b64.conv0", after=LayerHook(replaced(kept, quiet)), **how
        )
        network.synthesis(w, options)
        return (kept["b64.conv0"] - layer(quiet, w[:, 7], None))[:, 0] / (0.3 * 2**0.5)

    first = noise(seed=7)
    for picture in (*first, *noise()):
        assert abs(float(picture.mean())) < 0.06
        assert float(picture.std()) == pytest.approx(1, abs=0.05)
        assert float((picture**4).mean()) == pytest.approx(3, abs=0.6)  # 4 σ of 4,096 samples
        assert abs(float((picture[1:] * picture[:-1]).mean())) < 0.06
    assert torch.equal(first, noise(seed=torch.tensor(7)))
    assert float((first * noise(seed=8)).mean().abs()) < 0.05
    assert abs(float((first[0] * first[1]).mean())) < 0.06
    assert torch.allclose(noise(seed=7, noise_strength=torch.tensor(0.5)), first / 2, atol=1e-4)


def replaced(kept, quiet):
    def after(name, x):
        kept[name] = x
        return quiet if name == "b32" else x

    return after


def test_the_hook_sees_every_layer_in_order_and_changes_what_follows():
    network = small(architecture="resnet")
    w = network.mapping(torch.randn(1, 8))
    seen = []
    image = network.synthesis(w, SynthesisOptions(after=LayerHook(lambda name, x: (seen.append(name), x)[1])))
    assert tuple(seen) == network.synthesis.layers
    assert torch.equal(image, network.synthesis(w))
    dark = network.synthesis(w, SynthesisOptions(after=LayerHook(lambda name, x: x * 0, ["b16"])))
    assert torch.allclose(dark, network.synthesis.b16.torgb.bias[:, None, None].expand_as(dark))


def test_stopping_early_runs_nothing_after(monkeypatch):
    network = small()
    w = network.mapping(torch.randn(1, 8))
    for module in (network.synthesis.b16, network.synthesis.b8.conv1):
        for part in module.modules():
            monkeypatch.setattr(part, "forward", None)
    assert network.synthesis(w, SynthesisOptions(until="b8.conv0")).shape == (1, 12, 8, 8)
    assert network.synthesis(w, SynthesisOptions(resolution=4)).shape == (1, 3, 4, 4)


def test_clamp_bounds_every_layer():
    network = small(conv_clamp=0.5)
    w = network.mapping(torch.randn(1, 8))
    for name in network.synthesis.layers:
        assert float(network.synthesis(w, SynthesisOptions(until=name)).abs().max()) == 0.5


def test_it_trains():
    network = small().requires_grad_(True)
    with torch.autocast("cpu", torch.bfloat16):
        w = network.mapping(torch.randn(3, 8))
        image = network.synthesis(w, SynthesisOptions(noise_mode="random"))
    assert image.dtype == torch.float32
    image.square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and float(parameter.grad.abs().sum()) > 0, name
    network.mapping.track_average(w, beta=0)
    assert torch.allclose(network.mapping.w_avg, w.float().mean((0, 1)).detach(), atol=1e-2)


def test_an_unknown_noise_mode_is_named():
    network = small()
    with pytest.raises(NetworkError, match=r"constt.*const"):
        network.synthesis(torch.zeros(1, 6, 6), SynthesisOptions(noise_mode="constt"))  # type: ignore[arg-type]
