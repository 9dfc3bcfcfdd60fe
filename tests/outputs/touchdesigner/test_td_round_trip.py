"""Their noise in, our picture out: the folder's files in the imitation of TouchDesigner here, a real show there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from td_project import Stage, environment, free_port, stages
from waiting import until

NAME = "td-trip"
PATCH = f"""
push = knob(0, 1)
theirs = shared("{NAME}", size=(256, 256))
shown = levels(theirs, gamma=1)
out(shown, size=(256, 256), fps=60)
"""
COUNT = 30


@pytest.fixture(scope="module")
def trip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A project whose component has started its show; one frame of it is about as long as one of TouchDesigner."""
    with stages() as make:
        one: Stage = make(tmp_path_factory.mktemp("trip") / "td", PATCH, "trip")
        one.build()
        par = one.comp.par
        par.Port.val, par.Inputname.val, par.Sharedname.val = free_port(), NAME, f"o{free_port()}"
        one.comp.store("ganzfeld_environment", environment())
        theirs = one.comp.op("source")
        theirs.paint = lambda frame: np.zeros((256, 256, 4), np.float32)
        bridge = one.file("ganzfeld_td").bridge(one.comp)
        play(one, lambda: bridge.picture is not None and par["Push"] is not None, 60)
        yield one, theirs, bridge
        process = bridge.link._process
        bridge.end()
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()


def test_a_show_that_nobody_asks_ends_by_itself(tmp_path):
    """First, so that it needs no show beside it."""
    patch = tmp_path / "left.ganz"
    patch.write_text("out(noise(), size=(64, 64))\n", "utf-8")
    words = [sys.executable, "-m", "ganzfeld", "play", str(patch), "--headless", "--port", "0"]
    show = subprocess.Popen(
        [*words, "--osc-query", "0", "--until-left", "1"],
        env={**os.environ, **environment()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert show.wait(60) == 0
    finally:
        show.kill()


def play(one: Stage, condition: Any, seconds: float) -> Any:
    """Frames until the condition holds."""

    def frame() -> Any:
        one.project.frame()
        time.sleep(0.004)
        return condition()

    return until(frame, f"{dict(one.comp.op('status').rows())}", seconds=seconds)


def number_in(pixels: np.ndarray | None) -> int:
    """The number that a picture was painted with; -1 if it is none."""
    if pixels is None or pixels.shape[:2] != (256, 256):
        return -1
    flat = np.round(pixels[..., :3] * 255).astype(int).reshape(-1, 3)
    return int(flat[0, 0]) if (flat == flat[0]).all() else -1


def test_no_picture_is_lost_and_their_stamps_are_in_order(trip):
    """Each picture is painted when the one before it has come back, so none may be missing however slow the machine
    is; and they come back in order, whole, and with stamps that grow."""
    one, theirs, bridge = trip
    target, stamps, came = one.comp.op("target"), [], []
    for number in range(1, COUNT + 1):
        pixels = np.full((256, 256, 4), number / 255, np.float32)
        pixels[..., 3] = 1
        theirs.paint = lambda frame, pixels=pixels: pixels

        def is_back(number: int = number) -> bool:
            if number_in(target.texture) >= 0 and (not came or number_in(target.texture) != came[-1]):
                came.append(number_in(target.texture))
                stamps.append(bridge.picture.stamp)
            return number_in(target.texture) == number

        play(one, is_back, 10)
    assert [number for number in came if number] == list(range(1, COUNT + 1))
    assert stamps == sorted(set(stamps))
    rows = dict(one.comp.op("status").rows())
    assert int(rows["stamp"]) > 0 and float(rows["age_ms"]) < 5000 and rows["state"] == "playing"
    took = (stamps[-1] - stamps[0]) / 1e9
    print(f"{COUNT} pictures there and back in {took:.2f} s: {COUNT / took:.0f} a second")


def test_parameters_go_both_ways(trip):
    one, _, bridge = trip
    par = one.comp.par
    par.Push.val = 0.75
    play(one, lambda: bridge.link.values.get("/push") == 0.75, 20)
    bridge.link.send("/push", 0.25)  # as if another hand had turned it
    play(one, lambda: abs(par.Push.eval() - 0.25) < 1e-6, 20)
    par.Pause.val = True
    play(one, lambda: bridge.link.values.get("/transport/pause") is True, 20)
    par.Pause.val = False
    play(one, lambda: bridge.link.values.get("/transport/pause") is False, 20)


def test_a_saved_patch_changes_the_page_and_a_mistake_is_a_warning(trip):
    one, _, _ = trip
    par = one.comp.par
    gamma = par.Showngamma
    gamma.expr = "1 + 0*absTime.seconds"
    one.patch.write_text(PATCH + "more = knob(0, 9)\n", "utf-8")
    play(one, lambda: par["More"] is not None, 30)
    assert par.More.normMax == 9.0 and par.Showngamma is gamma and gamma.mode is one.module.ParMode.EXPRESSION
    one.patch.write_text(PATCH.replace("levels(", "nolevels("), "utf-8")
    play(one, lambda: "nolevels" in one.comp.op("target").warnings(), 30)
    assert one.comp.op("target").texture is not None
    one.patch.write_text(PATCH, "utf-8")
    play(one, lambda: par["More"] is None and one.comp.op("target").warnings() == "", 30)


def test_a_project_that_is_opened_again_finds_its_show(trip):
    one, _, bridge = trip
    started, config, folder = bridge.link._process, bridge.link.config, bridge.link.folder
    bridge.link.end()  # as TouchDesigner's end does
    link = sys.modules["ganzfeld_link"].Link(folder, config)
    link.begin()
    try:
        until(lambda: link.state == "playing", seconds=20)
        assert link._process is None and started.poll() is None
    finally:
        link.end()
        bridge.link.begin()
    play(one, lambda: bridge.link.state == "playing", 20)
    assert "OSCQuery" in Path(folder, f"show-{config['port']}.log").read_text("utf-8")
