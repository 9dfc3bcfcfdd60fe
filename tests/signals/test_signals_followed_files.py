"""Sounds and scores that are written over, replaced, cut, removed and brought back while they play."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import mido
import pytest

from ganzfeld.errors import SignalError
from ganzfeld.signals import followed_files
from ganzfeld.signals.followed_files import FollowedFile, version_at
from ganzfeld.signals.signals import Signals, Wanted
from ganzfeld.values.outside import Outside
from sounds import sine, write_wave
from waiting import until


@pytest.fixture
def file(tmp_path) -> Path:
    (tmp_path / "a.wav").write_text("1")
    return tmp_path / "a.wav"


class Played:
    """Plays a file whose text is a number."""

    def __init__(self, path: Path) -> None:
        self.path, self.number, self.tries = path, 1, 0
        self.followed = FollowedFile(path, self.renew, version_at(path))

    def renew(self) -> None:
        self.tries += 1
        try:
            self.number = int(self.path.read_text())
        except (OSError, ValueError):
            raise SignalError("no number") from None

    def looked(self, *times: float) -> tuple[int, str]:
        for now in times:
            self.followed.look(now)
        return self.number, self.followed.problem.what if self.followed.problem else ""


def test_a_file_is_taken_up_when_it_has_been_still(file):
    played = Played(file)
    assert played.looked(0, 1, 2) == (1, "")
    file.write_text("2")
    assert played.looked(3, 3.2) == (1, "")
    file.write_text("22")
    assert played.looked(3.25, 3.5) == (1, ""), "it is still being written"
    assert played.looked(3.6) == (22, "")
    assert played.tries == 1
    again = file.with_name("again")
    again.write_text("3")
    os.utime(again, ns=(file.stat().st_mtime_ns,) * 2)
    again.replace(file)
    assert played.looked(4, 4.4) == (3, ""), "another file of the same time"


def test_a_file_that_is_wrong_or_gone_is_told_until_it_is_right(file):
    played = Played(file)
    file.write_text("half")
    number, problem = played.looked(1, 1.4)
    assert (number, problem, played.followed.problem.hint) == (1, "no number", "What was read before plays on")
    assert played.looked(*(2 + k / 10 for k in range(100)))[1] == "no number"
    assert 3 <= played.tries <= 6, "it is tried ever more seldom"
    file.write_text("4")
    assert played.looked(12, 12.4) == (4, ""), "and at once when it has changed"
    kept = file.rename(file.with_name("kept"))
    assert played.looked(13, 13.5) == (4, ""), "it may just be being replaced"
    assert "is gone" in played.looked(14.1)[1]
    kept.rename(file)
    assert played.looked(15, 15.4) == (4, "")
    file.unlink()
    played.looked(16, 17.1)
    file.write_text("5")
    assert played.looked(18, 18.4) == (5, "")


def test_a_file_that_could_not_be_opened_at_first(file):
    file.unlink()
    played = Played(file)
    played.followed.failed(SignalError("there is none"))
    assert played.looked(1, 3)[1] == "there is none"
    file.write_text("6")
    assert played.looked(4, 4.4) == (6, "")


@pytest.fixture
def outside():
    return Outside()


def hears(outside: Outside) -> str:
    values = outside.values()
    low, high = values.get("/audio/bass", 0), values.get("/audio/high", 0)
    return "low" if low > 0.5 > high else "high" if high > 0.5 > low else ""


def test_a_sound_is_exchanged_while_it_plays(tmp_path, outside, monkeypatch):
    monkeypatch.setattr(followed_files, "STILL", 0.1)
    monkeypatch.setattr(followed_files, "GONE", 0.2)
    low = write_wave(tmp_path / "low.wav", sine(100, 3))
    high = write_wave(tmp_path / "high.wav", sine(6000, 1))
    song = Path(shutil.copy(low, tmp_path / "song.wav"))
    began = time.monotonic()
    with Signals(outside, Wanted(audio=str(song)), clock=lambda: time.monotonic() - began) as signals:
        until(lambda: hears(outside) == "low")
        shutil.copy(high, tmp_path / "new.wav")
        (tmp_path / "new.wav").replace(song)
        until(lambda: hears(outside) == "high")
        with song.open("r+b") as there:  # in place, longer
            there.write(low.read_bytes())
        until(lambda: hears(outside) == "low")
        song.write_bytes(b"RIFF, but no sound")
        until(lambda: any("song.wav" in problem.what for problem in signals.problems))
        heard = signals.audio._heard
        until(lambda: signals.audio._heard > heard + 48000 // 2)
        assert hears(outside) == "low", "what was read of it plays on, for more than its length"
        song.unlink()
        until(lambda: any("gone" in problem.what or "song.wav" in problem.what for problem in signals.problems))
        shutil.copy(high, song)
        until(lambda: hears(outside) == "high")
        until(lambda: signals.problems == [])


def test_a_sound_that_is_missing_at_first_is_heard_when_it_is_there(tmp_path, outside):
    song = tmp_path / "late.wav"
    began = time.monotonic()
    with Signals(outside, Wanted(audio=str(song)), clock=lambda: time.monotonic() - began) as signals:
        assert "late.wav" in str(signals.problems[0])
        write_wave(song, sine(100, 1))
        until(lambda: hears(outside) == "low")
        until(lambda: signals.problems == [])


def score(path: Path, note: int) -> Path:
    file = mido.MidiFile(ticks_per_beat=96)
    struck, let_go = mido.Message("note_on", note=note, velocity=127), mido.Message("note_off", note=note, time=480)
    file.tracks.append(mido.MidiTrack([struck, let_go]))
    file.save(str(path))
    return path


def test_a_score_is_exchanged_while_it_plays_and_lets_its_notes_go(tmp_path, outside, monkeypatch):
    monkeypatch.setattr(followed_files, "STILL", 0.1)
    song = score(tmp_path / "song.mid", 36)
    began = time.monotonic()
    sounds = lambda note: outside.values().get(f"/midi/note/1/{note}", 0) > 0  # noqa: E731
    with Signals(outside, Wanted(midi=(str(song),)), clock=lambda: time.monotonic() - began) as signals:
        until(lambda: sounds(36))
        song.write_bytes(b"MThd")
        until(lambda: signals.problems)
        assert "song.mid" in str(signals.problems[0])
        score(tmp_path / "new.mid", 48).replace(song)
        until(lambda: sounds(48))
        assert not sounds(36)
        until(lambda: signals.problems == [])
