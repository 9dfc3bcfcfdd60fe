"""Frames packed small: what can be foretold takes no room.

Times are kept as the difference (of their bits) from what foretells them, values as one column an address. An
hour of 60 frames a second with all values of the sound takes a few megabytes, and every bit comes back.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from ganzfeld.takes.records import Deed, encode
from ganzfeld.values.outside import Hit
from ganzfeld.values.time import BEATS_PER_BAR, Moment

LEVEL = 6
DECIMALS = 10_000
"""Sound is told in ten-thousandths."""
MOST_UNPACKED = 1 << 28
_WORDS = """Sizes Saw Took Did set Swapped arguments decimals short long any hits deeds values
/audio/beat /audio/onset /midi/note/1/ /midi/cc/1/ /midi/clock/beat /midi/clock/bpm /audio/bpm /audio/band/7
/audio/band/6 /audio/band/5 /audio/band/4 /audio/band/3 /audio/band/2 /audio/band/1 /audio/band/0 /audio/centroid
/audio/high /audio/mid /audio/bass /audio/level"""
_USUAL = b"".join(map(encode, _WORDS.split()))
"""What happenings are full of: known beforehand, it takes no room. Part of the format, so never to be changed."""
_COLUMNS = ("at", "frame", "dt", "t", "beat", "bpm")


@dataclass(slots=True)
class Played:
    """One frame as it was played: when (seconds of a steady clock), its moment, and what happened before it.

    values: what came from outside since the frame before; hits: this frame's; deeds: in their order.
    """

    at: float
    moment: Moment
    values: dict[str, Any] = field(default_factory=dict)
    hits: tuple[Hit, ...] = ()
    deeds: tuple[Deed, ...] = ()


@dataclass(frozen=True, slots=True)
class Times:
    """The times of frames, one array each; see `Moment`. at: real time, seconds of a steady clock."""

    at: np.ndarray
    frame: np.ndarray
    dt: np.ndarray
    t: np.ndarray
    beat: np.ndarray
    bpm: np.ndarray

    def moment(self, index: int) -> Moment:
        """The moment of one frame, exactly as it was."""
        beat = float(self.beat[index])
        numbers = (float(self.t[index]), float(self.dt[index]), beat, beat / BEATS_PER_BAR, float(self.bpm[index]))
        return Moment(int(self.frame[index]), *numbers)

    def __len__(self) -> int:
        return len(self.at)

    @classmethod
    def joined(cls, parts: Sequence[Times]) -> Times:
        """All of them, one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS))


class Happenings(msgspec.Struct, frozen=True):
    """What happened before the frames of a block, by the frame's place in it."""

    values: list[tuple[str, bytes, str, Any]] = []
    hits: list[tuple[int, str, list[Any], dict[str, Any]]] = []
    deeds: list[tuple[int, Deed]] = []


_decode = msgspec.msgpack.Decoder(Happenings).decode


def pack_times(frames: Sequence[Played]) -> bytes:
    """The times of some frames."""
    at = np.array([frame.at for frame in frames], np.float64)
    number = np.array([frame.moment.frame for frame in frames], np.int64)
    dt, t, beat, bpm = (
        np.array([getattr(frame.moment, name) for frame in frames], np.float64) for name in _COLUMNS[2:]
    )
    with np.errstate(all="ignore"):
        t_foretold, beat_foretold = _summed(t[0], dt), _summed(beat[0], dt * bpm / 60)
    kept = (
        np.diff(at.view(np.int64), 2, prepend=[0, 0]),
        np.diff(number, 2, prepend=[0, 0]),
        dt.view(np.int64) - _steps(at).view(np.int64),
        t.view(np.int64) - t_foretold.view(np.int64),
        beat.view(np.int64) - beat_foretold.view(np.int64),
        np.diff(bpm.view(np.int64), prepend=0),
        t[:1].view(np.int64),
        beat[:1].view(np.int64),
    )
    return zlib.compress(b"".join(_shuffled(column) for column in kept), LEVEL)


def unpack_times(data: bytes, count: int) -> Times:
    """The times again. Raises ValueError if that is not what it is."""
    raw = _unzipped(data)
    if count < 1 or len(raw) != 8 * (count * len(_COLUMNS) + 2):
        raise ValueError("the times of some frames are damaged")
    size = 8 * count
    ends = [*range(0, size * len(_COLUMNS) + 1, size), len(raw) - 8, len(raw)]
    whole = np.dtype(np.int64)
    at, number, dt, t, beat, bpm, t0, beat0 = (_unshuffled(raw[start:end], whole) for start, end in pairwise(ends))
    at = np.cumsum(np.cumsum(at)).view(np.float64)
    bpm = np.cumsum(bpm).view(np.float64)
    with np.errstate(all="ignore"):
        dt = (dt + _steps(at).view(np.int64)).view(np.float64)
        t = (t + _summed(t0.view(np.float64)[0], dt).view(np.int64)).view(np.float64)
        beat = (beat + _summed(beat0.view(np.float64)[0], dt * bpm / 60).view(np.int64)).view(np.float64)
    return Times(at, np.cumsum(np.cumsum(number)), dt, t, beat, bpm)


def _steps(at: np.ndarray) -> np.ndarray:
    """What dt is where nothing pauses, slows or hurries the show."""
    return np.diff(at, prepend=at[:1])


def _summed(first: np.float64, steps: np.ndarray) -> np.ndarray:
    """What t and beat are where nothing jumps: added up one by one, as the show's clock does."""
    return np.add.accumulate(np.concatenate([[first], steps[1:]]))


def pack_happenings(frames: Sequence[Played]) -> bytes:
    """What happened before some frames."""
    count = len(frames)
    changes: dict[str, list[tuple[int, Any]]] = {}
    for index, frame in enumerate(frames):
        for address, value in frame.values.items():
            changes.setdefault(address, []).append((index, value))
    values = []
    for address, changed in changes.items():
        mask = np.zeros(count, bool)
        mask[[index for index, _ in changed]] = True
        values.append((address, np.packbits(mask).tobytes(), *_column([value for _, value in changed])))
    hits = [
        (index, hit.address, list(hit.arguments), dict(hit.named))
        for index, frame in enumerate(frames)
        for hit in frame.hits
    ]
    deeds = [(index, deed) for index, frame in enumerate(frames) for deed in frame.deeds]
    machine = zlib.compressobj(LEVEL, zdict=_USUAL)
    return machine.compress(encode(Happenings(values, hits, deeds))) + machine.flush()


def deeds_of(data: bytes) -> list[tuple[int, Deed]]:
    """Only the deeds, each with its frame's place in the block. Raises as `unpack_happenings`."""
    return _decode(_unzipped(data, _USUAL)).deeds


def unpack_happenings(data: bytes, times: Times) -> list[Played]:
    """The frames again, whole. Raises ValueError or msgspec.DecodeError if that is not what it is."""
    happenings = _decode(_unzipped(data, _USUAL))
    frames = [Played(float(times.at[index]), times.moment(index)) for index in range(len(times))]
    for address, mask, kind, column in happenings.values:
        places = np.flatnonzero(np.unpackbits(np.frombuffer(mask, np.uint8), count=len(frames)))
        for index, value in zip(places.tolist(), _values(kind, column), strict=True):
            frames[index].values[address] = value
    for index, address, arguments, named in happenings.hits:
        frames[index].hits += (Hit(address, tuple(arguments), named),)
    for index, deed in happenings.deeds:
        frames[index].deeds += (deed,)
    return frames


def _column(values: list[Any]) -> tuple[str, Any]:
    """Values of one address: their kind, and they themselves."""
    if not all(value.__class__ is float for value in values):
        return "any", values
    numbers = np.array(values)
    with np.errstate(all="ignore"):
        whole = np.rint(numbers * DECIMALS)
        if (np.abs(whole) < 1 << 30).all() and _same(whole.astype(np.int64) / DECIMALS, numbers):
            return "decimals", _shuffled(np.diff(whole, prepend=0).astype(np.int32))
        short = numbers.astype(np.float32)
        if _same(short.astype(np.float64), numbers):
            return "short", _shuffled(short)
    return "long", _shuffled(numbers)


def _same(some: np.ndarray, others: np.ndarray) -> bool:
    """Whether they are equal bit by bit: −0 is not 0."""
    return some.tobytes() == others.tobytes()


def _values(kind: str, column: Any) -> list[Any]:
    match kind:
        case "any":
            return column
        case "decimals":
            return (np.cumsum(_unshuffled(column, np.dtype(np.int32)), dtype=np.int64) / DECIMALS).tolist()
        case "short":
            return _unshuffled(column, np.dtype(np.float32)).astype(np.float64).tolist()
        case "long":
            return _unshuffled(column, np.dtype(np.float64)).tolist()
    raise ValueError(f"values of an unknown kind: {kind}")


def _shuffled(numbers: np.ndarray) -> bytes:
    """First bytes first, so that like lies beside like."""
    return np.ascontiguousarray(numbers.view(np.uint8).reshape(len(numbers), -1).T).tobytes()


def _unshuffled(data: bytes, dtype: np.dtype) -> np.ndarray:
    rows = np.frombuffer(data, np.uint8).reshape(dtype.itemsize, -1)
    return np.ascontiguousarray(rows.T).view(dtype)[:, 0]


def _unzipped(data: bytes, usual: bytes = b"") -> bytes:
    """A take may come from a stranger: no more than so much is made of it. Raises ValueError."""
    machine = zlib.decompressobj(zdict=usual)
    try:
        whole = machine.decompress(data, MOST_UNPACKED)
    except zlib.error as error:
        raise ValueError(f"a block is damaged: {error}") from None
    if not machine.eof:
        raise ValueError("a block is damaged, or too large")
    return whole
