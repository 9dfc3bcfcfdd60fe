"""What a sound device hears, into the ring that doors hear it from: two channels at the ring's rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganzfeld.values.sound_ring import CHANNELS, JUMP_SECONDS, RATE, SoundWriter

STEADINESS = 0.02
"""Of what a block seems to be late, so much is believed."""


class SharedInput:
    """Feeds blocks of one device into the ring. rate: of the device, samples a second."""

    def __init__(self, ring: SoundWriter, rate: float) -> None:
        self._ring, self._rate = ring, round(rate)
        self._resampler: Any = None
        self._at: float | None = None

    def feed(self, block: np.ndarray, at: float) -> None:
        """The next samples, float [n] or [n, channels]. at: when the last of them sounded (perf_counter)."""
        at = self._steady(len(block), at)
        samples = two_channels(block)
        if self._rate != RATE:
            samples = self._resampled(samples)
        self._ring.write(samples, at - len(samples) / RATE)

    def _steady(self, count: int, at: float) -> float:
        """When the block sounded: blocks come unevenly when the machine is busy, and sound does not."""
        expected = at if self._at is None else self._at + count / self._rate
        error = at - expected
        self._at = at if abs(error) > JUMP_SECONDS else expected + STEADINESS * error
        return self._at

    def _resampled(self, samples: np.ndarray) -> np.ndarray:
        import av

        if self._resampler is None:
            self._resampler = av.AudioResampler("flt", "stereo", RATE)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "flt", "stereo")
        frame.sample_rate = self._rate
        blocks = [each.to_ndarray().reshape(-1, CHANNELS) for each in self._resampler.resample(frame)]
        return np.concatenate(blocks) if blocks else np.zeros((0, CHANNELS), np.float32)


def two_channels(block: np.ndarray) -> np.ndarray:
    """float32 [n, 2] from [n] or [n, channels]: one is heard on both sides, of many the first two."""
    block = np.asarray(block, np.float32)
    if block.ndim == 1:
        block = block[:, None]
    if block.shape[1] == 1:
        block = np.repeat(block, CHANNELS, axis=1)
    return np.ascontiguousarray(block[:, :CHANNELS])
