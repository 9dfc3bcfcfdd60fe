"""Controllers at a show's desk: soft take-over of knobs, lights, learning; over fake ports, and over virtual ones where
the system has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from mido import Message

from ganzfeld.errors import GanzfeldError, SignalError
from ganzfeld.signals.controllers import Controllers, shown_by
from ganzfeld.signals.midi import MidiPorts
from ganzfeld.signals.midi_state import MidiState
from ganzfeld.values.outside import Outside

PUSH = "/midi/cc/1/74"


def knob(position, by="text", midi="1/74", address="/push"):
    return SimpleNamespace(address=address, midi=midi, position=position, by=by)


@dataclass
class FakeShow:
    """A desk that the test sets."""

    knobs: tuple = ()
    snapshots: tuple = ()
    shown: tuple = ()
    lesson: object = None
    deafness: str = "nobody listens"
    learned: list = field(default_factory=list)
    refuses: bool = False

    def desk(self):
        return self

    def touched(self, control):
        if self.refuses:
            raise GanzfeldError("not this one")
        self.learned.append(control)
        self.lesson = None
        return 0.25


@dataclass
class FakePorts:
    """Sends what a controller is shown to a list, as `MidiPorts` would."""

    state: MidiState
    problem: SignalError | None = None
    sent: list = field(default_factory=list)

    def show(self, values):
        self.sent += self.state.feedback(values)


@pytest.fixture
def outside():
    return Outside()


@pytest.fixture
def state(outside):
    return MidiState(outside)


@pytest.fixture
def show():
    return FakeShow()


@pytest.fixture
def ports(state):
    return FakePorts(state)


@pytest.fixture
def controllers(show, state, ports):
    return Controllers(show, state, ports, lights=True)


def turn(state, *steps, number=74):
    for step in steps:
        state.feed(Message("control_change", control=number, value=step), 0.0, "nano")


def test_a_knob_turned_on_screen_waits_for_its_control(controllers, show, state, outside):
    turn(state, 10)
    show.knobs = (knob(0.8, "hand"),)
    controllers.look()
    turn(state, 20, 60, 90)
    assert outside.values()[PUSH] == 10 / 127, "it has not come by yet"
    turn(state, 110)
    assert outside.values()[PUSH] == 110 / 127
    show.knobs = (knob(110 / 127, "midi"),)
    controllers.look()
    turn(state, 0)
    assert outside.values()[PUSH] == 0, "it has it now"


def test_a_report_that_comes_late_does_not_take_it_back(controllers, show, state, outside):
    turn(state, 64)
    for position, by in ((0.8, "snapshot"), (0.9, "snapshot")):
        show.knobs = (knob(position, by),)
        controllers.look()
        turn(state, 115, 127)  # passes it both times
    show.knobs = (knob(1.0, "midi"),)
    controllers.look()
    turn(state, 3)
    assert outside.values()[PUSH] == 3 / 127


def test_lights_say_what_changed_and_nothing_twice(controllers, show, ports, state):
    dawn = SimpleNamespace(name="dawn", midi="note 1/60")
    night = SimpleNamespace(name="night", midi="cc 2/20")
    show.knobs, show.snapshots = (knob(0.5), knob(0.1, midi=None, address="/free")), (dawn, night)
    show.shown = ("dawn",)
    controllers.look()
    controllers.look()
    assert [(m.type, m.channel, m.bytes()[1:]) for m in ports.sent] == [
        ("control_change", 0, [74, 64]), ("note_on", 0, [60, 127]), ("control_change", 1, [20, 0]),
    ]  # fmt: skip
    ports.sent.clear()
    show.shown = ("night",)
    controllers.look()
    assert [m.bytes()[1:] for m in ports.sent] == [[60, 0], [20, 127]]
    assert shown_by(show)["/midi/cc/2/20"] == 1.0
    state.forget_shown()  # plugged in again
    controllers.look()
    assert len(ports.sent) == 5


def test_a_motor_that_reports_where_it_was_sent_is_no_hand(controllers, show, state, outside):
    heard = []
    state.listener = lambda address, value: heard.append(value)
    for position in (0.1, 0.2, 0.3):
        show.knobs = (knob(position, "snapshot"),)
        controllers.look()
    turn(state, *(round(position * 127) for position in (0.1, 0.2, 0.3)))
    assert heard == []
    turn(state, 60, 38, 40)  # a hand: comes by, and has it
    assert heard and outside.values()[PUSH] == 40 / 127


def test_what_is_touched_is_learned_and_does_not_jump(controllers, show, state, outside):
    turn(state, 100, number=7)
    controllers.look()
    assert show.deafness == ""
    turn(state, 90, 80, number=7)
    assert show.learned == [], "nobody asked"
    show.lesson = object()
    controllers.look()
    turn(state, 79, number=7)
    assert show.learned == [], "a fader that trembles"
    turn(state, 70, number=7)
    assert show.learned == ["cc 1/7"]
    before = outside.values()["/midi/cc/1/7"]
    turn(state, 60, 40, number=7)
    assert outside.values()["/midi/cc/1/7"] == before, "its knob stands at 0.25"
    turn(state, 31, number=7)
    assert outside.values()["/midi/cc/1/7"] == 31 / 127
    show.lesson = object()
    controllers.look()
    state.feed(Message("note_on", note=60, velocity=9), 0.0)
    assert show.learned == ["cc 1/7", "note 1/60"]


def test_a_lesson_that_is_over_or_refused_learns_nothing(controllers, show, state):
    show.lesson = object()
    controllers.look()
    show.lesson = None
    controllers.look()
    state.feed(Message("note_on", note=60, velocity=9), 0.0)
    assert show.learned == []
    show.lesson, show.refuses = object(), True
    controllers.look()
    state.feed(Message("note_on", note=60, velocity=9), 0.0)  # is told in the log
    show.refuses = False
    controllers.look()
    state.feed(Message("note_on", note=61, velocity=9), 0.0)
    assert show.learned == ["note 1/61"], "the lesson goes on"


def test_a_machine_without_midi_says_so(controllers, show, ports):
    ports.problem = SignalError("This machine has no MIDI")
    controllers.look()
    assert "no MIDI" in show.deafness


@pytest.mark.skipif(not Path("/dev/snd/seq").exists(), reason="this system has no sequencer for virtual MIDI ports")
def test_over_virtual_ports(show, state, outside):
    import time

    from ganzfeld.signals.midi import backend

    rtmidi = backend()
    with rtmidi.open_output("ganzfeld test desk", virtual=True) as hand:
        received = rtmidi.open_input("ganzfeld test desk", virtual=True)
        with MidiPorts(state, choose=("*ganzfeld test desk*",), feedback=("*ganzfeld test desk*",)) as ports:
            show.knobs = (knob(0.5, "hand"),)
            with Controllers(show, state, ports, lights=True):
                deadline = time.monotonic() + 5
                while (message := received.poll()) is None and time.monotonic() < deadline:
                    time.sleep(0.01)
                assert message is not None and message.value == 64
                hand.send(Message("control_change", control=74, value=127))
                hand.send(Message("control_change", control=74, value=0))
                while outside.values().get(PUSH) != 0 and time.monotonic() < deadline:
                    time.sleep(0.01)
                assert outside.values()[PUSH] == 0
