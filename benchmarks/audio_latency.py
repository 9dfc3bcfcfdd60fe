"""How far the show's ears are behind a sound: a click track with known times, and when its values arrive.

python benchmarks/audio_latency.py             the analysis, and a file that follows the show's time
python benchmarks/audio_latency.py --device    … and a device that hears what another plays (a loopback, such as
                                               PulseAudio's null sink and its monitor)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ganzfeld.signals.audio import AudioInput, Hearing
from ganzfeld.signals.audio_file import RATE, AudioFile
from ganzfeld.signals.loudspeaker import Loudspeaker
from ganzfeld.signals.show_time import KnownTime, ShowTime

BPM, SECONDS = 120, 12


def click_track() -> tuple[np.ndarray, np.ndarray]:
    """A metronome in mono, and the seconds of its clicks."""
    sound = np.zeros(SECONDS * RATE, np.float32)
    times = np.arange(0.5, SECONDS - 0.25, 60 / BPM)
    n = np.arange(RATE // 100) / RATE
    click = (0.8 * np.exp(-n / 0.002) * np.sin(2 * np.pi * 1000 * n + 1)).astype(np.float32)
    for at in times:
        sound[round(at * RATE) :][: len(click)] = click
    return sound, times


class Stopwatch:
    """A mailbox that notes when onsets arrive, and when the level comes over a half."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now, self.onsets, self.levels, self._was = now, [], [], 0.0

    def set(self, address: str, value: float) -> None:
        if address == "/audio/level":
            if self._was < 0.5 <= value:
                self.levels.append(self.now())
            self._was = value

    def hit(self, address: str, *_: object, **__: object) -> None:
        if address == "/audio/onset":
            self.onsets.append(self.now())


def tell(what: str, arrived: list[float], times: np.ndarray) -> None:
    """Print how long after its click each thing arrived."""
    heard = np.array(arrived)
    late = [
        1000 * (after.min() - at) for at in times if len(after := heard[(heard >= at - 0.005) & (heard < at + 0.2)])
    ]
    if not late:
        print(f"  {what:28} nothing was heard")
        return
    print(
        f"  {what:28} median {np.median(late):5.1f} ms   worst {max(late):5.1f} ms   {len(late)} of {len(times)} clicks"
    )


def analysis(sound: np.ndarray, times: np.ndarray) -> None:
    """Sound in blocks as a device hands them out; a value counts from the end of the block that it came with."""
    fed = [0]
    watch = Stopwatch(lambda: fed[0] / RATE)
    hearing = Hearing(watch, RATE)
    began = time.perf_counter()
    for start in range(0, len(sound), hearing.features.hop):
        block = sound[start : start + hearing.features.hop]
        fed[0] += len(block)
        hearing.feed(block)
    spent = (time.perf_counter() - began) / (len(sound) / RATE)
    print(f"Analysis, in blocks of {hearing.features.hop} samples ({100 * spent:.1f} % of a core)")
    tell("onset", watch.onsets, times)
    tell("level above a half", watch.levels, times)


def file(path: Path, times: np.ndarray) -> None:
    """A file that follows the show's time in a thread of its own, as `play --audio` has it."""
    began = time.perf_counter()
    clock = ShowTime(lambda: KnownTime((now := time.perf_counter()) - began, now, 1.0))
    watch = Stopwatch(clock)
    with AudioFile(watch, path, clock):
        time.sleep(SECONDS)
    print("A file, following the show's time")
    tell("onset", watch.onsets, times)
    tell("level above a half", watch.levels, times)


def device(path: Path, times: np.ndarray) -> None:
    """Played aloud by one device and heard by another: everything in between counts, the drivers' buffers too."""
    began = time.perf_counter() + 1.0
    clock = ShowTime(lambda: KnownTime((now := time.perf_counter()) - began, now, 1.0))
    watch = Stopwatch(clock)
    with AudioInput(watch) as ears, Loudspeaker(path, clock) as speaker:
        time.sleep(SECONDS + 1.0)
        problems = [str(part.problem) for part in (ears, speaker) if part.problem]
        moved = speaker.playback.moved if speaker.playback else 0
    print("Played by the loudspeaker at the show's time, heard by the microphone")
    for problem in problems:
        print(f"  {problem}")
    tell("onset", watch.onsets, times)
    tell("level above a half", watch.levels, times)
    print(f"  set right {moved} times")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", action="store_true")
    options = parser.parse_args()
    sound, times = click_track()
    analysis(sound, times)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clicks.wav"
        with wave.open(str(path), "wb") as target:
            target.setnchannels(1)
            target.setsampwidth(2)
            target.setframerate(RATE)
            target.writeframes((sound * 32767).astype("<i2").tobytes())
        file(path, times)
        if options.device:
            device(path, times)


if __name__ == "__main__":
    sys.exit(main())
