"""A kind of network is a folder: one that nobody has heard of is found, plays, is bent, shown, saved and opened."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import ganzfeld.networks
from ganzfeld.bending.bender import Bender
from ganzfeld.bending.lines import BendLine, BlendLine
from ganzfeld.bending.targets import rows_of, side_of
from ganzfeld.errors import NetworkError
from ganzfeld.networks.kinds import config_from_json, kinds
from ganzfeld.networks.network import Network, load_network
from ganzfeld.patch.dice import roll
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.node import Named

CONFIG = """
from dataclasses import dataclass
from ganzfeld.networks.config import Config, LayerSpec, WeightGlobs

@dataclass(frozen=True, kw_only=True)
class StripesConfig(Config):
    kind: str = "stripes"
    width: int = 16

    @property
    def size(self):
        return self.width, self.img_resolution

    def _specs(self):
        how = {"scale": 1, "rate": self.img_resolution}
        yield LayerSpec("lines", 4, *self.size[::-1], prefix="synthesis.lines.", aliases=("first",), **how)
        yield LayerSpec("paint", 3, *self.size[::-1], prefix="synthesis.paint.", picture=True, **how)

    @property
    def row_names(self):
        return tuple(self.specs)

    @property
    def globs(self):
        return WeightGlobs(start="lines.weight", colours="paint.weight")

    def measured(self, weights):
        return self
"""
KIND = """
from ganzfeld.networks.kinds import NetworkKind
from ganzfeld.networks.stripes.config import StripesConfig

class StripesKind(NetworkKind[StripesConfig]):
    names = ("stripes",)
    config = StripesConfig

    def shapes(self, config):
        yield "mapping.w_avg", (config.w_dim,)
        yield "synthesis.lines.weight", (4, config.w_dim)
        yield "synthesis.paint.weight", (3, 4)

    def check_values(self, config):
        pass

    def check_chain(self, config):
        pass

    def module(self, config):
        from ganzfeld.networks.stripes.module import Stripes
        return Stripes(config)
"""
MODULE = """
import torch
from torch import nn
from ganzfeld.networks.generator import PLAIN, GeneratorModule, MappingModule, SynthesisModule

class Repeated(MappingModule):
    def __init__(self, config):
        super().__init__()
        self.rows = config.num_ws
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(self, z, label=None, truncation_psi=1.0, truncation_cutoff=None):
        return (z * truncation_psi)[:, None].expand(-1, self.rows, -1)

class Lines(SynthesisModule):
    def __init__(self, config):
        super().__init__()
        self.size = config.size
        self.lines, self.paint = nn.Linear(config.w_dim, 4, bias=False), nn.Linear(4, 3, bias=False)

    def forward(self, w, options=PLAIN):
        width, height = self.size
        x = self.lines(w[:, 0])[:, :, None, None] * torch.linspace(0, 1, width)
        x = options.passed("lines", x.expand(-1, -1, height, -1))
        if options.until == "lines":
            return x
        return options.passed("paint", torch.einsum("nchw,oc->nohw", x, self.paint.weight))

class Stripes(GeneratorModule):
    def __init__(self, config):
        super().__init__()
        self.mapping, self.synthesis = Repeated(config), Lines(config)
"""


@pytest.fixture
def stripes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    folder = tmp_path / "kinds" / "stripes"
    folder.mkdir(parents=True)
    for name, text in (("__init__", ""), ("config", CONFIG), ("kind", KIND), ("module", MODULE)):
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(ganzfeld.networks, "__path__", [*ganzfeld.networks.__path__, str(folder.parent)])
    kinds.cache_clear()
    numbers = {"kind": "stripes", "z_dim": 8, "w_dim": 8, "num_ws": 2, "img_resolution": 8}
    yield Network.random(config_from_json(numbers), seed=1)
    kinds.cache_clear()
    for name in [name for name in sys.modules if name.startswith("ganzfeld.networks.stripes")]:
        del sys.modules[name]


def test_a_folder_is_a_kind(stripes: Network, tmp_path: Path) -> None:
    network = stripes
    assert (network.kind, network.size, network.layers) == ("stripes", (16, 8), ("lines", "paint"))
    w = network.mapping(network.latent(1), truncation_psi=0.5)
    picture = network.synthesis(w)
    assert picture.shape == (1, 3, 8, 16)
    assert network.synthesis(w, until="first").shape == (1, *network.layer_shapes["lines"])
    assert torch.equal(network.truncate(w, 0), network.average_w())
    for wrong in (
        {"size": (4, 4)},
        {"resolution": 4},
        {"transform": torch.eye(3)},
        {"gains": {"lines": torch.ones(())}},
    ):
        with pytest.raises(NetworkError):
            network.synthesis(w, **wrong)

    network.save(tmp_path / "stripes.safetensors")
    again = load_network(tmp_path / "stripes.safetensors")
    assert again.config == network.config and torch.allclose(again.synthesis(w), picture, atol=1e-6)


def test_it_is_bent_and_blended_and_shown(stripes: Network, tmp_path: Path) -> None:
    network, other = stripes, Network.random(stripes.config, seed=2)
    assert rows_of(network, "paint") == (1,) and side_of(network, "synthesis.lines.weight") == 8
    bender = Bender(network)
    bender.bend(BendLine("a", "lines", ("multiply",)))
    bender.bend(BendLine("w", "lines.weight", ("scale",)))
    bender.blend(BlendLine("b", other, "paint*"))
    bender.ready()
    given = {"multiply": 2.0, "scale": 0.5, "amount": 1.0}
    amounts = {name: Named({word: torch.tensor(x) for word, x in given.items()}) for name in "awb"}
    frame, w = torch.tensor(0), network.mapping(network.latent(1))
    memory = lambda name, shape: torch.zeros(shape)  # noqa: E731
    with bender.bent(amounts, frame, memory) as live:
        bent = live.synthesis(w, after=bender.after(amounts, frame, memory))
    expected = network.variant(["synthesis.paint.weight"])
    expected.tensors["synthesis.paint.weight"].copy_(other.tensors["synthesis.paint.weight"])
    assert torch.allclose(bent, expected.synthesis(w))
    assert roll(network, 1, 3)

    network.save(tmp_path / "stripes.safetensors")
    text = f"face = network({str(tmp_path / 'stripes.safetensors')!r}, latent=seeds([1]))\nout(face)"
    with ganzfeld.Player(parse(text), device="cpu") as player:
        assert player.frame(0).image.shape == (8, 16, 4) and not player.problems
