"""What is compiled ahead is what a show looks for; and it is only begun where it is of use."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ganzfeld.kernels import card as known
from ganzfeld.process import compile_ahead as ahead
from ganzfeld.process import compile_work
from ganzfeld.process.pretended_card import Card, Wanted, WantedKernel, card_here

CARD = Card(9, 0, 132)

PATCH = """
source = noise()
a = network("planets", latent=source)
b = network("orbits" if t < 1 else "flowers", latent=source)
a.bend("b8", rotate=20)
out(mix(a, b))
"""

SETUP = """
import torch
from ganzfeld.process import compile_work as work
from ganzfeld.process.pretended_card import Card, pretend
from ganzfeld.networks.stylegan2.config import StyleGAN2Config

wanted = pretend(Card(9, 0, 132))
config = StyleGAN2Config.design(4, channel_max=16)
"""

AHEAD = """
from itertools import islice
from ganzfeld.process.compile_ahead import compile_all

for affine in islice(work.bends(), 18, 19):  # of a few vectors of eight channels
    affine()
work.play(config)
work.play(config)
kernels = wanted.take()
assert len(kernels) == 9, [each.name for each in kernels]  # each once
compile_all([each for each in kernels if not each.name.endswith(".cu")], 2)
"""

SHOW = """
import ctypes
import gc
import re
from types import SimpleNamespace
from triton.compiler.compiler import CompiledKernel
from triton.runtime import driver
from triton.runtime.jit import JITFunction
from ganzfeld.kernels.triton.affine import affine
from ganzfeld.networks.generator import LayerHook, SynthesisOptions
from ganzfeld.networks.gpu.stylegan2 import GpuStyleGAN2
from ganzfeld.networks.reference.stylegan2 import StyleGAN2

del JITFunction.__getitem__  # launches are launches again, of a card where nothing happens
from ganzfeld.kernels.triton import driver as own
own.encoded_map = lambda *arguments: bytes(128)
launched = {}


def launcher(source, metadata):
    ours = own.Launcher(source, metadata)

    def launch(*arguments):
        names.add(source.name)
        launched[id(source)] = [ctypes.sizeof(value) for value in ours.values(arguments[9:])] + [8, 8]

    return launch


names = set()
driver.active.launcher_cls = launcher
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
assert {"_affine", "_dense", "_modulate", "_enter", "_layer", "_rgb", "_part"} <= names

# A kernel is given what its machine code declares.
SIZES = {"64": 8, "32": 4, "16": 2, "8": 1}
compared = 0
for kernel in [each for each in gc.get_objects() if type(each) is CompiledKernel]:
    if id(kernel.src) in launched:
        head = kernel.asm["ptx"].partition(".entry")[2].partition("{")[0]
        parameters = re.findall(r"[.]param (?:[.]align [0-9]+ )?[.][a-z]([0-9]+)[^,)\\[]*(?:\\[([0-9]+)\\])?", head)
        declared = [SIZES[bits] * int(count or 1) for bits, count in parameters]
        given = launched[id(kernel.src)]
        assert declared and declared == given[: len(declared)], (kernel.name, declared, given)
        assert len(given) - len(declared) in (0, 1, 2)
        compared += 1
assert compared == len(launched) == len(names), compared
"""

EVERYTHING = (
    """
small = [each for each in work.configs() if each.img_resolution <= 256]  # larger ones have more of the same layers
assert {each.kind for each in small} == {each.kind for each in work.configs()}
work.configs = lambda: small
for piece in work.work():
    piece()
everything = wanted.take()
names = {each.name for each in everything}
assert {"convolution.cu", "mapping.cu", "streamed_filter.cu", "_layer", "_affine", "_waves"} <= names, names
assert len(everything) > 200

patch = """
    + repr(PATCH)
    + """
for piece in work.first(patch, None):
    piece()
assert wanted.take() == []  # all of it is among everything
"""
)


LARGEST = """
import sys
import torch
from ganzfeld.process.pretended_card import Card, pretend

card = Card(*map(int, sys.argv[1:]))
wanted = pretend(card)
from ganzfeld.kernels.card import shared_memory_of
from ganzfeld.kernels.generator_layer import Activation, ActivationLayout
from ganzfeld.kernels.triton import convolution, doubling
from ganzfeld.networks.gpu.parts import tile_for

half, device = {"dtype": torch.float16, "device": "meta"}, torch.device("meta")
new = lambda *size: torch.empty(size, device=device)
side, layout = 64, ActivationLayout(64, 64, 65)
tile = tile_for(side * (side + 1), 256, 256, device)
x, weight = torch.empty(side * (side + 1), 256, **half), torch.empty(256, 9, 256, **half)
after = Activation(
    new(side, side), new(4), 1, new(256), new(256), 256.0, new(256), torch.empty(len(x) * 256, **half), side + 1
)
convolution.layer(x, weight, layout, after, None, up=1, tile=tile)
doubling.layer(x, weight, new(4, 4), layout, after)
taken = {kernel.name: kernel.compile().metadata.shared for kernel in wanted.take()}
assert taken.keys() == {"_layer", "_products", "_sums"}
assert taken["_layer"] <= tile.shared + 1024, (taken, tile)  # and barriers
room = shared_memory_of((card.major, card.minor))
assert 32768 < max(taken.values()) <= room, (taken, room)
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
def begun(monkeypatch, tmp_path) -> list[tuple[list[str], str]]:
    """Commands of processes that were started, on a machine with a card, and what they were given to read."""
    commands: list[tuple[list[str], str]] = []

    def start(command, *, stdin, **more) -> None:
        commands.append((command, stdin.read().decode()))

    monkeypatch.delenv(ahead.SWITCH)
    monkeypatch.setattr(ahead, "_may_have_card", lambda: True)
    monkeypatch.setattr(ahead, "subprocess", SimpleNamespace(Popen=start, DEVNULL=-3))
    return commands


def test_it_is_begun_for_the_card_that_the_show_will_play_on(begun):
    for device in ("auto", "cuda", "cuda:1"):
        ahead.begin(device, "out(nöise())", "/a/b.ganz")
    assert [command[-4:] for command, _ in begun] == [["--card", n, "--file", "/a/b.ganz"] for n in ("0", "0", "1")]
    assert {text for _, text in begun} == {"out(nöise())"}


def test_it_is_not_begun_without_a_card_or_against_a_wish(begun, monkeypatch):
    ahead.begin("cpu", "", None)
    ahead.begin("mps", "", None)
    monkeypatch.setenv(ahead.SWITCH, "0")
    ahead.begin("auto", "", None)
    monkeypatch.delenv(ahead.SWITCH)
    monkeypatch.setattr(ahead, "_may_have_card", lambda: False)
    ahead.begin("auto", "", None)
    assert begun == []


def test_a_process_that_cannot_be_started_costs_the_show_nothing(begun, monkeypatch):
    def fail(*_, **__) -> None:
        raise OSError

    monkeypatch.setattr(ahead, "subprocess", SimpleNamespace(Popen=fail, DEVNULL=-3))
    ahead.begin("auto", "out(noise())", None)


@pytest.fixture
def wanted(monkeypatch) -> Wanted:
    """What is wanted in a process that pretends nothing."""
    wanted = Wanted()
    monkeypatch.setattr(ahead, "pretend", lambda card: wanted)
    monkeypatch.setattr(ahead, "hide_cards", lambda: None)
    monkeypatch.setattr(ahead, "copies", lambda: 1)
    monkeypatch.setattr(os, "nice", lambda more: None, raising=False)
    return wanted


def test_it_is_done_once_whatever_fails(monkeypatch, tmp_path, wanted):
    done: list[str] = []

    def broken() -> None:
        raise RuntimeError

    def piece(name: str) -> Callable[[], None]:
        return lambda: wanted.add(name, WantedKernel(name, lambda: done.append(name)))

    monkeypatch.setattr(compile_work, "first", lambda text, file: [broken, piece("first"), piece("second")])
    monkeypatch.setattr(compile_work, "work", lambda: [piece("first"), broken, piece("third")])
    wanted.add("broken", WantedKernel("broken", broken))
    (tmp_path / "file").touch()
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path / "file"))  # not a folder: nothing can be written
    ahead.main(CARD, "a text")
    assert sorted(done) == ["first", "second", "third"]
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path))
    ahead.main(CARD)
    assert CARD.marker.exists()
    wanted.add("again", WantedKernel("again", lambda: done.append("again")))
    CARD.first_marker("a text", None).touch()
    ahead.main(CARD, "a text")
    ahead.main(Card(7, 5, 40), "a text")  # a generation that our kernels do not run on
    assert sorted(done) == ["first", "second", "third"]
    ahead.main(CARD, "a text of another network")  # all that is common has been compiled, but not that
    assert sorted(done) == ["again", "first", "second", "third"]
    assert Card(8, 6, 82).marker != CARD.marker


def test_a_text_that_is_no_patch_leaves_the_rest(monkeypatch, tmp_path, wanted):
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path))
    monkeypatch.setattr(compile_work, "work", list)
    ahead.main(CARD, "out(")
    assert CARD.marker.exists()


def test_a_patch_is_known_by_its_words(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path))
    text = "face = network('a.pkl', psi=0.7)\nface.bend('b8', rotate=20*sin(t))\n"
    marker = CARD.first_marker(text, tmp_path / "a.ganz")
    assert CARD.first_marker(text.replace("0.7", "1.25").replace("20*", "7+"), tmp_path / "a.ganz") == marker
    assert CARD.first_marker(text.replace("a.pkl", "b.pkl"), tmp_path / "a.ganz") != marker
    assert CARD.first_marker(text.replace("rotate", "blur"), tmp_path / "a.ganz") != marker
    assert CARD.first_marker(text, tmp_path / "b" / "a.ganz") != marker
    for number in range(ahead.MOST_MARKERS + 20):
        ahead._mark(CARD.first_marker(f"network('{number}')", None))
    assert len(list(marker.parent.glob("*.first"))) == ahead.MOST_MARKERS


@pytest.mark.skipif(not hasattr(os, "fork"), reason="copies of a process are made on Unix")
@pytest.mark.parametrize("count", [1, 2, 5])
def test_copies_share_the_kernels(tmp_path, count):
    """Each is compiled once, whoever does it, though some fail."""
    kernels = [f"open({str(tmp_path / str(number))!r}, 'x')" for number in range(40)]
    code = (
        "from ganzfeld.process.compile_ahead import compile_all\n"
        "from ganzfeld.process.pretended_card import WantedKernel\n"
        f"texts = {kernels} + ['1/0'] * 9\n"
        f"failed = compile_all([WantedKernel('', lambda text=text: eval(text)) for text in texts], {count})\n"
        "assert failed == 9, failed"
    )
    python(code)
    assert len(list(tmp_path.iterdir())) == 40


def test_a_show_waits_while_what_it_needs_first_is_compiled(monkeypatch, tmp_path, wanted):
    """And no longer: neither for the rest, nor after the end of whoever compiles, nor where nobody does."""
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path))
    monkeypatch.delenv(ahead.SWITCH)
    monkeypatch.setattr(known, "has_triton", lambda device: True)
    monkeypatch.setattr(known, "capability", lambda device: (CARD.major, CARD.minor))
    monkeypatch.setattr(known, "multiprocessors", lambda device: CARD.processors)
    device, order = torch.device("cuda"), []
    ahead.await_first(device)  # nobody compiles, and nobody ever has
    compiles, goes_on = threading.Event(), threading.Event()

    def compile_it() -> None:
        compiles.set()
        goes_on.wait(10)
        order.append("first")

    def rest() -> list[Callable[[], object]]:
        waiting.join(10)
        return [lambda: order.append("rest")]

    monkeypatch.setattr(compile_work, "first", lambda *_: [lambda: wanted.add(1, WantedKernel("first", compile_it))])
    monkeypatch.setattr(compile_work, "work", rest)
    compiling = threading.Thread(target=ahead.main, args=(CARD, "a text"))
    waiting = threading.Thread(target=lambda: (ahead.await_first(device), order.append("show")))
    compiling.start()
    assert compiles.wait(10)
    waiting.start()
    assert order == []
    goes_on.set()
    compiling.join(10)
    assert order == ["first", "show", "rest"]
    ahead.await_first(device)


@on_linux
def test_nothing_is_launched_on_a_card_that_is_here(tmp_path):
    """Whoever asks the driver which card there is has made it visible to torch, too."""
    code = (
        "import torch\ntorch.cuda.is_available = lambda: True\n"
        "def fail(*_): raise AssertionError('the card is used')\n"
        "torch.cuda.current_device = torch.cuda.get_device_capability = fail\n"
        + SETUP + "from triton.runtime import driver\nwork.play(config)\n"
        "assert type(driver.active).__name__ == 'PretendedDriver'\n"
        "[kernel] = [each for each in wanted.take() if each.name == '_enter']\n"
        "kernel.compile()\n"
    )  # fmt: skip
    python(code, TRITON_CACHE_DIR=str(tmp_path))


def test_no_driver_is_no_card():
    if not Path("/dev/nvidiactl").exists() and sys.platform == "linux":
        assert card_here() is None
