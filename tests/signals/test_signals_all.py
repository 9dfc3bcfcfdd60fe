"""All signals of a show, opened as a person asks for them."""

import socket
import threading

import pytest
from pythonosc.udp_client import SimpleUDPClient

from ganzfeld.errors import SignalError
from ganzfeld.signals import reopening
from ganzfeld.signals.signals import Signals, Wanted
from ganzfeld.values.outside import Outside
from ganzfeld.values.time import Moment
from sounds import sine, write_wave
from waiting import until


@pytest.fixture
def outside():
    return Outside()


def test_nothing_is_opened_that_nobody_wants(outside):
    with Signals(outside, Wanted()) as signals:
        assert (signals.osc, signals.senders, signals.midi, signals.audio) == (None, [], None, None)
        assert signals.problems == []


def test_osc_in_and_out_and_a_file(tmp_path, outside):
    path = write_wave(tmp_path / "tone.wav", sine(100, 1))
    now = [0.0]
    turned = {}
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind(("127.0.0.1", 0))
    ear.settimeout(10)
    wanted = Wanted(osc=0, osc_to=(ear.getsockname(),), osc_choose=("/audio/*",), audio=str(path))

    def turn(address, value):
        return address == "/face/psi" and turned.update({address: value}) is None

    with Signals(outside, wanted, turn=turn, clock=lambda: now[0]) as signals:
        client = SimpleUDPClient("127.0.0.1", signals.osc.port)
        client.send_message("/face/psi", 1)
        client.send_message("/other", 2)
        now[0] = 0.5
        assert until(lambda: turned and "/other" in outside.values() and outside.values().get("/audio/bass", 0) > 0.9)
        signals.frame(Moment(0, 0.0, 0.0, 0.0, 0.0, 120.0), outside.values())
        packets = []
        while not packets or b"/audio/bass" not in packets[-1]:
            packets.append(ear.recv(65535))
        assert packets[0].startswith(b"/audio/onset"), "an event goes at once"
        assert not any(b"/other" in packet for packet in packets)
        assert signals.problems == []
    ear.close()
    assert turned == {"/face/psi": 1}
    assert outside.values()["/audio/bass"] == 0


def test_a_show_does_not_take_its_own_values_for_a_hand(outside):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    turned = []

    def turn(address, value):
        turned.append((address, value))
        return True

    with Signals(outside, Wanted(osc=port, osc_to=(("127.0.0.1", port),)), turn=turn) as signals:
        for frame in range(3):
            signals.frame(Moment(frame, float(frame), 1.0, 0.0, 0.0, 120.0), {"/face/psi": 0.1 * frame})
        assert until(lambda: any("to this show itself" in problem.what for problem in signals.problems))
        SimpleUDPClient("127.0.0.1", port).send_message("/face/psi", 0.75)
        assert until(lambda: turned)
    assert turned == [("/face/psi", 0.75)]


def test_what_is_not_there_at_the_start_is_tried_again(outside, monkeypatch):
    """A port that another program has for a while, and a name that the network does not know yet."""
    monkeypatch.setattr(reopening, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(reopening, "FIRST_PAUSE", 0.05)
    rightly, is_there = socket.getaddrinfo, threading.Event()

    def resolved(host, *arguments, **options):
        if host == "wall" and not is_there.is_set():
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return rightly("127.0.0.1" if host == "wall" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    taken, ear = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for each in (taken, ear):
        each.bind(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    wanted = Wanted(osc=port, osc_to=(("wall", ear.getsockname()[1]),))
    with Signals(outside, wanted) as signals:
        assert [problem.what.partition(":")[0] for problem in signals.problems] == [
            f"OSC cannot listen at 127.0.0.1, port {port}",
            f"OSC cannot be sent to wall, port {ear.getsockname()[1]}",
        ]
        taken.close()
        is_there.set()
        assert until(lambda: not signals.problems and signals.osc is not None and signals.senders)
        SimpleUDPClient("127.0.0.1", port).send_message("/other", 2)
        assert until(lambda: outside.values().get("/other") == 2)
        signals.frame(Moment(0, 0.0, 0.0, 0.0, 0.0, 120.0), {"/face/psi": 0.5})
        ear.settimeout(10)
        assert ear.recv(65535)
    ear.close()


def test_a_driver_that_raises_anything_costs_the_rest_nothing(outside, monkeypatch):
    def fails(*_, **__):
        raise ZeroDivisionError("a driver's")

    monkeypatch.setattr("ganzfeld.signals.signals.AudioInput", fails)
    with Signals(outside, Wanted(osc=0, audio="")) as signals:
        assert signals.osc is not None
        assert [problem.what for problem in signals.problems] == ["Opening audio failed: ZeroDivisionError: a driver's"]


def test_what_cannot_be_opened_is_told_and_the_rest_works(outside):
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    wanted = Wanted(
        osc=taken.getsockname()[1],
        osc_to=(("no such host", 9000), ("127.0.0.1", 9)),
        audio="missing.wav",
    )
    with Signals(outside, wanted, clock=lambda: 0.0) as signals:
        told = [str(problem) for problem in signals.problems]
        assert len(told) == 3
        assert "choose another" in told[0]
        assert "no such host" in told[1]
        assert "no file missing.wav" in told[2]
        assert len(signals.senders) == 1
    assert signals.problems == []
    taken.close()


def test_a_machine_without_midi_or_sound_plays_on(outside):
    """Whatever this machine has: nothing raises, and what is missing is told with what to do."""
    with Signals(outside, Wanted(midi=("*",), audio="")) as signals:
        for problem in signals.problems:
            assert problem.what
            assert problem.hint


def test_what_comes_in_is_there_to_be_seen(tmp_path, outside):
    path = write_wave(tmp_path / "tone.wav", sine(1000, 1))
    now = [0.0]
    with Signals(outside, Wanted(osc=0, audio=str(path)), clock=lambda: now[0]) as signals:
        SimpleUDPClient("127.0.0.1", signals.osc.port).send_message("/push", 0.25)
        now[0] = 0.5
        assert until(lambda: signals.look().arrivals and signals.look().sound.level > 0.9)
        seen = signals.look()
        assert [(each.source, each.address, each.value) for each in seen.arrivals] == [("osc", "/push", "0.25")]
        assert seen.osc == f"127.0.0.1:{signals.osc.port}"
        assert (seen.sound.source, seen.sound.is_file, seen.sound.floor) == ("tone.wav", True, -50)
        spectrum = seen.sound.spectrum
        loudest = seen.sound.low_hz * (seen.sound.high_hz / seen.sound.low_hz) ** (
            (spectrum.index(max(spectrum)) + 0.5) / len(spectrum)
        )
        assert abs(loudest - 1000) < 60
        signals.silence_below(0.0)
        now[0] = 0.9
        assert until(lambda: signals.look().sound.level < 0.5)
        with pytest.raises(SignalError, match="Silence lies"):
            signals.silence_below(float("nan"))
    with Signals(outside, Wanted()) as signals, pytest.raises(SignalError, match="No sound"):
        signals.silence_below(-40)
