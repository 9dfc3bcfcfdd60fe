"""What a patch will cost is told before anything is built, and refused with its numbers."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.program.built_patch import BuiltPatch
from ganzfeld.errors import GanzfeldError, PatchError, Where
from ganzfeld.patch.costs import GB, Cost, Ledger, Limits, limits
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.models import Patch
from ganzfeld.patch.nodes.noise import NoiseNode
from ganzfeld.patch.resources import Resources
from ganzfeld.values.time import Clock
from numbered_film import write_film

BENDS = "f = network()\nfor i in range({}):\n    for k in range({}):\n        f.bend('{}', scale=i + k)\nout(f)"


@pytest.fixture
def engine():
    engine = Engine(device="cpu")
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("out(noise(), size=(16384, 16384))", "268,435,456 pixels"),
        ("f = noise()\nfor k in range(16):\n    out(f, size=(4096, 4096))", "268,435,456 pixels"),
        ("f = noise()\nfor k in range(17):\n    out(f, size=(8, 8))", "17 outputs"),
        (BENDS.format(9, 228, "b8"), "2,052 lines"),
        (BENDS.format(4, 200, "*"), "bends act"),
        ("f = network()\nf.bend('b*', feedback=0.2, feedback_longest=600)\nout(f)", "14 GB of memory"),
        ("f = network(size=(4096, 4096))\nout(f, size=(8, 8))", "9 GB of memory"),
        ("f = noise()\ng = feedback(f)\nout(g, size=(8192, 8192))", "GB of memory"),
    ],
)  # fmt: skip
def test_too_much_is_refused_with_its_numbers(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setattr("ganzfeld.engine.costs.device_memory", lambda device: 16 * GB)
    monkeypatch.setattr(NoiseNode, "render", lambda *_: pytest.fail("it was played"))
    with pytest.raises(PatchError, match=words) as caught:
        engine.load(text)
    assert caught.value.where.line and "GANZFELD_LIMITS" in caught.value.hint


def test_a_film_costs_the_pictures_that_it_holds(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_film(tmp_path / "f.mp4", 4)
    engine.load("out(movie('f.mp4'), size=(8, 8))", tmp_path / "a.ganz")
    monkeypatch.setenv("GANZFELD_LIMITS", "memory=0.00005")
    with pytest.raises(PatchError, match="memory") as caught:
        engine.load("out(flip(movie('f.mp4')), size=(8, 8))", tmp_path / "a.ganz")
    assert caught.value.where.line == 1


def test_a_person_sets_other_limits(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZFELD_LIMITS", "outs=1 pixels=0.0001")
    with pytest.raises(PatchError, match="2 outputs"):
        engine.load("f = noise()\nout(f)\nout(f)")
    with pytest.raises(PatchError, match="121 pixels"):
        engine.load("out(noise(), size=(11, 11))")
    engine.load("out(noise(), size=(10, 10))")
    monkeypatch.setenv("GANZFELD_LIMITS", "memory=lots")
    with pytest.raises(GanzfeldError, match="memory=lots"):
        engine.load("out(noise(), size=(9, 9))")


def test_a_text_is_read_and_looked_up_beside_the_frames(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    readers = []

    def reads(text: str, file: str | None, version: int) -> Patch:
        readers.append(threading.current_thread())
        return parse(text, file, version)

    monkeypatch.setattr("ganzfeld.engine.builder_thread.parse", reads)
    engine.load("out(noise(), size=(8, 8))", version=1)
    engine.submit("out(noise(), size=(8, 8), fit='fill')", version=2)
    clock = Clock()
    for _ in range(2000):
        engine.frame(clock.advance(0.01))
        if engine.patch is not None and engine.patch.version == 2:
            break
        time.sleep(0.01)
    assert engine.patch is not None and engine.patch.version == 2
    assert readers[0] is threading.main_thread() and readers[1] is not threading.main_thread()


def test_of_a_host_a_show_takes_a_part_and_a_render_more() -> None:
    assert limits(8 * GB, card=False).memory == 2 * GB
    assert limits(512 * GB, card=False).memory == 6 * GB
    assert limits(8 * GB, card=False, render=True).memory == 4 * GB
    assert limits(80 * GB, card=True).memory == 72 * GB
    assert limits(None, card=False).present is None


def test_what_is_held_adds_up_and_of_what_is_needed_at_once_the_most_counts() -> None:
    ledger = Ledger(Limits(memory=10 * GB))
    for _ in range(3):
        ledger.spend(Cost(held=2 * GB, at_once=4 * GB), Where())
    with pytest.raises(PatchError, match="12 GB"):
        ledger.spend(Cost(held=2 * GB), Where(line=4))


def test_every_expected_patch_is_within_them(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganzfeld.engine.costs.device_memory", lambda device: 8 * GB)
    for text in ("f = network('orbits')\nout(f, size=(1920, 1080))", "out(feedback(noise()), size=(1920, 1080))"):
        BuiltPatch(Graph(parse(text)), Resources(Path.cwd()), engine.device)
