"""`ganzfeld play` among the instruments of a stage: OSC both ways, Tidal, TouchDesigner, a MIDI file, a sound file.

Everything is real but the people: another library sends and receives over UDP, mido writes the MIDI file, and what the
show made of it all is read from the OSC that it sends.
"""

from __future__ import annotations

import os
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import mido
import pytest
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_server import BlockingOSCUDPServer
from pythonosc.udp_client import SimpleUDPClient

from sounds import clicks, write_wave
from waiting import until

PATIENCE = 90.0

PATCH = """
bpm(90, "midi")
push  = knob(-2, 3, osc="/pad/x")
bd    = count(hit("/dirt/play", s="bd"))
late  = count(hit("/later"))
lx    = osc("/chan1", 0)
kick  = count(hit("/midi/note/1/36"))
fader = cc(1, 74)
begun = count(audio.onset)
felt  = osc("/audio/bpm", 0)
source = noise("simplex2d", amplitude=0.5, mono=True)
out(source, size=(16, 16), fps=60)
"""


class Ear:
    """What the show sends, as python-osc reads it: the newest arguments of each address, and how often each came."""

    def __init__(self) -> None:
        dispatcher = Dispatcher()
        dispatcher.set_default_handler(self._take)
        self.newest: dict[str, list] = {}
        self.counts: dict[str, int] = {}
        self.beats: list[tuple[float, float]] = []
        self.server = BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _take(self, address: str, *arguments: object) -> None:
        self.newest[address] = list(arguments)
        self.counts[address] = self.counts.get(address, 0) + 1

    def value(self, address: str) -> float:
        return self.newest.get(address, [0.0])[0]


def midi_song(path: Path) -> Path:
    """Four bars at 137: a kick on each beat, and a fader that ends at the top."""
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(137)))
    for beat in range(16):
        track.append(mido.Message("note_on", note=36, velocity=100))
        track.append(mido.Message("control_change", control=74, value=7 + 8 * beat, time=240))
        track.append(mido.Message("note_off", note=36, time=240))
    file.save(str(path))
    return path


def touchdesigner_bundle(**channels: float) -> bytes:
    """As an OSC Out CHOP sends a frame: a bundle stamped in local time, a message a channel, floats of 32 bits."""
    packet = b"#bundle\0" + struct.pack(">II", 3_900_000_000, 0)
    for name, value in channels.items():
        address = f"/{name}\0".encode()
        message = address + bytes(-len(address) % 4) + b",f\0\0" + struct.pack(">f", value)
        packet += struct.pack(">i", len(message)) + message
    return packet


def later(address: str, seconds: float) -> bytes:
    bundle = OscBundleBuilder(time.time() + seconds)
    bundle.add_content(OscMessageBuilder(address).build())
    return bundle.build().dgram


@pytest.mark.timeout(300)
def test_a_show_among_its_instruments(tmp_path):
    patch = tmp_path / "stage.ganz"
    patch.write_text(PATCH)
    song = midi_song(tmp_path / "song.mid")
    track = write_wave(tmp_path / "clicks.wav", clicks(120, 8)[0])
    ear = Ear()
    words = ["play", patch, "--headless", "--port", 0, "--device", "cpu", "--seconds", 600, "--osc", 0]
    words += ["--osc-out", f"127.0.0.1:{ear.port}", "--midi", song, "--audio", track, "--speaker", "none"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    code = "from ganzfeld.cli import main\nif __name__ == '__main__': main()"
    log = tmp_path / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    try:
        until(lambda: re.search(r"UDP port (\d+)", log.read_text()), "it says where it listens")
        port = int(re.search(r"UDP port (\d+)", log.read_text())[1])
        until(lambda: ear.value("/clock/t") > 0.5, "it plays")
        assert "Error" not in log.read_text()
        _play_everything(ear, port)
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(30) == 0, log.read_text()
        ear.server.shutdown()
    said = log.read_text()
    for word in ("Traceback", "cannot be sent"):
        assert word not in said, said


def _play_everything(ear: Ear, port: int) -> None:
    client = SimpleUDPClient("127.0.0.1", port)
    raw = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(packet: bytes) -> None:
        raw.sendto(packet, ("127.0.0.1", port))

    # A zero is sent at the start: for TouchDesigner a channel that was never sent does not exist.
    until(lambda: ear.newest.get("/bd") == [0] and ear.newest.get("/source/tx") == [0], "zeros are sent, too")

    # Parameters, within their limits; knobs by their own address and by another; choices; what is refused stays.
    client.send_message("/source/amplitude", 0.25)
    client.send_message("/source/type", "perlin2d")
    client.send_message("/pad/x", 99)
    until(lambda: ear.value("/source/amplitude") == 0.25, "a parameter is turned")
    until(lambda: ear.value("/source/type") == "perlin2d", "a choice is made")
    until(lambda: ear.value("/push") == 3, "a knob is turned, up to its end")
    client.send_message("/source/type", "../../etc/passwd")
    client.send_message("/out/size", [64, 64])  # structure cannot be reached
    client.send_message("/source/amplitude", "loud")

    # Tidal: hits by name, ten in a row, some ahead of their time.
    for _ in range(10):
        client.send_message("/dirt/play", ["cps", 0.5625, "cycle", 3.0, "s", "bd", "n", 0.0])
    client.send_message("/dirt/play", ["s", "sn", "n", 0.0])
    sent = time.monotonic()
    send(later("/later", 1.5))
    until(lambda: ear.value("/bd") == 10, "every hit counts")
    assert ear.value("/late") == 0 or time.monotonic() - sent > 1.4
    until(lambda: ear.value("/late") == 1, "a time tag is waited for")
    assert time.monotonic() - sent > 1.4

    # TouchDesigner, with a time tag that means nothing.
    send(touchdesigner_bundle(chan1=0.5, chan2=-1.0))
    until(lambda: ear.value("/lx") == 0.5, "a channel of an OSC Out CHOP")

    # The MIDI file and its clock; the sound, its onsets and its tempo.
    until(lambda: ear.value("/kick") >= 4, "notes of the MIDI file")
    until(lambda: ear.value("/fader") > 0.2, "a controller of the MIDI file")
    until(lambda: abs(ear.value("/clock/bpm") - 137) < 0.5, "the tempo follows the MIDI file")
    until(lambda: ear.value("/begun") >= 4, "onsets of the sound")
    until(lambda: abs(ear.value("/felt") - 120) < 2, "the sound's own tempo")
    assert ear.counts["/audio/onset"] >= 4
    assert "/audio/level" in ear.newest

    # What nobody can read, and what wants to do harm: the show plays on and still listens.
    dice = random.Random(1)
    for size in range(0, 400, 2):
        send(dice.randbytes(size))
        send(b"#bundle\0" + dice.randbytes(size))
    send(b"#bundle\0" + bytes(7) + b"\1" + b"\xff\xff\xff\xf0" * 8)
    send(b"/source/amplitude\0\0\0,f\0\0" + struct.pack(">f", float("nan")))
    assert ear.value("/source/type") == "perlin2d"
    assert ear.value("/source/amplitude") == 0.25
    frame = ear.value("/clock/frame")
    client.send_message("/source/amplitude", 0.75)
    until(lambda: ear.value("/source/amplitude") == 0.75, "it still listens")
    until(lambda: ear.value("/clock/frame") > frame + 10, "it plays on")
    raw.close()
