"""No message from outside makes a frame fail, whatever is in it; what was wrong is told, and the log says it once."""

from __future__ import annotations

import logging
import math

import pytest

from ganzfeld.engine.engine import Engine
from ganzfeld.repeated_log import AGAIN_SECONDS, RepeatedLog
from ganzfeld.signals.osc import OscInput
from ganzfeld.signals.osc_packets import bundle, encode
from ganzfeld.values.arrivals import arrived, is_plain
from ganzfeld.values.outside import Outside
from ganzfeld.values.time import Clock

TEXT = """\
push = knob(-2, 3, midi="1/74", osc="/hand[1]")
drum = env(hit("/drum", s="bd"), 0, 0.5)
field = noise(amplitude=osc("/my fader", 0.5), tx=push, offset=0.1*t + osc("/tx[1]") + audio.level + drum)
out(field, size=(8, 8))
"""
ODD = [math.inf, -math.inf, math.nan, None, b"blob", "text", "", [], [1, [2]], [None], [math.nan], True, 10**400, -1,
       1e300, {"a": 1}, object(), 2**63, "\ud800", "x" * 10000, [[[[]]]], [0] * 5000, 1 + 2j]  # fmt: skip
ADDRESSES = ["/snapshot/recall", "/snapshot/store", "/snapshot/morph", "/snapshot/release", "/snapshot/", "/snapshot",
             "/midi/program/1", "/midi/program/", "/midi/note/1/60", "/midi/note", "/midi/cc/1/74", "/audio/level",
             "/audio/onset", "/drum", "/my fader", "/tx[1]", "/hand[1]", "/push", "/field/tx", "/tempo/bpm",
             "/"]  # fmt: skip


class Show:
    """An engine that plays, and how many of its frames were made anew."""

    def __init__(self) -> None:
        self.engine, self.clock = Engine(device="cpu"), Clock(120.0)
        self.engine.load(TEXT)
        self.frame()
        self.engine.store("one")
        self.engine.set("/push", 1.0)
        self.frame()
        self.engine.store("two")

    def frame(self):
        picture = self.engine.frame(self.clock.advance(1 / 16))["out"].clone()
        assert "frame failed" not in str(self.engine.problems)
        return picture


@pytest.fixture(autouse=True)
def fresh_log(monkeypatch):
    """What other tests have made it say is forgotten."""
    for module in ("engine.engine", "engine.snapshots.snapshots", "signals.osc"):
        fresh = RepeatedLog(logging.getLogger(f"ganzfeld.{module}"))
        monkeypatch.setattr(f"ganzfeld.{module}.said", fresh)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_message_makes_a_frame_fail(address):
    show = Show()
    before = show.frame()
    for value in ODD:
        for arguments in ((value,), (value, value), ("one", value), (value, "one"), ("one", 1, value), ()):
            show.engine.outside.hit(address, *arguments, s=value)
        show.engine.outside.set(address, value)
        show.frame()
    assert not (show.frame() == before).all(), "the picture goes on"
    show.engine.checkpoint()


def test_a_recall_of_nonsense_is_told_and_a_good_one_behind_it_is_done(caplog):
    show = Show()
    for _ in range(50):
        for value in (math.inf, math.nan, [1, 2], "none", b"x", None):
            show.engine.outside.hit("/snapshot/recall", value)
        show.engine.outside.hit("/midi/program/1", "two")
        show.frame()
        assert "needs the name" in str(show.engine.snapshots.problem)
    assert len(caplog.records) <= 3, "each once, not fifty times"
    assert not any(record.exc_info for record in caplog.records)
    show.engine.outside.hit("/snapshot/recall", "one")
    show.frame()
    assert show.engine.values["/push"] == 0.0
    assert show.engine.snapshots.problem is None


def test_snapshots_that_fail_by_themselves_cost_no_frame(monkeypatch, caplog):
    show = Show()

    def fail(*_):
        raise AssertionError

    monkeypatch.setattr("ganzfeld.engine.snapshots.snapshots.mixed", fail)
    show.engine.outside.hit("/snapshot/recall", "one", 1.0)
    for _ in range(20):
        show.frame()
    assert "AssertionError" in str(show.engine.snapshots.problem)
    assert len(caplog.records) == 1


def test_packets_reach_the_show_whatever_else_is_in_them():
    show = Show()
    osc = OscInput(show.engine.outside)
    bad = b"/bad\0\0\0\0,X\0\0"
    osc.feed(bundle([encode("/my fader", 0.25), bad, encode("/tx[1]", 2.0), encode("/hand[1]", 1.5)]), 0.0, 0.0)
    show.frame()
    assert show.engine.values["/field/amplitude"] == 0.25
    assert show.engine.values["/push"] == 1.5
    assert osc.dropped == 1
    assert str(osc.last_dropped) == "/bad: the unknown type 'X'"


def test_stray_addresses_push_out_the_oldest_that_nobody_reads():
    show = Show()
    outside = show.engine.outside
    outside.set("/my fader", 0.25)
    outside.set("/midi/cc/1/20", 1.0)
    for k in range(3 * outside.most_addresses):
        outside.set(f"/stray/{k}", k)
        outside.set("/kept alive", k)
    values = outside.values()
    assert len(values) <= outside.most_addresses
    assert values["/my fader"] == 0.25, "the patch reads it"
    assert values["/midi/cc/1/20"] == 1.0, "what is not OSC goes last"
    assert values["/kept alive"] == k, "it came a moment ago"
    assert values[f"/stray/{k}"] == k
    assert "/stray/0" not in values
    show.frame()
    assert show.engine.values["/field/amplitude"] == 0.25
    flood = Outside()
    for k in range(2 * flood.most_addresses):
        flood.set(f"/midi/{k}", k)
    assert len(flood.values()) <= flood.most_addresses


def test_what_may_come_in():
    for plain in (1, -(2**63) + 1, 0.5, "text", True, [1, [2.0, "x"]], []):
        assert is_plain(plain)
        assert arrived(plain) == plain
    for odd in (math.nan, None, b"", {}, 2**63, "\ud800", "x" * 4097, [[None]], [0] * 1025, [[0] * 600, [0] * 600]):
        assert not is_plain(odd)
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    assert not is_plain(deep)
    assert arrived([1, math.nan, (2, b"")]) == [1, None, [2, None]]


def test_a_log_says_a_thing_once_and_then_how_often(caplog):
    now = [0.0]
    said = RepeatedLog(logging.getLogger("x"), lambda: now[0])
    for _ in range(1000):
        try:
            raise ValueError("why")
        except ValueError:
            said.exception("it failed")
        said.warning("another")
    assert [record.message for record in caplog.records] == ["it failed", "another"]
    now[0] = AGAIN_SECONDS
    said.warning("another")
    assert caplog.records[-1].message == "another (1000 times more)"
    for k in range(1000):
        said.warning(f"{k}")
    assert len(caplog.records) < 25
    now[0] *= 2
    said.warning("more")
    assert [record.message for record in caplog.records[-2:]] == [
        "981 other messages of this kind were left out",
        "more",
    ]
