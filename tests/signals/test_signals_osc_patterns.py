"""Address patterns of OSC 1.0: what they stand for, and what no pattern may cost."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.signals.osc import OscInput
from ganzfeld.signals.osc_packets import encode
from ganzfeld.signals.osc_patterns import MOST_MATCHES, PatternError, is_pattern, matching
from ganzfeld.values.outside import Outside

KNOWN = ["/face/psi", "/face/show/gain", "/face/b4", "/face/b8", "/face/b16", "/push", "/pull", "/a-b", "/x[1]", "/é"]
NONE = ["/[", "/{push,face/psi}", "/{a", "/a}", "/[z-a]", "/[]", "/{a,b}" * 20, "/x" * 200 + "*"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("/face/*", ["/face/psi", "/face/b4", "/face/b8", "/face/b16"]),
        ("/*", ["/push", "/pull", "/a-b", "/x[1]", "/\u00e9"]),
        ("/*/*", ["/face/psi", "/face/b4", "/face/b8", "/face/b16"]),
        ("/*/*/*", ["/face/show/gain"]),
        ("/face/b?", ["/face/b4", "/face/b8"]),
        ("/face/b[0-9]", ["/face/b4", "/face/b8"]),
        ("/face/b[!4]", ["/face/b8"]),
        ("/face/b[0-9]*", ["/face/b4", "/face/b8", "/face/b16"]),
        ("/face/{psi,b16}", ["/face/psi", "/face/b16"]),
        ("/pu{sh,ll}", ["/push", "/pull"]),
        ("/*s*", ["/push"]),
        ("/*u*l", ["/pull"]),
        ("/*{u,ul}l*", ["/pull"]),
        ("/a[-x]b", ["/a-b"]),
        ("/a[b-]b", ["/a-b"]),
        ("/?", ["/\u00e9"]),
        ("/pu.*", []),
        ("//push", []),
        ("/push*x", []),
        ("/**sh", ["/push"]),
    ],
)
def test_what_a_pattern_stands_for(pattern, found):
    assert is_pattern(pattern) or pattern in ("//push",)
    assert matching(pattern, KNOWN) == sorted(found)


@pytest.mark.parametrize("pattern", NONE)
def test_what_is_none(pattern):
    with pytest.raises(PatternError):
        matching(pattern, KNOWN)


@settings(max_examples=200, deadline=None)
@given(st.text("/ab*?[]{},!-\\^&~|.", max_size=60))
def test_no_pattern_raises_anything_else(text):
    with contextlib.suppress(PatternError):
        assert set(matching("/" + text, KNOWN)) <= set(KNOWN)


def test_many_stars_take_no_longer_than_few():
    """What goes back for each star would take longer than anybody lives."""
    assert matching("/" + "*a" * 60 + "b", ["/" + "a" * 254] * 20) == []


def test_no_message_reaches_everybody():
    assert len(matching("/*", [f"/{number}" for number in range(5000)])) == MOST_MATCHES


@pytest.fixture
def osc():
    turned: list = []
    known = frozenset({"/face/psi", "/face/b4", "/kick", "/x[1]"})

    def turn(address, value):
        if address.startswith("/face"):
            turned.append((address, value))
        return address.startswith("/face")

    given = OscInput(Outside(), turn, known=lambda: known)
    given.turned = turned
    return given


def test_a_message_reaches_what_its_pattern_stands_for(osc):
    osc.feed(encode("/face/*", 0.5), 0.0, 0.0)
    assert osc.turned == [("/face/b4", 0.5), ("/face/psi", 0.5)]
    osc.outside.take()
    osc.feed(encode("/{kick,snare}"), 0.0, 0.0)
    osc.feed(encode("/kic?", 3), 0.0, 0.0)
    inbox = osc.outside.take()
    assert [hit.address for hit in inbox.hits] == ["/kick", "/kick"] and inbox.value("/kick", 0) == 3
    assert osc.dropped == 0


def test_a_pattern_for_nobody_is_dropped_and_brackets_may_be_meant(osc):
    osc.feed(encode("/nobody/*", 0.5), 0.0, 0.0)
    assert osc.dropped == 1 and "no address here" in osc.last_dropped.reason
    osc.feed(encode("/x[1]", 2), 0.0, 0.0)
    osc.feed(encode("/y[2]", 4), 0.0, 0.0)
    osc.feed(encode("/y[2", 5), 0.0, 0.0)
    inbox = osc.outside.take()
    assert [inbox.value(address, 0) for address in ("/x[1]", "/y[2]", "/y[2")] == [2, 4, 5]
    OscInput(Outside()).feed(encode("/face/*", 0.5), 0.0, 0.0)
