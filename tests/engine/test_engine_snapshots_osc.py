"""Snapshots from outside: over real UDP into an engine, and at a real show's desk with its files."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pythonosc.udp_client import SimpleUDPClient

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.snapshot_file import read_bank
from ganzfeld.engine.supervisor import Supervisor
from ganzfeld.errors import GanzfeldError
from ganzfeld.signals.osc import OscReceiver
from ganzfeld.values.time import Clock

TEXT = """\
push = knob(-2, 3, osc="/hand")
field = noise(tx=push, offset=0.5)  # kept
out(field, size=(8, 8))
"""


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def test_over_udp() -> None:
    engine, clock = Engine(device="cpu"), Clock()
    engine.load(TEXT)

    def turn(address: str, value: object) -> bool:
        graph = engine.graph
        if graph is None or address not in graph.slots:
            return False
        engine.set(address, value)
        return True

    def play(seconds: float = 0.0) -> float:
        for _ in range(max(1, round(10 * seconds))):
            engine.frame(clock.advance(0.1))
        return engine.values["/push"]

    with OscReceiver(engine.outside, port=0, turn=turn) as osc:
        client = SimpleUDPClient("127.0.0.1", osc.port)

        def say(address: str, *arguments: str | float) -> None:
            received = osc.received
            client.send_message(address, list(arguments))
            until(lambda: osc.received > received)

        play()
        say("/push", 2.0)
        say("/snapshot/store", "dawn of é")
        assert play() == 2
        say("/push", -2.0)
        play()
        say("/snapshot/store", "night")
        say("/snapshot/recall", "dawn of é", 1)
        assert -2 < (play(0.6)) < 2
        assert play(1) == 2
        say("/snapshot/recall", 2.0)  # TouchDesigner has floats only
        assert play() == -2
        engine.arrange("place", "dawn of é", 0, 0)
        engine.arrange("place", "night", 1, 1)
        say("/snapshot/morph", 0.5, 0.5)
        assert play(0.5) == pytest.approx(0)
        say("/snapshot/release")
        assert play(0.5) == 0 and engine.turned == {}
        for address, *arguments in (
            ("/snapshot/recall", "day"), ("/snapshot/delete", "night"), ("/snapshot/rename", "night", "x"),
            ("/snapshot/morph", "x", "y"), ("/snapshot", "night"), ("/snapshot/store", ""),
            ("/snapshot/recall", "night", "ever"),
        ):  # fmt: skip
            say(address, *arguments)
            assert play(0.2) == 0
        assert list(engine.snapshots.bank.snapshots) == ["dawn of é", "night"]
        assert osc.dropped == 0


def test_at_a_shows_desk(tmp_path: Path) -> None:
    patch, kept = tmp_path / "organ.ganz", tmp_path / "organ.snapshots.json"
    patch.write_text(TEXT)
    with Supervisor(patch, device="cpu") as show:
        until(lambda: show.desk().knobs)

        def value() -> float:
            return show.desk().knobs[0].value

        show.turn("/push", 2.0)
        until(lambda: value() == 2 and show.desk().held)
        show.hit("/snapshot/store", "dawn")
        until(kept.exists)
        show.release("/push")
        until(lambda: value() == 0 and not show.desk().held)
        show.hit("/snapshot/recall", "dawn", 0.2)
        until(lambda: value() == 2 and show.desk().share == 1)
        # What is learned stands in the file, and what was stored of a number is its knob's now.
        with pytest.raises(GanzfeldError, match="No control"):
            show.learn("/push")
        show.deafness = ""
        show.learn("/push")
        assert show.lesson is not None and show.lesson.target == "/push"
        assert show.touched("cc 2/5") == 0.8
        show.learn()
        assert show.touched("cc 2/6") is None
        show.learn("/field/offset")
        assert patch.read_text().splitlines() == [
            'push = knob(-2, 3, osc="/hand", midi="2/5")',
            'field_offset = knob(-1, 1, default=0.5, midi="2/6")',
            "field = noise(tx=push, offset=field_offset)  # kept",
            "out(field, size=(8, 8))",
        ]
        until(lambda: read_bank(kept).snapshots["dawn"].values.get("/field_offset") == 0.5)
        until(lambda: len(show.desk().knobs) == 2)
        with pytest.raises(GanzfeldError):
            show.learn("/push") or show.touched("note 1/60")
        # A render process that dies takes nothing with it.
        before = read_bank(kept)
        show.restart()
        until(lambda: show.status().render_alive)
        show.hit("/snapshot/recall", "dawn")
        until(lambda: show.desk().shown == ("dawn",) and value() == 2)
        assert read_bank(kept) == before
        # A file that is broken is told, and not written; one that is mended is taken.
        text = kept.read_text()
        kept.write_text(text[:-9])
        until(lambda: any("cannot be read" in problem.what for problem in show.status().errors))
        show.hit("/snapshot/store", "night")
        until(lambda: len(show.desk().snapshots) == 2)
        time.sleep(0.2)
        assert kept.read_text() == text[:-9]
        kept.write_text(text.replace('"dawn"', '"morning"'))
        until(lambda: {"morning", "night"} <= {snapshot.name for snapshot in show.desk().snapshots})
        until(lambda: "night" in read_bank(kept).snapshots)
        assert not show.status().errors
        # Somebody is just editing: nothing is written over it.
        patch.write_text(patch.read_text() + "# mine")
        with pytest.raises(GanzfeldError, match="something else"):
            show.connect("/push", None)
        assert patch.read_text().endswith("# mine")
