"""What can be heard in a sound, a few milliseconds at a time. No device, no file and no thread in here.

Every *hop* (256 samples at 44.1 and 48 kHz: 5.3 ms) the newest 8 hops are seen through a Hann window and a Fourier
transform. Loudness is in decibels under the loudest of the last while, so a quiet room and a loud one move a picture
alike. Onsets are rises of the spectrum, compared with the neighbouring frequencies of a moment before, so that a
gliding tone is none (SuperFlux: Böck and Widmer, DAFx 2013).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from ganzfeld.errors import SignalError

LOWEST_HZ = 40.0
HIGHEST_HZ = 16000.0
BASS_MID_HZ, MID_HIGH_HZ = 250.0, 4000.0
MOST_BANDS = 64

RANGE_DB = 36.0
"""From 1 down to 0."""
FLOOR_DB = -50.0
"""Of full scale, unless another is asked for: what is quieter is silence. Rooms and amplifiers are never still."""
LOWEST_FLOOR_DB = -120.0
KNEE_DB = 6.0
"""Above the floor, within which sound comes in."""
LEAST_LOUD_DB = 12.0
"""Above the floor: the loudness that counts as 1 never sinks below this, so that hiss is not blown up to music."""
MOST_CHANNELS = 64
OFFSET_HZ = 10.0
"""What is slower is no sound: microphones and converters have a constant offset, which would read as bass."""
FORGET_DB_PER_SECOND = 1.5
"""How fast a loud moment is forgotten."""

LOUDEST_SAMPLE = 4.0
"""Samples beyond are cut off; full scale is 1, and floating-point sound may pass it a little."""

_HOP_SECONDS = 256 / 48000
_HOPS_IN_WINDOW = 8
_FLUX_BANDS = 24
_FLUX_LAG = 2  # hops between the spectra that are compared
_ONSET_APART_SECONDS = 0.05
_MEMORY_SECONDS = 0.6  # what "usual" means to an onset
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Heard:
    """One hop. All from 0 to 1 but `onset` (a sound began in this hop) and `rise` (how much; 0 to about 3).

    centroid: the centre of the spectrum on a scale of octaves, 0 at 40 Hz, 1 at 16 kHz.
    """

    level: float
    bass: float
    mid: float
    high: float
    bands: tuple[float, ...]
    centroid: float
    onset: bool
    rise: float


class Features:
    """Listens to a stream of samples. Of several channels the energies are averaged, so that sides in opposite phase
    are as loud as in phase.

    rate: samples a second. bands: how many bands of equal width in octaves from 40 Hz to 16 kHz.
    attack, release: seconds in which a value follows 63 % of a rise or a fall. Onsets are not smoothed.
    sensitivity: above 1 for more onsets, below for fewer. floor: decibels of full scale (−120 to 0) below which all is
    silence. Raises SignalError.
    """

    def __init__(
        self,
        rate: float,
        *,
        bands: int = 8,
        attack: float = 0.005,
        release: float = 0.15,
        sensitivity: float = 1.0,
        floor: float = FLOOR_DB,
    ) -> None:
        if not LOWEST_FLOOR_DB <= floor <= 0:
            raise SignalError(f"Silence lies at {LOWEST_FLOOR_DB:g} to 0 decibels, not {floor:g}")
        if not 1 <= bands <= MOST_BANDS:
            raise SignalError(f"Sound has 1 to {MOST_BANDS} bands, not {bands}")
        self.rate = rate
        self.hop = 2 ** max(4, round(math.log2(rate * _HOP_SECONDS)))
        self.window = self.hop * _HOPS_IN_WINDOW
        self.hop_seconds = self.hop / rate
        self.sensitivity, self.floor, self.bands = sensitivity, floor, bands
        self._arrange(1)
        shape = np.hanning(self.window + 1)[:-1]
        self._shape = shape.astype(np.float32)
        # By Parseval's theorem the powers of all bins add up to the mean square of the sound.
        self._scale = 2 / (self.window * float(shape @ shape))
        self._frequencies = np.fft.rfftfreq(self.window, 1 / rate)
        top = min(HIGHEST_HZ, rate / 2)
        self._three = self._filters(np.minimum([LOWEST_HZ / 2, BASS_MID_HZ, MID_HIGH_HZ, top], top))
        self._bands = self._filters(np.geomspace(LOWEST_HZ, top, bands + 1))
        self._fine = self._filters(np.geomspace(LOWEST_HZ, top, _FLUX_BANDS + 1))
        self._loudest = np.full(3, floor + LEAST_LOUD_DB)  # of: the level, the three, the bands
        self._seen: np.ndarray | None = None
        self._rising = 1 - math.exp(-self.hop_seconds / max(attack, 1e-4))
        self._falling = 1 - math.exp(-self.hop_seconds / max(release, 1e-4))
        self._values = np.zeros(4 + bands)
        self._centroid = 0.0
        self._spectra: deque[np.ndarray] = deque([np.zeros(_FLUX_BANDS)] * _FLUX_LAG, maxlen=_FLUX_LAG)
        memory = round(_MEMORY_SECONDS / self.hop_seconds)
        self._rises: deque[float] = deque([0.0] * memory, maxlen=memory)
        self._since_onset = math.inf
        self._was_rising = False

    def _arrange(self, channels: int) -> None:
        """Begin with silence on so many channels."""
        self._rest = np.zeros((channels, 0), np.float32)
        self._sound = np.zeros((channels, self.window), np.float32)
        self._steady: _Steady | None = None

    @property
    def waiting_seconds(self) -> float:
        """How much sound waits for its hop to be full."""
        return self._rest.shape[1] / self.rate

    def look(self, steps: int) -> tuple[float, list[float]]:
        """Loudness now, in decibels of full scale, and its spectrum in so many steps of equal width in octaves from
        40 Hz to 16 kHz. Costs nothing while nobody looks; another thread may."""
        sound = self._sound
        recent = sound[:, -2 * self.hop :]
        power = sum(np.abs(np.fft.rfft(row * self._shape)) ** 2 for row in sound) / len(sound)
        if self._seen is None or len(self._seen) != steps:
            self._seen = self._filters(np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, self.rate / 2), steps + 1))
        level = float(_decibels(np.array([float((recent**2).mean())]))[0])
        return level, _decibels(self._seen @ power).tolist()

    def _filters(self, edges: np.ndarray) -> np.ndarray:
        """[bands, bins]: which part of each bin's width lies in each band."""
        width = self._frequencies[1]
        low = self._frequencies - width / 2
        overlap = np.minimum(edges[1:, None], low + width) - np.maximum(edges[:-1, None], low)
        return np.clip(overlap / width, 0, 1) * self._scale

    def feed(self, samples: np.ndarray) -> list[Heard]:
        """The next samples, float [n] or [n, channels] in −1..1, as many as there are: what was heard, hop by hop."""
        samples = np.asarray(samples, np.float32)
        samples = samples[None] if samples.ndim == 1 else samples[:, :MOST_CHANNELS].T
        if len(samples) != len(self._rest):
            self._arrange(len(samples))
        # What a driver hands out while a device is unplugged may be anything.
        samples = np.clip(np.nan_to_num(samples), -LOUDEST_SAMPLE, LOUDEST_SAMPLE)
        self._rest = np.concatenate([self._rest, samples], axis=1)
        hops = self._rest.shape[1] // self.hop
        heard = [self._hear(self._rest[:, k * self.hop : (k + 1) * self.hop]) for k in range(hops)]
        self._rest = self._rest[:, hops * self.hop :]
        return heard

    def _hear(self, samples: np.ndarray) -> Heard:
        if self._steady is None:
            self._steady = _Steady(samples[:, 0], self.hop, self.rate)
        self._sound = np.concatenate([self._sound[:, self.hop :], self._steady.removed(samples)], axis=1)
        recent = self._sound[:, -2 * self.hop :]
        mean_square = sum(float(row @ row) for row in recent) / recent.size
        level = _decibels(np.array([mean_square]))
        spectra = [np.abs(np.fft.rfft(row * self._shape)) ** 2 for row in self._sound]
        power = sum(spectra[1:], spectra[0]) / len(spectra)
        audible = min(max((float(level[0]) - self.floor) / KNEE_DB, 0.0), 1.0)
        parts = (level, _decibels(self._three @ power), _decibels(self._bands @ power))
        now = audible * np.concatenate([self._against_loudest(k, part) for k, part in enumerate(parts)])
        follow = np.where(now > self._values, self._rising, self._falling)
        self._values += (now - self._values) * follow
        if audible:
            self._follow_centroid(power)
        rise, onset = self._onset(power, bool(audible))
        level, bass, mid, high, *bands = self._values.tolist()
        return Heard(level, bass, mid, high, tuple(bands), self._centroid, onset, rise)

    def _against_loudest(self, k: int, decibels: np.ndarray) -> np.ndarray:
        """0 to 1: how near the loudest of the last while."""
        forgotten = self._loudest[k] - FORGET_DB_PER_SECOND * self.hop_seconds
        self._loudest[k] = max(forgotten, float(decibels.max()), self.floor + LEAST_LOUD_DB)
        return np.clip(1 + (decibels - self._loudest[k]) / RANGE_DB, 0, 1)

    def _follow_centroid(self, power: np.ndarray) -> None:
        # (Not called while it is silent, for silence is neither dark nor bright.)
        total = float(power.sum()) * self._scale + _TINY
        centre = float(self._frequencies @ power) * self._scale / total
        now = math.log2(max(centre, LOWEST_HZ) / LOWEST_HZ) / math.log2(HIGHEST_HZ / LOWEST_HZ)
        self._centroid += (min(now, 1.0) - self._centroid) * self._falling

    def _onset(self, power: np.ndarray, audible: bool) -> tuple[float, bool]:
        """How much the spectrum rose, and whether a sound began. In silence nothing does."""
        # Amplitudes against the loudest band, compressed so that a quiet hat counts beside a kick.
        compress = 300 / 10 ** (self._loudest[1] / 20)
        amplitude = np.sqrt(self._fine @ power)
        spectrum, before = np.log10(1 + compress * amplitude), np.log10(1 + compress * self._spectra[0])
        around = np.maximum(before, np.maximum(np.append(before[1:], 0), np.append(0, before[:-1])))
        rise = float(np.maximum(spectrum - around, 0).mean()) if audible else 0.0
        self._spectra.append(amplitude)
        usual = float(np.median(self._rises))
        self._rises.append(rise)
        rising = rise > 6 * usual + 0.04 / self.sensitivity
        self._since_onset += self.hop_seconds
        onset = rising and not self._was_rising and self._since_onset >= _ONSET_APART_SECONDS
        self._was_rising = rising
        if onset:
            self._since_onset = 0.0
        return rise, onset


class _Steady:
    """Takes away what is constant: a high-pass filter of the first order at OFFSET_HZ, one hop at a time.

    y[n] = R y[n−1] + (1 + R)/2 (x[n] − x[n−1]), which over a hop is a sum, weighted with powers of R.
    """

    def __init__(self, first: np.ndarray, hop: int, rate: float) -> None:
        """first: the first sample of each channel, which the sound is taken to have stood at before."""
        decay = math.exp(-2 * math.pi * OFFSET_HZ / rate)
        self._powers = decay ** np.arange(1, hop + 1)
        self._gain = (1 + decay) / 2
        self._before = first.astype(np.float64)
        self._last = np.zeros(len(first))

    def removed(self, samples: np.ndarray) -> np.ndarray:
        """The next hop, [channels, hop], without it."""
        exact = samples.astype(np.float64)
        steps = np.diff(exact, axis=1, prepend=self._before[:, None]) * self._gain
        filtered = (np.cumsum(steps / self._powers, axis=1) + self._last[:, None]) * self._powers
        self._before, self._last = exact[:, -1], filtered[:, -1]
        return filtered.astype(np.float32)


def _decibels(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(power + _TINY)
