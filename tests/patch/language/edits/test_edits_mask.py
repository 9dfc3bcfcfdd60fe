"""The edit `mask`: what it writes, and that nothing else changes."""

from __future__ import annotations

import pytest

from ganzfeld.errors import PatchError
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.edits import splices_of
from ganzfeld.patch.language.parser import parse

TEXT = """\
# é😀 a heading

# the face
face = network("planets", seeds([3]), 0.8)  # é net
face.bend("b32", multiply=0,)  # gone
face.bend("b64", rotate=40, mask=noise(seed=2), name="spin")
face.show("image")
for k in range(2):
    face.bend("b16", blur=0.01*k)  # twice
out(face)
"""
PICTURE = 'brush = image("night.brush.png")\n'


def edited(text: str, **arguments: object) -> str:
    for step in splices_of(text, "mask", arguments):
        for start, end, put in reversed(step):
            text = text[:start] + put + text[end:]
    return text


def given(line: str, mask: str = "brush", file: str = "night.brush.png", text: str = TEXT) -> str:
    return edited(text, node="face", line=line, mask=mask, file=file)


def test_a_line_gets_a_mask_and_its_picture_a_line() -> None:
    with_picture = TEXT.replace("# the face\n", PICTURE + "# the face\n")
    assert given("b32") == with_picture.replace("multiply=0,)", "multiply=0, mask=brush)")
    # What stands there already is used, and a mask takes the place of another.
    text = given("b32")
    assert given("spin", text=text) == text.replace("noise(seed=2)", "brush")
    assert given("b16", text=text) == text.replace("blur=0.01*k)", "blur=0.01*k, mask=brush)")
    assert Graph(parse(given("spin", text=text))).nodes["face"].inputs["spin.mask"] == "brush"


def test_a_mask_goes() -> None:
    assert edited(TEXT, node="face", line="spin") == TEXT.replace(", mask=noise(seed=2)", "")
    assert edited(given("b32"), node="face", line="b32") == given("b32").replace(
        "multiply=0, mask=brush)", "multiply=0)"
    )
    assert edited(TEXT, node="face", line="b32") == TEXT, "there was none"


def test_a_text_from_windows_keeps_its_line_ends() -> None:
    assert given("b32", text=TEXT.replace("\n", "\r\n")) == given("b32").replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"line": "b99"}, "no line 'b99'"),
        ({"line": "show"}, "does not bend"),
        ({"node": "nobody"}, "no node 'nobody'"),
        ({"mask": "face"}, "circle"),
        ({"mask": "nobody", "file": ""}, "no node 'nobody'"),
        ({"mask": "t"}, "a word of the language"),
        ({"mask": "a b"}, "is no name"),
        ({"file": "../x.png"}, "beside the patch"),
        ({"file": 'x") # '}, "beside the patch"),
        ({"file": "x\n.png"}, "beside the patch"),
        ({"other": 1}, "cannot be done"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, object], what: str) -> None:
    with pytest.raises(PatchError, match=what):
        edited(TEXT, **{"node": "face", "line": "b32", "mask": "brush", "file": "night.brush.png", **arguments})
