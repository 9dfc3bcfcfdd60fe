"""Edits of the lines that bend, blend and show: they come where a person would write them, and all else stays."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.bending.channels import listed
from ganzfeld.errors import PatchError
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.edits import splices_of
from ganzfeld.patch.language.edits.channels import in_ranges
from ganzfeld.patch.language.parser import parse
from ganzfeld.ranges import numbers

TEXT = """\
# é😀
src = noise("simplex2d", tx=t)   # lat

# the face
face = network("planets", src)  # é net
# it spins
face.bend("b8", rotate=3, name="x")  # bent
face.bend("b16",   # over two lines
          multiply=0, only=[3,  17])  # end
for k in ["8", "32"]:
    face.bend(f"b{k}", noise=1, name=f"loop{k}")  # in a loop
face.blend("flowers", "b32", amount=0.4)  # blended
out(face, size=(32, 32))  # o
"""


def edited(text: str, do: str, /, **arguments: object) -> str:
    for step in splices_of(text, do, arguments):
        for start, end, put in reversed(step):
            text = text[:start] + put + text[end:]
    Graph(parse(text))
    return text


def changed(text: str, do: str, /, **arguments: object) -> tuple[list[str], list[str]]:
    """The lines that went, and those that came; all others stand in their order."""
    before, after = text.splitlines(), edited(text, do, node="face", **arguments).splitlines()
    went, came = Counter(before) - Counter(after), Counter(after) - Counter(before)
    assert [line for line in before if line not in went] == [line for line in after if line not in came]
    return list(went), list(came)


@pytest.mark.parametrize(
    ("do", "arguments", "went", "came"),
    [
        ("bend", {"target": "b64", "bends": "rotate=12, channels=0.5"},
         [], ['face.bend("b64", rotate=12, channels=0.5)']),
        ("bend", {"target": "b*.conv?.weight", "bends": "gain=1 + t", "channels": [17, 3]},
         [], ['face.bend("b*.conv?.weight", gain=1 + t, channels=[3, 17])']),
        ("bend", {"target": "b64", "bends": "rotate=12, channels=0.5, soft=1", "channels": [0]},
         [], ['face.bend("b64", rotate=12, channels=[0])']),
        ("channels", {"line": "x", "channel": 7},
         ['face.bend("b8", rotate=3, name="x")  # bent'],
         ['face.bend("b8", rotate=3, name="x", channels=[7])  # bent']),
        ("channels", {"line": "b16", "channel": 7, "at": 8},
         ["          multiply=0, only=[3,  17])  # end"], ["          multiply=0, only=[3,  7, 17])  # end"]),
        ("channels", {"line": "b16", "channel": 3, "on": False},
         ["          multiply=0, only=[3,  17])  # end"], ["          multiply=0, only=[17])  # end"]),
        ("channels", {"line": "b16", "channel": 17, "on": True}, [], []),
        ("mute", {"line": "x"},
         ['face.bend("b8", rotate=3, name="x")  # bent'], ['face.bend("b8", rotate=3, name="x", mute=True)  # bent']),
        ("solo_line", {"line": "flowers"},
         ['face.blend("flowers", "b32", amount=0.4)  # blended'],
         ['face.blend("flowers", "b32", amount=0.4, solo=True)  # blended']),
        ("drop", {"line": "x"}, ['face.bend("b8", rotate=3, name="x")  # bent'], []),
        ("drop", {"line": "b16"},
         ['face.bend("b16",   # over two lines', "          multiply=0, only=[3,  17])  # end"], []),
        ("drop", {"line": "loop32"},
         ['for k in ["8", "32"]:', '    face.bend(f"b{k}", noise=1, name=f"loop{k}")  # in a loop'], []),
        ("show", {"layer": "b32"}, [], ['face.show("b32")']),
        ("show", {"layer": "b32", "channel": 5}, [], ['face.show("b32", view="one", channel=5)']),
        ("show", {"layer": "image"}, [], []),
        ("blend", {"other": "flowers", "target": "b32", "amount": 0.75},
         ['face.blend("flowers", "b32", amount=0.4)  # blended'],
         ['face.blend("flowers", "b32", amount=0.75)  # blended']),
        ("blend", {"other": "flowers", "amount": 1}, [], ['face.blend("flowers", amount=1)']),
        ("blend", {"other": "flowers", "target": "b64", "amount": 1 / 3},
         [], ['face.blend("flowers", "b64", amount=0.3333)']),
    ],
)  # fmt: skip
def test_an_edit_changes_its_line_alone(do, arguments, went, came):
    assert changed(TEXT, do, **arguments) == (went, came)


def test_lines_come_below_those_of_their_kind():
    lines = edited(TEXT, "bend", node="face", target="b4", bends="rotate=1").splitlines()
    assert lines.index('face.bend("b4", rotate=1)') == 11
    lines = edited(TEXT, "blend", node="face", other="flowers", amount=1).splitlines()
    assert lines.index('face.blend("flowers", amount=1)') == 12
    assert edited(TEXT.replace("\n", "\r\n"), "show", node="face", layer="b8").count("\n") == TEXT.count("\n") + 1
    assert '\r\nface.show("b8")\r\n' in edited(TEXT.replace("\n", "\r\n"), "show", node="face", layer="b8")


def test_a_network_that_is_written_in_place_gets_a_name():
    text = edited('out(network("planets"))', "bend", node="out/image", target="b8", bends="rotate=1")
    assert text == 'network1 = network("planets")\nnetwork1.bend("b8", rotate=1)\nout(network1)'


def test_flags_go_as_they_came():
    for do in ("mute", "solo_line"):
        muted = edited(TEXT, do, node="face", line="b16")
        assert muted != TEXT and edited(muted, do, node="face", line="b16", on=False) == TEXT


def test_what_is_shown_changes_in_its_own_line():
    text = edited(TEXT, "show", node="face", layer="b8")
    assert edited(text, "show", node="face", layer="b16") == text.replace('show("b8")', 'show("b16")')
    assert edited(text, "show", node="face", layer="image") == TEXT
    one = edited(text, "show", node="face", layer="b16", channel=3)
    assert 'face.show("b16", view="one", channel=3)' in one
    assert 'face.show("image", view="one", channel=3)' in edited(one, "show", node="face", layer="image")
    muted = edited(text, "mute", node="face", line="show")
    assert edited(muted, "show", node="face", layer="b16") == text.replace('show("b8")', 'show("b16")')
    chosen = text.replace('"b8")', 'seq("b8 b16", beats=4), gain=2)')
    assert 'face.show("b4", gain=2)' in edited(chosen, "show", node="face", layer="b4")


def test_lines_change_places_with_the_comments_that_are_theirs():
    swapped = edited(TEXT, "order", node="face", line="x", other="b16", at=7)
    assert swapped.splitlines()[4:9] == [
        'face = network("planets", src)  # é net',
        'face.bend("b16",   # over two lines',
        "          multiply=0, only=[3,  17])  # end",
        "# it spins",
        'face.bend("b8", rotate=3, name="x")  # bent',
    ]
    assert edited(swapped, "order", node="face", line="x", other="b16") == TEXT


def test_a_heading_over_several_lines_stays():
    text = 'face = network("planets")\n\n# bends\nface.bend("b8", rotate=1)\nface.bend("b16", rotate=2)\nout(face)'
    swapped = edited(text, "order", node="face", line="b8", other="b16")
    assert swapped.splitlines()[2:5] == ["# bends", 'face.bend("b16", rotate=2)', 'face.bend("b8", rotate=1)']


@pytest.mark.parametrize(
    ("do", "arguments", "says"),
    [
        ("bend", {"target": "b8", "bends": "rotate"}, "is no bend"),
        ("bend", {"target": "b8", "bends": "rotate=1)\nout(face"}, "is no bend"),
        ("bend", {"target": 'b8", x', "bends": "rotate=1"}, "is no layer"),
        ("bend", {"target": "b8", "bends": "nonsense=1"}, "nonsense"),
        ("channels", {"line": "flowers", "channel": 1}, "is no bend"),
        ("channels", {"line": "x", "channel": 1, "on": False}, "bends all"),
        ("channels", {"line": "x", "channel": 1, "at": 6}, "changed meanwhile"),
        ("channels", {"line": "gone", "channel": 1}, "no line 'gone'"),
        ("order", {"line": "loop8", "other": "x"}, "stands in a loop"),
        ("order", {"line": "loop8", "other": "loop32"}, "loop"),
        ("drop", {"line": "x", "at": 8}, "changed meanwhile"),
        ("blend", {"other": "flowers", "amount": float("inf")}, "at most"),
        ("blend", {"other": 'fl"ow', "amount": 1}, "is no network"),
        ("show", {"layer": "b8\n"}, "is no layer"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(do, arguments, says):
    with pytest.raises(PatchError, match=says):
        splices_of(TEXT, do, {"node": "face", **arguments})


def test_channels_that_are_an_expression_are_left_to_the_hand():
    text = 'face = network("planets")\nfor k in [1, 2]:\n    face.bend("b8", multiply=0, only=[k])\nout(face)'
    with pytest.raises(PatchError, match="are an expression"):
        splices_of(text, "channels", {"node": "face", "line": "b8", "channel": 3})


WRITTEN = st.one_of(
    st.lists(st.integers(0, 30), min_size=0, max_size=6, unique=True).map(lambda all: f"[{', '.join(map(str, all))}]"),
    st.lists(st.integers(0, 30), min_size=1, max_size=4, unique=True).map(lambda all: f"({', '.join(map(str, all))},)"),
    st.sampled_from(['"0-15,20"', "'3'", "7", "[ 1 , # one\n  2,\n ]", "[5,]"]),
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("channels=0.5", "channels=[7]"),
        ("channels=push", "channels=push, only=[7]"),
        ("only=None", "only=[7]"),
        ("channels=[9]", "channels=[7, 9]"),
        ('channels="8-9"', 'channels="7-9"'),
        ("channels=0.5, only=(9,)", "channels=0.5, only=[7, 9]"),
    ],
)
def test_a_list_comes_where_channels_are_spoken_of(before, after):
    text = f'push = knob(0, 1)\nface = network("planets")\nface.bend("b8", multiply=0, {before})\nout(face)'
    assert edited(text, "channels", node="face", line="b8", channel=7) == text.replace(before, after)


@given(
    written=WRITTEN,
    word=st.sampled_from(["only", "channels"]),
    clicks=st.lists(st.integers(0, 31), min_size=1, max_size=6),
)
@settings(max_examples=60, deadline=None)
def test_clicks_on_channels_come_to_the_channels_that_were_clicked(written, word, clicks):
    written = f"[{written}]" if word == "channels" and written.isdigit() else written
    text = f'face = network("planets")\nface.bend("b8", multiply=0, {word}={written}, seed=2)  # é\nout(face)  # o'
    value = eval(written)  # a literal of this test's own
    wanted = set(listed(value) or ())
    for channel in clicks:
        text = edited(text, "channels", node="face", line="b8", channel=channel, on=channel not in wanted)
        wanted ^= {channel}
        structure = Graph(parse(text)).nodes["face"].structure
        assert set(structure["b8.only"]) == wanted
    assert text.startswith('face = network("planets")\nface.bend("b8", multiply=0, ' + word)
    assert text.endswith(", seed=2)  # é\nout(face)  # o")


@given(st.sets(st.integers(0, 600), min_size=1, max_size=40))
def test_ranges_say_the_channels(channels):
    assert set(numbers(in_ranges(channels), "channel")) == channels


BENDS = st.lists(
    st.tuples(st.sampled_from(["", "# own\n", "\n", "\n# two\n# lines\n"]), st.sampled_from(["", "  # é"])),
    min_size=2,
    max_size=5,
)


@given(lines=BENDS, data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_two_lines_change_places_and_back(lines, data):
    body = "".join(
        f'{before}face.bend("b8", rotate={index}, name="n{index}"){after}\n'
        for index, (before, after) in enumerate(lines)
    )
    text = f'face = network("planets")\n{body}out(face)'
    one, other = data.draw(st.permutations(range(len(lines))))[:2]
    swapped = edited(text, "order", node="face", line=f"n{one}", other=f"n{other}")
    assert Counter(swapped.splitlines()) == Counter(text.splitlines())
    names = [line.name for line in parse(swapped).nodes["face"].methods]
    expected = [f"n{index}" for index in range(len(lines))]
    expected[one], expected[other] = expected[other], expected[one]
    assert names == expected
