"""Blends by resolution, and what is said of networks that do not fit."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ganzfeld import Player
from ganzfeld.bending.bender import Bender
from ganzfeld.bending.lines import BendLine, BlendLine
from ganzfeld.bending.targets import side_of
from ganzfeld.errors import NetworkError, PatchError
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.patch.language.parser import parse
from sealed import Sealed

DIMENSIONS: Any = {"mapping_layers": 2, "z_dim": 8, "w_dim": 8}
TWO = StyleGAN2Config.design(32, channel_base=128, channel_max=8, **DIMENSIONS)
THREE = StyleGAN3Config.design("stylegan3-t", 64, channel_base=128, channel_max=8, num_layers=6, **DIMENSIONS)


def blended(**given: Any) -> dict[str, torch.Tensor]:
    """Every weight of one network blended with another's by resolution, as its share of the other."""
    network, other = Network.random(TWO, seed=1), Network.random(TWO, seed=2)
    bender = Bender(network)
    bender.blend(BlendLine("mix", other, "*", crossed=True))
    bender.ready()
    values = {"amount": 1.0, "below": 0.0, "crossover": 16.0, "width": 1.0, **given}
    tensors = {name: torch.as_tensor(value, dtype=torch.float32) for name, value in values.items()}
    made = ({"mix": SimpleNamespace(**tensors)}, torch.tensor(0), lambda _, shape: torch.zeros(shape))
    shares = {}
    for name in bender.changed:
        with bender.bent(*made):
            from_one = (bender.weight(name, *made) - network.tensors[name]).flatten()
        whole = (other.tensors[name] - network.tensors[name]).flatten()
        shares[name] = from_one @ whole / (whole @ whole)
    return shares


def test_a_weight_has_a_resolution() -> None:
    two, three = Network.random(TWO), Network.random(THREE)
    for name, side in (("b4.const", 4), ("b32.conv0.affine.bias", 32), ("b8.torgb.weight", 8)):
        assert side_of(two, f"synthesis.{name}") == side
    assert side_of(two, "mapping.w_avg") == 4
    sides = [side_of(three, f"synthesis.{layer}.weight") for layer in three.layers]
    assert (sides[0], sides[-1]) == (16, 64)
    assert sides == sorted(sides)


def test_resolution_decides_how_much_is_blended() -> None:
    for name, share in blended(below=-0.5, amount=2.0).items():
        side = 4 if name.startswith("mapping.") else side_of(Network.random(TWO), name)
        expected = {4: -0.5, 8: -0.5, 16: 0.75, 32: 2.0}[side]
        assert float(share) == pytest.approx(expected, abs=1e-3), name
    gradual = blended(width=4)
    ladder = [float(gradual[f"synthesis.b{side}.conv1.weight"]) for side in (4, 8, 16, 32)]
    assert ladder == sorted(ladder)
    assert abs(ladder[0]) < 1e-3
    assert 0.1 < ladder[1] < 0.2 < 0.49 < ladder[2] < 0.51 < 0.8 < ladder[3] < 0.9
    cut = blended(width=0, crossover=12)
    assert [round(float(cut[f"synthesis.b{side}.conv1.weight"]), 3) for side in (8, 16)] == [0, 1]


def test_a_cross_over_reads_nothing_on_the_host() -> None:
    network, other = Network.random(TWO, seed=1), Network.random(TWO, seed=2)
    bender = Bender(network)
    bender.blend(BlendLine("mix", other, "b*.conv1.bias", crossed=True))
    bender.ready()
    number = torch.tensor(8.0).as_subclass(Sealed)
    for amount in (number, (torch.ones(64).as_subclass(Sealed),) * 4):
        values = SimpleNamespace(amount=amount, below=number, crossover=number, width=number)
        made = ({"mix": values}, torch.tensor(0), lambda _, shape: torch.zeros(shape))
        with bender.bent(*made):
            assert all(torch.isfinite(bender.weight(name, *made)).all() for name in bender.changed)


def test_a_cross_over_in_a_patch(tmp_path: Path) -> None:
    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    Network.random(TWO, seed=1).save(one)
    Network.random(TWO, seed=2).save(other)

    def frame(lines: str) -> torch.Tensor:
        text = f"face = network({str(one)!r}, latent=seeds([1], speed=0))\n{lines}\nout(face)"
        with Player(parse(text), device="cpu") as player:
            return next(iter(player.frames(count=1))).image.clone()

    blend = f"face.blend({str(other)!r}, "
    fine = frame(blend + '"b16*", amount=1)\n' + blend + '"b32*", amount=1)')
    assert torch.equal(frame(blend + "amount=1, crossover=12, width=0)"), fine)
    assert torch.equal(frame(blend + "amount=1, below=1)"), frame(blend + "amount=1)"))
    assert not torch.equal(frame(blend + "amount=c % 2, crossover=8 + i)"), fine)
    with pytest.raises(PatchError, match="line 2"):
        frame('face.blend("planets")')


def test_the_first_difference_is_named() -> None:
    network = Network.random(THREE)
    cases: tuple[tuple[Any, str], ...] = (
        ("stylegan3-t", "the networks are built differently"),
        ("stylegan3-r", "a stylegan3-t and a stylegan3-r cannot be blended"),
    )
    for kind, start in cases:
        config = StyleGAN3Config.design(kind, 64, channel_base=64, channel_max=4, num_layers=6, **DIMENSIONS)
        with pytest.raises(NetworkError, match=rf"{start}: synthesis\.input\.weight is \(8, 8\) in one and \(4, 4\)"):
            Bender(network).blend(BlendLine("mix", Network.random(config), "*"))
    with pytest.raises(NetworkError, match=r"stylegan2 cannot be blended: .* nothing in the other"):
        Bender(network).blend(BlendLine("mix", Network.random(TWO), "*"))


def test_a_layer_has_no_input_channels() -> None:
    network = Network.random(TWO)
    for line in (BendLine("a", "b8", ("blur",), masked_inputs=True), BendLine("a", "b8", ("blur",), only_inputs=(1,))):
        with pytest.raises(NetworkError, match="is a layer"):
            Bender(network).bend(line)
