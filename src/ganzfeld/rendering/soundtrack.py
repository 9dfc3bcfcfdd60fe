"""The sound that belongs to a render: of the file that drove the show, or of a recording of the night."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganzfeld.errors import FeederError, SignalError
from ganzfeld.takes.timeline import Timeline

if TYPE_CHECKING:
    from ganzfeld.feeders.service import OpenFeeder

RATE = 48000
STEADY = 0.02
"""A show that runs this much slower or faster than real time is at its own speed, and its sound is not bent."""
SLACK_SECONDS = 0.02
"""So much the sound may be off before it jumps to where it belongs."""
_TRIES = 3  # a decoder that dies is replaced at once, so often
_BLOCK = 8192  # samples


def check_sound(path: Path) -> None:
    """Raises SignalError if there is no such sound."""
    _opened(path).close()


def _opened(path: Path) -> OpenFeeder:
    from ganzfeld.feeders.service import OpenFeeder

    try:
        return OpenFeeder("sound", path, rate=RATE)
    except FeederError as error:
        raise SignalError(error.what, hint=error.hint) from None


def soundtrack(
    timeline: Timeline, first: int, last: int, source: Path, scratch: Path, *, recorded: bool
) -> Iterator[np.ndarray]:
    """Float32 [samples, 2] at 48000 a second, block by block, as long as the frames `first` to `last` are.

    source: what drove the show, which is looped and follows the show's time: it rests while that rests, and jumps with
    it. recorded: it is a recording of the night instead, which begins with the take. Raises SignalError.
    """
    samples = _decoded(source, scratch / "sound.raw")
    if not len(samples):
        raise SignalError(f"there is no sound in {source.name}")
    real = timeline.at[first:last]
    length = float(np.median(np.diff(real))) if len(real) > 1 else 1 / 60
    real = np.append(real, real[-1] + length)
    if recorded:
        yield from _straight(samples, round(real[0] * RATE), round((real[-1] - real[0]) * RATE))
    else:
        yield from _following(samples, timeline, first, real)


def _straight(samples: np.ndarray, start: int, count: int) -> Iterator[np.ndarray]:
    for place in range(start, start + count, RATE):
        block = np.zeros((min(RATE, start + count - place), 2), np.float32)
        part = samples[place : place + len(block)]
        block[: len(part)] = part
        yield block


def _following(samples: np.ndarray, timeline: Timeline, first: int, real: np.ndarray) -> Iterator[np.ndarray]:
    """Between two frames the sound goes on by what the show's time did, up to where it was at the second one."""
    written, place = 0, 0.0
    for index in range(len(real) - 1):
        count = round((real[index + 1] - real[0]) * RATE) - written
        if count <= 0:
            continue
        seconds = real[index + 1] - real[index]
        coming = min(first + index + 1, len(timeline) - 1)
        moment = timeline.moment(coming)
        dt = moment.dt if coming == first + index + 1 else seconds
        start = moment.t - moment.dt if coming == first + index + 1 else moment.t
        speed = dt / seconds if seconds else 1.0
        if abs(start * RATE - place) > SLACK_SECONDS * RATE or abs(speed - 1) > STEADY:
            place = start * RATE
        if abs(speed) < STEADY:
            yield np.zeros((count, 2), np.float32)
        elif abs(speed - 1) <= STEADY:
            yield samples[np.arange(round(place), round(place) + count) % len(samples)]
            place += count
        else:
            yield _bent(samples, place, speed, count)
            place += count * speed
        written += count


def _bent(samples: np.ndarray, place: float, speed: float, count: int) -> np.ndarray:
    """Slower or faster, or backwards, as a tape would sound."""
    at = place + np.arange(count) * speed
    before = np.floor(at).astype(np.int64)
    share = (at - before)[:, None].astype(np.float32)
    return samples[before % len(samples)] * (1 - share) + samples[(before + 1) % len(samples)] * share


def _decoded(source: Path, scratch: Path) -> np.ndarray:
    """All of a sound as [samples, 2], in a file rather than in memory: a night is long. Raises SignalError."""
    feeder, count = _opened(source), 0
    try:
        with scratch.open("wb") as file:
            while True:
                answer = feeder.ask("read", tries=_TRIES, start=count, count=_BLOCK)
                end = answer.facts if answer.facts is not None else math.inf
                block = np.asarray(answer.array)[: max(0, min(_BLOCK, end - count))]
                file.write(block.tobytes())
                count += len(block)
                if count >= end or not len(block):
                    break
    except FeederError as error:
        raise SignalError(error.what, hint=error.hint) from None
    finally:
        feeder.close()
    if not count:
        return np.zeros((0, 2), np.float32)
    return np.memmap(scratch, np.float32, "r", shape=(count, 2))
