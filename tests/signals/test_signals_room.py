"""The room's own rules, and signals that move a patch that plays."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mido import Message
from pythonosc.udp_client import SimpleUDPClient

import ganzfeld.signals
from ganzfeld.engine.engine import Engine
from ganzfeld.engine.player import Player
from ganzfeld.signals.accompaniment import Accompaniment
from ganzfeld.signals.audio_file import AudioFile
from ganzfeld.signals.midi_state import MidiState
from ganzfeld.signals.osc import OscReceiver
from ganzfeld.signals.show_time import KnownTime, ShowTime
from ganzfeld.values.time import Clock
from sounds import RATE, clicks, write_wave

FILES = sorted(Path(ganzfeld.signals.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_knows_values_feeders_and_errors_only(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ganzfeld"):
            known = ("values", "errors", "signals", "feeders", "backoff", "repeated_log", "plain_file")
            assert node.module.startswith(tuple(f"ganzfeld.{name}" for name in known))


def test_importing_it_loads_nothing_heavy_and_needs_no_extra():
    modules = [f"ganzfeld.signals.{path.stem}" for path in FILES if path.stem not in ("__init__", "midi_rtmidi2")]
    heavy = ("torch", "scipy", "av", "mido", "rtmidi2", "sounddevice")
    code = f"import sys, {', '.join(modules)}; print([name for name in {heavy} if name in sys.modules])"
    source = str(Path(ganzfeld.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": source})
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_show_time_goes_on_between_reports_and_stops_without_them():
    known = [KnownTime(10.0, 100.0, 1.0)]
    show = ShowTime(lambda: known[0])
    assert show(100.25) == pytest.approx(10.25)
    known[0] = KnownTime(10.2, 100.25, 2.0)
    assert show(100.5) == pytest.approx(10.7)
    assert show(200.0) == show(300.0)
    known[0] = KnownTime(11.0, 101.0, 0.0)
    assert show(150.0) == 11.0
    known[0] = KnownTime(11.0, time.perf_counter(), 1.0)
    assert show.speed == 1
    known[0] = KnownTime(11.0, time.perf_counter() - 1.5, 1.0)
    assert show.speed == 0


PATCH = """
push = knob(-2, 3, midi="1/74")
kicks = count(hit("/drum/kick"))
far = osc("/accel/x", 0.25)
begun = count(audio.onset)
source = noise("simplex2d", period=2, amplitude=0.5)
out(source, size=(8, 8))
"""


def test_hands_and_ears_move_a_patch_that_plays(tmp_path):
    """OSC over UDP by another library, MIDI messages and a sound file, all at once, into the same engine."""
    engine, clock = Engine(device="cpu"), Clock()
    engine.load(PATCH)

    def turn(address, value):
        slot = engine.graph.slots.get(address)
        if slot is None or slot.kind == "signal":
            return False
        engine.set(address, value)
        return True

    def frame():
        engine.frame(clock.advance(1 / 60))
        return {address: engine.values[address] for address in ("/push", "/kicks", "/far", "/begun")}

    sound, times = clicks(120, 2)
    midi = MidiState(engine.outside)
    ear = AudioFile(engine.outside, write_wave(tmp_path / "clicks.wav", sound, RATE))
    with OscReceiver(engine.outside, port=0, turn=turn) as osc:
        assert frame() == {"/push": 0, "/kicks": 0, "/far": 0.25, "/begun": 0}
        client = SimpleUDPClient("127.0.0.1", osc.port)
        for _ in range(10):
            client.send_message("/drum/kick", 1)
        client.send_message("/accel/x", 0.5)
        client.send_message("/source/amplitude", 0.125)
        midi.feed(Message("control_change", control=74, value=127), 0.0)
        end = time.monotonic() + 10
        while osc.received < 12 and time.monotonic() < end:
            time.sleep(0.002)
        assert frame() == {"/push": 3, "/kicks": 10, "/far": 0.5, "/begun": 0}
        assert engine.values["/source/amplitude"] == 0.125
        for _ in range(120):
            ear.advance(clock.t)
            heard = frame()
        assert heard["/begun"] == len(times)
        client.send_message("/push", 99)  # beyond its range
        client.send_message("/source/amplitude", "loud")
        while osc.received < 14 and time.monotonic() < end:
            time.sleep(0.002)
        assert frame()["/push"] == 3
        assert osc.refused == 1
        assert "is a number" in str(osc.problem)
        assert engine.problems == []
    ear.stop()
    engine.close()


def test_files_play_beside_a_show_that_is_rendered(tmp_path):
    """The same frames every time: onsets where the clicks are, notes where they stand, the beat of the score."""
    import mido

    file = mido.MidiFile(ticks_per_beat=96)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(150))])
    for _ in range(16):
        track += [Message("note_on", note=40), Message("note_off", note=40, time=96)]
    file.tracks.append(track)
    file.save(str(tmp_path / "score.mid"))
    sound, times = clicks(120, 4)
    write_wave(tmp_path / "clicks.wav", sound, RATE)
    patch = tmp_path / "a.ganz"
    patch.write_text(
        'bpm(90, "midi")\nbegun = count(audio.onset)\nstruck = count(hit("/midi/note/1/40"))\nout(noise(), size=(8, 8))'
    )
    files = {"audio": tmp_path / "clicks.wav", "midi": [tmp_path / "score.mid"]}

    def render():
        with Player(patch, device="cpu") as player:
            follow = player.engine.follow
            player.beside.append(Accompaniment(player.engine.outside, player.clock, follow=follow, **files))
            heard = []
            for frame in player.frames(fps=30, count=180):
                values = player.engine.values
                heard.append((frame.t, values["/begun"], values["/struck"], player.clock.beat, player.clock.bpm))
            return heard

    first = render()
    assert first == render()
    t, _, struck, beat, bpm = first[-1]
    assert bpm == pytest.approx(150, rel=1e-3)
    assert abs((beat - t * 2.5 + 2) % 4 - 2) < 0.05
    assert struck == 15
    seconds = [at for (at, *_), (_, before, *_), (_, now, *_) in zip(first[1:], first, first[1:]) if now > before]
    clicked = [*times, *(times + 4)]
    assert [round(at, 1) for at in seconds] == pytest.approx([at for at in clicked if at < t], abs=0.06)
