"""Which display a person means; what a display calls itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_desktop import DELL, EPSON, LAPTOP
from ganzfeld.outputs.doors.base import FinalDoorError
from ganzfeld.outputs.doors.window.displays import chosen_display, missing_words
from ganzfeld.outputs.doors.window.edid import HEADER, display_name

ALL = [LAPTOP, DELL, EPSON]


@pytest.mark.parametrize(
    ("target", "display"),
    [
        ("2", DELL),
        ("DELL U2415", DELL),
        ("dell", DELL),
        ("hdmi-1", DELL),
        ("epson", EPSON),
        (" 3 ", EPSON),
        ("4", None),
        ("0", None),
        ("2415", None),
        ("BenQ", None),
    ],
)
def test_a_display_is_meant_by_number_name_or_a_part_of_it(target, display):
    assert chosen_display(target, ALL) == display


def test_where_it_is_not_clear_which_one_is_meant_a_person_decides():
    twin = replace(DELL, number=3, connector="HDMI-2")
    for target, displays in (("DELL", [LAPTOP, DELL, twin]), ("", ALL)):
        with pytest.raises(FinalDoorError) as caught:
            chosen_display(target, displays)
        assert "window:2 (DELL U2415 (HDMI-1))" in caught.value.hint
    assert chosen_display("HDMI-2", [LAPTOP, DELL, twin]) == twin
    assert chosen_display("", [LAPTOP]) == LAPTOP
    assert chosen_display("", []) is None


def test_a_number_sticks_to_its_display_when_the_others_move_up():
    moved = replace(EPSON, number=2)
    assert chosen_display("2", [LAPTOP, moved], known=DELL) is None
    assert chosen_display("3", [LAPTOP, moved], known=EPSON) == moved
    assert chosen_display("2", [LAPTOP, DELL, EPSON], known=DELL) == DELL
    assert chosen_display("", [EPSON], known=LAPTOP) is None


def test_a_name_finds_its_display_at_another_socket():
    elsewhere = replace(DELL, connector="DP-3")
    assert chosen_display("DELL", [LAPTOP, elsewhere], known=DELL) == elsewhere


def test_what_is_waited_for_says_what_there_is():
    assert missing_words("BenQ", [LAPTOP]) == "the display 'BenQ' (there is 1: Built-in (eDP-1))"
    assert missing_words("", []) == "a display (there is none)"


def edid(*descriptors: bytes) -> bytes:
    block = bytearray(128)
    block[:8] = HEADER
    for place, descriptor in zip((54, 72, 90, 108), descriptors):
        block[place : place + len(descriptor)] = descriptor
    return bytes(block)


def test_the_name_in_an_edid():
    serial, name = b"\0\0\0\xff\0CFV9N9940PWL\n", b"\0\0\0\xfc\0DELL U2415\n  "
    assert display_name(edid(b"\x28\x3c\x80", serial, name)) == "DELL U2415"
    assert display_name(edid(serial)) == ""
    assert display_name(edid(b"\0\0\0\xfc\0\x1b[2J" + b"x" * 9)) == "[2Jxxxxxxxxx"
    assert display_name(edid(name)[:127]) == ""
    assert display_name(b"\1" + edid(name)[1:]) == ""


@given(st.binary(max_size=300))
def test_whatever_a_display_says_is_a_short_text(data):
    assert len(display_name(data)) <= 13
    assert len(display_name(HEADER + data)) <= 13
