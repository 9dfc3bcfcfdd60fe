"""MIDI files played into the show: notes, controllers and tempo, in step with its time."""

from __future__ import annotations

import mido
import pytest

from ganzfeld.errors import SignalError
from ganzfeld.signals.midi_file import MidiFile, is_midi_file, read
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


def test_every_message_comes_at_its_time_with_the_clock_of_its_tempo(song):
    messages, seconds = read(song)
    assert seconds == pytest.approx(4 * 0.5 + 4 * 1.0)
    struck = [at for at, message in messages if message.type == "note_on"]
    assert struck == pytest.approx([0, 0.5, 1, 1.5, 2, 3, 4, 5])
    ticks = [at for at, message in messages if message.type == "clock"]
    assert len(ticks) == 8 * 24
    assert ticks[:3] == pytest.approx([0, 0.5 / 24, 1 / 24])
    assert ticks[-1] == pytest.approx(6 - 1 / 24)
    assert [at for at, _ in messages] == sorted(at for at, _ in messages)


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


def test_what_is_no_midi_file_is_told(outside, tmp_path):
    state = MidiState(outside)
    (text := tmp_path / "text.mid").write_bytes(b"no music")
    (cut := tmp_path / "cut.mid").write_bytes(b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk\0\0\1\0\0\x90")
    empty = tmp_path / "empty.mid"
    file = mido.MidiFile()
    file.tracks.append(mido.MidiTrack())
    file.save(str(empty))
    for path, what in (
        (tmp_path / "none.mid", "no file"),
        (text, "cannot be read"),
        (cut, "cut.mid"),
        (empty, "nothing"),
    ):
        with pytest.raises(SignalError, match=what):
            MidiFile(state, path)
    with pytest.raises(SignalError, match="clock"):
        empty.unlink()
        short = mido.MidiFile()
        short.tracks.append(mido.MidiTrack([mido.Message("note_on", note=1, time=480)]))
        short.save(str(empty))
        MidiFile(state, empty).start()
    assert is_midi_file("a/b.MID")
    assert not is_midi_file("nanoKONTROL")
