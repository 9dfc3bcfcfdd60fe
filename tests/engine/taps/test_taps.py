"""Whoever looks into a patch changes no bit of it, sees what it is made of, and costs nothing once gone.

Captured programs play on the CPU with graphs as unforgiving as the real ones, and on CUDA where there is a card.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.program.capture import CudaGraphs, Graphs, NoGraphs
from ganzfeld.engine.taps import atlas as atlas_module
from ganzfeld.engine.taps import onlooker
from ganzfeld.engine.taps.atlas import Atlas
from ganzfeld.engine.taps.onlooker import DrawnAtlas
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.values.looking import CellView
from ganzfeld.values.time import Clock
from graphs_on_host import GraphsOnHost

FPS = 30
SMALL = {"mapping_layers": 2, "z_dim": 32, "w_dim": 32}
CONFIGS = {
    "stylegan2": StyleGAN2Config.design(32, channel_base=256, channel_max=32, **SMALL),  # type: ignore[arg-type]
    "stylegan2-wide": StyleGAN2Config.design(16, channel_base=128, channel_max=16, const_size=(3, 5), **SMALL),  # type: ignore[arg-type]
    "stylegan3": StyleGAN3Config.design("stylegan3-t", 16, channel_base=256, channel_max=16, num_layers=4,
                                        margin_size=4, first_stopband=2**1.1, **SMALL),  # type: ignore[arg-type]
}  # fmt: skip


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("networks")
    for name, config in CONFIGS.items():
        Network.random(config, seed=1).save(folder / f"{name}.safetensors")
    return {name: folder / f"{name}.safetensors" for name in CONFIGS}


@pytest.fixture(params=["python", "captured", "cuda"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How programs run: from Python on the CPU, captured on the CPU, captured on a card."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    monkeypatch.setattr(onlooker, "SETTLED", 0.0)
    monkeypatch.setattr(onlooker, "SHARE", 1e9)
    return request.param


def graphs_of(way: str) -> Graphs:
    if way == "cuda":
        return CudaGraphs(torch.device("cuda", 0))
    return GraphsOnHost() if way == "captured" else NoGraphs()


class Stage:
    """An engine and a clock."""

    def __init__(self, text: str, way: str = "python") -> None:
        self.graphs = graphs_of(way)
        self.engine = Engine(device="cuda" if way == "cuda" else "cpu", trusted=lambda path: True, graphs=self.graphs)
        self.engine.load(text)
        self.clock = Clock(self.engine.bpm or 120)
        self.atlases: list[DrawnAtlas] = []

    def play(self) -> torch.Tensor:
        picture = self.engine.frame(self.clock.advance(1 / FPS))["out"].cpu()
        assert not self.engine.problems
        if (drawn := self.engine.onlooker.take()) is not None:
            self.atlases.append(drawn)
        return picture

    def look(self, *views: CellView) -> None:
        self.engine.onlooker.look(views)

    def seen(self, frames: int = 400) -> DrawnAtlas:
        """Plays until there is an atlas of what is looked at now."""
        for _ in range(frames):
            self.play()
            if self.atlases and self.atlases[-1].views == self.engine.onlooker._views:
                return self.atlases[-1]
            self.settle()
        raise AssertionError("no atlas")

    def settle(self) -> None:
        """Waits until what is done beside the show is done."""
        self.engine._builder._thread.submit(lambda: None).result(30)


def views_of(config_name: str, node: str = "face") -> list[CellView]:
    layers = list(CONFIGS[config_name].specs)
    weights = list(Network.random(CONFIGS[config_name], seed=1).convolutions.values())
    return [
        CellView("node", node),
        CellView("node", "source"),
        CellView("node", "out"),
        *(CellView("layer", node, layer=layer, size=64) for layer in layers),
        CellView("layer", node, layer=layers[1], channels="mean", size=64),
        CellView("layer", node, layer=layers[1], channels=(3,), size=64),
        CellView("channels", node, layer=layers[2], size=128),
        CellView("channels", node, layer=layers[2], channels=(5, 1), size=128),
        CellView("histogram", node, layer=layers[1]),
        CellView("spectrum", node, layer=layers[-1]),
        *(CellView("weight", node, weight=weight) for weight in weights[:2]),
    ]


def text_of(file: Path, more: str = "") -> str:
    return (
        "source = noise(amplitude=0.9, tx=phase(0.5))\n"
        f"face = network({str(file)!r}, latent=source, psi=0.8)\n{more}"
        "trail = feedback(face, zoom=1.01, rotate=1)\nout(trail, size=(48, 32))\n"
    )


def numbers_of(atlas: DrawnAtlas) -> np.ndarray:
    below = atlas.picture[len(atlas.picture) - atlas.rows :].cpu().contiguous().view(-1).numpy()
    return below.view(np.float32)


def cell(atlas: DrawnAtlas, view: CellView) -> np.ndarray:
    place = atlas.places[atlas.views.index(view)]
    assert not place.problem, place.problem
    return atlas.picture[place.y : place.y + place.height, place.x : place.x + place.width, :3].cpu().numpy()


@pytest.mark.parametrize("name", CONFIGS)
def test_who_looks_changes_no_bit(name: str, way: str, networks: dict[str, Path]) -> None:
    layers = list(CONFIGS[name].specs)
    weight = next(iter(Network.random(CONFIGS[name], seed=1).convolutions.values()))
    more = (
        f"face.bend({layers[1]!r}, rotate=40*t, feedback=0.4, channels=0.5, name='spin')\n"
        f"face.bend({weight!r}, scale=1 + 0.3*sin(t), lerp_noise=0.2, seed=floor(t*9), name='grain')\n"
    )
    one, other = Stage(text_of(networks[name], more), way), Stage(text_of(networks[name], more), way)
    one.look(*views_of(name))
    one.settle()
    for number in range(20):
        assert torch.equal(one.play(), other.play()), number
        if number < 3:
            one.settle()
    assert len(one.atlases) >= 3
    assert not other.atlases
    atlas = one.atlases[-1]
    assert [place.problem for place in atlas.places] == [""] * len(atlas.views)
    assert numbers_of(atlas)[0] == atlas.number


def test_the_atlas_shows_the_same_captured_and_not(networks: dict[str, Path], monkeypatch) -> None:
    monkeypatch.setattr(onlooker, "SETTLED", 0.0)
    text = text_of(networks["stylegan2"])
    stages = [Stage(text, "python"), Stage(text, "captured")]
    for stage in stages:
        stage.look(*views_of("stylegan2"))
        for _ in range(3):
            stage.play()
            stage.settle()
        stage.engine.onlooker._frames = 0
        while not stage.atlases:
            stage.play()
    one, other = (stage.atlases[0] for stage in stages)
    assert stages[0].clock.t == stages[1].clock.t
    assert one.places == other.places
    assert torch.equal(one.picture[: one.shown], other.picture[: other.shown])
    assert (numbers_of(one)[1:] == numbers_of(other)[1:]).all()


def test_cells_show_what_they_are_of(networks: dict[str, Path]) -> None:
    stage = Stage(text_of(networks["stylegan2"]))
    node, gone = CellView("node", "face", size=64), CellView("node", "nose")
    grid, histogram = CellView("channels", "face", layer="b8", size=128), CellView("histogram", "face", layer="b8")
    weight = CellView("weight", "face", weight="synthesis.b8.conv0.weight")
    missing, wrong = CellView("layer", "face", layer="b64"), CellView("layer", "source", layer="b8")
    stage.look(node, gone, grid, histogram, weight, missing, wrong)
    atlas = stage.seen()
    assert cell(atlas, node).shape == (64, 64, 3), "each of its 32 pixels is four"
    assert cell(atlas, node).std() > 5
    places = dict(zip(atlas.views, atlas.places))
    assert "no 'nose'" in places[gone].problem
    assert "plays no network" in places[wrong].problem
    assert "b64" in places[missing].problem
    numbers = numbers_of(atlas)
    place = places[grid]
    active = numbers[place.numbers : place.numbers + place.count]
    chosen = numbers[place.channels : place.channels + place.chosen]
    assert sorted(chosen.astype(int)) == list(range(32))
    assert (np.diff(active) <= 0).all()
    low, high, *counts = numbers[places[histogram].numbers :][: places[histogram].count]
    assert low < 0 < high
    assert sum(counts) == 32 * 8 * 8
    low, high, *counts = numbers[places[weight].numbers :][: places[weight].count]
    assert len(counts) == 128
    assert counts[:64] == counts[64:], "it is not bent"


def test_a_bent_weight_has_two_histograms(networks: dict[str, Path]) -> None:
    name = "synthesis.b8.conv0.weight"
    stage = Stage(text_of(networks["stylegan2"], f"face.bend({name!r}, scale=2)\n"))
    stage.look(CellView("weight", "face", weight=name))
    atlas = stage.seen()
    place = atlas.places[0]
    counts = numbers_of(atlas)[place.numbers + 2 : place.numbers + place.count]
    before, after = np.array(counts[:64]), np.array(counts[64:])
    assert before.sum() == after.sum()
    assert (before > 0).sum() < (after > 0).sum()


def test_nothing_runs_while_nobody_looks(networks: dict[str, Path], way: str) -> None:
    stage = Stage(text_of(networks["stylegan2"]), way)
    stage.play()
    captured = getattr(stage.graphs, "captured", None)
    stage.look(*views_of("stylegan2"))
    stage.seen()
    stage.look()
    stage.settle()
    stage.atlases.clear()
    assert not stage.engine.onlooker._twins
    before = getattr(stage.graphs, "captured", None)
    for _ in range(20):
        stage.play()
    assert not stage.atlases
    assert getattr(stage.graphs, "captured", None) == before
    if way == "captured":
        assert before == captured + 1


def test_a_patch_that_is_changed_is_looked_into_again(networks: dict[str, Path], way: str) -> None:
    text = text_of(networks["stylegan2"])
    one, other = Stage(text, way), Stage(text, way)
    view, late = CellView("node", "face"), CellView("node", "turned")
    one.look(view, late)
    assert "no 'turned'" in one.seen().places[1].problem
    while len(one.atlases) and one.clock.t > other.clock.t + 1e-9:
        other.play()
    changed = text.replace("out(trail", "turned = flip(trail, x=True)\nout(turned")
    for stage in (one, other):
        stage.engine.submit(changed)
        stage.settle()
    one.atlases.clear()
    for _ in range(30):
        assert torch.equal(one.play(), other.play())
        one.settle()
    assert one.atlases[-1].places[1].problem == ""
    assert one.atlases[-1].number != 0


def test_scripts_between_captured_parts_and_fades_are_looked_through(
    networks: dict[str, Path], tmp_path: Path, way: str
) -> None:
    script = tmp_path / "darker.py"
    script.write_text("def frame(context, inputs):\n    return inputs.image / 2\n")
    text = text_of(networks["stylegan2"]).replace(
        "out(trail", f"swap('now', fade=0.3)\ndark = script({str(script)!r}, trail)\nagain = flip(dark)\nout(again"
    )
    one, other = Stage(text, way), Stage(text, way)
    views = [CellView("node", name) for name in ("face", "trail", "dark", "again")]
    one.look(*views)
    for number in range(40):
        if number == 20:
            for stage in (one, other):
                stage.engine.submit(text.replace("psi=0.8", "psi=0.1").replace("zoom=1.01", "zoom=0.99"))
                stage.settle()
        assert torch.equal(one.play(), other.play()), number
        one.settle()
    assert len(one.atlases) >= 4
    for atlas in one.atlases:
        assert [place.problem for place in atlas.places] == [""] * 4
    dark, trail = (cell(one.atlases[-1], views[place]).astype(int) for place in (2, 1))
    assert abs(4 * dark - trail).max() <= 6, "half the light, half as dense: both are of one frame"


def test_nothing_is_left_of_those_who_have_gone(networks: dict[str, Path], way: str) -> None:
    stage = Stage(text_of(networks["stylegan2"]), way)
    gone: list[weakref.ref[Atlas]] = []
    for size in (64, 100, 128):
        stage.look(CellView("node", "face", size=size), CellView("channels", "face", layer="b8", size=size))
        stage.seen()
        gone += [weakref.ref(twin.atlas) for twin in stage.engine.onlooker._twins.values()]
    stage.look()
    stage.settle()
    stage.play()
    gc.collect()
    assert gone
    assert [atlas() for atlas in gone] == [None] * len(gone)


def test_layers_behind_the_one_that_is_shown_are_not_played(networks: dict[str, Path], way: str) -> None:
    stage = Stage(text_of(networks["stylegan2"], "face.show('b8')\n"), way)
    stage.look(CellView("layer", "face", layer="b8"), CellView("layer", "face", layer="b32"))
    problems = [place.problem for place in stage.seen().places]
    assert problems == ["", "This is not played now"]


def test_what_cannot_be_captured_says_so_and_plays_on(networks: dict[str, Path], monkeypatch) -> None:
    monkeypatch.setattr(onlooker, "SETTLED", 0.0)
    stage = Stage(text_of(networks["stylegan2"]), "captured")
    assert isinstance(stage.graphs, GraphsOnHost)
    stage.graphs.refuse = RuntimeError("operation not permitted")
    stage.look(CellView("node", "face"))
    assert "cannot be looked into: operation not permitted" in stage.seen().places[0].problem


def test_a_cpu_is_looked_into_as_seldom_as_it_takes(networks: dict[str, Path], monkeypatch) -> None:
    now, cost = [0.0], 0.01
    stage = Stage(text_of(networks["stylegan2"]))
    stage.engine.onlooker._now = lambda: now[0]

    def slow_bytes(atlas: Atlas, number: int) -> torch.Tensor:
        now[0] += cost
        return bytes_of(atlas, number)

    bytes_of = Atlas.bytes
    monkeypatch.setattr(Atlas, "bytes", slow_bytes)
    monkeypatch.setattr(atlas_module.time, "perf_counter", lambda: now[0])
    stage.look(CellView("node", "face"))
    for _ in range(120):
        now[0] += 1 / FPS
        stage.play()
    assert len(stage.atlases) > 4
    assert cost * len(stage.atlases) < 0.03 * now[0]


def test_no_frame_fails_of_what_is_drawn(networks: dict[str, Path], monkeypatch) -> None:
    one, other = Stage(text_of(networks["stylegan2"])), Stage(text_of(networks["stylegan2"]))

    def none(*arguments: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(Atlas, "bytes", none)
    one.look(CellView("node", "face"))
    for _ in range(20):
        assert torch.equal(one.play(), other.play())
    monkeypatch.undo()
    assert one.seen().places[0].problem == ""


def test_a_cell_that_cannot_be_drawn_says_why(networks: dict[str, Path], monkeypatch) -> None:
    stage = Stage(text_of(networks["stylegan2"]))

    def broken(*arguments: object) -> torch.Tensor:
        raise ValueError("a bug")

    monkeypatch.setattr(atlas_module.drawing, "picture", broken)
    stage.look(CellView("node", "face"), CellView("layer", "face", layer="b8"))
    assert [place.problem for place in stage.seen().places] == ["This cannot be shown: ValueError: a bug", ""]


def test_a_take_knows_nothing_of_who_looks(networks: dict[str, Path]) -> None:
    told: list[Sequence[object]] = []

    class Recorder:
        def __getattr__(self, name: str):
            return lambda *arguments, **named: told.append((name, repr(arguments), repr(named)))

    def record(looks: bool) -> list[Sequence[object]]:
        stage = Stage(text_of(networks["stylegan2"]))
        stage.engine.recorder = Recorder()  # type: ignore[assignment]
        told.clear()
        if looks:
            stage.look(*views_of("stylegan2"))
        for _ in range(12):
            stage.play()
        assert bool(stage.atlases) == looks
        assert stage.engine.checkpoint() == stage.engine.checkpoint()
        return [*told, stage.engine.checkpoint()]

    assert record(looks=True) == record(looks=False)
