"""Whatever has been played, the plain picture comes back bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld import Player
from ganzfeld.bending.base import TARGETS, bends
from ganzfeld.networks.network import Network, load_network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.patch.language.parser import parse

DIMENSIONS: Any = {"mapping_layers": 2, "z_dim": 8, "w_dim": 8}
CONFIGS = {
    "stylegan2": StyleGAN2Config.design(16, channel_base=128, channel_max=8, **DIMENSIONS),
    "stylegan3": StyleGAN3Config.design("stylegan3-t", 16, channel_base=128, channel_max=8, num_layers=4, **DIMENSIONS),
}


@pytest.fixture(scope="module", params=CONFIGS)
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("originals")
    paths = folder / "one.safetensors", folder / "other.safetensors"
    for seed, path in enumerate(paths):
        Network.random(CONFIGS[request.param], seed=seed).save(path)
    return paths


@st.composite
def line(draw: st.DrawFn, network: Network, other: Path) -> str:
    """A line of a patch: a blend, or a bend of anything with any amounts."""
    if draw(st.integers(0, 4)) == 0:
        target = draw(st.sampled_from(["*", "mapping.*", *network.layers]))
        amount = draw(st.floats(-2, 3))
        crossed = draw(st.sampled_from(["", ", crossover=8", ", below=1, width=3"]))
        return f"face.blend({str(other)!r}, {target!r}, amount={amount}{crossed})"
    kind = draw(st.sampled_from(TARGETS))
    names = {"activation": network.layers, "weight": network.weights, "convolution": network.convolutions}
    target = draw(st.sampled_from(list(names[kind])))
    amounts = draw(st.sampled_from(list(bends(kind).values()))).amounts
    given = [f"{name}={draw(st.floats(*amount.limits))!r}" for name, amount in amounts.items()]
    given += draw(st.sampled_from([[], ["channels=0.5", "seed=3"], ["channels=t", "soft=0.5"]]))
    return f"face.bend({target!r}, {', '.join(given)})"


def played(player: Player, file: Path, lines: list[str]) -> Iterator[torch.Tensor]:
    """Two frames of a text, read into a show that goes on; lines that may be alike have names of their own."""
    named = [f"{text[:-1]}, name='line{number}')" for number, text in enumerate(lines)]
    text = "\n".join([f"face = network({str(file)!r}, latent=seeds([1], speed=0))", *named, "out(face)"])
    player.engine.load(parse(text))
    for frame in player.frames(count=2, fps=10):
        assert not player.problems
        yield frame.image.clone()


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_after_any_edits_the_plain_picture_is_as_it_was(files: tuple[Path, Path], data: st.DataObject) -> None:
    """Lines added, put in another order, taken away one by one and put back: in one show, as edits of its text."""
    file, other = files
    lines = data.draw(st.lists(line(load_network(file), other), min_size=1, max_size=4))
    texts = [[], lines, data.draw(st.permutations(lines)), lines[1:], [], lines]
    with Player(parse("out(noise())"), device="cpu") as player:
        pictures = [list(played(player, file, text)) for text in [*texts, []]]
    plain = pictures[0][0]
    assert plain[..., :3].float().std() > 1
    for picture in (*pictures[0], *pictures[4], *pictures[-1]):
        assert torch.equal(picture, plain)
