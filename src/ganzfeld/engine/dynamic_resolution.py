"""Dynamic resolution, for `hold(fps)`: a device that is too slow draws pictures smaller inside instead of later.

The inner size is halved when frames have taken too long for a second or two, and doubled after a while in which the
larger size would have had time to spare. That while grows each time the larger size turns out too slow, so that the
picture does not flicker between two sizes. Two things are no reason to halve:

- *Others are at work, for a while.* When a show starts, a spare imports everything, the page loads and kernels are
  compiled on the same processors. Beside what a frame took by the clock it is known what it took by itself (`own`: its
  share of the processors; on a card what the card says). Where that fits, others are in the way: that has to last
  longer, and in the first seconds of a show it does not count at all.
- *It gains nothing.* If frames at the smaller size take about as long, something else bounds them. Then the larger size
  comes back, and the smaller one is not tried again for a while.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

FULL = 0.92
"""Share of a frame's time that may be used."""
SPARE = 0.75
"""Share that the next larger size may be expected to use, for it to be tried."""
STARTING = 5.0
"""Seconds from the first frame on in which others at work are no reason to halve."""
TOO_LARGE = 1.3
"""Shares of a frame's time that a show needs by itself in those seconds, to be too large whatever others do: caches and
cores that are shared lengthen that by a third."""
LASTING, LASTING_BESIDE_OTHERS = 1.0, 2.0
"""Seconds of frames that take too long, before the size is halved: if the show itself needs that long; if others are in
its way, and in the first seconds of a show."""
FEWEST = 3
"""Frames on which anything is decided, however long they take."""
UNSETTLED, UNSETTLED_SECONDS = 3, 0.5
"""Frames after a change, and for how long, that say nothing: the first one at a size may have to be prepared, and a
card tells of frames later. One is always left out."""
PATIENCE = 3.0
MOST_PATIENCE = 60.0
"""Seconds of good frames before a larger size is tried, at first and at most."""
SQUARE = 4.0
"""How much longer a picture of twice the side takes, at most and until it has been measured."""
AGED, MILD = 10.0, 2.0
"""After so many patiences what was measured of two sizes may be wrong, because the load changed just then: it counts as
`MILD` at most, until it is measured again."""
GAIN, LEAST_GAIN = 1.15, 1.1
"""How much quicker frames have to be at a smaller size, or would be by what they save of their own: where they are too
slow even so, and where they hold the rate then. With less, halving was in vain. (A size that nothing else bounds is two
to four times as quick.)"""
VAIN, MOST_VAIN = 10.0, 320.0
"""Seconds until a size that was in vain is tried again, at first and at most."""
LONGEST_BUSY = 10.0
"""Seconds for which building beside the show is an excuse."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """One that was measured, at `at` on the clock. seconds, own: as `DynamicResolution.observe` has them."""

    at: float
    seconds: float
    own: float


@dataclass(frozen=True, slots=True)
class _Change:
    """The last change of size, until it is known what it made of the time: what frames took before, at how many
    halvings."""

    seconds: float
    own: float
    halvings: int


class DynamicResolution:
    """Chooses how many times the inner size is halved. Times in seconds."""

    def __init__(self, fps: float, most: int, halvings: int = 0) -> None:
        """`most`: how often it can be halved. `halvings`: where to begin."""
        self.fps, self.most = fps, most
        self.halvings = min(halvings, most)
        self._frames: deque[_Frame] = deque()
        self._first = 0.0
        self._began: float | None = None
        self._busy_since: float | None = None
        self._size_since: float | None = None
        self._ignored = 0
        self._ratios: dict[int, tuple[float, float]] = {}
        """By halvings: how much longer frames take, by themselves, with one halving less; and when that was seen."""
        self._changed: _Change | None = None
        self._good_since: float | None = None
        self._late_since: float | None = None
        self._raised_at = -math.inf
        self._patience = PATIENCE
        self._vain, self._vain_until, self._vain_halvings = VAIN, -math.inf, most

    def observe(self, seconds: float, now: float, own: float | None = None, *, busy: bool = False) -> None:
        """A frame took so long, at the present size; `now` on any steady clock.

        own: what it would have taken, at best, if nobody else were at work; None: as long. busy: a patch is being
        built beside the show, in the same process.
        """
        if self._began is None:
            self._began = now
        if self._excused(busy, now) or not self._settled(now):
            return
        if not self._frames:
            self._first = now - seconds
        self._frames.append(_Frame(now, seconds, seconds if own is None else own))
        while len(self._frames) > FEWEST and self._frames[0].at < now - LASTING:
            self._frames.popleft()
        if len(self._frames) < FEWEST or now - self._first < LASTING:
            return
        usual, own = median(frame.seconds for frame in self._frames), median(frame.own for frame in self._frames)
        if self._was_in_vain(usual, own, now):
            return
        if usual * self.fps > FULL:
            self._good_since = None
            self._late_since = now if self._late_since is None else self._late_since
            if self._lasts(own, now) and self.halvings < self._most(now):
                self._lower(usual, own, now)
            return
        self._late_since = None
        if not self.halvings or usual * self._ratio(now) * self.fps >= SPARE:
            self._good_since = None
            return
        self._good_since = now if self._good_since is None else self._good_since
        if now - self._good_since >= self._patience:
            self._change(self.halvings - 1, _Change(usual, own, self.halvings))
            self._raised_at = now

    def forget(self) -> None:
        """Another patch plays: what frames took says nothing any more. The size stays until it is known better."""
        self._ratios.clear()
        self._patience, self._vain, self._vain_until = PATIENCE, VAIN, -math.inf
        self._change(self.halvings, None)

    def _excused(self, busy: bool, now: float) -> bool:
        """Whether a patch is being built, and not yet for too long."""
        if not busy:
            self._busy_since = None
            return False
        if self._busy_since is None:
            self._busy_since = now
        if now - self._busy_since > LONGEST_BUSY:
            return False
        self._frames.clear()
        self._good_since = self._late_since = None
        return True

    def _settled(self, now: float) -> bool:
        """Whether frames of this size say something by now."""
        if self._size_since is None:
            self._size_since = now
        self._ignored += 1
        return self._ignored > UNSETTLED or (self._ignored > 1 and now - self._size_since > UNSETTLED_SECONDS)

    def _lasts(self, own: float, now: float) -> bool:
        """Whether frames that take too long now have done so for long enough."""
        starts = self._began is not None and now - self._began < STARTING
        alone = own * self.fps > (TOO_LARGE if starts else FULL)
        if alone and not starts:
            return True
        late = now - self._late_since if self._late_since is not None else 0.0
        return (alone or not starts) and late >= LASTING_BESIDE_OTHERS - LASTING

    def _ratio(self, now: float) -> float:
        """How much longer the next larger size takes than this one."""
        ratio, at = self._ratios.get(self.halvings, (SQUARE, now))
        return min(ratio, MILD) if now - at > AGED * self._patience else ratio

    # Changes

    def _most(self, now: float) -> int:
        return self._vain_halvings if now < self._vain_until else self.most

    def _was_in_vain(self, usual: float, own: float, now: float) -> bool:
        """Look at what the last change made of the time; whether it is taken back."""
        changed, self._changed = self._changed, None
        if changed is None:
            return False
        (small, small_own), (large, large_own) = sorted([(self.halvings, own), (changed.halvings, changed.own)])[::-1]
        ratio = min(max(large_own / max(small_own, 1e-9), 1.0), SQUARE ** (small - large)) ** (1 / (small - large))
        self._ratios.update(dict.fromkeys(range(large + 1, small + 1), (ratio, now)))
        if self.halvings < changed.halvings:
            if usual > GAIN * changed.seconds:
                self._vain_until = -math.inf  # it had not been in vain: the load grew at the same time
            return False
        # By the clock others may have come or gone meanwhile; what is saved of the show's own is saved.
        would_be = min(usual, changed.seconds - (changed.own - own))
        if changed.seconds >= (GAIN if usual * self.fps > FULL else LEAST_GAIN) * would_be:
            self._vain = VAIN
            return False
        self._vain_halvings, self._vain_until = changed.halvings, now + self._vain
        self._vain = min(2 * self._vain, MOST_VAIN)
        self._change(changed.halvings, _Change(usual, own, self.halvings))
        return True

    def _lower(self, usual: float, own: float, now: float) -> None:
        if now - self._raised_at < 2 * self._patience:
            self._patience = min(2 * self._patience, MOST_PATIENCE)
        else:
            self._patience = PATIENCE
        # So many are needed even if each makes it four times as quick.
        steps = max(1, math.ceil(math.log(max(own * self.fps / FULL, 1.0), SQUARE)))
        self._change(min(self.halvings + steps, self._most(now)), _Change(usual, own, self.halvings))

    def _change(self, halvings: int, changed: _Change | None) -> None:
        self.halvings, self._changed = halvings, changed
        self._frames.clear()
        self._ignored, self._size_since = 0, None
        self._good_since = self._late_since = None
