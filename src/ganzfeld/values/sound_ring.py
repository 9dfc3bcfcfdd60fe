"""What a show hears, in shared memory: written by its sound, read by films and streams in processes of their own.

Sample i belongs to the time i / 48000 of `time.perf_counter`, the clock that pictures are stamped with: who wants the
sound for a picture asks by its time, and both are in step. A sound card's crystal drifts from that clock; the writer
stretches blocks by a fraction of a percent to keep to it. Where nobody wrote there is silence.

Layout (words of 8 bytes, little-endian): 0 magic "GANZSOUN", 1 version, 2 samples a second, 3 channels, 4 samples that
the ring holds, 5 first sample's place in bytes, 6 written: one past the newest sample (0: none yet), 7 the same for
what is being written. Sample i lies at i modulo the ring, float32, channels beside each other.
"""

from __future__ import annotations

import numpy as np

from ganzfeld.values.frame_slots import fence
from ganzfeld.values.shared_memory import MemorySegment, unlink

RATE, CHANNELS = 48000, 2
HELD = 1 << 19
"""Samples: eleven seconds."""
JUMP_SECONDS = 0.1
"""Sound that is this far from where it should be is moved there; nearer, it is stretched."""
TOLERANCE_SECONDS = 0.004
MOST_STRETCH = 0.01
"""Of a block's length."""

_MAGIC = int.from_bytes(b"GANZSOUN", "little")
_VERSION = 1
_WRITTEN, _WRITING = 6, 7
_PAGE = 4096


def sound_name(session: str) -> str:
    """The name of a session's ring of sound."""
    return f"{session}-sound"


class SoundWriter:
    """Makes a session's ring of sound, writes it, and removes it with `close`. For one thread at a time."""

    def __init__(self, session: str) -> None:
        self.session = session
        self._name = sound_name(session)
        self._segment = MemorySegment(self._name, _PAGE + HELD * CHANNELS * 4)
        self._words = self._segment.buffer[:_PAGE].cast("Q")
        self._samples = np.frombuffer(self._segment.buffer, np.float32, HELD * CHANNELS, _PAGE).reshape(HELD, CHANNELS)
        for word, value in enumerate((_VERSION, RATE, CHANNELS, HELD, _PAGE), start=1):
            self._words[word] = value
        fence()
        self._words[0] = _MAGIC
        self._is_closed = False

    def write(self, samples: np.ndarray, at: float) -> None:
        """What was heard from a time on (perf_counter, seconds): float32 [n, 2] at 48000 a second, n up to
        half of what the ring holds. Never waits."""
        if self._is_closed or not 0 < len(samples) <= HELD // 2:
            return
        wanted, end = round(at * RATE), self._words[_WRITTEN]
        off = wanted - end
        if end == 0 or off > JUMP_SECONDS * RATE:
            self._fill_silence(end, wanted)
            end = wanted
        elif off < -JUMP_SECONDS * RATE:
            samples = samples[-off:]  # what came before is there already
        elif abs(off) > TOLERANCE_SECONDS * RATE:
            samples = _stretched(samples, off)
        if len(samples):
            self._put(end, samples)

    def close(self) -> None:
        """Remove the ring; readers keep what they hold."""
        if not self._is_closed:
            self._is_closed = True
            self._samples = np.zeros((0, CHANNELS), np.float32)
            self._words.release()
            self._segment.close()
            unlink(self._name)

    def _fill_silence(self, begin: int, end: int) -> None:
        """Nobody wrote from `begin` to `end`."""
        if begin == 0 or end - begin >= HELD:
            self._words[_WRITING] = end
            fence()
            self._samples[:] = 0
        elif end > begin:
            self._put(begin, np.zeros((end - begin, CHANNELS), np.float32))

    def _put(self, place: int, samples: np.ndarray) -> None:
        end = place + len(samples)
        self._words[_WRITING] = end
        fence()
        first = place % HELD
        head = min(len(samples), HELD - first)
        self._samples[first : first + head] = samples[:head]
        self._samples[: len(samples) - head] = samples[head:]
        fence()
        self._words[_WRITTEN] = end


class SoundReader:
    """Reads a session's sound. Raises FileNotFoundError if it has none."""

    def __init__(self, session: str) -> None:
        segment = self._segment = MemorySegment(sound_name(session))
        self._words = segment.buffer[:_PAGE].cast("Q")
        head = tuple(self._words[:6])
        if head != (_MAGIC, _VERSION, RATE, CHANNELS, HELD, _PAGE):
            self._words.release()
            segment.close()
            raise FileNotFoundError(f"{segment.name} is not a ring of sound of version {_VERSION}")
        self._samples = np.frombuffer(segment.buffer, np.float32, HELD * CHANNELS, _PAGE).reshape(HELD, CHANNELS)
        self.rate = RATE

    @property
    def written(self) -> int:
        """One past the newest sample; 0 while the show has heard nothing."""
        return self._words[_WRITTEN]

    def sample_at(self, stamp: int) -> int:
        """The sample that sounds at a time in nanoseconds of perf_counter (`DoorPicture.stamp`)."""
        return stamp * RATE // 1_000_000_000

    def read(self, first: int, count: int) -> np.ndarray | None:
        """float32 [count, 2] from sample `first` on; None: not all of them are there yet. What is no more is silent.

        count: half of what the ring holds at most. Raises ValueError.
        """
        if not 0 <= count <= HELD // 2:
            raise ValueError(f"{count} samples cannot be read at once")
        if first + count > self._words[_WRITTEN]:
            return None
        places = np.arange(first, first + count) % HELD
        samples = self._samples[places]
        fence()
        lost = self._words[_WRITING] - HELD - first
        if lost > 0:
            samples[:lost] = 0
        return samples

    def close(self) -> None:
        """Let go of the memory."""
        self._samples = np.zeros((0, CHANNELS), np.float32)
        self._words.release()
        self._segment.close()


def _stretched(samples: np.ndarray, by: int) -> np.ndarray:
    """A little more or fewer samples of the same sound."""
    count = len(samples)
    most = max(1, round(MOST_STRETCH * count))
    wanted = max(2, count + min(max(by, -most), most))
    if count < 2:
        return samples
    places = np.linspace(0, count - 1, wanted)
    steps = np.arange(count)
    return np.stack([np.interp(places, steps, samples[:, each]) for each in range(CHANNELS)], axis=1).astype(np.float32)
