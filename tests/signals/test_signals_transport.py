"""The show's clock over OSC, by the port and by packets that come another way."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

from ganzfeld.errors import SignalError
from ganzfeld.signals.osc_packets import encode
from ganzfeld.signals.signals import Signals, Wanted
from ganzfeld.signals.transport import turned
from ganzfeld.values.outside import Outside


class Clocked:
    """A show with a clock."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Any]] = []

    def pause(self, paused: bool = True) -> None:
        self.done.append(("pause", paused))

    def speed(self, speed: float) -> None:
        self.done.append(("speed", speed))

    def seek(self, t: float) -> None:
        self.done.append(("seek", t))


def test_numbers_are_taken_within_limits():
    show = Clocked()
    for word, value in (("pause", 1), ("pause", False), ("speed", 1e9), ("speed", -1), ("seek", 12), ("seek", -5.0)):
        assert turned(show, f"/transport/{word}", value)
    pauses = [("pause", True), ("pause", False)]
    assert show.done == [*pauses, ("speed", 100.0), ("speed", 0.0), ("seek", 12.0), ("seek", 0.0)]


@pytest.mark.parametrize("value", ["much", None, [1], math.nan, math.inf])
def test_what_is_no_number_is_refused(value):
    show = Clocked()
    with pytest.raises(SignalError, match="/transport/speed takes a number"):
        turned(show, "/transport/speed", value)
    assert show.done == []


def test_other_addresses_are_the_patchs_own():
    assert not turned(Clocked(), "/transport/colour", 1)
    assert not turned(Clocked(), "/pause", 1)


def test_packets_that_come_another_way_are_heard_as_those_of_the_port():
    show, outside, faced = Clocked(), Outside(), []

    def turn(address: str, value: Any) -> bool:
        return address == "/face/psi" and (faced.append(value) or True)

    with Signals(outside, Wanted(), turn=turn, transport=show, known=lambda: frozenset({"/face/psi"})) as signals:
        packets = signals.packets()
        for packet in (
            encode("/transport/pause", True),
            encode("/face/*", 0.5),
            encode("/drum/kick"),
            encode("/x", 2),
        ):
            packets.feed(packet, time.monotonic(), time.time())
            packets.release(time.monotonic())
    assert show.done == [("pause", True)] and faced == [0.5]
    inbox = outside.take()
    assert inbox.values == {"/x": 2} and "/drum/kick" in {hit.address for hit in inbox.hits}
