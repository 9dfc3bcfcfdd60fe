"""Rhythm: sequences of values and events on the beat."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import accumulate
from typing import Any

from ganzfeld.patch.expressions.frame import FrameContext
from ganzfeld.patch.expressions.functions.memory import MOST_EVENTS, recall
from ganzfeld.patch.expressions.functions.shapes import EASINGS
from ganzfeld.patch.expressions.notation import parse_notation
from ganzfeld.patch.expressions.pattern import SNAP, Pattern, bjorklund
from ganzfeld.patch.expressions.vocabulary import Kind, Result, Seed, UsageError, function
from ganzfeld.seeds import COUNT

SHORTEST = 1e-3
"""The shortest cycle in beats."""


def _gliding(ease: str) -> Callable[[float], float] | None:
    if ease == "none":
        return None
    if ease not in EASINGS:
        raise UsageError(f"there is no easing '{ease}'", f"Choose one of none, {', '.join(EASINGS)}")
    return EASINGS[ease]


def _values_of(arguments: Mapping[str, Any]) -> Result:
    pattern: Pattern = arguments["pattern"]
    words = [value for value in pattern.values if isinstance(value, str)]
    if arguments["ease"] is not None:
        if words:
            raise UsageError(f"'{words[0]}' is a word, and words cannot glide", 'Use ease="none", or numbers only')
        return Result(Kind.NUMBER)
    kind = Kind.NUMBER if not words else Kind.TEXT if len(words) == len(pattern.values) else Kind.ANY
    return Result(kind, pattern.values)


@function(
    example='seq("0 1 <2 -1> .5", beats=4, ease="inout")',
    prepare={"pattern": parse_notation, "ease": _gliding},
    result=_values_of,
)
def seq(frame: FrameContext, pattern: str, beats: float = 4, ease: str = "none", seed: Seed = 0) -> Any:
    """A sequence of numbers or words in Tidal's mini-notation; one cycle lasts so many beats.

    "a b" steps, [a b] within one step, <a b> one each cycle, a*2 faster, a/2 slower, a!2 repeated, a@3 or a _ _ longer,
    ~ rest (what came before lasts on), a? left out by chance (a?0.3: in 3 of 10; `seed` picks which), a(3,8,0) Euclid.
    ease: none jumps; linear, in, out and inout glide from each number to the next.
    """
    if not beats >= SHORTEST:
        raise UsageError(f"a cycle of {beats:g} beats is too short", f"At least {SHORTEST}")
    prepared: Pattern = pattern  # type: ignore[assignment]
    return prepared.at(frame.moment.beat / beats, ease, math.floor(seed) % COUNT)  # type: ignore[arg-type]


def _crossed(frame: FrameContext, key: str, beats: float, passed: Callable[[float], int], function: str) -> int:
    """How many marks the beat has come across since the last frame.

    passed: how many marks lie at or before a position in cycles. Comparing the beats themselves (and not adding up
    `dt`) misses none, however slow the frames, and counts none twice. After a jump of the clock only the marks count
    that this frame's own dt has come across.
    """
    if not beats >= SHORTEST:
        raise UsageError(f"{function} needs a length of at least {SHORTEST} beats")
    moment = frame.moment
    beat = moment.beat
    kept = recall(frame, key, 3)
    if kept is not None and kept[0] == moment.frame:
        return kept[2]
    travelled = moment.dt * moment.bpm / 60
    if kept is None or abs(beat - kept[1] - travelled) > 1:
        # The first frame, or a jump: the mark that it starts from counts too.
        low, high = sorted((beat - travelled, beat))
        events = passed(high / beats + SNAP) - passed(low / beats - SNAP)
        reached = beat
    else:
        # An outside clock may step back a little; the marks it has passed do not count again.
        reached = beat if moment.dt < 0 else max(beat, kept[1])
        events = abs(passed(reached / beats + SNAP) - passed(kept[1] / beats + SNAP))
    events = min(events, MOST_EVENTS)
    frame.state[key] = [moment.frame, reached, events]
    return events


@function(example="every(0.5)")
def every(frame: FrameContext, key: str, beats: float) -> int:
    """An event every so many beats, counted from beat 0. At slow frame rates: how many have fallen on this frame."""
    return _crossed(frame, key, beats, math.floor, "every")


@function(example="env(euclid(3, 8, 4), 0, 0.2)")
def euclid(frame: FrameContext, key: str, k: float, n: float, beats: float = 4, rotate: float = 0) -> int:
    """k events spread as evenly as they go over n steps, which last so many beats together (Toussaint 2005).

    rotate: start at this step of the rhythm.
    """
    passed = _euclid_passed(round(k), round(n), round(rotate))
    return _crossed(frame, key, beats, passed, "euclid")


@lru_cache(256)
def _euclid_passed(k: int, n: int, rotate: int) -> Callable[[float], int]:
    until = tuple(accumulate(bjorklund(k, n, rotate)))

    def passed(position: float) -> int:
        cycle = math.floor(position)
        return cycle * k + until[min(int((position - cycle) * n), n - 1)]

    return passed
