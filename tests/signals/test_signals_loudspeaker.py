"""A sound file played aloud: the very samples of the file, where the show is."""

from __future__ import annotations

import itertools
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from ganzfeld.errors import SignalError
from ganzfeld.signals import loudspeaker
from ganzfeld.signals.audio_file import SoundFile
from ganzfeld.signals.loudspeaker import Loudspeaker, Playback, Tape
from ganzfeld.signals.show_time import KnownTime, ShowTime
from ganzfeld.signals.signals import Signals, Wanted
from ganzfeld.values.outside import Outside
from sounds import RATE, sweep, write_wave
from waiting import until

BLOCK = 512


@pytest.fixture(scope="module")
def melody(tmp_path_factory):
    """Two seconds that are nowhere the same."""
    return write_wave(tmp_path_factory.mktemp("sounds") / "melody.wav", sweep(100, 3000, 2))


@pytest.fixture
def samples(melody):
    return np.concatenate([SoundFile(melody).read(2 * RATE)] * 5)


def play(playback: Playback, places: list[int | None]) -> np.ndarray:
    """What is heard when the show is at these samples, block by block."""
    blocks = []
    for wanted in places:
        playback.tape.wind(wanted if wanted is not None else playback.place or 0)
        blocks.append(playback.next(BLOCK, wanted))
    return np.concatenate(blocks)


def test_stereo_is_as_loud_as_the_file(tmp_path, melody):
    stereo = SoundFile(melody).read(RATE)
    assert stereo.shape == (RATE, 2)
    mono = stereo[:, 0]
    import av

    path = tmp_path / "mono.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray((mono[None] * 32767).astype(np.int16), format="s16", layout="mono")
        frame.rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    from_mono = SoundFile(path).read(RATE)
    assert np.allclose(from_mono, stereo, atol=1e-3), "FFmpeg would make it quieter by 3 dB"


def test_the_file_is_heard_sample_by_sample_over_its_end(melody, samples):
    playback = Playback(Tape(SoundFile(melody)))
    places = list(range(0, 5 * RATE, BLOCK))
    heard = play(playback, places)
    assert np.array_equal(heard[BLOCK:], samples[BLOCK : len(heard)]), "the first block fades in"
    assert playback.moved == 0


def test_a_file_that_has_changed_is_heard_from_the_same_place(tmp_path, melody, samples):
    path = tmp_path / "song.wav"
    path.write_bytes(melody.read_bytes())
    tape = Tape(SoundFile(path))
    playback = Playback(tape)
    play(playback, list(range(0, RATE // 2, BLOCK)))
    write_wave(path, 0.5 * samples[:, 0])
    place = playback.place or 0
    tape.wind(place)
    before = tape.read(place, BLOCK)
    assert np.array_equal(before, samples[place : place + BLOCK]), "what was read before plays on"
    tape.renew()
    tape.wind(place)
    assert np.allclose(tape.read(place, BLOCK), np.repeat(0.5 * samples[place : place + BLOCK, :1], 2, 1), atol=1e-4)
    path.write_bytes(b"RIFF")
    with pytest.raises(SignalError):
        tape.renew()
    tape.wind(place + RATE)
    assert tape.read(place + RATE, BLOCK) is not None
    tape.file.close()


def test_a_trembling_show_time_is_not_heard_and_drift_is_made_up(melody, samples):
    playback = Playback(Tape(SoundFile(melody)))
    tremble = itertools.cycle([0, 90, -90, 40])  # 2 ms
    heard = play(playback, [max(0, k * BLOCK + next(tremble)) for k in range(200)])
    assert playback.moved == 0
    assert np.array_equal(heard[BLOCK:], samples[BLOCK : len(heard)])
    play(playback, [round(k * BLOCK * 1.01) for k in range(200, 400)])  # a card that is a hundredth too slow
    assert 1 <= playback.moved <= 4
    assert abs(playback.place - 399 * BLOCK * 1.01 - BLOCK) < 0.013 * RATE


def test_pause_and_seek_fade(melody, samples):
    playback = Playback(Tape(SoundFile(melody)))
    places: list[int | None] = [k * BLOCK for k in range(50)]
    heard = play(playback, [*places, None, None])
    assert playback.place is None
    assert np.array_equal(heard[-BLOCK:], np.zeros((BLOCK, 2)))
    fading = heard[-2 * BLOCK : -BLOCK]
    assert np.allclose(fading, samples[50 * BLOCK :][:BLOCK] * np.linspace(1, 0, BLOCK)[:, None], atol=1e-6)
    start = 7 * RATE + 3
    heard = play(playback, [start, start + BLOCK])
    assert np.array_equal(heard[BLOCK:], samples[start + BLOCK :][:BLOCK])
    far = RATE // 3
    heard = play(playback, [far, far + BLOCK])
    assert np.array_equal(heard[BLOCK:], samples[far + BLOCK :][:BLOCK])


def test_what_is_not_decoded_in_time_is_silence_and_no_wait(melody):
    playback = Playback(Tape(SoundFile(melody)))
    assert not playback.next(BLOCK, 0).any()
    assert playback.place is None


class Card:
    """A sound card that speaks as sounddevice does; the test asks for blocks."""

    def __init__(self):
        self.plugged, self.streams = True, []
        card = self

        class OutputStream:
            def __init__(self, device, samplerate, channels, latency, callback):
                self.device, self.rate, self.callback, self.active, self.latency = (
                    device,
                    samplerate,
                    callback,
                    True,
                    0.1,
                )
                card.streams.append(self)

            def __enter__(self):
                return self

            def __exit__(self, *_):
                self.active = False

        self.OutputStream = OutputStream

    def _terminate(self): ...

    def _initialize(self): ...

    def query_devices(self, device=None, kind=None):
        devices = [{"name": "Line Out", "max_output_channels": 2, "default_samplerate": 44100.0}] * self.plugged
        return devices if kind is None else devices[device or 0]

    def block(self):
        out = np.full((BLOCK, 2), np.nan, np.float32)
        times = SimpleNamespace(outputBufferDacTime=0.0, currentTime=0.0)
        self.streams[-1].callback(out, BLOCK, times, None)
        return out


@pytest.fixture
def card(monkeypatch):
    card = Card()
    monkeypatch.setattr(loudspeaker, "sounddevice", lambda: card)
    monkeypatch.setattr(loudspeaker, "RETRY_SECONDS", 0.02)
    return card


def test_a_card_plays_while_the_show_does_and_may_come_and_go(card, melody):
    speed = [1.0]
    began = time.perf_counter()
    clock = ShowTime(lambda: KnownTime((now := time.perf_counter()) - began, now, speed[0]))
    card.plugged = False
    with Loudspeaker(melody, clock, "line") as speaker:
        assert until(lambda: speaker.problem is not None)
        assert "no loudspeaker" in speaker.problem.what
        card.plugged = True
        assert until(lambda: card.streams)
        assert card.streams[0].rate == 44100
        assert until(lambda: card.block().any())
        assert speaker.problem is None
        place = speaker.playback.place
        assert abs(place / 44100 - clock() - 0.1) < 0.5, "ahead by what waits in the driver"
        speed[0] = 0.0
        card.block()
        assert not card.block().any(), "silent while the show is paused"
        card.streams[0].active = False
        assert until(lambda: len(card.streams) == 2)
    assert not any(stream.active for stream in card.streams)
    assert not any(thread.name == "loudspeaker" for thread in threading.enumerate())


def test_a_name_that_is_not_there_and_a_machine_without_sound(card, melody, monkeypatch):
    clock = ShowTime(lambda: KnownTime(0.0, time.perf_counter(), 1.0))
    with Loudspeaker(melody, clock, "lime") as speaker:
        assert until(lambda: speaker.problem is not None)
        assert "Line Out" in speaker.problem.hint

    def none():
        raise SignalError("Sound needs PortAudio, which is not here", hint="sudo apt install libportaudio2")

    monkeypatch.setattr(loudspeaker, "sounddevice", none)
    with Signals(Outside(), Wanted(audio=str(melody), speaker=""), clock=clock) as signals:
        assert signals.audio is not None, "it is listened to all the same"
        assert "heard by the show only" in signals.problems[0].what
        assert "libportaudio2" in signals.problems[0].hint
