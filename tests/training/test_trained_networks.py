"""What is trained is what is played: the training forwards agree with the networks of the package."""

from __future__ import annotations

import pytest
import torch
from training.discriminator import Discriminator
from training.stylegan2 import TrainedStyleGAN2, smooth
from training.stylegan3 import TrainedStyleGAN3

from ganzfeld.networks.generator import LayerHook, SynthesisOptions
from ganzfeld.networks.reference.stylegan2 import StyleGAN2
from ganzfeld.networks.reference.stylegan3 import StyleGAN3
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config


def relative(out: torch.Tensor, reference: torch.Tensor) -> float:
    return float(((out - reference).norm() / reference.norm()).detach())


def shaken(module: torch.nn.Module) -> torch.nn.Module:
    """Biases and noise strengths start at zero, which would hide mistakes in them."""
    torch.manual_seed(3)
    for parameter in module.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return module


@pytest.mark.parametrize("resolution", [16, 32])
def test_stylegan2_trains_the_network_that_is_played(resolution: int) -> None:
    config = StyleGAN2Config.design(32, channel_base=512, channel_max=16, z_dim=24, w_dim=24, mapping_layers=2)
    network = shaken(StyleGAN2(config))
    trained = TrainedStyleGAN2(network, dtype=torch.float32)
    w = torch.randn(2, config.num_ws, 24)
    picture, _ = trained(w, resolution, torch.ones(()), noise=False)
    reference = network.synthesis(w, SynthesisOptions(noise_mode="none", resolution=resolution))
    assert relative(picture, reference) < 1e-5


def test_a_block_that_fades_in_starts_from_the_smaller_picture() -> None:
    config = StyleGAN2Config.design(16, channel_base=256, channel_max=16, z_dim=24, w_dim=24, mapping_layers=2)
    trained = TrainedStyleGAN2(shaken(StyleGAN2(config)), dtype=torch.float32)
    w = torch.randn(2, config.num_ws, 24)
    small, _ = trained(w, 8, torch.ones(()), noise=False)
    grown, _ = trained(w, 16, torch.zeros(()), noise=False)
    inside = slice(2, -2)
    shrunk = torch.nn.functional.avg_pool2d(grown, 2)
    smoothed = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(small, (1, 1, 1, 1)), 3, stride=1)
    assert relative(shrunk[..., inside, inside], small[..., inside, inside]) < relative(smoothed, small)


def test_both_ways_of_smoothing_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(2, 3, 9, 9)
    pools = smooth(x)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert torch.allclose(smooth(x), pools, atol=1e-5)


def test_stylegan3_trains_the_network_that_is_played() -> None:
    config = StyleGAN3Config.design(
        "stylegan3-t", 32, channel_base=512, channel_max=12, num_layers=5, z_dim=16, w_dim=16
    )
    network = shaken(StyleGAN3(config))
    trained = TrainedStyleGAN3(network, dtype=torch.float32)
    w = torch.randn(2, config.num_ws, 16)
    picture, squares = trained(w, 32, torch.ones(()))
    assert relative(picture, network.synthesis(w)) < 1e-4

    met = {}
    network.synthesis(w, SynthesisOptions(after=LayerHook(met.setdefault)))
    trained.track_magnitudes(squares, beta=0)
    expected = [float(x.detach().square().mean()) for x in list(met.values())[:-1]]
    assert [float(layer.magnitude_ema) for layer in trained.layers] == pytest.approx(expected, rel=1e-3)


def test_the_discriminator_grows_without_a_jump() -> None:
    judge = Discriminator((16, 12, 8), dtype=torch.float32)
    pictures = torch.randn(8, 3, 16, 16)
    halved = torch.nn.functional.avg_pool2d(pictures, 2)
    assert torch.allclose(judge(pictures, torch.zeros(())), judge(halved, torch.ones(())), atol=1e-5)


def test_the_discriminator_sees_sameness() -> None:
    judge = Discriminator((16, 12), dtype=torch.float32)
    alike = torch.randn(1, 3, 8, 8).repeat(4, 1, 1, 1)
    mixed = torch.cat([alike[:1], torch.randn(3, 3, 8, 8)])
    one = torch.ones(())
    assert float((judge(alike, one)[0] - judge(mixed, one)[0]).detach().abs()) > 1e-4
