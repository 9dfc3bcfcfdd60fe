"""On a processor, blends go to what is derived, and what says the same as before is not made again."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganzfeld.bending.bender import Bender
from ganzfeld.bending.lines import BendLine, BlendLine
from ganzfeld.bending.matching import bent
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.patch.node import Named

DIMENSIONS: Any = {"mapping_layers": 2, "z_dim": 8, "w_dim": 8}
TWO = StyleGAN2Config.design(32, channel_base=128, channel_max=8, **DIMENSIONS)
THREE = StyleGAN3Config.design("stylegan3-t", 32, channel_base=128, channel_max=8, num_layers=4, **DIMENSIONS)
FRAME = torch.tensor(0)


def memory(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.zeros(shape)


def blending(config: Any, seed: int = 1) -> tuple[Network, Network, Bender]:
    one, other = Network.random(config, seed=seed), Network.random(config, seed=seed + 1)
    bender = Bender(one)
    bender.blend(BlendLine("mix", other, "*"))
    bender.ready()
    return one, other, bender


def mixed(config: Any, amount: float) -> Network:
    """The blend as a network of its own."""
    one, other = Network.random(config, seed=1), Network.random(config, seed=2)
    for name in one.weights:
        one.tensors[name].copy_(torch.lerp(one.tensors[name], other.tensors[name], amount))
    return one


def picture(bender: Bender, amount: float, said: Any = None, **asked: Any) -> torch.Tensor:
    bender.prepare({}, said)
    amounts = {"mix": SimpleNamespace(amount=torch.tensor(amount))}
    with torch.inference_mode(), bender.bent(amounts, FRAME, memory, **asked) as live:
        return live.synthesis(live.mapping(live.latent(5)), **asked)


@pytest.mark.parametrize("config", [TWO, THREE], ids=["stylegan2", "stylegan3"])
@pytest.mark.parametrize("amount", [-1.0, 0.0, 0.3, 1.0, 1.7])
def test_what_is_derived_is_that_of_the_blend(config: Any, amount: float):
    expected = mixed(config, amount)
    w = expected.mapping(expected.latent(5))
    found = picture(blending(config)[2], amount)
    assert torch.allclose(found, expected.synthesis(w), rtol=1e-4, atol=2e-5)


def test_with_nothing_of_the_other_it_is_the_network_itself_to_the_bit():
    one, _, bender = blending(TWO)
    plain = one.synthesis(one.mapping(one.latent(5)))
    picture(bender, 0.7)
    assert torch.equal(picture(bender, 0.0), plain)


def test_opposite_networks_meet_in_nothing_that_is_not_a_number():
    one, other, _ = blending(TWO)
    for name in one.weights:
        other.tensors[name].copy_(-one.tensors[name])
    bender = Bender(one)
    bender.blend(BlendLine("mix", other, "*"))
    bender.ready()
    assert torch.isfinite(picture(bender, 0.5)).all()


@functools.cache
def made_anew(amount: float, resolution: int | None) -> torch.Tensor:
    """The picture of a network that has drawn no other."""
    return picture(blending(TWO)[2], amount, None, resolution=resolution)


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.4, 1.0]), st.sampled_from([None, 8, 32])), max_size=6))
def test_whatever_was_made_before_and_for_whom(asked: list[tuple[float, int | None]]):
    _, _, bender = blending(TWO)
    for amount, resolution in asked:
        found = picture(bender, amount, {"mix": amount}, resolution=resolution)
        assert torch.equal(found, made_anew(amount, resolution))


def test_what_says_the_same_is_not_made_again(monkeypatch: pytest.MonkeyPatch):
    one, other, _ = blending(TWO)
    bender = Bender(one)
    bender.blend(BlendLine("mix", other, "b8*"))
    bender.bend(BendLine("louder", "b16.conv0.weight", ("scale",)))
    bender.ready()
    made: list[str] = []
    monkeypatch.setattr("ganzfeld.bending.bent_weights.bent", lambda x, match, *rest: made.append(match.name) or (
        bent(x, match, *rest)))  # fmt: skip
    numbers = {"scale": torch.tensor(2.0), "channels": torch.tensor(1.0), "inputs": torch.tensor(1.0),
               "soft": torch.tensor(0.0)}  # fmt: skip
    amounts = {"mix": SimpleNamespace(amount=torch.tensor(0.5)), "louder": Named(numbers)}
    for said in ({"mix": 1, "louder": 1}, {"mix": 2, "louder": 1}, {"mix": 2, "louder": 2}, None, None):
        bender.prepare({"louder": 0}, said)
        with torch.inference_mode(), bender.bent(amounts, FRAME, memory):
            pass
    assert len(made) == 4  # not the second time


def test_after_a_failure_nothing_counts_as_made(monkeypatch: pytest.MonkeyPatch):
    _, _, bender = blending(TWO)
    right = picture(bender, 0.4, {"mix": 0.4})
    amounts = {"mix": SimpleNamespace(amount=None)}
    bender.prepare({}, {"mix": 0.9})
    with pytest.raises((AttributeError, TypeError)), bender.bent(amounts, FRAME, memory):
        pass
    assert torch.equal(picture(bender, 0.4, {"mix": 0.4}), right)
