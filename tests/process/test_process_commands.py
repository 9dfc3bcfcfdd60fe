"""What a fader's messages become on their way to the render process: one of them, the newest."""

from __future__ import annotations

import pytest

from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.process.commands import ShowCommands
from ganzfeld.process.messages import ArrangeSnapshots, OutsideHit, SetOutside, SetParameter
from ganzfeld.process.render import addresses_of
from ganzfeld.signals.osc import OscInput
from ganzfeld.signals.osc_packets import encode


class Waiting(ShowCommands):
    """Keeps what waits to be sent, as the pipe would."""

    addresses = frozenset({"/push"})
    counted: frozenset[str] | None = frozenset({"/drum", "/push"})

    def __init__(self):
        self.waiting: dict[object, object] = {}

    def _give(self, message, *, key=None):
        self.waiting.pop(key, None)
        self.waiting[object() if key is None else key] = message


@pytest.fixture
def show():
    return Waiting()


@pytest.fixture
def move(show):
    """Moves a fader: a hundred messages to an address."""
    osc = OscInput(show, show.turn)

    def send(address: str) -> list:
        for step in range(100):
            osc.feed(encode(address, step), 0.0, 0.0)
        return list(show.waiting.values())

    return send


def test_a_fader_is_one_message(show, move):
    show.counted = frozenset()
    assert move("/push") == [SetParameter("/push", 99)]
    assert move("/fader") == [SetParameter("/push", 99), SetOutside("/fader", 99)]


@pytest.mark.parametrize("address", ["/drum", "/push", "/midi/note/1/60"])
def test_hits_are_counted_where_somebody_counts_them(move, address):
    given = move(address)
    assert len(given) == 101 and sum(isinstance(message, OutsideHit) for message in given) == 100


def test_hits_are_counted_as_long_as_nobody_knows_better(show, move):
    show.counted = None
    assert len(move("/fader")) == 101


def test_a_patch_counts_the_hits_that_its_expressions_name():
    text = """
kick = env(hit("/drum/kick", s="bd"), 0, 0.4)
a = noise(amplitude=osc("/fader"), offset=count(hit("/pad")))
b = flip(a, x=toggle(hit("/pad")))
out(b)
"""
    assert set(addresses_of(Graph(parse(text))).hits) == {"/drum/kick", "/pad"}


def test_a_message_without_a_value_is_a_hit(show):
    osc = OscInput(show, show.turn)
    for _ in range(3):
        osc.feed(encode("/go"), 0.0, 0.0)
    assert list(show.waiting.values()) == 3 * [OutsideHit("/go")]


def test_of_places_on_the_pad_the_newest_is_enough(show):
    for step in range(10):
        show.hit("/snapshot/morph", step / 10, 0.5)
    show.hit("/snapshot/recall", "dawn")
    assert list(show.waiting.values()) == [
        OutsideHit("/snapshot/morph", (0.9, 0.5)),
        OutsideHit("/snapshot/recall", ("dawn",)),
    ]


@pytest.mark.parametrize("what", ["place", "fade", "rename", "undelete"])
def test_snapshots_are_arranged_without_a_word(show, what):
    show.arrange(what)
    assert list(show.waiting.values()) == [ArrangeSnapshots(what, ())], "who holds the bank refuses it"
