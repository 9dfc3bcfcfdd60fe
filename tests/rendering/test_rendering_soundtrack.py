"""The sound of a render: it follows the show's time, or is a recording of the night."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np
import pytest

from command_line import run
from ganzfeld.rendering.soundtrack import soundtrack
from ganzfeld.takes.take import Take
from ganzfeld.takes.timeline import Timeline


@pytest.fixture
def click(tmp_path: Path) -> Path:
    """A second of sound: silent, but for its third tenth."""
    path = tmp_path / "click.wav"
    samples = np.zeros((48000, 2), np.int16)
    samples[9600:14400] = (np.sin(np.arange(4800) / 8) * 20000).astype(np.int16)[:, None]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(samples.tobytes())
    return path


def _heard(film: Path) -> np.ndarray:
    """Where there is sound, in hundredths of a second."""
    with av.open(str(film)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=48000)
        blocks = [b.to_ndarray()[0] for frame in container.decode(audio=0) for b in resampler.resample(frame)]
    samples = np.concatenate(blocks)
    level = np.sqrt((samples[: len(samples) // 480 * 480].reshape(-1, 480) ** 2).mean(1))
    return level > 0.1


def test_a_film_has_the_sound_of_the_night(night: Path, tmp_path: Path, click: Path) -> None:
    run("render", night, "--out", tmp_path / "a.mp4", "--device", "cpu", "--sound", click)
    heard = np.flatnonzero(_heard(tmp_path / "a.mp4"))
    assert abs(heard.min() - 20) <= 3, "a recording begins with the take"
    assert heard.max() < 35, "and is not looped"
    run("render", night, "--out", tmp_path / "b.mkv", "--device", "cpu", "--start", 1.0, "--seconds", 1, "--fps", 25)
    with av.open(str(tmp_path / "b.mkv")) as film:
        assert not film.streams.audio
        assert film.streams.video[0].average_rate == 25


def test_the_sound_that_drove_the_show_follows_its_time(night: Path, tmp_path: Path, click: Path) -> None:
    take = Take(night)
    times = take.sessions[0].times
    times.dt[60:90] = 0.0  # a pause of a second
    times.t[60:] -= 1.0
    times.t[120:] += 0.5  # a jump
    timeline = Timeline(take)
    blocks = list(soundtrack(timeline, 0, len(timeline), click, tmp_path, recorded=False))
    track = np.concatenate(blocks)[:, 0]
    assert abs(len(track) / 48000 - 6) < 0.01
    level = np.abs(track[: len(track) // 480 * 480].reshape(-1, 480)).max(1) > 0.1
    begins = np.flatnonzero(level & ~np.roll(level, 1)) / 100
    # t = 0.2, 1.2, (pause from 2 to 3), 2.2 at 3.2, 3.5 at 4 (a jump, from 3), 4.2 at 4.7, 5.2 at 5.7
    assert begins == pytest.approx([0.2, 1.2, 3.2, 4.7, 5.7], abs=0.04)
