"""What is compiled ahead is what a show looks for; and it is only begun where it is of use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ganzfeld.kernels import card as known
from ganzfeld.process import compile_ahead as ahead
from ganzfeld.process.compile_ahead import Card

CARD = Card(9, 0, 132)

SETUP = """
import torch
from ganzfeld.process import compile_ahead as ahead
from ganzfeld.networks.stylegan2.config import StyleGAN2Config

card = ahead.Card(9, 0, 132)
ahead.pretend(card)
config = StyleGAN2Config.design(4, channel_max=16)
"""

AHEAD = """
from itertools import islice

for affine in islice(ahead.bends(), 18, 19):  # of a few vectors of eight channels
    affine()
ahead.play(config)
"""

SHOW = """
from types import SimpleNamespace
from triton.runtime import driver
from triton.runtime.jit import JITFunction
from ganzfeld.kernels.triton.affine import affine
from ganzfeld.networks.generator import LayerHook, SynthesisOptions
from ganzfeld.networks.gpu.stylegan2 import GpuStyleGAN2
from ganzfeld.networks.reference.stylegan2 import StyleGAN2

del JITFunction.__getitem__  # launches are launches again, of a card where nothing happens
names = []
driver.active.launcher_cls = lambda source, metadata: lambda *arguments: names.append(source.name)
driver.active.utils = SimpleNamespace(
    load_binary=lambda *arguments: (object(), object(), 0, 0, 1024),
    get_device_properties=lambda device: {"max_shared_mem": 232448},
)
amounts = torch.rand(4)
padded = torch.empty(1, 18, 30, 208, dtype=torch.float16).permute(0, 3, 1, 2)
affine(padded[:, :203], *amounts)
with torch.no_grad():
    network = GpuStyleGAN2(config, StyleGAN2(config).state_dict())
    for after in (None, LayerHook(lambda name, x: affine(x, *amounts))):
        network.synthesis(torch.zeros(1, config.num_ws, config.w_dim), SynthesisOptions(after=after))
assert {"_affine", "_dense", "_modulate", "_enter", "_layer", "_rgb"} <= set(names)
"""

LARGEST = """
import sys
import torch
from ganzfeld.process import compile_ahead as ahead

card = ahead.Card(*map(int, sys.argv[1:]))
ahead.pretend(card)
from triton.runtime.jit import JITFunction
from ganzfeld.kernels.card import shared_memory_of
from ganzfeld.kernels.generator_layer import Activation, ActivationLayout
from ganzfeld.kernels.triton import convolution, doubling
from ganzfeld.networks.gpu.parts import tile_for

room, run, taken = shared_memory_of((card.major, card.minor)), JITFunction.run, {}
def noted(self, *arguments, **more):
    kernel = run(self, *arguments, **more)
    taken[self.__name__] = kernel.metadata.shared
JITFunction.run = noted
half, device = {"dtype": torch.float16, "device": "meta"}, torch.device("meta")
new = lambda *size: torch.empty(size, device=device)
side, layout = 64, ActivationLayout(64, 64, 65)
tile = tile_for(side * (side + 1), 256, 256, device)
x, weight = torch.empty(side * (side + 1), 256, **half), torch.empty(256, 9, 256, **half)
after = Activation(
    new(side, side), new(4), 1, new(256), new(256), 256.0, new(256), torch.empty(len(x) * 256, **half), side + 1
)
convolution.layer(x, weight, layout, after, None, up=1, tile=tile)
assert taken["_layer"] <= tile.shared + 1024, (taken, tile)  # and barriers
doubling.layer(x, weight, new(4, 4), layout, after)
assert taken.keys() == {"_layer", "_products", "_sums"}
assert 32768 < max(taken.values()) <= room, (taken, room)
"""

EVERYTHING = """
from triton.runtime.jit import JITFunction

JITFunction.__getitem__ = lambda self, grid: lambda *arguments, **more: None
small = [each for each in ahead.configs() if each.img_resolution <= 256]  # larger ones have more of the same layers
assert {each.kind for each in small} == {each.kind for each in ahead.configs()}
ahead.configs = lambda: small
for piece in ahead.work():
    piece()
"""


def python(code: str, *arguments: str, **variables: str) -> None:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", **variables}
    environment.pop("TRITON_INTERPRET", None)
    subprocess.run([sys.executable, "-c", code, *arguments], env=environment, check=True)


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="Triton is there on Linux only")


@on_linux
def test_a_show_compiles_nothing_that_was_compiled_ahead(tmp_path: Path):
    python(SETUP + AHEAD, TRITON_CACHE_DIR=str(tmp_path))
    made = set(tmp_path.iterdir())
    assert made
    python(SETUP + SHOW, TRITON_CACHE_DIR=str(tmp_path))
    assert set(tmp_path.iterdir()) == made


@on_linux
@pytest.mark.parametrize("card", ["8 6 28", "12 0 70"])
def test_the_largest_kernels_fit_on_the_smallest_cards(card: str, tmp_path: Path):
    """With fetched blocks and without; `benchmarks/cards.py kernels` looks at all of them."""
    python(LARGEST, *card.split(), TRITON_CACHE_DIR=str(tmp_path))


@on_linux
def test_a_show_without_a_card_can_be_gone_through():
    """What fails is passed over, so nobody would hear of it."""
    python(SETUP + EVERYTHING)


@pytest.fixture
def begun(monkeypatch, tmp_path) -> list[list[str]]:
    """The commands of processes that were started, on a machine with a card."""
    commands: list[list[str]] = []
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path))
    monkeypatch.delenv(ahead.SWITCH)
    monkeypatch.setattr(known, "has_triton", lambda device: device.type == "cuda")
    monkeypatch.setattr(known, "multiprocessors", lambda device: CARD.processors)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (CARD.major, CARD.minor))
    monkeypatch.setattr(
        ahead, "subprocess", SimpleNamespace(Popen=lambda command, **more: commands.append(command), DEVNULL=-3)
    )
    return commands


def test_it_is_begun_until_it_is_done(begun):
    for _ in range(2):
        ahead.begin(torch.device("cuda"))
    assert [command[-4:] for command in begun] == 2 * [["ganzfeld.process.compile_ahead", "9", "0", "132"]]
    CARD.marker.parent.mkdir()
    CARD.marker.touch()
    ahead.begin(torch.device("cuda"))
    assert len(begun) == 2
    assert Card(8, 6, 82).marker != CARD.marker


def test_it_is_not_begun_without_a_card_or_against_a_wish(begun, monkeypatch):
    ahead.begin(torch.device("cpu"))
    monkeypatch.setenv(ahead.SWITCH, "0")
    ahead.begin(torch.device("cuda"))
    assert begun == []


def test_it_is_done_once_whatever_fails(monkeypatch, tmp_path):
    def broken() -> None:
        raise RuntimeError

    done: list[int] = []
    for name, stand_in in {"pretend": lambda card: None, "SECONDS_BEFORE": 0}.items():
        monkeypatch.setattr(ahead, name, stand_in)
    monkeypatch.setattr(ahead, "work", lambda: [broken, lambda: done.append(1)])
    monkeypatch.setattr(os, "nice", lambda more: None, raising=False)
    (tmp_path / "file").touch()
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path / "file"))  # not a folder: nothing can be written
    ahead.main(CARD)
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path))
    ahead.main(CARD)
    assert done == [1, 1]
    assert CARD.marker.exists()
