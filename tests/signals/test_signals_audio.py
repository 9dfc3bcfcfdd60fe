"""Sound into the mailbox: from files that are really decoded, and from a device that comes and goes."""

import secrets
import struct
import threading
import time
from types import SimpleNamespace

import av
import numpy as np
import pytest

from ganzfeld.errors import SignalError
from ganzfeld.feeders.kinds.sound import SoundFeeder
from ganzfeld.patch.expressions import Scope, compile_expression
from ganzfeld.patch.expressions.frame import FrameContext
from ganzfeld.signals import audio, background
from ganzfeld.signals.audio import AudioInput, Hearing
from ganzfeld.signals.audio_file import AudioFile, SoundFile
from ganzfeld.signals.devices import devices_here
from ganzfeld.signals.features import FLOOR_DB
from ganzfeld.signals.shared_file import SharedFile
from ganzfeld.signals.shared_sound import SharedInput
from ganzfeld.signals.show_time import KnownTime, ShowTime
from ganzfeld.signals.signals import Signals, Wanted
from ganzfeld.values.outside import Outside
from ganzfeld.values.sound_ring import SoundReader, SoundWriter
from ganzfeld.values.time import Moment
from sounds import RATE, clicks, drums, noise, sine, sweep, write_wave
from waiting import until


@pytest.fixture
def outside():
    return Outside()


def evaluate(texts, outside):
    frame = FrameContext(Moment(0, 0.0, 0.0, 0.0, 0.0, 120.0), outside.take(), {}, {})
    return [compile_expression(text, scope=Scope(), owner="/x").evaluate(frame) for text in texts]


def test_expressions_read_what_is_heard(outside):
    names = ["audio.level", "audio.bass", "audio.mid", "audio.high", "audio.band(1)", "audio.centroid", "audio.onset"]
    assert evaluate(names, outside) == [0] * 7
    Hearing(outside, RATE).feed(sine(100, 1))
    level, bass, mid, high, band, centroid, onset = evaluate(names, outside)
    assert min(level, bass, band) > 0.95
    assert max(mid, high) < 0.1
    assert 0.1 < centroid < 0.2
    assert onset == 1
    assert evaluate(["audio.onset"], outside) == [0]


def test_onsets_and_beats_are_counted_however_seldom_frames_are(outside):
    sound, times = clicks(120, 10)
    Hearing(outside, RATE).feed(sound)  # ten seconds in one frame
    assert evaluate(["audio.onset"], outside) == [len(times)]
    Hearing(outside, RATE).feed(sound)
    hits = [hit.address for hit in outside.take().hits]
    assert hits.count("/audio/beat") == pytest.approx(len(times) - 3, abs=2)
    assert outside.values()["/audio/bpm"] == pytest.approx(120, rel=0.01)
    assert {type(value) for value in outside.values().values()} == {float}, "other processes know no numbers of numpy"


def test_nothing_hangs_when_the_source_is_gone(outside):
    outside.set("/other", 1.0)
    hearing = Hearing(outside, RATE, bands=3)
    hearing.feed(sine(100, 1))
    hearing.silence()
    values = outside.values()
    assert values.pop("/other") == 1.0
    assert len(values) == 9
    assert not any(values.values())


# Files


@pytest.fixture(scope="module")
def melody(tmp_path_factory):
    """Two seconds that are nowhere the same, as 44.1 kHz WAV."""
    return write_wave(tmp_path_factory.mktemp("sounds") / "melody.wav", sweep(100, 3000, 2, 44100), 44100)


def test_a_file_is_read_in_a_loop_without_a_seam(melody):
    file = SoundFile(melody)
    assert file.seconds == pytest.approx(2)
    pieces = np.concatenate([file.read(count) for count in (1, 999, 95_000, 10_000, 182_000)])
    assert file.samples == 2 * RATE
    assert np.array_equal(pieces[:, 0], pieces[:, 1])
    first, second, third = pieces[:, 0].reshape(3, -1)
    assert np.array_equal(first, second)
    assert np.array_equal(first, third)
    ideal = sweep(100, 3000, 2)
    # Resampled from 44.1 kHz: the same tone, but for the ends.
    assert np.max(np.abs(first[500:-500] - ideal[500:-500])) < 0.01
    file.close()


def encode(path, codec, sound, rate=RATE, variable=False):
    """Encode with FFmpeg; skips if this build has no such codec. variable: an MP3 of a variable rate without a header
    that tells its length."""
    try:
        av.Codec(codec, "w")
    except av.error.FFmpegError:
        pytest.skip(f"FFmpeg was built without {codec}")
    with av.open(str(path), "w", options={"write_xing": "0"} if variable else {}) as container:
        options = {"flags": "+qscale", "global_quality": "1000"} if variable else {}
        stream = container.add_stream(codec, rate=rate, options=options)
        frame = av.AudioFrame.from_ndarray(sound[None], format="flt", layout="mono")
        frame.rate, frame.pts = rate, 0
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="stereo", rate=rate)
        for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(resampled))
        container.mux(stream.encode(None))
    return path


def write_many(path, codec, layout, sound):
    """sound: [n, channels]."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.reshape(1, -1)), format="flt", layout=layout)
        frame.rate, frame.pts = RATE, 0
        size = stream.codec_context.frame_size or None
        resampler = av.AudioResampler(stream.codec_context.format, layout, RATE, size)
        for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(resampled))
        container.mux(stream.encode(None))


def write_wave_of(path, sound, mask=0):
    """A WAV file of any number of channels (WAVE_FORMAT_EXTENSIBLE). mask: which they are."""
    channels, data = sound.shape[1], (sound * 32767).astype("<i2").tobytes()
    kind = struct.pack("<HHIIHHHHI", 0xFFFE, channels, RATE, RATE * channels * 2, channels * 2, 16, 22, 16, mask)
    kind += bytes.fromhex("0100000000001000800000aa00389b71")
    body = b"WAVEfmt " + struct.pack("<I", len(kind)) + kind + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp3", "libmp3lame"), ("flac", "flac"), ("m4a", "aac"), ("opus", "libopus")]
)
def test_seeking_lands_on_the_sample_in_every_format(tmp_path, suffix, codec):
    file = SoundFile(encode(tmp_path / f"sound.{suffix}", codec, sweep(100, 3000, 3)))
    whole = file.read(3 * RATE)
    for second in (0.5, 2.25, 0.0, 1.0 + 1 / RATE):
        file.seek(second)
        start = round(second * RATE)
        assert np.max(np.abs(file.read(4000) - whole[start : start + 4000])) < 1e-3
    file.seek(file.seconds + 0.5)  # in the second round
    assert np.max(np.abs(file.read(4000) - whole[RATE // 2 :][:4000])) < 1e-3
    file.close()


def test_what_is_no_sound_is_said(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("no sound")
    film = tmp_path / "silent.mp4"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode(None))
    empty = write_wave(tmp_path / "empty.wav", np.zeros(0, np.float32))
    refused = {tmp_path / "gone.wav": "no file", tmp_path: "folder", text: "it is a text", film: "no sound"}
    for path, word in refused.items():
        with pytest.raises(SignalError, match=word):
            SoundFile(path)
    with pytest.raises(SignalError):
        SoundFile(empty).read(100)


@pytest.mark.parametrize("count", [1, 10, 4000])
def test_a_few_samples_are_looped_without_being_opened_again(tmp_path, count):
    sound = noise(count / RATE, 0.1)
    feeder = SoundFeeder(write_wave(tmp_path / "short.wav", sound))
    opened = []
    feeder._open = lambda: opened.append(1) or SoundFeeder._open(feeder)
    heard = feeder.read(0, 60_000)
    assert len(opened) <= 2
    assert heard.facts == count
    assert np.allclose(heard.array[:, 0], np.resize(sound, 60_000), atol=1e-4)
    assert np.array_equal(feeder.read(7 * count + 3, 50).array, heard.array[(3 + np.arange(50)) % count])
    assert len(opened) <= 2


def test_an_mp3_of_a_variable_rate_that_says_nothing_of_itself(tmp_path):
    # Half a minute of silence takes few bytes, noise takes many: by bytes one would land far off.
    sound = np.concatenate([np.zeros(15 * RATE, np.float32), sweep(100, 3000, 15) + noise(15, 0.05)])
    path = encode(tmp_path / "a.mp3", "libmp3lame", sound, variable=True)
    whole = SoundFeeder(path)
    seconds = whole.facts["seconds"]
    assert seconds == pytest.approx(30, abs=0.1)
    samples = np.concatenate([whole.read(start, 48_000).array for start in range(0, 32 * RATE, 48_000)])[:, 0]
    count = whole.read(0, 1).facts
    assert count == pytest.approx(seconds * RATE, abs=1)
    for start in (20 * RATE, 5 * RATE, count + 25 * RATE, 1000 * count + 16 * RATE, count - 100):
        heard = SoundFeeder(path).read(start, 4000).array[:, 0]
        assert np.max(np.abs(heard - np.resize(samples[:count], 2 * count)[start % count :][:4000])) < 1e-3


MANY = [("pcm_s16le", "wav", "7.1"), ("flac", "flac", "7.1"), ("libopus", "opus", "7.1"), ("aac", "mp4", "7.1"),
        ("pcm_s16le", "wav", 9), ("pcm_f32le", "wav", 16), ("pcm_s16le", "mov", 16), ("pcm_s16le", "wav", 32),
        ("wavpack", "wv", 12), ("pcm_s16le", "wav", 3), ("ac3", "ac3", "5.1"), ("pcm_s16le", "wav", 64)]  # fmt: skip


@pytest.mark.parametrize(("codec", "suffix", "layout"), MANY)
def test_sound_of_many_channels(tmp_path, codec, suffix, layout):
    path = tmp_path / f"many.{suffix}"
    name = layout if isinstance(layout, str) else f"{layout}c"
    try:
        channels = av.AudioLayout(name).nb_channels
        write_many(path, codec, name, np.tile(sine(440, 0.5, amplitude=0.1)[:, None], channels))
    except (av.error.FFmpegError, ValueError):
        if codec != "pcm_s16le" or suffix != "wav":
            pytest.skip("this FFmpeg cannot write it")
        channels = layout
        write_wave_of(path, np.tile(sine(440, 0.5, amplitude=0.1)[:, None], layout))
    feeder = SoundFeeder(path)
    assert feeder.facts["channels"] == channels
    block = feeder.read(4800, 4800).array
    assert block.shape == (4800, 2)
    # All alike: as loud as each of them, on both sides.
    assert np.sqrt(np.mean(block**2, axis=0)) == pytest.approx(0.0707, rel=0.35)


def test_each_channel_comes_to_its_side(tmp_path):
    names = [channel.name for channel in av.AudioLayout("7.1").channels]
    for place, name in enumerate(names):
        sound = np.zeros((4800, 8), np.float32)
        sound[:, place] = sine(440, 0.1)
        write_wave_of(tmp_path / "one.wav", sound, mask=0x63F)
        left, right = np.sqrt(np.mean(SoundFeeder(tmp_path / "one.wav").read(0, 4800).array ** 2, axis=0))
        if name in ("FC", "LFE"):
            assert left == pytest.approx(right)
            assert left > 0.02
        else:
            assert (left > 0.02, right > 0.02) == (name.endswith("L"), name.endswith("R")), name


def test_too_many_channels_are_refused_by_their_number(tmp_path):
    write_wave_of(path := tmp_path / "a.wav", np.zeros((100, 200), np.float32))
    with pytest.raises(SignalError, match="200 channels"):
        SoundFile(path)


def test_a_decoder_that_dies_is_told_and_the_sound_comes_back(tmp_path, outside):
    path = write_wave(tmp_path / "long.wav", sine(440, 12))
    now = [0.5]
    with AudioFile(outside, path, lambda: now[0]) as file:
        assert until(lambda: file._heard == RATE // 2)
        file.file._feeder._opened.child.kill()
        now[0] = 1.2
        assert until(lambda: file._heard == round(1.2 * RATE), 20)
        assert until(lambda: file.problem is None)
        assert outside.values()["/audio/level"] > 0.9
    render = SoundFile(path, tries=3)
    first = render.read(RATE)
    render._feeder._opened.child.kill()
    assert np.array_equal(np.concatenate([first, render.read(RATE)]), SoundFile(path).read(2 * RATE))


def test_a_damaged_file_plays_what_is_left(tmp_path):
    path = encode(tmp_path / "damaged.mp3", "libmp3lame", sweep(100, 3000, 3))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(range(250)) * 8
    path.write_bytes(data)
    file = SoundFile(path)
    assert np.all(np.isfinite(file.read(10 * RATE)))
    assert 2 * RATE < file.samples < 4 * RATE
    file.close()


def test_a_renderer_hears_the_same_at_the_same_times(tmp_path):
    path = write_wave(tmp_path / "drums.wav", drums(124, 4)[0])

    def heard(frames):
        outside = Outside()
        file = AudioFile(outside, path)
        result = []
        for frame in frames:
            file.advance(frame / 60)
            result.append((outside.values(), len(outside.take().hits)))
        file.stop()
        return result

    assert heard(range(300)) == heard(range(300))


def test_paused_time_hears_nothing_new_and_jumps_are_followed(tmp_path, outside):
    sound = np.concatenate([sine(100, 2), sine(6000, 2)])
    file = AudioFile(outside, write_wave(tmp_path / "two.wav", sound), release=0.02)

    def play(start, seconds):
        for frame in range(round(seconds * 60)):
            file.advance(start + frame / 60)
        values = outside.values()
        return "bass" if values["/audio/bass"] > values["/audio/high"] else "high"

    assert play(0, 1) == "bass"
    held = outside.values()
    for _ in range(10):
        file.advance(59 / 60)
    assert outside.values() == held
    assert play(3, 0.5) == "high"
    assert play(0.5, 0.5) == "bass"
    assert play(4 * 1000 + 2.5, 0.5) == "high"  # the thousandth round
    assert play(4 * 1000 + 3.5, 1.5) == "bass"  # over its end
    file.stop()


def test_a_thread_follows_the_shows_clock(tmp_path, outside):
    sound, times = clicks(120, 4)
    now = [0.0]
    with AudioFile(outside, write_wave(tmp_path / "clicks.wav", sound), lambda: now[0]) as file:
        hits = []
        for step in range(1, 41):
            now[0] = step / 10
            assert until(lambda t=now[0]: file._heard == round(t * RATE))
            hits += [hit for hit in outside.take().hits if hit.address == "/audio/onset"]
    assert len(hits) == len(times)
    assert file.problem is None
    assert outside.values()["/audio/level"] == 0


def test_a_file_that_goes_away_plays_on(tmp_path, outside):
    """All of it, for it is read whole at first. (That it is gone is told by who follows it.)"""
    path = write_wave(tmp_path / "gone.wav", sine(440, 11))  # longer than what is kept decoded
    now = [0.5]
    with AudioFile(outside, path, lambda: now[0]) as file:
        assert until(lambda: file._heard)
        path.unlink()
        now[0] = 3.0
        assert until(lambda: file._heard == 3 * RATE)
        now[0] = 0.0
        assert until(lambda: file._heard == 0)
        now[0] = 0.3
        assert until(lambda: file._heard == round(0.3 * RATE))
        assert file.problem is None


def test_a_file_needs_a_clock(melody, outside):
    file = AudioFile(outside, melody)
    with pytest.raises(SignalError, match="clock"):
        file.start()
    file.stop()


# Devices


class Card:
    """A sound card that the test plugs in; speaks as sounddevice does."""

    def __init__(self):
        self.plugged = True
        self.asked_again = 0
        self.streams = []
        card = self

        class InputStream:
            def __init__(self, device, samplerate, blocksize, latency, callback):
                if not card.plugged:
                    raise RuntimeError("Error opening InputStream: Device unavailable")
                self.device, self.rate, self.block, self.callback = device, samplerate, blocksize, callback
                self.active, self.latency = True, 0.005
                card.streams.append(self)

            def __enter__(self):
                return self

            def __exit__(self, *_):
                self.active = False

        self.InputStream = InputStream

    def _terminate(self):
        pass

    def _initialize(self):
        self.asked_again += 1

    def query_devices(self, device=None, kind=None):
        devices = [
            {"name": "Speakers", "max_input_channels": 0, "default_samplerate": 44100.0},
            {"name": "USB Audio", "max_input_channels": 2, "default_samplerate": 48000.0},
        ]
        return devices if kind is None else devices[1 if device is None else device]

    def play(self, sound):
        stream = self.streams[-1]
        for start in range(0, len(sound), stream.block):
            stream.callback(sound[start : start + stream.block, None], stream.block, None, None)
            time.sleep(0)


@pytest.fixture
def card(monkeypatch):
    card = Card()
    monkeypatch.setattr(audio, "sounddevice", lambda: card)
    monkeypatch.setattr(audio, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(audio, "PATIENCE_SECONDS", 0.5)
    return card


class TwoCards(Card):
    """Two devices that are plugged in, one that is broken, and one that says nothing."""

    DEVICES = ("Speakers", "USB Audio", "USB Audio 2", "Broken", "Mute")

    def __init__(self):
        super().__init__()
        inner, card = self.InputStream, self

        class InputStream(inner):
            def __enter__(self):
                if card.DEVICES[self.device or 1] == "Broken":
                    raise RuntimeError("Error opening InputStream: Device unavailable")
                if card.DEVICES[self.device or 1] != "Mute":
                    self.callback(np.zeros((self.block, 2), np.float32), self.block, None, None)
                return self

        self.InputStream = InputStream

    def query_devices(self, device=None, kind=None):
        devices = [
            {"name": name, "max_input_channels": 2 * (name != "Speakers"), "default_samplerate": 48000.0}
            for name in self.DEVICES
        ]
        return devices if kind is None else devices[1 if device is None else device]


@pytest.fixture
def cards(monkeypatch):
    card = TwoCards()
    monkeypatch.setattr(audio, "sounddevice", lambda: card)
    monkeypatch.setattr(audio, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(audio, "FIRST_SOUND_SECONDS", 0.2)
    return card


def test_another_device_is_chosen_while_one_is_heard(cards, outside):
    with AudioInput(outside, "usb audio", channel=2, floor=-40) as device:
        assert until(lambda: device.look().source == "USB Audio" and cards.streams)
        with pytest.raises(SignalError, match="does not open"):
            device.choose("Broken")
        with pytest.raises(SignalError, match="gives no sound"):
            device.choose("Mute")
        with pytest.raises(SignalError, match="no sound device 'None'"):
            device.choose("None")
        assert device.look().source == "USB Audio" and device.problem is None and cards.streams[0].active
        assert cards.asked_again == 0, "that would end what is heard"
        device.choose("USB Audio 2")
        assert until(lambda: device.look().source == "USB Audio 2")
        assert device.look().floor == -40

        def is_heard() -> bool:
            cards.play(sine(100, 0.1))
            return outside.values().get("/audio/bass", 0) > 0.5

        assert until(is_heard)
        assert not cards.streams[0].active


def test_signals_go_over_from_a_file_to_a_device_and_from_nothing(cards, outside, tmp_path):
    path = write_wave(tmp_path / "tone.wav", sine(100, 1))
    for wanted in (Wanted(audio=str(path), audio_options={"floor": -60}), Wanted()):
        with Signals(outside, wanted, clock=lambda: 0.0) as signals:
            with pytest.raises(SignalError):
                signals.listen_to("Broken")
            heard = signals.look().sound
            assert (heard is not None and heard.is_file) == bool(wanted.audio)
            signals.listen_to("USB Audio 2")
            assert until(lambda: signals.look().sound.source == "USB Audio 2")
            assert not signals.look().sound.is_file
            assert signals.look().sound.floor == (-60 if wanted.audio else FLOOR_DB)
            assert signals.problems == []
            signals.listen_to("")
            assert until(lambda: signals.look().sound.source == "USB Audio")


def test_signals_go_over_to_a_song_and_stay_where_they_are_if_it_cannot_be_heard(cards, outside, tmp_path):
    song = write_wave(tmp_path / "song.wav", sine(100, 1))
    (tmp_path / "text.wav").write_bytes(b"no sound at all")
    with Signals(outside, Wanted(audio="usb audio 2", audio_options={"floor": -60}), clock=lambda: 0.0) as signals:
        assert until(lambda: signals.look().sound.source == "USB Audio 2")
        with pytest.raises(SignalError):
            signals.hear_file(tmp_path / "text.wav")
        assert signals.look().sound.source == "USB Audio 2"
        signals.hear_file(song)
        heard = signals.look().sound
        assert heard.is_file and heard.floor == -60 and not any(stream.active for stream in cards.streams)
        assert signals.conductor is None or signals.conductor.pulses["audio"] == signals.audio.beat
        signals.listen_to("USB Audio 2")
        assert until(lambda: not signals.look().sound.is_file)


def test_what_there_is_to_listen_to(cards, monkeypatch):
    assert devices_here() == {"devices": ["USB Audio", "USB Audio 2", "Broken", "Mute"]}

    def none():
        raise SignalError("Sound needs PortAudio", hint="install it")

    monkeypatch.setattr(audio, "sounddevice", none)
    assert devices_here() == {"missing": "Sound needs PortAudio", "mend": "install it"}


def test_a_device_is_heard_lost_and_found_again(card, outside):
    with AudioInput(outside, "usb") as device:
        assert until(lambda: card.streams)
        assert (card.streams[0].device, card.streams[0].rate, card.streams[0].block) == (1, 48000.0, 256)
        card.play(sine(100, 0.3))
        assert until(lambda: outside.values().get("/audio/bass", 0) > 0.5)
        card.plugged = False
        card.streams[0].active = False
        assert until(lambda: card.asked_again and "stopped" in str(device.problem))
        assert outside.values()["/audio/bass"] == 0
        card.plugged = True
        assert until(lambda: len(card.streams) == 2)
        assert until(lambda: device.problem is None)
        card.play(sine(100, 0.3))
        assert until(lambda: outside.values()["/audio/bass"] > 0.5)
        # Pulled out without a word: no more blocks.
        assert until(lambda: len(card.streams) == 3)
        assert outside.values()["/audio/bass"] == 0
    assert not any(stream.active for stream in card.streams)
    assert not any(thread.name == "audio in" for thread in threading.enumerate())


@pytest.mark.parametrize("where", ["query_devices", "InputStream"])
def test_a_driver_that_never_returns_is_told_and_holds_up_no_end(card, outside, monkeypatch, where):
    held, go_on, rightly = threading.Event(), threading.Event(), getattr(card, where)

    def never(*arguments, **options):
        held.set()
        go_on.wait(20)
        return rightly(*arguments, **options)

    monkeypatch.setattr(card, where, never)
    monkeypatch.setattr(background, "SECONDS_TO_ANSWER", 0.05)
    monkeypatch.setattr(background, "SECONDS_TO_END", 0.05)
    device = AudioInput(outside, "usb").start()
    assert held.wait(5)
    assert until(lambda: "does not answer" in str(device.problem))
    before = set(background.left_behind)
    device.stop()
    (thread,) = background.left_behind - before
    background.left_behind.discard(thread)
    go_on.set()
    thread.join(10)
    assert not thread.is_alive(), "it ends as soon as the driver lets it"


def test_a_device_that_is_chosen_and_never_answers_is_refused(card, outside, monkeypatch):
    go_on, rightly = threading.Event(), card.InputStream
    with AudioInput(outside, "usb") as device:
        assert until(lambda: card.streams)
        monkeypatch.setattr(card, "InputStream", lambda **_: go_on.wait(20) and rightly(**_))
        monkeypatch.setattr(audio, "FIRST_SOUND_SECONDS", 0.05)
        monkeypatch.setattr(audio, "LOOK_AGAIN_SECONDS", 0.05)
        before = set(background.left_behind)
        with pytest.raises(SignalError, match="'USB Audio' does not answer"):
            device.choose("USB Audio")
        audio.look_again(card)  # who waits for PortAudio waits not for ever
        assert card.asked_again == 0 and device.problem is None and card.streams[0].active
        (thread,) = background.left_behind - before
        background.left_behind.discard(thread)
        go_on.set()
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("rate", [0.0, -1.0, 1e12, float("nan"), float("inf")])
def test_a_rate_that_no_device_has_is_told_and_reserves_nothing(card, outside, monkeypatch, rate):
    facts = {"name": "USB Audio", "max_input_channels": 2, "default_samplerate": rate}
    rightly = card.query_devices
    monkeypatch.setattr(card, "query_devices", lambda device=None, kind=None: facts if kind else rightly())
    with AudioInput(outside, "usb") as device:
        assert until(lambda: "samples a second" in str(device.problem))
        assert card.streams == []
        monkeypatch.setattr(card, "query_devices", rightly)
        assert until(lambda: card.streams and device.problem is None)


@pytest.fixture
def ring():
    writer = SoundWriter(f"gzt{secrets.token_hex(4)}")
    reader = SoundReader(writer.session)
    yield writer, reader
    reader.close()
    writer.close()


def test_doors_hear_the_chosen_channel_of_a_device(card, outside, ring):
    writer, reader = ring
    with AudioInput(outside, "usb", channel=1, ring=writer) as device:
        assert until(lambda: card.streams)
        card.play(sine(1000, 0.5))
        assert until(lambda: reader.written and outside.values().get("/audio/level", 0) > 0.5)
        until(lambda: reader.read(reader.written - 4800, 4800) is not None)
        heard = until(
            lambda: (block := reader.read(reader.written - 4800, 4800)) is not None and block.any() and [block]
        )
        assert (heard[0][:, 0] == heard[0][:, 1]).all()
        assert np.abs(heard[0]).max() == pytest.approx(0.5, abs=0.01)
        device.channel = 2
        card.play(sine(1000, 0.1))
        assert until(lambda: "channel 2 is wanted" in str(device.problem))


def test_a_device_at_another_rate_keeps_its_pitch(ring):
    writer, reader = ring
    shared = SharedInput(writer, 44100)
    sound = np.stack([sine(1000, 2, 44100), sine(500, 2, 44100), sine(50, 2, 44100)], axis=1)
    random = np.random.default_rng(0)
    for place in range(0, len(sound), 441):  # blocks that come up to 20 ms late
        shared.feed(sound[place : place + 441], 100 + (place + 441) / 44100 + random.uniform(0, 0.02))
    begin = reader.written - RATE
    heard = reader.read(begin, RATE)
    assert abs(reader.written / RATE - 102) < 0.03
    for channel, hertz in enumerate((1000, 500)):
        spectrum = np.abs(np.fft.rfft(heard[:, channel] * np.hanning(RATE)))
        assert abs(int(spectrum.argmax()) - hertz) <= 2


def test_doors_hear_a_file_in_step_with_the_show(tmp_path, ring):
    writer, reader = ring
    file = tmp_path / "sweep.wav"
    write_wave(file, sweep(200, 2000, 5))
    told = [KnownTime(1.0, 50.0, 1.0)]
    shared = SharedFile(file, ShowTime(lambda: told[0]), writer)
    with pytest.MonkeyPatch.context() as patch:
        now = [50.0]
        patch.setattr("ganzfeld.signals.show_time.time.perf_counter", lambda: now[0])
        reached = 50.0
        for step in range(1, 101):
            now[0] = 50 + 0.02 * step
            told[0] = KnownTime(1 + 0.02 * (step - step % 10), 50 + 0.02 * (step - step % 10), 1.0)
            reached = shared.advance(reached, now[0])
        assert reached == pytest.approx(52, abs=1e-3)
        heard = reader.read(round(51 * RATE), RATE // 2)
        original = SoundFile(file)
        original.seek(2.0)
        expected = original.read(RATE // 2)
        assert np.abs(heard - expected).max() < 0.01
        told[0] = KnownTime(3.0, 52.0, 0.0)  # paused
        for step in range(1, 30):
            now[0] = 52 + 0.02 * step
            reached = shared.advance(reached, now[0])
        assert (reader.read(round(52.1 * RATE), RATE // 4) == 0).all()
    original.close()
    shared.stop()


def test_a_name_that_is_not_there(card, outside):
    with AudioInput(outside, "USB Odio") as device:
        assert until(lambda: device.problem)
        assert "no sound device 'USB Odio'" in str(device.problem)
        assert "USB Audio" in str(device.problem)


def test_names_are_of_what_can_be_heard(card):
    assert audio.device_names() == ["USB Audio"]


def test_a_machine_without_sound_says_what_to_install(outside):
    try:
        import sounddevice
    except (ImportError, OSError):
        with pytest.raises(SignalError, match="Sound needs"):
            AudioInput(outside).start()
    else:
        assert isinstance(sounddevice.query_devices(), SimpleNamespace | tuple | list)
