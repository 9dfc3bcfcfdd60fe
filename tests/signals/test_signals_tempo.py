"""A show that follows taps, a MIDI clock, a sound and Ableton Link."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import mido
import numpy as np
import pytest
from pythonosc.udp_client import SimpleUDPClient

from ganzfeld.errors import SignalError
from ganzfeld.signals.audio import Hearing
from ganzfeld.signals.conductor import Conductor
from ganzfeld.signals.link import LinkSession
from ganzfeld.signals.midi_state import MidiState
from ganzfeld.signals.signals import Signals, Wanted
from ganzfeld.values.outside import Outside
from ganzfeld.values.taps import Taps
from ganzfeld.values.time import Clock
from sounds import RATE, clicks, sine, write_wave
from waiting import happens, until


class Show:
    """What the supervisor and the render do with a tempo, without their processes."""

    def __init__(self, follow: str | None, expected: float | None = None) -> None:
        self.follow, self.expected = follow, expected
        self.floor: float | None = None
        self.clock = Clock(120)
        self.clock.advance(0.0)
        self.taps = Taps()
        self.told = []

    def tempo(self, bpm, beat=None, *, every=4.0, at=0.0):
        self.told.append((bpm, beat))
        self.clock.bpm = bpm or self.clock.bpm
        if beat is not None:
            self.clock.meet(beat, every)

    def tap(self, at=None):
        tap = self.taps.tap(time.perf_counter() if at is None else at)
        self.tempo(tap.bpm, tap.beat)

    def off(self, beat: float, every: float) -> float:
        return abs((self.clock.beat - beat + every / 2) % every - every / 2)


def test_a_midi_clock_is_followed_to_its_bars():
    outside, show = Outside(), Show("midi")
    state = MidiState(outside)
    conductor = Conductor(show, {"midi": state.beat})
    state.feed(mido.Message("start"), 10.0)
    jitter = np.random.default_rng(3).normal(0, 1e-3, 24 * 20)
    for k, late in enumerate(jitter):
        t = 10.0 + k * 60 / 140 / 24
        state.feed(mido.Message("clock"), t + late)
        if k % 3 == 0:
            conductor.look(t)
        show.clock.advance(60 / 140 / 24)
    assert show.clock.bpm == pytest.approx(140, rel=2e-3)
    assert {type(number) for told in show.told[10:] for number in told} == {float}
    assert show.off(k / 24, 4) < 0.02


def test_the_beats_of_a_sound_are_followed():
    sound, times = clicks(97, 16)
    show, hearing = Show("audio"), Hearing(Outside(), RATE)
    conductor = Conductor(show, {"audio": hearing.beat})
    step = RATE // 50
    for k, start in enumerate(range(0, len(sound), step)):
        now = (start + step) / RATE
        hearing.feed(sound[start : start + step], now)
        conductor.look(now)
        show.clock.advance(1 / 50)
        if k == 50:
            assert show.told == [], "before a pulse is felt the tempo stays"
    assert show.clock.bpm == pytest.approx(97, rel=0.01)
    assert {type(number) for told in show.told for number in told} == {float}
    assert show.off((now - times[0]) * 97 / 60, 1) < 0.05  # 30 ms


def test_the_text_says_which_octave_is_meant():
    told = []
    show = Show("audio", expected=160.0)
    Conductor(show, {"audio": lambda now: None}, expect=told.append).look(0.0)
    show.follow = "midi"
    Conductor(show, {"midi": lambda now: None}, expect=told.append).look(0.0)
    assert told == [160.0]
    with Signals(Outside(), Wanted(audio=""), conducts=Show("audio", expected=160.0)) as signals:
        if signals.audio is not None:
            assert until(lambda: signals.audio.options.get("around") == 160)


def test_the_text_says_where_silence_lies_until_a_hand_says_otherwise(tmp_path):
    told, show = [], Show(None)
    conductor = Conductor(show, {}, silence=told.append)
    conductor.look(0.0)
    show.floor = -42.0
    conductor.look(0.1)
    conductor.look(0.2)  # a hand may have moved it meanwhile
    show.floor = -30.0
    conductor.look(0.3)
    show.floor = None
    conductor.look(0.4)
    assert told == [-42.0, -30.0]
    path = write_wave(tmp_path / "tone.wav", sine(100, 1))
    for said, heard in (({}, -42.0), ({"floor": -60.0}, -60.0)):
        show = Show(None)
        show.floor = -42.0
        wanted = Wanted(audio=str(path), audio_options=said)
        with Signals(Outside(), wanted, conducts=show, clock=lambda: 0.0) as signals:
            assert until(lambda: signals.conductor._floor == -42.0)
            assert signals.look().sound.floor == heard, "the command line counts more"


def test_what_cannot_be_followed_is_told_with_what_to_do():
    show = Show("midi")
    conductor = Conductor(show, {})
    for follow, word in (("midi", "--midi"), ("audio", "--audio"), (None, None), ("tap", None)):
        show.follow = follow
        conductor.look(0.0)
        if word is None:
            assert conductor.problem is None
        else:
            assert word in conductor.problem.hint
    assert show.told == []


def test_taps_and_tempi_over_osc():
    show = Show(None)
    with Signals(Outside(), Wanted(osc=0), conducts=show) as signals:
        client = SimpleUDPClient("127.0.0.1", signals.osc.port)
        for _ in range(4):
            client.send_message("/tempo/tap", 1.0)
            client.send_message("/tempo/tap", 0.0)  # the button is let go
        assert until(lambda: signals.osc.received == 8)
        assert len(show.told) == 4
        assert show.told[0] == (None, 0)
        client.send_message("/tempo/bpm", 132)
        assert until(lambda: show.clock.bpm == 132)
        client.send_message("/tempo/bpm", "fast")
        client.send_message("/tempo/tap", [])
        assert until(lambda: len(show.told) == 6)
        assert signals.osc.refused == 1


# Ableton Link


class FakeLink:
    """Speaks as aalink does; two others play at 90."""

    def __init__(self, bpm):
        self.tempo, self.num_peers, self.enabled, self.quantum = bpm, 0, False, 0

    @property
    def beat(self):
        return 2.5


def test_link_is_followed_once_somebody_is_there():
    # In a thread of its own, as in a show: browsers of other tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(follow_link).result(60)


def follow_link():
    made = []
    library = SimpleNamespace(Link=lambda bpm: made.append(FakeLink(bpm)) or made[-1])
    show = Show("link")
    conductor = Conductor(show, {}, LinkSession(library))
    conductor.look(time.perf_counter())
    assert show.told == [], "alone, the show keeps its own tempo"
    link = made[0]
    assert (link.enabled, link.quantum) == (True, 4)
    link.num_peers, link.tempo = 2, 90.0
    conductor.look(time.perf_counter())
    assert show.told == [(90, pytest.approx(2.5, abs=0.01))]
    conductor.stop()
    assert link.enabled is False
    assert len(made) == 1


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "aalink", None)
    conductor = Conductor(Show("link"), {})
    conductor.look(0.0)
    assert isinstance(conductor.problem, SignalError)
    assert "[link]" in conductor.problem.hint


def test_a_real_link_session():
    """Another participant in this process; they find each other by multicast, as on a stage."""
    pytest.importorskip("aalink", reason="needs the extra link")
    ours, other = LinkSession().start(), LinkSession().start()
    if not happens(lambda: ours.peers and other.peers, 5.0):
        pytest.skip("no multicast on this machine")
    other._link.tempo = 133.0
    assert until(lambda: (beat := ours.beat(time.perf_counter())) and beat.bpm == pytest.approx(133, rel=1e-3))
    now = time.perf_counter()
    a, b = ours.beat(now), other.beat(now)
    assert abs((a.beat - b.beat + 2) % 4 - 2) < 0.02
    other.stop()
    assert until(lambda: ours.beat(time.perf_counter()) is None)
    ours.stop()
