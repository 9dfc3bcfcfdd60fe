"""Standard MIDI files (MIDI 1.0, RP-001): what can be played of one, however damaged.

Our own reader, because files come from strangers: mido 1.3 refuses a file for one wrong length, count, key or chunk,
and makes an object of each event. Here the work is linear in the bytes; what cannot be read is left out and told.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np

MOST_BYTES = 8 << 20
MOST_EVENTS = 500_000
MOST_TEMPI = 10_000
MOST_SECONDS = 48 * 3600.0
"""What is due later than this is left out."""
SHORTEST_SECONDS = 0.05
"""Of a round."""
START = 0xFA0000
CLOCKS_A_BEAT = 24
MOST_CLOCKS_A_SECOND = 1000.0
"""A faster tempo is none, and has no clock."""
_USUAL_DIVISION = 480
_USUAL_TEMPO = 500_000  # microseconds a beat, until a file says otherwise
_SEARCHED = 1 << 16  # bytes in which the header may be: RMID and MacBinary put others before it
_LENGTHS = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_OTHERS = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # data bytes of messages that have no place in a file


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """What a file holds.

    times: seconds at which events are due, float64 [n], in order. messages: the events, int64 [n]: status and two data
    bytes, status << 16 | first << 8 | second; the first is a start. seconds: how long one round is.
    tempi: [(seconds, clocks, clocks a second)]: from so many seconds on, with so many clock messages (24 a beat) before
    it, the clock runs at that rate. Empty, if the file counts frames of film. told: what of it is not played.
    """

    times: np.ndarray
    messages: np.ndarray
    seconds: float
    tempi: list[tuple[float, float, float]]
    told: list[str]


@dataclass(slots=True)
class _Read:
    """What was read so far. ends: the last tick of each track."""

    ticks: array = field(default_factory=lambda: array("q"))
    messages: array = field(default_factory=lambda: array("q"))
    tempi: list[tuple[int, int]] = field(default_factory=list)
    end: int = 0
    told: list[str] = field(default_factory=list)

    def tell(self, what: str) -> None:
        if what not in self.told:
            self.told.append(what)


class _DamagedError(ValueError):
    """A track goes on in a way that cannot be read."""


def read_score(data: bytes) -> Score:
    """What can be played of a file's bytes. Raises ValueError, in words for people, if there is nothing."""
    read = _Read()
    if len(data) > MOST_BYTES:
        data = data[:MOST_BYTES]
        read.tell(f"what lies behind its first {MOST_BYTES >> 20} MB")
    header = data.find(b"MThd", 0, _SEARCHED)
    if header < 0:
        raise ValueError("it is no MIDI file")
    division = int.from_bytes(data[header + 12 : header + 14], "big") if len(data) >= header + 14 else 0
    _tracks(data, header, read)
    if not read.messages:
        raise ValueError("there is nothing in it that can be played")
    return _score(read, division)


def _tracks(data: bytes, header: int, read: _Read) -> None:
    """Read every track, wherever it is: lengths and counts are often wrong."""
    at = data.find(b"MTrk", header)
    while at >= 0 and len(read.messages) < MOST_EVENTS:
        begin = at + 8
        said = begin + int.from_bytes(data[at + 4 : at + 8], "big")
        # A length is believed if the file ends there, or another chunk begins.
        end = said if said == len(data) or _is_chunk(data, said) else len(data)
        try:
            reached = _track(data, begin, end, read)
        except _DamagedError as error:
            read.tell(f"the rest of a track ({error})")
            reached = begin
        at = data.find(b"MTrk", end if end != len(data) else reached)


def _is_chunk(data: bytes, at: int) -> bool:
    name = data[at : at + 4]
    return len(name) == 4 and name.isascii() and name.decode().isprintable()


def _track(data: bytes, at: int, end: int, read: _Read) -> int:
    """One track's events. Returns where it ends. Raises _DamagedError; what came before it is kept."""
    tick = status = 0
    try:
        while at < end:
            delta, at = _number(data, at, end)
            tick += delta
            kind = data[at]
            if kind < 0x80:
                if status < 0x80:
                    raise _DamagedError("data without a message")
                kind = status
            else:
                at += 1
            if kind < 0xF0:
                status = kind
                at = _event(data, at, end, kind, tick, read)
            elif kind == 0xFF:
                what, (length, at) = data[at], _number(data, at + 1, end)
                if what == 0x2F:
                    return at + length
                if what == 0x51 and length == 3:
                    _tempo(int.from_bytes(data[at : at + 3], "big"), tick, read)
                at += length
            elif kind in (0xF0, 0xF7):
                length, at = _number(data, at, end)
                at += length
            else:
                at += _OTHERS.get(kind, 0)
            read.end = max(read.end, tick)
    except IndexError:
        raise _DamagedError("it is cut off") from None
    finally:
        read.end = max(read.end, tick)
    return min(at, end)


def _event(data: bytes, at: int, end: int, kind: int, tick: int, read: _Read) -> int:
    """One message of a channel. Returns where the next begins."""
    count = _LENGTHS[kind & 0xF0]
    if at + count > end:
        raise _DamagedError("it is cut off")
    if len(read.messages) >= MOST_EVENTS:
        raise _DamagedError(f"more than {MOST_EVENTS} events")
    # Data of more than 7 bits is cut off at the largest value, as other players do.
    first, second = min(data[at], 127), min(data[at + 1], 127) if count == 2 else 0
    read.ticks.append(min(tick, 1 << 62))
    read.messages.append(kind << 16 | first << 8 | second)
    return at + count


def _tempo(microseconds: int, tick: int, read: _Read) -> None:
    if not microseconds:
        return
    if len(read.tempi) < MOST_TEMPI:
        read.tempi.append((min(tick, 1 << 62), microseconds))
    else:
        read.tell(f"more than {MOST_TEMPI} changes of tempo")


def _number(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number of up to four times seven bits, and where it ends."""
    number = 0
    for place in range(at, min(at + 4, end)):
        byte = data[place]
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, place + 1
    raise _DamagedError("a time or a length that never ends" if at + 4 <= end else "it is cut off")


def _score(read: _Read, division: int) -> Score:
    if division >= 0x8000:  # ticks of frames of film
        rate = 256 - (division >> 8)
        per_second = (30000 / 1001 if rate == 29 else rate) * ((division & 0xFF) or 1)
        return _timed(read, np.zeros(1), np.zeros(1), np.array([1 / per_second]), None)
    if not division:
        division = _USUAL_DIVISION
        read.tell("its own measure of a beat (it says 0)")
    changes = [(0, _USUAL_TEMPO), *sorted(read.tempi, key=lambda change: change[0])]
    ticks = np.array([tick for tick, _ in changes], np.float64)
    a_tick = np.array([microseconds for _, microseconds in changes]) / 1e6 / division
    seconds = np.concatenate([[0.0], np.cumsum(np.diff(ticks) * a_tick[:-1])])
    return _timed(read, ticks, seconds, a_tick, division)


def _timed(read: _Read, changed: np.ndarray, seconds: np.ndarray, a_tick: np.ndarray, division: int | None) -> Score:
    """changed, seconds, a_tick: the tick and second of each tempo, and the seconds of a tick from there on. division:
    ticks a beat; None: there are no beats."""

    def when(ticks: np.ndarray) -> np.ndarray:
        tempo = np.searchsorted(changed, ticks, "right") - 1
        return seconds[tempo] + (ticks - changed[tempo]) * a_tick[tempo]

    ticks = np.array(read.ticks, np.float64)
    order = np.argsort(ticks, kind="stable")
    times, messages = when(ticks[order]), np.array(read.messages, np.int64)[order]
    length = float(when(np.array([float(read.end)]))[0])
    if length > MOST_SECONDS:
        read.tell(f"what is due after more than {MOST_SECONDS / 3600:g} hours")
        soon = times <= MOST_SECONDS
        times, messages = times[soon], messages[soon]
        length = float(times[-1]) if len(times) else 0.0
        if not len(times):
            raise ValueError("nothing in it is due within two days")
    tempi = []
    if division is not None:
        for tick, second, each in zip(changed.tolist(), seconds.tolist(), a_tick.tolist()):
            rate = CLOCKS_A_BEAT / (each * division)
            if second < length or not tempi:
                clocks = tick * CLOCKS_A_BEAT / division
                tempi.append((second, clocks, rate if rate <= MOST_CLOCKS_A_SECOND else 0.0))
    return Score(
        np.concatenate([[0.0], times]),
        np.concatenate([[START], messages]),
        max(length, SHORTEST_SECONDS),
        tempi,
        read.told,
    )
