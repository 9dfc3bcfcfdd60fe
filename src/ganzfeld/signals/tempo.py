"""Tempo and beat from the rises of a sound.

The tempo is where the last eight seconds resemble themselves most (autocorrelation, weighted towards usual tempi as
in Ellis, "Beat tracking by dynamic programming", 2007). The beat is a grid of that tempo laid over the last four
seconds where it meets most rises; between two looks it runs on by itself, so beats come on time, not after.
"""

from __future__ import annotations

import math

import numpy as np

SLOWEST_BPM, FASTEST_BPM = 55.0, 215.0
USUAL_BPM = 120.0
_MEMORY_SECONDS = 8.0
_GRID_SECONDS = 4.0
_LOOK_SECONDS = 0.25
_SILENCE_SECONDS = 3.0
_LEAST_RISE = 0.02  # what trembles below is no rhythm
_LATE_HOPS = 2.0  # a rise is greatest so long after the sound began
_CLEAR = 0.15  # resemblance (0 to 1) from which on there is a tempo
_OCTAVES = 1.2  # how far from the usual tempo is still likely
_TWICE = 0.9  # so much resemblance at half the period means twice the tempo
_TWICE_STILL, _TWICE_NEWLY = 0.8, 0.97  # the same where it keeps or leaves the tempo of before
_PATIENCE = 4  # looks that disagree with the beat before it jumps


class TempoTracker:
    """Fed with the rise of each hop (`Heard.rise`), tells the tempo and when there is a beat.

    bpm: beats a minute, 55 to 215; None while there is no pulse. beats: how many have passed.

    Whether a pulse is felt at 76 or at 152 the sound alone does not always tell. around: a tempo that somebody
    expects; what is found is doubled or halved into the octave about it.
    """

    def __init__(self, hop_seconds: float, around: float | None = None) -> None:
        self.hop_seconds = hop_seconds
        self.around = around
        self.bpm: float | None = None
        self.beats = 0
        self._rises = np.zeros(round(_MEMORY_SECONDS / hop_seconds))
        self._heard = 0
        self._next = math.inf  # hops until the next beat
        self._since = math.inf  # hops since the last
        self._disagreed = 0
        self._every = max(1, round(_LOOK_SECONDS / hop_seconds))
        lags = np.arange(1, len(self._rises))
        bpm = 60 / (lags * hop_seconds)
        self._likely = np.exp(-0.5 * (np.log2(bpm / USUAL_BPM) / _OCTAVES) ** 2)
        self._likely[(bpm < SLOWEST_BPM) | (bpm > FASTEST_BPM)] = 0

    @property
    def phase(self) -> float | None:
        """How far after a beat the end of the last hop is, in beats, 0 to 1; None while there is no pulse."""
        if self.bpm is None or math.isinf(self._next):
            return None
        return -self._next * self.hop_seconds * self.bpm / 60 % 1.0

    def feed(self, rise: float) -> bool:
        """The next hop. True if a beat falls on it."""
        self._rises[:-1] = self._rises[1:]
        self._rises[-1] = rise if rise > _LEAST_RISE else 0.0
        self._heard += 1
        self._next -= 1
        self._since += 1
        if self._heard % self._every == 0:
            self._look()
        if self.bpm is None or self._next > 0.5:
            return False
        period = 60 / self.bpm / self.hop_seconds
        self._next += period
        if self._since < period / 2:  # the grid was moved; this beat was counted already
            return False
        self._since = 0
        self.beats += 1
        return True

    def _look(self) -> None:
        period = self._period()
        if period is None:
            self.bpm, self._next = None, math.inf
            return
        self.bpm = 60 / (period * self.hop_seconds)
        ago = self._last_beat(period)
        measured = (-ago - _LATE_HOPS) % period  # hops until the next beat, by what was heard
        if math.isinf(self._next):
            self._next = measured
            return
        error = (measured - self._next + period / 2) % period - period / 2
        if abs(error) < period / 8:
            self._next += 0.3 * error
            self._disagreed = 0
            return
        self._disagreed += 1
        if self._disagreed >= _PATIENCE:
            self._next += error
            self._disagreed = 0

    def _period(self) -> float | None:
        """The beat's length in hops; None if there is no pulse."""
        recent = self._rises[-round(_SILENCE_SECONDS / self.hop_seconds) :]
        if not recent.any() or self._heard < 2 * self._every:
            return None
        known = self._rises[-min(self._heard, len(self._rises)) :]
        resemblance = _autocorrelation(known, len(self._rises))
        best = int(np.argmax(resemblance[1:] * self._likely)) + 1
        if not self._likely[best - 1] or resemblance[best] < _CLEAR or best > len(known) / 2:
            return None
        for _ in range(2):  # a pulse twice as fast resembles itself at this lag as well
            half = _peak(resemblance, best / 2, 2)
            if half < 60 / FASTEST_BPM / self.hop_seconds:
                break
            needed = _TWICE_STILL if self._plays(half) else _TWICE_NEWLY if self._plays(best) else _TWICE
            if resemblance[round(half)] < needed * resemblance[best]:
                break
            best = round(half)
        # The same pulse some beats later tells its length more finely.
        period = _peak(resemblance, best, 1)
        for beats in (2, 4):
            if period * beats < len(known) / 2:
                period = _peak(resemblance, period * beats, beats) / beats
        if self.around:
            expected = 60 / self.around / self.hop_seconds
            period *= 2.0 ** -round(math.log2(period / expected))
        return float(period)  # other processes know no numbers of numpy

    def _plays(self, period: float) -> bool:
        """Whether that is, nearly, the tempo that is told now."""
        return self.bpm is not None and abs(60 / self.hop_seconds / period / self.bpm - 1) < 0.04

    def _last_beat(self, period: float) -> float:
        """How many hops ago the last beat was, 0 to `period`."""
        n = min(self._heard, round(_GRID_SECONDS / self.hop_seconds))
        ago = np.arange(n)
        offsets = np.arange(0, period, 0.5)
        grid = offsets[:, None] + np.arange(max(1, int(n / period))) * period
        met = np.interp(grid, ago, self._rises[-n:][::-1], right=0.0).sum(axis=1)
        return float(offsets[np.argmax(met)])


def _autocorrelation(values: np.ndarray, lags: int) -> np.ndarray:
    """[lags]: how much values resemble themselves so much later, 1 at lag 0; 0 where there is too little to say."""
    # Widened a little, or a period of so many hops and a half would resemble itself less than one of whole hops.
    wide = np.convolve(values, [0.1, 0.25, 0.3, 0.25, 0.1], "same")
    centred = wide - wide.mean()
    n = len(centred)
    spectrum = np.fft.rfft(centred, 2 ** math.ceil(math.log2(2 * n)))
    products = np.fft.irfft(np.abs(spectrum) ** 2)[:n]
    if products[0] <= 0:
        return np.zeros(lags)
    result = np.zeros(lags)
    result[: n * 3 // 4] = (products / products[0] * n / np.arange(n, 0, -1))[: n * 3 // 4]
    return result


def _peak(values: np.ndarray, near: float, reach: int) -> float:
    """Where the peak within `reach` of a place is, between the samples (parabola through three points)."""
    low = max(round(near) - reach, 1)
    at = low + int(np.argmax(values[low : round(near) + reach + 1]))
    if not 0 < at < len(values) - 1:
        return float(at)
    left, middle, right = values[at - 1 : at + 2]
    bend = left - 2 * middle + right
    # At the edge of the reach there may be no peak but a slope.
    return at + (min(max(0.5 * (left - right) / bend, -0.5), 0.5) if bend < 0 else 0.0)
