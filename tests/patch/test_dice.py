"""Dice: what is rolled can be played."""

from __future__ import annotations

from typing import Any

import pytest

from ganzfeld.bending.base import bends
from ganzfeld.bending.targets import matches, weights_of
from ganzfeld.cli import main
from ganzfeld.networks.config import Config
from ganzfeld.networks.network import Network, load_network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.patch.dice import relatives, roll
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.network.bends import COMMON

SMALL: dict[str, Any] = {"channel_base": 256, "channel_max": 16, "z_dim": 8, "w_dim": 8}
CONFIGS: dict[str, Config] = {
    "stylegan2": StyleGAN2Config.design(64, mapping_layers=2, **SMALL),
    "stylegan2-resnet": StyleGAN2Config.design(64, mapping_layers=2, architecture="resnet", **SMALL),
    "stylegan3-t": StyleGAN3Config.design("stylegan3-t", 32, num_layers=6, **SMALL),
    "stylegan3-r": StyleGAN3Config.design("stylegan3-r", 32, num_layers=6, **SMALL),
}


@pytest.fixture(scope="module", params=CONFIGS)
def network(request: pytest.FixtureRequest) -> Network:
    return Network.random(CONFIGS[request.param], seed=1)


def patch_with(lines: list[str]) -> str:
    return "\n".join(['face = network("planets")', *lines, "out(face)"])


def test_what_is_rolled_fits_the_network_and_can_be_pasted(network: Network) -> None:
    model = parse(patch_with(roll(network, 1, 150, others=["flowers"])))
    Graph(model)
    words: dict[str, set[str]] = {"weight": set(), "activation": set()}
    for line in model.nodes["face"].methods:
        target = line.arguments["target"].text.strip('"')
        if line.method == "blend":
            assert weights_of(network, target)
            continue
        kind, _ = matches(network, target)
        given = set(line.arguments) - set(COMMON)
        fitting = [*bends(kind).items(), *bends("convolution").items()]
        known = {amount: word for word, bend in fitting for amount in bend.amounts}
        assert given and given <= set(known), f"{given} bends no {kind}"
        assert given != {"gain"} or set(network.convolutions) & set(matches(network, target)[1])
        words[kind] |= {known[name] for name in given}
    assert len(words["weight"]) > 8 and len(words["activation"]) > 12, "all sorts of bends"


def test_every_bend_is_rolled_at_some_time() -> None:
    text = "\n".join(roll(Network.random(CONFIGS["stylegan2"]), 2, 1500))
    for kind in ("weight", "activation", "convolution"):
        for word, bend in bends(kind).items():
            assert any(f", {name}=" in text for name in bend.amounts), f"{kind} {word}"


def test_a_seed_is_a_roll(network: Network) -> None:
    assert roll(network, 5, 8) == roll(network, 5, 8)
    assert roll(network, 5, 8) != roll(network, 6, 8)
    assert roll(network, 5, 8)[:3] == roll(network, 5, 3)
    assert all(line.startswith("left.bend(") for line in roll(network, 5, 8, node="left"))


def test_relatives_are_shipped_networks_of_the_same_build() -> None:
    assert relatives(load_network("planets")) == ["flowers"]
    assert relatives(load_network("orbits")) == []
    assert relatives(Network.random(CONFIGS["stylegan2"])) == []


def test_the_command_prints_lines_to_paste(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["dice", "orbits", "--seed", "3", "--count", "4"])
    assert not ended.value.code
    lines = capsys.readouterr().out.splitlines()
    assert lines == roll(load_network("orbits"), 3, 4)
    with pytest.raises(SystemExit) as ended:
        main(["dice", "orbits", "--node", "two words"])
    assert ended.value.code
