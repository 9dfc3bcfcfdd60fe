"""Learned controls in the text: in their place, with everything around it as it was."""

from __future__ import annotations

import pytest

from ganzfeld.errors import PatchError
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.editing import numbers, with_control
from ganzfeld.patch.language.parser import parse

TEXT = """\
# organ.ganz
bpm(124)
# the hand
push = knob(-2, 3, osc="/push")   # comment é
é = noise()  # ä

# the face
face = transform(é, x=0.25, rotate=-40,  # turned
                 zoom=2.5)
out(face >> levels(brightness=0.5, hue=push), size=(8, 8))
"""


def changed(before: str, after: str) -> list[str]:
    """The lines of `after` that `before` has not, in order."""
    return [line for line in after.splitlines() if line not in before.splitlines()]


def test_a_knob_gets_its_control_in_place_and_loses_it_again() -> None:
    learned = with_control(TEXT, "/push", "1/74")
    assert changed(TEXT, learned.text) == ['push = knob(-2, 3, osc="/push", midi="1/74")   # comment é']
    assert (learned.address, learned.position) == ("/push", 0.4)
    again = with_control(learned.text, "/push", "16/127").text
    assert changed(TEXT, again) == ['push = knob(-2, 3, osc="/push", midi="16/127")   # comment é']
    assert with_control(again, "/push", None).text == TEXT


@pytest.mark.parametrize(
    ("call", "learned", "without"),
    [
        ("knob()", 'knob(midi="5/6")', "knob()"),
        ("knob(0, 1, 0.5, '1/2')", 'knob(0, 1, 0.5, "5/6")', "knob(0, 1, 0.5)"),
        ("knob(midi='1/3', low=0)", 'knob(midi="5/6", low=0)', "knob(low=0)"),
        ("knob(0, 1,)", 'knob(0, 1, midi="5/6",)', "knob(0, 1,)"),
        ("knob(\n  0, # lów\n  1, # high\n)", 'knob(\n  0, # lów\n  1, midi="5/6", # high\n)',
         "knob(\n  0, # lów\n  1, # high\n)"),
        ("knob(0, osc='/é', high=3)", 'knob(0, osc=\'/é\', high=3, midi="5/6")', "knob(0, osc='/é', high=3)"),
    ],
)  # fmt: skip
def test_calls_of_every_shape(call: str, learned: str, without: str) -> None:
    text = f"p = {call}\nout(noise(tx=p))\n"
    assert with_control(text, "/p", "5/6").text == f"p = {learned}\nout(noise(tx=p))\n"
    assert with_control(text, "/p", None).text == f"p = {without}\nout(noise(tx=p))\n"


@pytest.mark.parametrize(
    ("call", "learned", "without"),
    [
        ("knob(0, 2)", 'knob(0, 2, osc="/fader/1")', "knob(0, 2)"),
        ("knob(midi='1/3', osc='/x')", "knob(midi='1/3', osc=\"/fader/1\")", "knob(midi='1/3')"),
        ("knob(0, 1, 0.5, '1/2', '/x')", "knob(0, 1, 0.5, '1/2', \"/fader/1\")", "knob(0, 1, 0.5, '1/2')"),
    ],
)
def test_an_osc_address_is_written_and_taken_out_as_a_controller_is(call: str, learned: str, without: str) -> None:
    text = f"p = {call}\nout(noise(tx=p))\n"
    assert with_control(text, "/p", "/fader/1", "osc").text == f"p = {learned}\nout(noise(tx=p))\n"
    assert with_control(text, "/p", None, "osc").text == f"p = {without}\nout(noise(tx=p))\n"
    with pytest.raises(PatchError):
        with_control(text, "/p", "/a b*", "osc")
    number = with_control("out(noise(tx=0.5))\n", "/out/image/tx", "/ü", "osc").text
    assert 'image_tx = knob(-4, 4, default=0.5, osc="/ü")' in number


def test_a_number_gets_a_knob_of_its_own_over_its_range() -> None:
    learned = with_control(TEXT, "/face/rotate", "2/1")
    assert changed(TEXT, learned.text) == [
        'face_rotate = knob(-180, 180, default=-40, midi="2/1")',
        "face = transform(é, x=0.25, rotate=face_rotate,  # turned",
    ]
    assert learned.text.splitlines()[4].startswith("face_rotate"), "below the other knobs"
    both = with_control(learned.text, "/out/image/brightness", "2/2", value=4.0).text
    assert 'image_brightness = knob(0, 4, default=4, midi="2/2")' in both
    graph = Graph(parse(both))
    assert graph.slots["/face/rotate"].expression is not None
    assert graph.slots["/face_rotate"].initial == -40


def test_a_first_knob_stands_above_its_statement_and_its_comment() -> None:
    text = "# a file\n\n# the field\nfield = noise(tx=1)\r\n\r\nout(field, size=(8, 8))\n"
    learned = with_control(text, "/field/tx", "1/1").text
    line = 'field_tx = knob(-4, 4, default=1, midi="1/1")\r\n'
    assert learned == "# a file\n\n" + line + text[10:].replace("tx=1", "tx=field_tx")


def test_numbers_in_loops_are_one_place_and_names_are_free() -> None:
    text = (
        "spin_x = 3\na = noise()\nspin = transform(a)\n"
        "for k in range(3):\n    out(transform(spin, x=0.1, y=0.1*k), size=(8, 8))\n"
    )
    found = [number for number in numbers(text) if number.line == 5]
    assert len(found) == 1 and text.splitlines()[4][found[0].column - 1 :].startswith("0.1,")
    learned = with_control(text, found[0].address, "1/1").text
    assert learned.count("image_x") == 2 and learned.index("image_x = knob") < learned.index("for k")
    assert len([slot for slot in Graph(parse(learned)).slots.values() if slot.text == "image_x"]) == 3
    taken = with_control("a_tx = 1\na = noise(tx=2)\nout(a)\n", "/a/tx", "1/1").text
    assert "a_tx2 = knob(" in taken


@pytest.mark.parametrize(
    ("address", "midi"),
    [("/gone", "1/1"), ("/out/image/hue", "1/1"), ("/face/pivot_x", "1/1"), ("/face/edge", "1/1"), ("/face/x", None)],
)
def test_what_cannot_be_learned_is_said(address: str, midi: str | None) -> None:
    with pytest.raises(PatchError):
        with_control(TEXT, address, midi)


def test_a_broken_text_is_not_touched() -> None:
    with pytest.raises(PatchError):
        with_control(TEXT + "out(", "/push", "1/1")
    with pytest.raises(PatchError):
        numbers("out(")


def test_numbers_tells_where_each_stands() -> None:
    lines = TEXT.splitlines()
    found = {n.address: lines[n.line - 1][n.column - 1 : n.column - 1 + n.length] for n in numbers(TEXT)}
    assert found == {"/face/x": "0.25", "/face/rotate": "-40", "/face/zoom": "2.5", "/out/image/brightness": "0.5"}
