"""Edits by a hand: what they mean comes out, and everything else of the text stays as it was written."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganzfeld.errors import PatchError
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.edits import edits, splices_of
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.places import is_named
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.nodes import node_types

EXAMPLES = sorted((Path(__file__).parents[4] / "examples").glob("*.ganz"))
TEXT = """\
# head é😀
src = noise("simplex2d", tx=t)   # lat
face = network("planets", src, 0.8)  # é net
face.bend("b8", rotate=3, name="x")  # bent

# flipped
target = flip(face, y=True,)  # turned
noise() >> levels(brightness=0.5) >> out(name="b")
out(  # o
  target,  # what
  size=(32, 32)
)
"""


def edited(text: str, do: str, /, **arguments: object) -> str:
    for step in splices_of(text, do, arguments):
        for start, end, put in reversed(step):
            text = text[:start] + put + text[end:]
    return text


def changed(do: str, /, **arguments: object) -> tuple[list[str], list[str]]:
    """The lines that went, and those that came."""
    before, after = TEXT.splitlines(), edited(TEXT, do, **arguments).splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


@pytest.mark.parametrize(
    ("do", "arguments", "went", "came"),
    [
        ("add", {"type": "levels", "of": "face"}, [], ["levels1 = levels(face)"]),
        ("add", {"type": "levels", "of": "face", "name": "bright", "reader": "target", "input": "image"},
         ["target = flip(face, y=True,)  # turned"],
         ["bright = levels(face)", "target = flip(bright, y=True,)  # turned"]),
        ("add", {"type": "mix"}, [], ["mix1 = mix(target, b=face)"]),
        ("add", {"type": "network"}, [], ['network1 = network("planets", latent=src)']),
        ("add", {"type": "movie", "file": "a.mp4"}, [], ['movie1 = movie("a.mp4")']),
        ("add", {"type": "out", "of": "b/image", "name": "wall"},
         ['noise() >> levels(brightness=0.5) >> out(name="b")'],
         ["levels1 = noise() >> levels(brightness=0.5)", 'out(levels1, name="wall")', 'levels1 >> out(name="b")']),
        ("connect", {"node": "out", "input": "image", "source": "face"},
         ["  target,  # what"], ["  face,  # what"]),
        ("connect", {"node": "b", "input": "image", "source": "face"},
         ['noise() >> levels(brightness=0.5) >> out(name="b")'],
         ["levels1 = noise() >> levels(brightness=0.5)", 'face >> out(name="b")']),
        ("disconnect", {"node": "face", "input": "latent"},
         ['face = network("planets", src, 0.8)  # é net'], ['face = network("planets", psi=0.8)  # é net']),
        ("delete", {"node": "target"},
         ["target = flip(face, y=True,)  # turned", "  target,  # what"], ["  face,  # what"]),
        ("delete", {"node": "b/image"},
         ['noise() >> levels(brightness=0.5) >> out(name="b")'], ['noise() >> out(name="b")']),
        ("delete", {"node": "b"}, ['noise() >> levels(brightness=0.5) >> out(name="b")'], []),
        ("rename", {"node": "target", "name": "turned"},
         ["target = flip(face, y=True,)  # turned", "  target,  # what"],
         ["turned = flip(face, y=True,)  # turned", "  turned,  # what"]),
        ("rename", {"node": "out", "name": "wall"}, ["  size=(32, 32)"], ['  size=(32, 32), name="wall"']),
        ("rename", {"node": "b/image/image", "name": "fog"},
         ['noise() >> levels(brightness=0.5) >> out(name="b")'],
         ["fog = noise()", 'fog >> levels(brightness=0.5) >> out(name="b")']),
        ("bypass", {"node": "target"},
         ["target = flip(face, y=True,)  # turned"], ["target = flip(face, y=True, bypass=True)  # turned"]),
        ("solo", {"node": "src"},
         ['src = noise("simplex2d", tx=t)   # lat'], ['src = noise("simplex2d", tx=t, solo=True)   # lat']),
        ("set", {"node": "face", "parameter": "psi", "text": "0.5 + 0.1*sin(t)"},
         ['face = network("planets", src, 0.8)  # é net'],
         ['face = network("planets", src, 0.5 + 0.1*sin(t))  # é net']),
        ("set", {"node": "face", "parameter": "psi"},
         ['face = network("planets", src, 0.8)  # é net'], ['face = network("planets", src)  # é net']),
        ("knob", {"node": "face", "line": "x", "parameter": "rotate", "value": 3},
         ['face.bend("b8", rotate=3, name="x")  # bent'],
         ["x_rotate1 = knob(-180, 180, default=3)", 'face.bend("b8", rotate=x_rotate1, name="x")  # bent']),
        ("set", {"node": "face", "line": "x", "parameter": "seed", "text": "3"},
         ['face.bend("b8", rotate=3, name="x")  # bent'], ['face.bend("b8", rotate=3, name="x", seed=3)  # bent']),
    ],
)  # fmt: skip
def test_an_edit_changes_its_lines_and_no_other(do: str, arguments: dict, went: list[str], came: list[str]) -> None:
    assert changed(do, **arguments) == (went, came)


@pytest.mark.parametrize(
    ("do", "arguments", "word"),
    [
        ("fold", {}, "no edit"),
        ("add", {"type": "levles"}, "no node 'levles'"),
        ("add", {"type": "levels", "color": "red"}, "unknown field"),
        ("connect", {"node": "face", "input": "latent", "source": "target"}, "reads a latent"),
        ("connect", {"node": "target", "input": "image", "source": "target"}, "feed each other"),
        ("disconnect", {"node": "target", "input": "image"}, "needs its input"),
        ("delete", {"node": "face"}, "target reads face"),
        ("rename", {"node": "face", "name": "src"}, "taken"),
        ("rename", {"node": "face", "name": "noise"}, "word of the language"),
        ("rename", {"node": "face", "name": "a b"}, "no name"),
        ("bypass", {"node": "face"}, "cannot be bypassed"),
        ("solo", {"node": "nobody"}, "no node 'nobody'"),
        ("set", {"node": "face", "parameter": "cutof", "text": "1"}, "no 'cutof'"),
        ("set", {"node": "face", "parameter": "psi", "text": "1) or (2"}, "no expression"),
        ("set", {"node": "face", "parameter": "psi", "text": "nothing_of_this"}, "would not play"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(do: str, arguments: dict, word: str) -> None:
    with pytest.raises(PatchError, match=word):
        splices_of(TEXT, do, arguments)


def test_a_bypass_is_taken_back_and_a_solo_moves_on() -> None:
    text = TEXT.replace("y=True,)", "y=True)")
    assert edited(edited(text, "bypass", node="target"), "bypass", node="target", on=False) == text
    text = edited(edited(text, "solo", node="src"), "solo", node="face")
    assert [node.name for node in parse(text).nodes.values() if node.solo] == ["face"]


def test_the_only_output_and_a_node_that_others_speak_of_stay() -> None:
    with pytest.raises(PatchError, match="only output"):
        splices_of("out(noise())", "delete", {"node": "out"})
    with pytest.raises(PatchError, match="would not play"):
        splices_of("a = flip(noise())\nb = levels(a, hue=a.x)\nout(b)", "delete", {"node": "a"})


def test_a_knob_that_nobody_follows_is_deleted() -> None:
    text = edited("# all\nout(noise())\n", "knob", name="push")
    assert text == "# all\npush = knob(0, 1)\nout(noise())\n"
    assert edited(text, "delete", node="push") == "# all\nout(noise())\n"
    with pytest.raises(PatchError, match="would not play"):
        splices_of(text.replace("noise()", "noise(tx=push)"), "delete", {"node": "push"})


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a = noise(); b = flip(a); out(b)\n", "a = noise(); out(a)\n"),
        ("a = noise(); b = flip(a)\nout(b)", "a = noise()\nout(a)"),
        ("a = noise()\nout(b)\nb = flip(a)", "a = noise()\nout(a)"),
        ("a = noise()\nb = flip((a))  # c\r\nout((b))\r\n", "a = noise()\nout((a))\r\n"),
    ],
)
def test_statements_on_one_line_and_brackets(text: str, after: str) -> None:
    assert edited(text, "delete", node="b") == after


def test_a_loop_without_lines_goes_too() -> None:
    text = 'a = network()\nfor k in (4, 8):\n    a.bend(f"b{k}", rotate=k)\nout(noise())\nout(a)\n'
    assert edited(edited(text, "delete", node="out2"), "delete", node="a") == "out(noise())\n"


# Every edit of every example


def _asked(text: str) -> list[tuple[str, dict]]:
    """All that may be asked of the nodes of a patch, sensible or not."""
    patch = parse(text)
    names = list(patch.nodes)
    asked: list[tuple[str, dict]] = [("add", {"type": word, "of": of}) for word in node_types() for of in ("", *names)]
    for name, node in patch.nodes.items():
        asked += [(do, {"node": name}) for do in ("delete", "bypass", "solo")]
        asked += [("rename", {"node": name, "name": "renamed"})]
        asked += [("connect", {"node": name, "input": given, "source": other})
                  for given in node.inputs for other in names]  # fmt: skip
        asked += [("disconnect", {"node": name, "input": given}) for given in node.inputs]
        asked += [("add", {"type": "levels", "of": source, "reader": name, "input": given})
                  for given, source in node.inputs.items()]  # fmt: skip
        for line, terms in [("", node.arguments), *((line.name, line.arguments) for line in node.methods)]:
            asked += [("set", {"node": name, "line": line, "parameter": key, "text": text})
                      for key in terms for text in ("", "0.25", "2*sin(t)")]  # fmt: skip
    return asked


ASKED = [(file, text, asked) for file in EXAMPLES for text in [file.read_text("utf-8")] for asked in _asked(text)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(ASKED), st.sampled_from(["\n", "\r\n"]))
def test_edits_of_examples_leave_comments_alone_and_a_patch_behind(asked: tuple, end: str) -> None:
    _, text, (do, arguments) = asked
    text = text.replace("\n", end)
    try:
        steps = splices_of(text, do, arguments)
    except PatchError:
        return
    after = text
    for step in steps:
        assert all(0 <= start <= stop <= len(after) for start, stop, _ in step)
        assert all(one.end <= two.start for one, two in pairwise(step))
        for start, stop, put in reversed(step):
            after = after[:start] + put + after[stop:]
    Graph(parse(after))
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in after.splitlines() if line.lstrip().startswith("#")] == comments
    assert after.count("\r\n") == after.count("\n") or end == "\n"


def test_every_edit_is_found_with_its_words() -> None:
    assert {"add", "connect", "disconnect", "delete", "rename", "bypass", "solo", "set"} <= set(edits())
    assert all(cls.__doc__ for cls in edits().values())


def test_named_nodes_are_told_from_those_in_place() -> None:
    text = EditedText(TEXT)
    assert [name for name in text.patch.nodes if is_named(text, name)] == ["src", "face", "target"]
