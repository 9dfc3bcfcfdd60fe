"""Snapshots from outside: over real UDP into an engine, and at a real show's desk with its files."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from mido import Message
from pythonosc.udp_client import SimpleUDPClient

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.snapshots.file import read_bank
from ganzfeld.errors import GanzfeldError
from ganzfeld.process import supervisor
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.signals.controllers import Controllers
from ganzfeld.signals.midi_state import MidiState
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
        lesson = show.desk().lesson
        assert lesson is not None and lesson.target == "/push"
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
        until(lambda: read_bank(kept).bank.snapshots["dawn"].values.get("/field_offset") == 0.5)
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
        until(lambda: "night" in read_bank(kept).bank.snapshots)
        assert not show.status().errors
        # Somebody is just editing: nothing is written over it.
        patch.write_text(patch.read_text() + "# mine")
        with pytest.raises(GanzfeldError, match="something else"):
            show.connect("/push", None)
        assert patch.read_text().endswith("# mine")


class FakePorts:
    """A controller with lights: what it is shown is in `lit`."""

    problem = None

    def __init__(self, state: MidiState) -> None:
        self.state = state
        self.lit: dict[tuple[str, int], int] = {}

    def show(self, values: Mapping[str, float]) -> None:
        for message in self.state.feedback(values):
            kind, *data = message.bytes()
            self.lit["note" if kind >> 4 == 9 else "cc", data[0]] = data[1]


def test_a_controller_at_a_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "SPARE_AFTER", 1e9)  # nothing is replaced here
    patch = tmp_path / "organ.ganz"
    patch.write_text(TEXT)
    with Supervisor(patch, device="cpu") as show:
        state = MidiState(show)
        ports = FakePorts(state)

        def move(number: int, *steps: int) -> None:
            for step in steps:
                state.feed(Message("control_change", control=number, value=step), time.monotonic(), "nano")

        def value() -> float:
            return show.desk().knobs[0].value

        def stands_at(step: int) -> bool:
            return value() == pytest.approx(-2 + 5 * step / 127)

        until(lambda: show.desk().knobs)
        with Controllers(show, state, ports, lights=True):
            until(lambda: not show.deafness)
            show.learn("/push")
            time.sleep(0.1)
            move(7, 100, 104, 110, 115, 120)  # a hand that goes on moving
            until(lambda: show.desk().knobs[0].midi == "1/7")
            time.sleep(0.2)
            assert value() == 0.0, "learned, and it did not jump"
            move(7, 90, 40)  # comes by where the knob stands
            until(lambda: stands_at(40) and show.desk().knobs[0].by == "midi")
            show.hit("/snapshot/store", "low")
            show.turn("/push", 3.0)
            until(lambda: value() == 3 and ports.lit.get(("cc", 7)) == 127)
            time.sleep(0.1)
            move(7, 45, 50)
            time.sleep(0.1)
            assert value() == 3, "turned elsewhere: it waits"
            move(7, 127, 126)
            until(lambda: stands_at(126))
            show.learn("snapshot:low")
            time.sleep(0.1)
            state.feed(Message("note_on", note=60, velocity=90), time.monotonic(), "pads")
            until(lambda: show.desk().snapshots[0].midi == "note 1/60" and not show.desk().lesson)
            until(lambda: ("note", 60) in ports.lit)
            state.feed(Message("note_on", note=60, velocity=90), time.monotonic(), "pads")
            until(lambda: stands_at(40) and ports.lit["cc", 7] == 40)
            until(lambda: ports.lit["note", 60] == 127)
            state.feed(Message("program_change", program=3), time.monotonic(), "pads")  # there are no four
            move(7, 0)
            time.sleep(0.1)
            assert 'midi="1/7"' in patch.read_text()
            assert not show.status().errors
