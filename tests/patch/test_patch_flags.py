"""What is switched off stays in the text and in the patch, and does not play."""

from __future__ import annotations

import pytest

from ganzfeld import Player
from ganzfeld.errors import PatchError
from ganzfeld.patch.flags import LINE_FLAGS, NODE_FLAGS, as_played, passing_input
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.models import Patch
from ganzfeld.patch.nodes import node_types


def inputs(text: str) -> dict[str, dict[str, str]]:
    return {name: node.inputs for name, node in Graph(parse(text)).nodes.items() if node.inputs}


def test_a_bypassed_node_is_read_through() -> None:
    text = "a = noise()\nb = flip(a, bypass=True)\nd = levels(b, bypass=True)\nout(d)\nout(b >> flip(y=True))"
    assert inputs(text)["out"] == {"image": "a"} and inputs(text)["out2/image"] == {"image": "a"}
    assert inputs(text.replace("=True)\nd", "=False)\nd"))["out"] == {"image": "b"}
    patch = parse(text)
    assert patch.nodes["out"].inputs == {"image": "d"} and patch.nodes["b"].bypass  # the patch says what the text does
    assert as_played(Patch.from_json(patch.to_json())) == as_played(patch)
    assert as_played(parse("a = noise()\nout(a)")).nodes["out"].inputs == {"image": "a"}


def test_outputs_show_what_is_solo() -> None:
    text = "a = noise()\nb = flip(a, solo=True)\nd = levels(b)\nout(d)\nout(a)"
    assert [inputs(text)[name]["image"] for name in ("out", "out2")] == ["b", "b"]
    assert inputs(text)["d"] == {"image": "b"}
    assert inputs(text.replace("solo=True", "solo=True, bypass=True"))["out"] == {"image": "a"}


def test_a_muted_line_is_as_if_it_were_not_there_and_a_solo_line_alone() -> None:
    text = """\
a = network("planets")
a.bend("b8", rotate=3)
a.bend("b16", rotate=3, mute=True, name="spin")
a.bend("b32", rotate=3)
a.style(noise(), "b32", name="s", mute=True)
out(a)
"""

    def lines(text: str) -> list[str]:
        return [line.name for line in Graph(parse(text)).nodes["a"].model.methods]

    assert lines(text) == ["b8", "b32"] and "s.latent" not in Graph(parse(text)).nodes["a"].inputs
    assert lines(text.replace("mute=True", "solo=True")) == ["spin", "s"]
    assert lines(text.replace('"b8", rotate=3', '"b8", rotate=3, solo=True')) == ["b8"]
    with pytest.raises(PatchError, match="spin"):
        Graph(parse(text + "x = noise(tx=a.spin.rotate)"))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a = network(bypass=True)\nout(a)", "cannot be bypassed"),
        ("a = noise(solo=True)\nb = flip(a, solo=True)\nout(b)", "both solo"),
        ("a = seeds(solo=True)\nout(network(latent=a))", "makes no picture"),
        ("out(noise(), solo=True)", "no 'solo'"),
        ("out(flip(noise(), bypass=2))", "True or False"),
        ("a = flip(b, bypass=True)\nb = flip(a, bypass=True)\nout(a)", "circle"),
    ],
)
def test_what_cannot_be_switched_off_says_so(text: str, word: str) -> None:
    with pytest.raises(PatchError, match=word):
        Graph(parse(text))


def test_no_node_has_a_parameter_of_such_a_name() -> None:
    for cls in node_types().values():
        assert not NODE_FLAGS.keys() & cls.declared.keys()
        assert all(not LINE_FLAGS.keys() & method.declared.keys() for method in cls.methods)
    assert [word for word, cls in node_types().items() if passing_input(cls)] == [
        "feedback", "flip", "key", "levels", "mix", "script", "transform", "upscale"
    ]  # fmt: skip


def test_frames_are_those_of_the_text_without_it() -> None:
    def frame(text: str) -> bytes:
        player = Player(parse(f"a = noise(tx=t)\nb = {text}\nout(b, size=(24, 16))"), device="cpu")
        return next(iter(player.frames(seconds=1, fps=1))).image.numpy().tobytes()

    plain = frame("levels(a, brightness=0.5)")
    assert frame("levels(flip(a, x=True, bypass=True), brightness=0.5)") == plain
    assert frame("levels(flip(a, x=True), brightness=0.5)") != plain
    assert frame("flip(levels(a, brightness=0.5, solo=True), x=True)") == plain
