"""MIDI: what messages mean, from mido's own messages and from a file it wrote; ports that come and go."""

import io
import threading
from random import Random
from types import SimpleNamespace

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mido import Message
from mido.ports import BaseInput, BaseOutput

from ganzfeld.errors import SignalError
from ganzfeld.patch.expressions import Scope, compile_expression
from ganzfeld.patch.expressions.frame import FrameContext
from ganzfeld.signals import background, midi
from ganzfeld.signals.midi import MidiPorts, backend, message_of, port_names
from ganzfeld.signals.midi_clock import MidiClock
from ganzfeld.signals.midi_state import Control, MidiState
from ganzfeld.values.outside import Outside
from ganzfeld.values.time import Moment
from waiting import until


@pytest.fixture
def outside():
    return Outside()


@pytest.fixture
def state(outside):
    return MidiState(outside)


def cc(number, value, channel=0):
    return Message("control_change", channel=channel, control=number, value=value)


def evaluate(text, outside):
    frame = FrameContext(Moment(0, 0.0, 0.0, 0.0, 0.0, 120.0), outside.take(), {}, {})
    return compile_expression(text, scope=Scope(), owner="/x").evaluate(frame)


# Messages


def test_expressions_read_what_is_played(outside, state):
    state.feed(cc(74, 127), 0.0)
    state.feed(Message("note_on", channel=9, note=36, velocity=127), 0.0)
    assert evaluate("cc(1, 74) + note(10, 36)", outside) == 2
    state.feed(Message("note_off", channel=9, note=36), 0.1)
    assert evaluate("note(10, 36)", outside) == 0


def test_every_strike_is_a_hit_and_releases_are_not(outside, state):
    for velocity in (127, 0, 64, 0):  # a strike of velocity 0 is a release
        state.feed(Message("note_on", note=60, velocity=velocity), 0.0)
    hits = outside.take().hits
    assert [hit.address for hit in hits] == ["/midi/note/1/60"] * 2
    assert [hit.arguments for hit in hits] == [(1.0,), (64 / 127,)]
    assert outside.values()["/midi/note/1/60"] == 0


def test_bend_pressure_and_program(outside, state):
    for pitch, value in ((8191, 1.0), (-8192, -1.0), (0, 0.0)):
        state.feed(Message("pitchwheel", channel=2, pitch=pitch), 0.0)
        assert outside.values()["/midi/bend/3"] == value
    state.feed(Message("aftertouch", value=127), 0.0)
    state.feed(Message("polytouch", note=60, value=127), 0.0)
    state.feed(Message("program_change", program=5), 0.0)
    assert outside.values() == {
        "/midi/bend/3": 0.0,
        "/midi/pressure/1": 1.0,
        "/midi/pressure/1/60": 1.0,
        "/midi/program/1": 5,
    }


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 255), max_size=30))
def test_any_bytes_are_survived_and_values_stay_in_range(data):
    outside = Outside()
    state = MidiState(outside)
    parser = mido.Parser()
    parser.feed(data)
    for at, message in enumerate(parser):
        state.feed(message, at * 1e-3)
    for address, value in outside.values().items():
        low, high = (-1, 1) if "bend" in address else (0, 127) if "program" in address else (0, 1)
        if "clock" not in address:
            assert low <= value <= high


def test_notes_do_not_hang(outside, state):
    for number in (60, 61):
        state.feed(Message("note_on", note=number, velocity=100), 0.0, "pads")
    state.feed(Message("note_on", note=60, velocity=100, channel=1), 0.0, "pads")
    state.feed(cc(123, 0), 0.1, "pads")  # all notes off, on channel 1
    assert {address: value for address, value in outside.values().items() if value} == {"/midi/note/2/60": 100 / 127}
    state.unplugged("other")
    assert outside.values()["/midi/note/2/60"] > 0
    state.unplugged("pads")
    assert not any(outside.values().values())


# Controllers of 14 bits


def fourteen(state, number, value, t):
    state.feed(cc(number, value >> 7), t)
    state.feed(cc(number + 32, value & 127), t + 0.001)


def test_halves_that_come_together_become_one_fine_controller(outside, state):
    for k in range(3):
        fourteen(state, 7, 5000 + k, k * 0.01)
    seen = []
    state.listener = lambda address, value: seen.append((address, value)) if address == "/midi/cc/1/7" else None
    values = [*range(5003, 9000, 37), *range(9000, 3000, -41), 16383, 0]
    for k, value in enumerate(values):
        fourteen(state, 7, value, 1 + k * 0.01)
        assert outside.values()["/midi/cc/1/7"] == value / 16383
    # In between, too, it never goes further than where it goes.
    upwards = [value for _, value in seen[: len(range(5003, 9000, 37))]]
    assert upwards == sorted(upwards)


def test_a_button_with_a_high_number_stays_a_button(outside, state):
    # Korg's nanoKONTROL2: faders 0 to 7, buttons 32 to 39.
    for k in range(10):
        state.feed(cc(0, 60 + k), k * 0.1)
        state.feed(cc(32, 127 * (k % 2)), k * 0.1 + 0.05)
        assert outside.values()["/midi/cc/1/0"] == (60 + k) / 127
    assert outside.values()["/midi/cc/1/32"] == 1.0


def test_channels_and_ports_are_kept_apart(outside, state):
    for k in range(6):
        state.feed(cc(7, 64), k * 0.1, "a")
        state.feed(cc(39, 127), k * 0.1, "b")
        state.feed(cc(39, 127, channel=1), k * 0.1, "a")
    assert outside.values()["/midi/cc/1/7"] == 64 / 127


def test_nrpn(outside, state):
    for number, value in ((99, 2), (98, 5), (6, 64), (38, 1)):
        state.feed(cc(number, value), 0.0)
    assert outside.values()["/midi/nrpn/1/261"] == (64 * 128 + 1) / 16383
    state.feed(cc(101, 0), 0.0)  # data goes elsewhere now
    state.feed(cc(6, 0), 0.0)
    assert outside.values()["/midi/nrpn/1/261"] == (64 * 128 + 1) / 16383


# Hands


def test_a_control_takes_over_where_the_value_is(outside, state):
    def at():
        return outside.values()["/midi/cc/1/74"] * 127

    state.feed(cc(74, 10), 0.0)
    state.place("/midi/cc/1/74", 80 / 127)
    assert at() == pytest.approx(80)
    for value in (12, 40, 70):
        state.feed(cc(74, value), 0.0)
        assert at() == pytest.approx(80)
    state.feed(cc(74, 95), 0.0)  # quickly past it
    assert at() == pytest.approx(95)
    state.feed(cc(74, 20), 0.0)
    assert at() == pytest.approx(20)
    state.place("/midi/cc/1/74", 21 / 127)  # it stands there already
    state.feed(cc(74, 60), 0.0)
    assert at() == pytest.approx(60)


def test_a_control_never_seen_takes_over_when_it_comes_near(outside, state):
    state.place("/midi/cc/1/1", 0.5)
    state.feed(cc(1, 10), 0.0)
    assert outside.values()["/midi/cc/1/1"] == 0.5
    state.feed(cc(1, 62), 0.0)
    assert outside.values()["/midi/cc/1/1"] == 62 / 127


@pytest.mark.parametrize(
    ("messages", "learned"),
    [
        ([cc(74, 60), cc(74, 61), cc(74, 63)], Control("cc", 1, 74, "desk")),
        ([cc(20, 127, channel=4)], Control("cc", 5, 20, "desk")),
        ([Message("note_on", note=36, velocity=1)], Control("note", 1, 36, "desk")),
        ([cc(3, 64), cc(3, 65), cc(3, 64), cc(3, 65), cc(74, 0), cc(74, 20)], Control("cc", 1, 74, "desk")),
        ([cc(7, 60), cc(39, 3), cc(7, 60), cc(39, 99), cc(7, 64)], Control("cc", 1, 7, "desk")),
        ([cc(3, 64), cc(3, 65), Message("pitchwheel", pitch=9), Message("clock")], None),
    ],
    ids=["a knob", "a button", "a pad", "beside one that trembles", "in 14 bits", "nothing touched"],
)
def test_learn(state, messages, learned):
    heard = []
    state.learn(heard.append)
    for message in [*messages, *messages]:
        state.feed(message, 0.0, "desk")
    assert heard[:1] == ([learned] if learned else [])
    assert len(heard) <= 1


def test_learn_compares_with_where_a_control_stood(state):
    heard = []
    state.feed(cc(5, 0), 0.0)
    state.learn(heard.append)
    state.feed(cc(5, 127), 1.0)
    assert [control.binding for control in heard] == ["1/5"]
    assert heard[0].address == "/midi/cc/1/5"
    state.learn(heard.append)
    state.learn(None)
    state.feed(cc(5, 0), 2.0)
    assert len(heard) == 1


def test_feedback_says_what_is_new_and_never_echoes(state):
    assert state.feedback({"/midi/cc/2/10": 1.0, "/midi/note/1/60": 0.5, "/face/psi": 1.0}) == [
        cc(10, 127, channel=1),
        Message("note_on", note=60, velocity=64),
    ]
    assert state.feedback({"/midi/cc/2/10": 1.0}) == []
    state.feed(cc(10, 64, channel=1), 0.0)
    assert state.feedback({"/midi/cc/2/10": 64 / 127}) == []
    assert state.feedback({"/midi/cc/2/10": 2.0}) == [cc(10, 127, channel=1)]
    state.forget_shown()
    assert state.feedback({"/midi/cc/2/10": 1.0}) == [cc(10, 127, channel=1)]


# The clock


def ticks(bpm, beats, start=0.0, jitter=0.0, seed=0):
    n = round(beats * 24)
    noise = np.random.default_rng(seed).normal(0, jitter, n) if jitter else np.zeros(n)
    return start + np.arange(n) * 60 / bpm / 24 + noise


@pytest.mark.parametrize("bpm", [40, 93.7, 124, 174, 300])
def test_tempo_of_a_steady_clock(bpm):
    clock = MidiClock()
    for t in ticks(bpm, 1):
        clock.tick(t)
    assert clock.bpm == pytest.approx(bpm, rel=1e-6)


def test_tempo_in_spite_of_jitter_and_after_a_change():
    clock = MidiClock()
    estimates = []
    for t in sorted(ticks(124, 16, jitter=1e-3)):
        clock.tick(t)
        estimates.append(clock.bpm)
    assert np.ptp(estimates[96:]) < 0.3
    last = t
    for t in ticks(90, 2, start=last + 60 / 90 / 24):
        clock.tick(t)
    assert clock.bpm == pytest.approx(90, rel=1e-3)


def test_beats_from_start_stop_continue_and_song_position(outside, state):
    clock = iter(ticks(120, 100))

    def play(n):
        for _ in range(n):
            state.feed(Message("clock"), next(clock))

    play(30)
    state.feed(Message("start"), 1.0)
    play(1)
    assert state.clock.beat == 0
    play(24 * 4)
    assert state.clock.beat == 4
    state.feed(Message("stop"), 3.0)
    play(48)
    assert state.clock.beat == 4
    assert outside.values()["/midi/clock/running"] == 0
    state.feed(Message("continue"), 4.0)
    play(24)
    assert state.clock.beat == 5
    state.feed(Message("songpos", pos=32), 5.0)
    play(1)
    assert state.clock.beat == 8
    counts = [hit.address for hit in outside.take().hits]
    assert counts.count("/midi/clock/beat") == 2 + 5 + 1 + 1
    assert counts.count("/midi/start") == counts.count("/midi/stop") == counts.count("/midi/continue") == 1
    assert outside.values()["/midi/clock/bpm"] == pytest.approx(120)


def test_where_the_beat_is_between_ticks_in_spite_of_jitter():
    clock = MidiClock()
    assert clock.beat_at(0.0) is None
    for t in ticks(124, 2):
        clock.tick(t)
    heard = clock.beat_at(t)
    assert heard.every == 1 / 24, "joined midway: which tick is a beat is not known"
    clock.start()
    steady = ticks(124, 16, start=100.0)
    for t, exact in zip(steady + np.random.default_rng(1).normal(0, 1e-3, len(steady)), steady):
        clock.tick(t)
        heard = clock.beat_at(exact + 0.015)
        if exact > 102:
            assert heard.beat == pytest.approx((exact + 0.015 - 100) * 124 / 60, abs=0.004)
            assert heard.every == 4
    clock.stop()
    clock.tick(steady[-1] + 60 / 124 / 24)
    assert clock.beat_at(steady[-1] + 0.02).beat is None, "it stands: only its tempo is followed"
    assert clock.beat_at(steady[-1] + 5) is None, "nothing is heard any more"


def test_a_pause_does_not_spoil_the_tempo():
    clock = MidiClock()
    for t in [*ticks(120, 2), *ticks(120, 2, start=60)]:
        clock.tick(t)
    assert clock.bpm == pytest.approx(120)


def test_of_two_clocks_the_first_is_followed_until_it_is_silent(state):
    for t in ticks(120, 2):
        state.feed(Message("clock"), t, "a")
        state.feed(Message("clock"), t + 0.001, "b")
    assert state.clock.bpm == pytest.approx(120)
    for t in ticks(90, 4, start=1.0 + 0.25):
        state.feed(Message("clock"), t, "b")
    assert state.clock.bpm == pytest.approx(90, rel=0.01)


# A file


def test_a_midi_file_played_through(outside, state):
    """Written by mido as a standard MIDI file, read back, and fed at its times."""
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(100)))
    for beat in range(8):
        track.append(Message("note_on", note=36, velocity=100, time=0 if beat == 0 else 240))
        track.append(cc(74, beat * 16))
        track.append(Message("note_off", note=36, time=240))
    stored = io.BytesIO()
    file.save(file=stored)
    t, struck = 0.0, []
    for message in mido.MidiFile(file=io.BytesIO(stored.getvalue())):
        t += message.time
        state.feed(message, t)
        struck += [t for hit in outside.take().hits if hit.address == "/midi/note/1/36"]
    assert struck == pytest.approx([beat * 0.6 for beat in range(8)])
    assert outside.values() == {"/midi/note/1/36": 0.0, "/midi/cc/1/74": 7 * 16 / 127}


# Ports


class Plugs:
    """A mido backend whose controllers are plugged in by the test."""

    def __init__(self):
        self.names, self.broken, self.callbacks, self.sent, self.closed = [], set(), {}, [], []
        self.module = SimpleNamespace(get_devices=self.get_devices)

    def get_devices(self):
        if self.names is None:
            raise OSError("no sequencer")
        return [{"name": name, "is_input": True, "is_output": True} for name in self.names]

    def open_input(self, name, callback):
        if name in self.broken:
            raise OSError("busy")
        self.callbacks[name] = callback
        plugs = self

        class Input(BaseInput):
            def _close(self):
                plugs.closed.append(name)
                plugs.callbacks.pop(name, None)

        return Input(name)

    def open_output(self, name):
        plugs = self

        class Output(BaseOutput):
            def _send(self, msg):
                if name in plugs.broken:
                    raise OSError("gone")
                plugs.sent.append((name, msg))

        return Output(name)


def test_controllers_come_and_go(outside, state):
    plugs = Plugs()
    with MidiPorts(state, backend=plugs, poll=0.005) as ports:
        assert ports.inputs == []
        plugs.names = ["nanoKONTROL2", "Pads"]
        assert until(lambda: ports.inputs == ["Pads", "nanoKONTROL2"])
        plugs.callbacks["Pads"](Message("note_on", note=60, velocity=127))
        assert outside.values() == {"/midi/note/1/60": 1.0}
        plugs.names = ["nanoKONTROL2"]
        assert until(lambda: ports.inputs == ["nanoKONTROL2"])
        assert outside.values() == {"/midi/note/1/60": 0.0}
        assert plugs.closed == ["Pads"]
        plugs.names = ["nanoKONTROL2", "Pads"]
        assert until(lambda: len(ports.inputs) == 2)
        plugs.callbacks["Pads"](cc(1, 127))
        assert outside.values()["/midi/cc/1/1"] == 1.0
    assert ports.inputs == []
    assert plugs.callbacks == {}


def test_only_the_chosen_ones_and_never_the_loop_back_to_oneself(state):
    plugs = Plugs()
    plugs.names = ["NanoKontrol2 MIDI 1", "Pads", "Midi Through:Midi Through Port-0 14:0"]
    ports = MidiPorts(state, choose=["nano*"], backend=plugs)
    ports.look()
    assert ports.inputs == ["NanoKontrol2 MIDI 1"]
    everything = MidiPorts(state, backend=plugs)
    everything.look()
    assert len(everything.inputs) == 2
    ports.stop()
    everything.stop()


def test_a_busy_port_is_told_and_tried_again(state):
    plugs = Plugs()
    plugs.names, plugs.broken = ["Pads"], {"Pads"}
    ports = MidiPorts(state, backend=plugs)
    ports.look()
    assert "'Pads' cannot be opened: busy" in str(ports.problem)
    plugs.broken.clear()
    ports.look()
    assert ports.problem is None
    assert ports.inputs == ["Pads"]
    ports.stop()


class DriverError(Exception):
    """As libraries have of their own."""


def test_whatever_a_driver_raises_costs_nothing_but_itself(outside, state):
    plugs = Plugs()
    plugs.names = ["Bad", "Pads"]
    rightly_opened, rightly_listed = plugs.open_input, plugs.module.get_devices

    def open_input(name, callback):
        if name == "Bad":
            raise DriverError
        return rightly_opened(name, callback)

    def listed():
        raise UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "a name that is no text")

    plugs.open_input = open_input
    with MidiPorts(state, backend=plugs, poll=0.005) as ports:
        assert ports.inputs == ["Pads"]
        assert "'Bad' cannot be opened: DriverError" in str(ports.problem)
        plugs.module.get_devices = listed
        assert until(lambda: "cannot be listed" in str(ports.problem))
        assert ports.inputs == ["Pads"] and plugs.closed == [], "who is heard is heard on"
        plugs.callbacks["Pads"](cc(1, 127))
        assert outside.values()["/midi/cc/1/1"] == 1.0
        plugs.open_input, plugs.module.get_devices = rightly_opened, rightly_listed
        assert until(lambda: ports.inputs == ["Bad", "Pads"] and ports.problem is None)


def test_a_port_that_never_opens_or_closes_holds_up_nobody(state, monkeypatch):
    plugs, held, go_on = Plugs(), threading.Event(), threading.Event()
    plugs.names = ["Hangs"]
    rightly = plugs.open_input

    def never(name, callback):
        held.set()
        go_on.wait(20)
        return rightly(name, callback)

    plugs.open_input = never
    monkeypatch.setattr(midi, "FIRST_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(background, "SECONDS_TO_ANSWER", 0.0)
    monkeypatch.setattr(background, "SECONDS_TO_END", 0.05)
    ports = MidiPorts(state, backend=plugs).start()
    assert held.wait(5)
    assert until(lambda: "'Hangs' does not answer" in str(ports.problem))
    assert ports.inputs == []
    ports.show({"/midi/cc/1/1": 1.0})
    before = set(background.left_behind)
    ports.stop()
    (thread,) = background.left_behind - before
    background.left_behind.discard(thread)
    go_on.set()
    thread.join(10)
    assert not thread.is_alive() and plugs.closed == ["Hangs"], "and what came too late is closed"


def test_lights(state):
    plugs = Plugs()
    plugs.names = ["Grid"]
    ports = MidiPorts(state, feedback=["grid"], backend=plugs)
    ports.look()
    ports.show({"/midi/note/1/60": 1.0})
    ports.show({"/midi/note/1/60": 1.0})
    assert plugs.sent == [("Grid", Message("note_on", note=60, velocity=127))]
    plugs.broken.add("Grid")
    ports.show({"/midi/note/1/60": 0.0})
    assert ports.outputs == []
    plugs.broken.clear()
    ports.look()  # plugged in again: it is told everything
    ports.show({"/midi/note/1/60": 0.0})
    assert plugs.sent[-1] == ("Grid", Message("note_on", note=60, velocity=0))
    ports.stop()


def test_a_machine_without_midi_plays_on(state):
    plugs = Plugs()
    plugs.names = None
    with MidiPorts(state, backend=plugs, poll=0.005) as ports:
        assert "no MIDI" in str(ports.problem)
        plugs.names = ["Pads"]
        assert until(lambda: ports.inputs == ["Pads"])
        assert ports.problem is None


def test_missing_packages_are_named():
    with pytest.raises(SignalError, match="nowhere_to_be_found"):
        backend("nowhere_to_be_found")


@pytest.fixture
def rtmidi():
    pytest.importorskip("rtmidi2", reason='needs rtmidi2: pip install "ganzfeld[midi]"')
    found = backend()
    try:
        port_names(found)
    except SignalError as error:
        pytest.skip(str(error))
    return found


def test_real_virtual_ports(outside, state, rtmidi):
    with rtmidi.open_output("ganzfeld test", virtual=True) as instrument:
        ports = MidiPorts(state, choose=["*ganzfeld test*"], backend=rtmidi, poll=0.05).start()
        assert until(lambda: ports.inputs)
        # The sequencer may still be connecting: go on until one arrives.
        assert until(lambda: instrument.send(cc(74, 127)) or outside.values())
        assert outside.values() == {"/midi/cc/1/74": 1.0}
        ports.stop()


def test_a_machine_without_a_sequencer_says_so():
    pytest.importorskip("rtmidi2", reason='needs rtmidi2: pip install "ganzfeld[midi]"')
    try:
        names = port_names(backend())
    except SignalError as error:
        assert "This machine has no MIDI" in str(error)
        with pytest.raises(OSError):
            backend().open_input("anything")
    else:
        assert len(names) == 2


def test_bytes_of_any_kind_move_nothing_but_plain_values():
    random, outside = Random(6), Outside()
    state = MidiState(outside, listener=lambda address, value: None)
    state.learn(lambda control: None)
    played = 0
    for k in range(5000):
        first = random.choice((0x90, 0x80, 0xB0, 0xC0, 0xD0, 0xE0, 0xA0, 0xF2, 0xF8, 0xFA, 0xFC, random.randrange(256)))
        rest = [random.randrange(random.choice((128, 128, 300))) for _ in range(random.randrange(4))]
        data = [first | random.randrange(16), *rest]
        message = message_of(data)
        if message is not None:
            played += 1
            state.feed(message, k * random.choice((0.0, 0.001)), random.choice(("a", "b")))
    assert played > 500
    assert all(-1 <= value <= 128 or "clock" in address for address, value in outside.values().items())
    assert message_of([]) is None
    assert message_of(b"\x90") is None
