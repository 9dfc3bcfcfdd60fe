"""Which variants of a patch will be shown soon: its choices, evaluated at moments that are still to come.

A choice that changes with the beat (`face.show(seq("image b32", beats=8))`) changes together with others, so what comes
is a combination that no single change reaches. Made ready before it is shown, it does not hold a frame up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ganzfeld.patch.evaluation import Evaluator, Fan
from ganzfeld.patch.graph import Graph
from ganzfeld.values.outside import Inbox
from ganzfeld.values.time import BEATS_PER_BAR, Moment

BEATS = 64
"""So far it is looked ahead."""
STEPS = 4
"""Looks in a beat."""


def foreseen(
    graph: Graph, matched: Mapping[str, Fan], choices: Collection[str], moment: Moment
) -> Iterator[dict[str, Any]]:
    """The values of these choices as they come after `moment`, each combination once, in the order of their first time.

    What is touched or heard in the meantime cannot be known: knobs and signals stay as they are without a hand.
    """
    if not any(graph.slots[address].expression is not None for address in choices):
        return
    evaluator, state, inbox = Evaluator(graph, matched), {}, Inbox()
    beats_a_second = max(graph.patch.settings.bpm or moment.bpm, 1e-3) / 60
    seen: set[tuple] = set()
    for step in range(BEATS * STEPS):
        beats = step / STEPS
        then = replace(
            moment,
            frame=moment.frame + step,
            t=moment.t + beats / beats_a_second,
            dt=1 / STEPS / beats_a_second if step else 0.0,
            beat=moment.beat + beats,
            bar=moment.bar + beats / BEATS_PER_BAR,
        )
        values = evaluator.evaluate(then, inbox, state, {})
        key = tuple(values[address] for address in choices)
        if key not in seen:
            seen.add(key)
            yield dict(zip(choices, key))
