"""MIDI files played into the show: notes, controllers and tempo, in step with its time."""

from __future__ import annotations

import struct
from random import Random
from types import SimpleNamespace

import mido
import numpy as np
import pytest

from ganzfeld.errors import FeederError, SignalError
from ganzfeld.feeders.kinds.midi import MidiFeeder
from ganzfeld.feeders.midi_events import MOST_EVENTS, MOST_SECONDS, START, read_score
from ganzfeld.signals.midi_file import MOST_AT_ONCE, FileMessage, MidiFile, is_midi_file
from ganzfeld.signals.midi_state import MidiState
from ganzfeld.values.outside import Outside


@pytest.fixture
def outside():
    return Outside()


@pytest.fixture
def song(tmp_path):
    """Two bars of two tracks: a fader that climbs and notes on each beat; 120, then 60 from the second bar on."""
    file = mido.MidiFile(ticks_per_beat=96)
    tempo, notes = mido.MidiTrack(), mido.MidiTrack()
    file.tracks += [tempo, notes]
    tempo.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(120)))
    tempo.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(60), time=4 * 96))
    for beat in range(8):
        notes.append(mido.Message("note_on", note=36, velocity=127))
        notes.append(mido.Message("control_change", control=74, value=10 * beat, time=48))
        notes.append(mido.Message("note_off", note=36, time=48))
    path = tmp_path / "song.mid"
    file.save(str(path))
    return path


class Heard:
    """A state that only writes down what it is fed."""

    def __init__(self):
        self.fed = []

    def feed(self, message, t, port):
        self.fed.append((t, message))

    def unplugged(self, port):
        self.fed.append((None, SimpleNamespace(type="unplugged")))


def played(path, seconds, step=1 / 60):
    state = Heard()
    file = MidiFile(state, path)
    for k in range(1, round(seconds / step) + 1):
        file.advance(k * step)
    return file, state.fed


def test_every_message_comes_at_its_time_with_the_clock_of_its_tempo(song):
    file, fed = played(song, 5.9999, 0.01)
    assert file.seconds == pytest.approx(4 * 0.5 + 4 * 1.0)
    struck = [at for at, message in fed if message.type == "note_on"]
    assert struck == pytest.approx([0, 0.5, 1, 1.5, 2, 3, 4, 5])
    ticks = [at for at, message in fed if message.type == "clock"]
    assert len(ticks) == 8 * 24
    assert ticks[:3] == pytest.approx([0, 0.5 / 24, 1 / 24])
    assert ticks[-1] == pytest.approx(6 - 1 / 24)
    times = [at for at, _ in fed]
    assert times == pytest.approx(sorted(times))
    assert [message.type for _, message in fed[:3]] == ["start", "note_on", "clock"]


@pytest.mark.parametrize("step", [1 / 3, 1 / 60, 1 / 1000, 0.0417])
def test_no_clock_is_missed_or_doubled_however_long_frames_are(tmp_path, step):
    changes = [(k * 37, 200_000 + 77_777 * (k % 5)) for k in range(30)]
    track = b"".join(
        varying(37 if k else 0) + b"\xff\x51\x03" + tempo.to_bytes(3, "big") for k, (_, tempo) in enumerate(changes)
    )
    (path := tmp_path / "a.mid").write_bytes(smf(track + note() + note(500) + END))
    file, fed = played(path, 3 * 10, step)
    clocks = np.array([at for at, message in fed if message.type == "clock"])
    rounds = 30 / file.seconds
    a_round = (29 * 37 + 500) / 4
    assert len(clocks) == pytest.approx(rounds * a_round, rel=0.05)
    assert np.all(np.diff(clocks) > 0)
    assert len([1 for at in clocks if at < file.seconds]) == int(np.ceil(a_round))


def test_it_plays_as_the_show_goes_on_and_begins_again(outside, song):
    state = MidiState(outside)
    file = MidiFile(state, song)
    counts = []
    for frame in range(60 * 12):
        file.advance(frame / 60)
        counts += [hit.address for hit in outside.take().hits]
        if frame == 45:
            assert outside.values()["/midi/cc/1/74"] == pytest.approx(0)
            assert outside.values()["/midi/note/1/36"] == 1
    assert counts.count("/midi/note/1/36") == 16, "two rounds, and no message twice"
    assert counts.count("/midi/start") == 2
    assert counts.count("/midi/clock/beat") == 16
    assert outside.values()["/midi/clock/bpm"] == pytest.approx(60, rel=0.02)
    beat = state.beat(frame / 60)
    assert (beat.bpm, beat.every) == (pytest.approx(60, rel=0.02), 4)
    assert beat.beat == pytest.approx(4 + frame / 60 - 6 - 2, abs=0.05)
    file.stop()
    assert outside.values()["/midi/note/1/36"] == 0


def test_rounds_of_any_length_come_to_their_end(tmp_path):
    for ticks in range(1, 60):
        (path := tmp_path / "a.mid").write_bytes(smf(note() + note(ticks) + END))
        file, fed = played(path, 3, 0.25)
        notes = [at for at, message in fed if message.type == "note_on"]
        assert len(notes) == pytest.approx(2 * 3 / file.seconds, abs=2)


def test_a_pause_a_small_step_back_and_a_seek(outside, song):
    file = MidiFile(MidiState(outside), song)

    def struck(t):
        file.advance(t)
        return [hit.address for hit in outside.take().hits].count("/midi/note/1/36")

    assert struck(0.6) == 2
    assert struck(0.6) == 0
    assert struck(0.55) == 0, "a clock that is corrected a little repeats nothing"
    assert struck(0.7) == 0
    assert outside.values()["/midi/note/1/36"] == 1
    assert struck(100.1) == 0, "what lies between is not played"
    assert outside.values()["/midi/note/1/36"] == 0
    assert struck(100.6) == 0
    assert struck(101.05) == 1


@pytest.mark.parametrize(
    "message",
    [
        mido.Message("note_on", channel=2, note=60, velocity=100),
        mido.Message("note_off", channel=15, note=61, velocity=3),
        mido.Message("polytouch", channel=1, note=62, value=9),
        mido.Message("control_change", control=74, value=127),
        mido.Message("program_change", channel=4, program=8),
        mido.Message("aftertouch", value=77),
        mido.Message("pitchwheel", channel=3, pitch=-8192),
        mido.Message("pitchwheel", pitch=8191),
        mido.Message("clock"),
        mido.Message("start"),
    ],
    ids=str,
)
def test_messages_are_what_mido_makes_of_their_bytes(message):
    ours = FileMessage.of(int.from_bytes(bytes(message.bytes()).ljust(3, b"\0"), "big"))
    assert ours.type == message.type
    for name in message.dict().keys() - {"type", "time"}:
        assert getattr(ours, name) == getattr(message, name)


# Odd and damaged files


def varying(number):
    data = [number & 127]
    while number := number >> 7:
        data.insert(0, number & 127 | 128)
    return bytes(data)


def note(delta=0, key=60):
    return varying(delta) + bytes([0x90, key, 100])


END = b"\x00\xff\x2f\x00"
BEAT = note() + note(96, 62)
"""Two notes, a beat apart."""


def chunk(name, data, length=None):
    return name + struct.pack(">I", len(data) if length is None else length) + data


def smf(*tracks, division=96, count=None, kind=1, lengths=()):
    head = struct.pack(">HHH", kind, len(tracks) if count is None else count, division)
    lengths = (*lengths, *[None] * len(tracks))
    return chunk(b"MThd", head) + b"".join(chunk(b"MTrk", data, lengths[k]) for k, data in enumerate(tracks))


ODD = {
    "plain": smf(BEAT + END),
    "a length beyond the end": smf(BEAT + END, lengths=[500]),
    "a length too short": smf(BEAT + END, lengths=[3]),
    "a length of nothing": smf(BEAT + END, lengths=[0]),
    "no end of the track": smf(BEAT),
    "fewer tracks than counted": smf(BEAT + END, count=7),
    "more tracks than counted": smf(END, BEAT + END, count=1),
    "no tracks counted": smf(BEAT + END, count=0),
    "an alien chunk": smf()[:14] + chunk(b"XFIH", b"abcd") + chunk(b"MTrk", BEAT + END),
    "an alien chunk of a wrong length": smf()[:14] + chunk(b"XFIH", b"abcd", 900) + chunk(b"MTrk", BEAT + END),
    "behind garbage": b"\r\nContent-Type: audio/midi\r\n\r\n" + smf(BEAT + END),
    "RMID": b"RIFF" + struct.pack("<I", 99) + b"RMIDdata" + struct.pack("<I", 60) + smf(BEAT + END) + b"\0",
    "MacBinary": b"\0\4song" + bytes(122) + smf(BEAT + END) + bytes(77),
    "a longer header": chunk(b"MThd", struct.pack(">HHHI", 1, 1, 96, 7)) + chunk(b"MTrk", BEAT + END),
    "a key of eight flats": smf(b"\0\xff\x59\x02\xf8\x00" + BEAT + END),
    "a key of no length": smf(b"\0\xff\x59\x00" + BEAT + END),
    "a tempo of no length": smf(b"\0\xff\x51\x00" + BEAT + END),
    "a tempo of nothing": smf(b"\0\xff\x51\x03\0\0\0" + BEAT + END),
    "text that is none": smf(b"\0\xff\x03\x02\xff\xfe" + BEAT + END),
    "an unknown kind of meta event": smf(b"\0\xff\x70\x03abc" + BEAT + END),
    "system exclusive": smf(b"\0\xf0\x03\x01\x02\xf7" + b"\0\xf7\x01\x00" + BEAT + END),
    "running status": smf(note() + varying(96) + bytes([62, 100]) + END),
    "running status over a meta event": smf(note() + b"\0\xff\x01\x01x" + varying(96) + bytes([62, 100]) + END),
    "data of eight bits": smf(note() + varying(96) + bytes([0x90, 62, 255]) + END),
    "real-time messages": smf(b"\0\xf8\0\xfe" + BEAT + END),
    "a song position": smf(b"\0\xf2\x01\x02" + BEAT + END),
    "kind 2": smf(BEAT + END, kind=2),
    "kind 9": smf(BEAT + END, kind=9),
    "no measure of a beat": smf(BEAT.replace(varying(96), varying(480)) + END, division=0),
    "frames of film": smf(note() + note(500, 62) + END, division=0xE728),  # 25 a second, 40 ticks each
    "a damaged end": smf(BEAT + b"\x81\x82\x83\x84\x85"),
    "a damaged track beside it": smf(b"\x90\x90\x90\x90\x90", BEAT + END),
    "cut off in an event": smf(BEAT + b"\0\x90\x3c"),
    "cut off in a text": smf(BEAT + b"\0\xff\x01\x7fabc"),
    "data without a status beside it": smf(b"\0\x40\x40", BEAT + END),
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD.keys())
def test_odd_files_play_what_can_be_played(data):
    score = read_score(data)
    assert score.messages.tolist() == [START, 0x903C64, 0x903E64 if score.messages[2] & 127 == 100 else 0x903E7F]
    assert score.times.tolist() == pytest.approx([0, 0, 0.5])
    assert score.seconds == pytest.approx(0.5)


def test_what_is_not_played_is_told(tmp_path):
    (path := tmp_path / "a.mid").write_bytes(ODD["a damaged track beside it"])
    file = MidiFile(Heard(), path)
    assert "a.mid plays, but for the rest of a track" in str(file.told)
    path.write_bytes(ODD["a key of eight flats"])
    assert MidiFile(Heard(), path).told is None


@pytest.mark.parametrize(
    "data", [b"", b"no music", b"MThd", smf(), smf(END), smf(b""), smf(b"\0\x90"), b"MTrk" * 9, bytes(9999)]
)
def test_files_with_nothing_in_them_are_refused_with_a_reason(data, tmp_path):
    (path := tmp_path / "a.mid").write_bytes(data)
    with pytest.raises(FeederError, match=r"a\.mid cannot be read as MIDI: \w+") as caught:
        MidiFeeder(path)
    assert len(str(caught.value)) > 40


def test_a_huge_delta_plays_what_comes_before_it(tmp_path):
    far = b"\xff\xff\xff\x7f\x90\x3c\x64"
    score = read_score(smf(note() + note(96, 62) + 10 * far + END, division=24))
    assert len(score.messages) == 3
    assert score.seconds == pytest.approx(2)
    assert "48 hours" in score.told[0]
    (path := tmp_path / "a.mid").write_bytes(smf(note() + 10_000 * far + END, division=24))
    _, fed = played(path, 1)
    assert len(fed) < 3000


def test_a_day_is_made_as_it_comes(tmp_path):
    (path := tmp_path / "day.mid").write_bytes(smf(note() + note(86_400 * 2 * 96 - 1, 62) + b"\1\xff\x2f\0"))
    state = Heard()
    file = MidiFile(state, path)
    assert file.seconds == pytest.approx(86_400)
    assert len(file._times) == 3
    file.advance(0.5)
    assert sum(message.type == "clock" for _, message in state.fed) == 24
    file.advance(86_399.5)
    state.fed.clear()
    file.advance(86_400.25)
    types = [message.type for _, message in state.fed]
    assert types.count("note_on") == 2, "the last, and the first again"
    assert types.count("clock") == 36
    assert MOST_SECONDS > 86_400


def test_limits(tmp_path):
    score = read_score(smf((b"\0\x90\x3c\x64" + b"\0\x3c\x64" * 2) * (MOST_EVENTS // 2) + END))
    assert len(score.messages) == MOST_EVENTS + 1
    assert f"more than {MOST_EVENTS}" in score.told[0]
    tempi = read_score(smf(b"\1\xff\x51\x03\x07\xa1\x20" * 20_000 + BEAT + END))
    assert len(tempi.tempi) == 10_001
    assert "tempo" in tempi.told[0]
    large = read_score(smf(b"\0\xff\x01\x7f" + bytes(127) + BEAT) + bytes(9 << 20))
    assert "first 8 MB" in " ".join(large.told)
    # A tempo of one microsecond: so many clocks nobody follows.
    (path := tmp_path / "a.mid").write_bytes(smf(b"\0\xff\x51\x03\0\0\1" + BEAT + END))
    file, fed = played(path, 1)
    assert file.seconds == 0.05, "a round lasts a while"
    assert {message.type for _, message in fed} == {"start", "note_on"}
    path.write_bytes(smf(note() * 3 * MOST_AT_ONCE + note(96) + END))
    _, fed = played(path, 0.1)
    assert len(fed) <= MOST_AT_ONCE + 100
    assert [message.type for _, message in fed].count("unplugged") == 1


def test_files_damaged_anywhere_are_read_or_refused():
    random = Random(3)
    whole = smf(BEAT * 5 + b"\0\xff\x51\x03\x07\xa1\x20" + BEAT + END, b"\0\xf0\x02\1\xf7" + BEAT + END)
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(random.randint(0, 4)):
            data[random.randrange(len(data))] = random.choice((0, 1, 127, 128, 255, 0x90, 0xFF, random.randrange(256)))
        try:
            score = read_score(bytes(data[: random.choice((len(data), random.randrange(len(data))))]))
        except ValueError as error:
            assert str(error)
            continue
        assert np.all(np.diff(score.times) >= 0)
        assert 0 < score.seconds <= MOST_SECONDS + 1
        assert [FileMessage.of(packed).type for packed in score.messages.tolist()][:1] == ["start"]


def test_what_is_no_midi_file_is_told(outside, tmp_path):
    state = MidiState(outside)
    (text := tmp_path / "text.mid").write_bytes(b"no music")
    for path, what in ((tmp_path / "none.mid", "no file"), (text, "cannot be read"), (tmp_path, "folder")):
        with pytest.raises(SignalError, match=what):
            MidiFile(state, path)
    (short := tmp_path / "short.mid").write_bytes(smf(BEAT + END))
    with pytest.raises(SignalError, match="clock"):
        MidiFile(state, short).start()
    assert is_midi_file("a/b.MID")
    assert is_midi_file("a/b.rmi")
    assert not is_midi_file("nanoKONTROL")
