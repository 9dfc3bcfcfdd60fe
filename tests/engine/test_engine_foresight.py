"""Variants that a patch will show soon are ready before."""

from __future__ import annotations

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.foresight import foreseen
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.values.time import Clock
from graphs_on_host import GraphsOnHost

TEXT = """bpm(120)
one = noise("simplex2d", tx=t)
two = mix(one, flip(one), amount=0.5, mode=seq("mix screen multiply", beats=6), fit=seq("fill stretch", beats=4))
out(two, size=(16, 16))
"""


def programs(text: str, beats: int) -> tuple[int, int]:
    """How many variants there are when the patch begins to play, and after so many beats."""
    engine = Engine(device="cpu", graphs=GraphsOnHost())
    engine.load(text)
    clock = Clock(120)
    built = engine._playing.built
    ready = len(built._programs)
    for _ in range(beats * 4):
        engine.frame(clock.advance(1 / 8))
    return ready, len(built._programs)


def test_what_the_beat_brings_together_is_ready():
    ready, later = programs(TEXT, 24)
    assert ready == later == 6  # each alone would be four


def test_a_patch_whose_choices_stay_has_one_variant():
    assert programs(TEXT.replace('seq("mix screen multiply", beats=6)', '"mix"').replace(
        'seq("fill stretch", beats=4)', '"fill"'), 8) == (1, 1)  # fmt: skip


def test_choices_come_in_the_order_of_time_and_each_once():
    graph = Graph(parse(TEXT))
    moment = Clock(120).advance(0)
    choices = [address for address, slot in graph.slots.items() if slot.kind == "choice"]
    soon = [(way["/two/mode"], way["/two/fit"]) for way in foreseen(graph, {}, choices, moment)]
    assert soon[:4] == [("mix", "fill"), ("screen", "stretch"), ("multiply", "fill"), ("mix", "stretch")]
    assert len(soon) == len(set(soon)) == 6
