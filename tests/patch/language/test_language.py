"""The language: what is read, and what each mistake is answered with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganzfeld.errors import PatchError
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.models import Patch, Settings

ORGAN = """\
# organ.ganz
bpm(124)
swap("bar", fade=2)                                   # edits land on the bar and cross-fade
push  = knob(-2, 3, midi="1/74", osc="/push")
kick  = env(hit("/drum/kick"), 0, 0.4)
drift = phase(0.1)

source = noise("simplex2d", amplitude=0.9, tx=drift)
face   = network("planets", latent=source, psi=0.8 + 0.1*kick)
face.show(seq("image b8 b16 b32", beats=4))
target = flip(face, y=True)
out(target, size=(1920, 1080), fps=60)
"""


def test_reads_the_organ_of_the_design() -> None:
    patch = parse(ORGAN, "organ.ganz")
    assert patch.settings == Settings(bpm=124, swap="bar", fade=2)
    push = patch.knobs["push"]
    assert (push.low, push.high, push.default, push.midi, push.osc) == (-2, 3, 0, "1/74", "/push")
    assert list(patch.signals) == ["kick", "drift"]
    assert [(node.name, node.type) for node in patch.nodes.values()] == [
        ("source", "noise"), ("face", "network"), ("target", "flip"), ("out", "out")
    ]  # fmt: skip
    assert patch.nodes["face"].inputs == {"latent": "source"}
    psi = patch.nodes["face"].arguments["psi"]
    assert psi.text == "0.8 + 0.1*kick"
    lines = ORGAN.splitlines()
    assert lines[psi.span.line - 1][psi.span.column - 1 : psi.span.end_column - 1] == psi.text
    assert patch.nodes["face"].methods[0].name == "show"


def test_where_silence_lies() -> None:
    text = "audio(floor=-42.5)\nbpm(90)\nout(noise(tx=audio.level))\n"
    assert parse(text).settings.floor == -42.5
    assert parse(text.replace("audio(floor=-42.5)", "")).settings.floor is None
    assert Graph(parse(text)).structure == Graph(parse(text.replace("42.5", "30"))).structure, "nothing is built for it"


@pytest.mark.parametrize(
    ("written", "word"),
    [("[3, 17]", "only"), ("(3,)", "only"), ('"0-15"', "only"), ("0.3", "channels"), ("[1, 2][0]", "channels")],
)
def test_channels_are_a_share_or_a_list(written: str, word: str) -> None:
    patch = parse(f'face = network("planets")\nface.bend("b8", multiply=0, channels={written})')
    arguments = patch.nodes["face"].methods[0].arguments
    assert list(arguments) == ["target", "multiply", word] and arguments[word].text == written
    with pytest.raises(PatchError, match="say the same"):
        parse('face = network("planets")\nface.bend("b8", channels=[3], only=[4])')
    parse('face = network("planets")\nface.bend("b8", channels=0.3, only=[4])')


@pytest.mark.parametrize(
    ("text", "bpm", "follow"),
    [
        ("", 120, None),
        ("bpm(124)", 124, None),
        ("bpm('midi')", None, "midi"),
        ("bpm(90, 'tap')", 90, "tap"),
        ("bpm(follow='link', bpm=90)", 90, "link"),
    ],
)
def test_the_tempo_is_a_number_or_what_it_follows(text, bpm, follow) -> None:
    settings = parse(text).settings
    assert (settings.bpm, settings.follow) == (bpm, follow)


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_only_ends_of_lines_end_lines(character: str) -> None:
    patch = parse(f"# what some{character}call an end of a line\r\nx = 1\rsource = noise(amplitude=x)\nout(source)")
    assert patch.signals["x"].term.text == "1"
    amplitude = patch.nodes["source"].arguments["amplitude"]
    assert (amplitude.text, amplitude.span.line, amplitude.span.column) == ("x", 3, 26)


def test_a_patch_survives_json() -> None:
    patch = parse(ORGAN, "organ.ganz")
    assert Patch.from_json(patch.to_json()) == patch


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("a = noise()\na >> out()", {"out": "a"}),
        ("noise() >> flip(True) >> out()", {"out": "out/image", "out/image": "out/image/image"}),
        ("b = noise() >> flip(y=True)\nout(b)", {"out": "b", "b": "b/image"}),
        ("out(flip(noise()))", {"out": "out/image", "out/image": "out/image/image"}),
    ],
)
def test_chains_and_nesting_make_the_same_graph(text: str, chain: dict[str, str]) -> None:
    nodes = parse(text).nodes
    assert {name: node.inputs["image"] for name, node in nodes.items() if node.inputs} == chain


def test_positional_arguments_follow_a_fed_input() -> None:
    nodes = parse("noise() >> flip(True) >> out()").nodes
    assert nodes["out/image"].arguments["x"].text == "True"


def test_loops_are_unrolled_with_their_variable() -> None:
    text = (
        "a = noise()\nfor k, word in [(1, 'x'), (2, 'y')]:\n    for j in range(2):\n        out(a, name=f'{word}{j}')"
    )
    assert list(parse(text).nodes) == ["a", "x0", "x1", "y0", "y1"]


def test_several_outputs_get_names() -> None:
    assert list(parse("a = noise()\nout(a)\nout(a)\nout(a, name='wall')").nodes) == ["a", "out", "out2", "wall"]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a = noise(\n", 1, 10, "never closed"),
        ("import os", 1, 1, "script node"),
        ("def f(): pass", 1, 1, "'def'"),
        ("x = 1\nif x: pass", 2, 1, "'if'"),
        ("a = noize()", 1, 5, "'noise'"),
        ("a = noise(amplitud=1)", 1, 11, "'amplitude'"),
        ("a = noise()\na.shwo()", 2, 1, "no method"),
        ("f = network()\nf.shwo()", 2, 1, "'show'"),
        ("f = network()\nf.show(layr='b8')", 2, 8, "'layer'"),
        ("f = network()\nf.show()\nf.show()", 3, 1, "twice"),
        ("a = noise()\na = noise()", 2, 1, "line 1"),
        ("sin = noise()", 1, 1, "word of the language"),
        ("out(nois)", 1, 5, "no node 'nois'"),
        ("k = knob(0, 1)\nout(k)", 2, 5, "is a number"),
        ("noise()", 1, 1, "goes nowhere"),
        ("a = noise()\nb = a.x.y(1)", 2, 5, ""),
        ("bpm(0)", 1, 1, "greater than 0"),
        ("audio()", 1, 1, "floor"),
        ("audio(floor=3)", 1, 1, "-120 to 0"),
        ("audio(floor=t)", 1, 13, "constant"),
        ("audio(level=3)", 1, 7, "level"),
        ("audio = noise()", 1, 1, "word of the language"),
        ("bpm('mdi')", 1, 1, "'midi'"),
        ("bpm(120, 'linc')", 1, 1, "'link'"),
        ("bpm('midi', 'tap')", 1, 1, "bpm(124"),
        ("bpm(120, follow=3)", 1, 1, "cannot follow '3'"),
        ("swap('maybe')", 1, 1, "swap"),
        ("swap(fade=-1)", 1, 1, "fade"),
        ("for k in range(1000): out(noise())", 1, 10, "256"),
        ("for k in open('x'): pass", 1, 10, "range"),
        ("x = y = 1", 1, 1, "One name"),
        ("a, b = 1, 2", 1, 1, "One name"),
        ("1 + 1", 1, 1, "does nothing"),
        ("bpm(beat)", 1, 5, "constant"),
        ("out(noise(), size=(1,2,3))", 1, 1, ""),
        ("é = noise()\nout(é, sïze=2)", 2, 8, "'size'"),
        ("out(*[1])", 1, 5, "'*'"),
        ("a = noise(**{})", 1, 13, "'**'"),
    ],
)
def test_mistakes_point_at_their_place(text: str, line: int, column: int, words: str) -> None:
    from ganzfeld.patch.graph import Graph

    with pytest.raises(PatchError) as caught:
        Graph(parse(text, "bad.ganz"))
    error = caught.value
    assert words in str(error)
    if words:
        assert (error.where.file, error.where.line, error.where.column) == ("bad.ganz", line, column)


@pytest.mark.parametrize("text", ["\0", "(" * 5000, "x = " + "-" * 20000 + "1", "x = '''", "\ud800", "a" * 300_000])
def test_hostile_texts_are_patch_errors(text: str) -> None:
    with pytest.raises(PatchError):
        parse(text)


_words = st.sampled_from(
    ["noise", "network", "out", "flip", "a", "b", "=", "(", ")", ",", ">>", ".show", "\n", " ", "'b8'", "1", "-2.5",
     "for k in range(3):", "    ", "knob", "bpm", "swap", "latent=", "f'{k}'", "sin", "[", "]", "*", "seq", "#", "é"]
)  # fmt: skip


@given(st.lists(_words, max_size=40).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except PatchError as error:
        assert error.what


def test_json_that_is_no_patch_is_refused() -> None:
    knob = '{"knobs": {"k": {"name": "k", "midi": "x"}}}'
    for text in ("[]", "{", '{"nodes": 1}', '{"nodez": {}}', '{"settings": {"bpm": 0}}', knob):
        with pytest.raises(PatchError, match="no patch"):
            Patch.from_json(text)
