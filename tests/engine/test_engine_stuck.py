"""Builds that hang or ask for what is no file: given up, while what plays plays on."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzfeld.engine import builder_thread
from ganzfeld.engine.engine import Engine
from ganzfeld.engine.work_thread import WorkThread
from ganzfeld.errors import PatchError
from ganzfeld.networks.find import find_network
from ganzfeld.patch import resources
from ganzfeld.patch.nodes import image
from ganzfeld.values.time import Clock
from waiting import until

PLAYS = "out(noise(), size=(8, 8))"


@pytest.fixture
def engine():
    engine = Engine(device="cpu", trusted=lambda path: True)
    engine.load(PLAYS)
    yield engine
    engine.close()


def frames_until(engine: Engine, condition) -> None:
    clock = Clock()

    def frame() -> bool:
        assert engine.frame(clock.advance(0.02))
        return condition()

    until(frame)


def test_a_build_that_hangs_is_left_behind_and_the_next_one_plays(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "OPENING_SECONDS", 0.2)
    monkeypatch.setattr(builder_thread, "LEFT_AFTER", 0.2)
    released = threading.Event()
    file = tmp_path / "w.npy"
    file.write_bytes(b"x")
    from ganzfeld.patch.nodes import latent

    monkeypatch.setattr(latent, "read_latents", lambda path: released.wait(60))
    engine.submit('out(network("planets", latent("w.npy")))', tmp_path / "a.ganz")
    frames_until(engine, lambda: any("given up" in error.what for error in engine.problems))
    assert file in engine.watched
    engine.submit("out(noise(amplitude=0.5), size=(4, 4))")
    frames_until(engine, lambda: engine.outs["out"].size == (4, 4))
    assert engine.problems == []
    released.set()


def test_a_text_that_has_nothing_to_do_with_a_file_that_hangs_does_not_wait_for_it(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(builder_thread, "LEFT_AFTER", 0.2)
    released, opening = threading.Event(), threading.Event()
    (tmp_path / "w.npy").write_bytes(b"x")
    from ganzfeld.patch.nodes import latent

    def hang(path):
        opening.set()
        released.wait(60)

    monkeypatch.setattr(latent, "read_latents", hang)
    engine.submit('out(network("planets", latent("w.npy")))', tmp_path / "a.ganz")
    assert opening.wait(30)
    engine.submit("out(noise(amplitude=0.5), size=(4, 4))")
    frames_until(engine, lambda: engine.outs["out"].size == (4, 4))
    assert engine.problems == []
    released.set()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes in folders")
@pytest.mark.parametrize("node", ['image("f.png")', 'movie("f.mp4")', 'script("f.py")', 'network("f.pkl")'])
def test_a_pipe_is_no_file(engine, tmp_path, node):
    os.mkfifo(tmp_path / node.split('"')[1])
    engine.submit(f"out({node})", tmp_path / "a.ganz")
    frames_until(engine, lambda: any("a pipe" in error.what for error in engine.problems))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders there")
@pytest.mark.parametrize(
    "node",
    [
        'image("f.png")', 'movie("f.mp4")', 'script("f.py")', 'network("orbits", latent=latent("f.npy"))',
        'network("orbits", latent=seeds("f.npz"))',
    ],
)  # fmt: skip
def test_who_takes_a_show_over_does_without_a_pipe(tmp_path, node):
    os.mkfifo(tmp_path / next(word for word in node.split('"') if word.startswith("f.")))
    engine = Engine(device="cpu", trusted=lambda path: True)
    engine.does_without = True
    engine.load(f"out({node}, size=(8, 8))", tmp_path / "a.ganz")
    assert engine.frame(Clock().advance(0.02))
    assert "it is a pipe" in str(engine.problems[0])
    engine.close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders there")
def test_where_a_pipe_lies_for_a_network_the_one_that_played_plays_on(tmp_path):
    """In a process that takes a show over."""
    pipe, kept = tmp_path / "n.safetensors", tmp_path / "kept.safetensors"
    os.mkfifo(pipe)
    shutil.copy(find_network("orbits"), kept)
    engine = Engine(device="cpu", trusted=lambda path: True)
    engine.kept[pipe] = kept
    engine.load(f"out(network({str(pipe)!r}), size=(8, 8))")
    assert engine.frame(Clock().advance(0.02))
    assert "it is a pipe" in str(engine.problems[0])
    engine.close()


def test_a_patch_that_could_not_be_built_is_built_when_its_file_comes(engine, tmp_path):
    file = tmp_path / "p.png"
    engine.submit('out(image("p.png"), size=(6, 6))', tmp_path / "a.ganz", version=3)
    frames_until(engine, lambda: bool(engine.problems))
    assert file in engine.watched
    Image.new("RGB", (6, 6)).save(file)
    engine.notice(file)
    frames_until(engine, lambda: engine.outs["out"].size == (6, 6))
    assert engine.problems == []
    assert engine.patch.version == 3


@pytest.mark.parametrize("swap", ["now", "bar"], ids=["being built", "waits for its bar"])
def test_a_text_on_its_way_comes_though_a_file_of_what_plays_changes(engine, tmp_path, swap):
    file = tmp_path / "p.png"
    Image.new("RGB", (6, 6)).save(file)
    engine.load('out(image("p.png"), size=(6, 6))', tmp_path / "a.ganz", version=1)
    clock = Clock()
    engine.frame(clock.advance(0.02))
    engine.submit(f'swap("{swap}")\nout(noise(), size=(8, 8))', tmp_path / "a.ganz", version=2)
    if swap == "bar":
        until(lambda: engine.ready[0] == 2)
    engine.notice(file)
    frames_until(engine, lambda: engine.patch.version == 2)
    assert engine.outs["out"].size == (8, 8)


def test_a_file_that_is_set_aside_is_not_opened(engine, tmp_path):
    file = tmp_path / "p.png"
    Image.new("RGB", (6, 6)).save(file)
    engine.set_aside[file] = "ended the render process"
    engine.submit('out(image("p.png"), size=(6, 6))', tmp_path / "a.ganz")
    frames_until(engine, lambda: any("ended the render" in error.what for error in engine.problems))
    engine.notice(file)
    frames_until(engine, lambda: engine.outs["out"].size == (6, 6))


@pytest.mark.parametrize("node", ['image("p.png")', 'movie("p.png")'])
def test_who_takes_a_show_over_does_without_a_picture_that_cannot_be_opened(engine, tmp_path, node):
    text = f"out(mix(noise(), {node}), name='one', size=(6, 6))\nout(noise(), name='two', size=(6, 6))"
    engine.does_without = True
    engine.load(text, tmp_path / "a.ganz")
    engine.does_without = False
    clock = Clock()
    frame = engine.frame(clock.advance(0.02))
    assert frame["two"].any()
    [problem] = engine.problems
    assert "p.png" in problem.what and problem.where.line == 1
    Image.new("RGB", (6, 6), "white").save(tmp_path / "p.png")
    engine.notice(tmp_path / "p.png")
    frames_until(engine, lambda: not engine.problems)


LINES = {
    "direction of a file": ('f.move("far", amount=3, file="x.npz")', "x.npz", {"far": np.ones(256)}),
    "direction beside": ('f.move("far", amount=3)', "planets.directions.npz", {"far": np.ones(256)}),
    "latent": ('f.style(latent("x.npz"))', "x.npz", {"z": np.ones((2, 256))}),
    "keyframes": ('f.style(seeds("x.npz"))', "x.npz", {"z": np.ones((2, 256))}),
    "network": ('f.blend("x.safetensors", "*", 0.5)', "x.safetensors", None),
}


@pytest.mark.parametrize("line", LINES)
def test_who_takes_a_show_over_does_without_what_a_line_reads(engine, tmp_path, line):
    """The rest plays, the missing is named, and it is taken when it is there."""
    said, name, arrays = LINES[line]
    shipped = find_network("planets")
    assert shipped is not None
    shutil.copy(shipped, tmp_path / "planets.safetensors")
    text = f'f = network("planets.safetensors")\n{said}\nout(f, size=(64, 64))'
    engine.submit(text, tmp_path / "a.ganz")
    frames_until(engine, lambda: engine.problems)
    assert engine.outs["out"].size == (8, 8), "in a show that goes on nothing is left out"
    engine.does_without = True
    engine.load(text, tmp_path / "a.ganz")
    engine.does_without = False
    assert engine.frame(Clock().advance(0.02))["out"].any()
    [problem] = engine.problems
    assert (name in problem.what or "no direction 'far'" in problem.what) and problem.where.line == 2
    assert tmp_path / name in engine.watched
    without = engine.frame(Clock().advance(0.02))["out"].clone()
    np.savez(tmp_path / name, **arrays) if arrays else shutil.copy(find_network("flowers"), tmp_path / name)
    engine.notice(tmp_path / name)
    frames_until(engine, lambda: not engine.problems)
    assert not torch.equal(engine.frame(Clock().advance(0.02))["out"], without)


def test_who_does_without_a_file_that_hung_does_not_wait_for_it_again(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "OPENING_SECONDS", 0.2)
    opened: list[Path] = []

    def hangs(path: Path, spend: object) -> None:
        opened.append(path)
        while True:
            pass

    monkeypatch.setattr(image, "read_picture", hangs)
    Image.new("RGB", (6, 6)).save(tmp_path / "p.png")
    text = 'out(mix(noise(), image("p.png")), size=(6, 6))'
    with pytest.raises(PatchError, match="within"):
        engine.load(text, tmp_path / "a.ganz")
    engine.does_without = True
    engine.load(text, tmp_path / "a.ganz")
    assert len(opened) == 1 and "in time" in engine.problems[0].what


def test_work_that_waits_is_done_by_the_next_thread():
    thread, gate, done = WorkThread("work"), threading.Event(), []
    thread.submit(gate.wait)
    waiting = thread.submit(done.append, 1)
    thread.abandon()
    waiting.result(30)
    assert done == [1]
    gate.set()
    assert thread.submit(lambda: 2).result(30) == 2
    thread.close()
    with pytest.raises(RuntimeError):
        thread.submit(print)
