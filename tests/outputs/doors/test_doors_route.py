"""What a person writes after --to."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from door_stage import KINDS
from ganzfeld.errors import GanzfeldError, OutputError
from ganzfeld.outputs.doors.route import LONGEST_ROUTE, Route, door_name, parse_route


@pytest.mark.parametrize(
    ("text", "type_", "picture", "options"),
    [
        ("null", "null", "", {}),
        ("null:2", "null", "", {"target": "2"}),
        ("wall=null:DELL U2720", "null", "wall", {"target": "DELL U2720"}),
        ("left wall=shared", "shared", "left wall", {}),
        ("shared:td,rate=30,alpha=opaque", "shared", "", {"target": "td", "rate": 30.0, "alpha": "opaque"}),
        ("null:2[1920,0,1920,1080]", "null", "", {"target": "2", "region": (1920, 0, 1920, 1080)}),
        ("null[0, 0, 4, 4],master=false", "null", "", {"region": (0, 0, 4, 4), "master": False}),
        ('wall=null:"a,b[1].mp4",behave="x,y"', "null", "wall", {"target": "a,b[1].mp4", "behave": "x,y"}),
        (r"null:C:\films\a.mp4", "null", "", {"target": r"C:\films\a.mp4"}),
        (r'null:"C:\films\a,b.mp4"', "null", "", {"target": r"C:\films\a,b.mp4"}),
        ("null,rate=30", "null", "", {"rate": 30.0}),
    ],
)
def test_routes(text, type_, picture, options):
    route = parse_route(text, KINDS)
    assert (route.type, route.picture, dict(route.options)) == (type_, picture, options)
    own = {name: value for name, value in options.items() if name in ("target", "region")}
    assert dict(parse_route(route.to, KINDS).options) == own


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is no door"),
        ("=null", "is no door"),
        ("nul:2", "Did you mean 'null'"),
        ("null:2,colour=3", "no option 'colour'"),
        ("null,rate=fast", "'rate' of a door"),
        ("null,rate=0", "'rate' of a door"),
        ("null,rate=nan", "'rate' of a door"),
        ("null[1,2,3]", "cannot be read"),
        ("null[1,2,3,0]", "'region"),
        ("null[1,2,3,99999999999999999999999]", "'region"),
        ("shared,alpha=half", "'alpha'"),
        ("shared,readers=900", "'readers'"),
        ("null:2 more stuff [1,2,3,4] and", "cannot be read"),
        ("x" * 300 + "=null", "200 bytes"),
        ("null:" + "y" * LONGEST_ROUTE, "is no door"),
        ("null:" + "y" * 1001, "'target'"),
    ],
)
def test_what_makes_no_sense_is_told(text, what):
    with pytest.raises(OutputError) as caught:
        parse_route(text, KINDS)
    assert what in str(caught.value)
    assert len(str(caught.value)) < 600


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_door_or_an_error(text):
    for attempt in (text, f"null:{text}", f"null,behave={text}", f"{text}=null"):
        with contextlib.suppress(GanzfeldError):
            parse_route(attempt, KINDS)


@given(st.text(max_size=30).map(str.strip))
def test_a_target_is_read_as_it_was_written(target):
    route = Route("null", options={"target": target})
    assert parse_route(route.to, KINDS).options.get("target", "") == target


def test_doors_have_names_of_their_own():
    route = Route("window")
    assert door_name(route, set()) == "window"
    assert door_name(route, {"window", "window-2"}) == "window-3"
    assert door_name(replace(route, picture="left wall/"), set()) == "left-wall"
    assert door_name(replace(route, name="black"), set()) == "black-2", "/master/black is for all doors"
    assert door_name(replace(route, name="///"), set()) == "door"
