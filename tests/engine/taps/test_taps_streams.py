"""What is looked at is drawn beside the network that plays: in order, and no memory is given away too early."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("triton", reason="the GPU paths are Triton's")

from ganzfeld.bending.base import TARGETS, bends
from ganzfeld.bending.bender import Bender
from ganzfeld.bending.lines import BendLine
from ganzfeld.engine.taps import atlas as atlas_module
from ganzfeld.engine.taps import layout
from ganzfeld.engine.taps.atlas import Atlas
from ganzfeld.engine.taps.twin import NodeWatch
from ganzfeld.kernels import side_streams
from ganzfeld.networks.config import Config
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.patch.network.tapping import peek_of, show_weights
from ganzfeld.patch.node import Named
from ganzfeld.values.looking import CellView
from streams_on_host import StreamsOnHost

DIMENSIONS: Any = {"mapping_layers": 2, "z_dim": 16, "w_dim": 16}
CONFIGS: dict[str, Config] = {
    "stylegan2": StyleGAN2Config.design(64, channel_base=1024, channel_max=32, **DIMENSIONS),
    "stylegan3": StyleGAN3Config.design(
        "stylegan3-t", 16, channel_base=256, channel_max=16, num_layers=4, margin_size=4, first_stopband=2**1.1,
        **DIMENSIONS,
    ),
}  # fmt: skip


class Scene:
    """A bent network on a card that is watched, and an atlas of all that is inside it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        # One cell in each row: what is beside another would seem to be the same memory.
        monkeypatch.setattr(layout, "WIDTHS", (128, 128))
        self.host = StreamsOnHost(monkeypatch)
        self.network = network = Network.random(CONFIGS[kind], seed=1)
        weight = list(network.convolutions.values())[1]
        layer = network.layers[2]
        self.bender = Bender(network)
        for line in (BendLine(weight, weight, ("scale",)), BendLine(layer, layer, ("multiply", "noise"))):
            self.bender.bend(line)
        self.bender.ready()
        self.bender.live.runtime.settle()
        self.bender.live.runtime.generator(network.average_w())
        numbers = {
            name: amount.default
            for target in TARGETS
            for bend in bends(target).values()
            for name, amount in bend.amounts.items()
        } | {"channels": 1.0, "inputs": 1.0, "soft": 0.0}
        values = Named({name: torch.tensor(number, dtype=torch.float32) for name, number in numbers.items()})
        self.amounts: Any = {weight: values, layer: values}
        self.bender.prepare(dict.fromkeys((weight, layer), 3))
        self.z, self.number = network.latent(1), torch.zeros((), dtype=torch.int64)
        self.views = [
            *(CellView("layer", "face", layer=name) for name in network.layers),
            CellView("channels", "face", layer=layer),
            CellView("histogram", "face", layer=layer),
            CellView("spectrum", "face", layer=network.layers[-1]),
            CellView("weight", "face", weight=weight),
        ]
        self.atlas = Atlas(self.views, network.device)
        self.watch = NodeWatch(self.atlas)
        for place, view in enumerate(self.views):
            words = self.watch.weights if view.weight else self.watch.layers
            words.setdefault(view.weight or view.layer, []).append(place)

    def frame(self) -> None:
        with self.host.frame():
            with self.bender.bent(self.amounts, self.number, self._memory) as live:
                after = self.bender.after(self.amounts, self.number, self._memory)
                w = live.mapping(self.z, truncation_psi=0.7)
                picture = live.synthesis(w, after=after, peek=peek_of(self.watch, live))
                show_weights(self.watch, self.bender, self.amounts, self.number, self._memory)
            picture + 1  # what comes after may use the memory again
            self.atlas.join()
            self.atlas.bytes(1)

    def _memory(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.zeros(shape)


@pytest.mark.parametrize("large", [atlas_module.LARGE, 2000])
@pytest.mark.parametrize("kind", CONFIGS)
def test_all_that_is_drawn_is_in_order(kind: str, large: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(atlas_module, "LARGE", large)
    scene = Scene(monkeypatch, kind)
    for _ in range(2):
        scene.frame()
    assert not scene.host.problems
    assert scene.host.operations > 200
    assert [place.problem for place in scene.atlas.places] == [""] * len(scene.views)


@pytest.mark.parametrize(
    ("owner", "name", "instead", "found"),
    [
        (side_streams.SideStream, "join", lambda self: None, "UNJOINED"),
        (Atlas, "_hold", lambda self, what: None, "REUSE"),
    ],
    ids=["nobody joins", "nothing is held"],
)
def test_what_is_left_out_is_found(owner: type, name: str, instead: Any, found: str, monkeypatch: pytest.MonkeyPatch):
    scene = Scene(monkeypatch, "stylegan2")
    monkeypatch.setattr(owner, name, instead)
    scene.frame()
    scene.frame()
    assert found in scene.host.kinds()
