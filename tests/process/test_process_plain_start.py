"""A first picture comes before the kernels that would draw it fast, and the show goes over to them by itself."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ganzfeld.engine import builder_thread
from ganzfeld.engine.engine import Engine
from ganzfeld.engine.program.built_patch import BuiltPatch
from ganzfeld.errors import PatchError
from ganzfeld.kernels import card
from ganzfeld.kernels.cuda import compiler
from ganzfeld.patch.graph import Graph
from ganzfeld.process.dependencies import Dependencies, torch_dependencies
from ganzfeld.process.messages import Begin, Numbered, RecordTake, VersionedText
from ganzfeld.process.render import Render
from ganzfeld.process.render_inbox import RenderInbox
from ganzfeld.values.frames import FrameReader, FrameStore
from ganzfeld.values.hazards import HazardBoard
from ganzfeld.values.time import Clock
from waiting import until

TEXT = "trail = feedback(noise('simplex2d', tx=0.1*t), amount=0.9)\nout(trail, size=(16, 8), fps=60)\n"


def play(engine: Engine, clock: Clock) -> torch.Tensor:
    return engine.frame(clock.advance(1 / 60))["out"].clone()


def test_kernels_of_ours_are_left_out_on_one_thread_only(monkeypatch):
    monkeypatch.setattr(card, "_runs_triton", lambda device: True)
    monkeypatch.setattr(compiler, "_compiles_for", lambda device: True)
    device, found = torch.device("cpu"), []
    look = lambda: found.append((card.has_triton(device), compiler.available(device)))  # noqa: E731
    with contextlib.suppress(ValueError), card.plainly():
        look()
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        raise ValueError
    look()
    assert found == [(False, False), (True, True), (True, True)]


@pytest.mark.parametrize("change", ["nothing", "a number", "a structure"])
def test_the_next_patch_has_kernels_whatever_has_changed(change):
    """Even one whose numbers alone are others, which would be no reason to build."""
    engine, other, clock = Engine(device="cpu"), Engine(device="cpu"), [Clock(), Clock()]
    engine.load(TEXT, without_kernels=True)
    other.load(TEXT)
    assert engine.is_plain and not other.is_plain
    text = {"nothing": TEXT, "a number": TEXT.replace("0.9", "0.8"), "a structure": TEXT.replace("16", "20")}[change]
    for _ in range(3):
        assert torch.equal(play(engine, clock[0]), play(other, clock[1]))
    for each, at in zip((engine, other), clock):
        each.swap(text, anew=change == "nothing")
        play(each, at)
    for _ in range(3):  # state goes on
        assert torch.equal(play(engine, clock[0]), play(other, clock[1]))
    assert not engine.is_plain
    engine.close(), other.close()


@pytest.fixture
def no_kernels(monkeypatch):
    """A card on which our kernels can be neither compiled nor started; what is raised where they are wanted."""
    real, errors = builder_thread.build, [RuntimeError("ptxas cannot be run")]

    def build(graph: Graph, *arguments: object) -> BuiltPatch:
        if not card.is_plain():
            raise errors[-1]
        return real(graph, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(builder_thread, "build", build)
    monkeypatch.setattr(builder_thread, "has_triton", lambda device: not card.is_plain())
    return errors


@pytest.mark.parametrize("error", [RuntimeError("no ptxas"), compiler.KernelError("no ptxas"), OSError(13, "no ptxas")])
def test_where_kernels_cannot_run_a_patch_plays_without_them(no_kernels, error):
    no_kernels.append(error)
    engine, clock = Engine(device="cpu"), Clock()
    engine.load(TEXT)
    play(engine, clock)
    assert not engine.is_plain  # nothing faster is coming: takes need not wait
    [problem] = engine.problems
    assert "Our own kernels do not run here" in problem.what and "no ptxas" in problem.what
    engine.submit(TEXT.replace("16", "20"))
    until(lambda: play(engine, clock).shape[1] == 20)
    assert len(engine.problems) == 1
    engine.close()


def test_other_mistakes_are_told_as_they_are(no_kernels, monkeypatch):
    engine = Engine(device="cpu")
    no_kernels.append(PatchError("a mistake in the text"))
    with pytest.raises(PatchError, match="a mistake in the text"):
        engine.load(TEXT)
    no_kernels.append(RuntimeError("something else"))
    monkeypatch.setattr(BuiltPatch, "__init__", lambda *arguments: 1 / 0)
    with pytest.raises(RuntimeError, match="something else"):
        engine.load(TEXT)
    engine.close()


@pytest.fixture
def start(tmp_path: Path, monkeypatch):
    """Starts a render whose kernels are being compiled until `compiled` is set."""
    compiled, store, before = threading.Event(), FrameStore(), set(threading.enumerate())
    board = HazardBoard(store.session, create=True)
    renders: list[Render] = []

    def begin(**more: object) -> tuple[Render, RenderInbox]:
        ours = torch_dependencies()

        def engine(begin: Begin) -> Engine:
            made = ours.engine(begin)
            made._resources.await_kernels = lambda: None if card.is_plain() else compiled.wait(20)
            return made

        dependencies: Dependencies = replace(ours, engine=engine, is_compiling=lambda device: not compiled.is_set())
        inbox, pipe = RenderInbox(), SimpleNamespace(post=lambda message, key=None: None)
        asked = Begin(store.session, VersionedText(1, TEXT), device="cpu", **more)  # type: ignore[arg-type]
        render = Render(asked, dependencies, pipe, inbox)  # type: ignore[arg-type]
        renders.append(render)
        return render, inbox

    yield SimpleNamespace(begin=begin, compiled=compiled, session=store.session)
    compiled.set()
    for render in renders:
        render._takes.close()
        render._engine.close()
        render._writer.close()
    until(lambda: not taking(before), seconds=20)
    board.remove()
    store.close()


def taking(before: set[threading.Thread]) -> list[threading.Thread]:
    """Threads that write takes and were not there before."""
    return [each for each in set(threading.enumerate()) - before if each.name.startswith("ganzfeld-take")]


def steps(render: Render, enough: Callable[[], bool]) -> None:
    until(lambda: render._loop.step() or enough(), seconds=20)


def test_a_picture_comes_while_kernels_are_compiled(start, tmp_path):
    render, inbox = start.begin()
    take = tmp_path / "a.gztake"
    steps(render, lambda: render._phase == "playing")
    reader = FrameReader(start.session, "out")
    first = reader.latest().number
    steps(render, lambda: reader.latest().number > first)
    assert render._engine.is_plain
    inbox.put(Numbered(1, RecordTake(str(take), "a", "", False)))
    for _ in range(30):
        render._loop.step()
    assert render._engine.is_plain and not take.exists()  # its frames would not be those of a replay
    start.compiled.set()
    steps(render, lambda: not render._engine.is_plain)
    steps(render, take.exists)
    assert render._engine.problems == []
    reader.close()


def test_a_take_from_the_first_frame_on_waits_for_kernels(start, tmp_path, monkeypatch):
    built: list[bool] = []
    real = BuiltPatch.__init__
    monkeypatch.setattr(
        BuiltPatch, "__init__", lambda self, *a, **k: (real(self, *a, **k), built.append(self.plain))[0]
    )
    threading.Timer(0.2, start.compiled.set).start()
    render, _ = start.begin(take=str(tmp_path / "a.gztake"))
    assert built == [False] and start.compiled.is_set()
    steps(render, lambda: render._phase == "playing")


def test_a_show_that_takes_over_waits_for_kernels(start):
    start.compiled.set()
    render, _ = start.begin()
    steps(render, lambda: render._phase == "playing")
    data = render._engine.checkpoint()
    start.compiled.clear()
    threading.Timer(0.2, start.compiled.set).start()
    render, _ = start.begin(checkpoint=data)
    assert not render._engine.is_plain
