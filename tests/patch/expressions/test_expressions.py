"""The expression language: values, what is known beforehand, and errors that point at the very place."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ganzfeld.errors import ExpressionError, PatchError, Where
from ganzfeld.patch.expressions import FrameContext, Scope, compile_expression, known_functions, reserved_words
from ganzfeld.values.outside import Hit, Inbox
from ganzfeld.values.time import Moment

SCOPE = Scope(
    signals={"push", "kick", "größe"},
    parameters={"face": {"psi", "cutoff", "spin.rotate"}, "ground": set()},
    nodes={"target"},
)
MOMENT = Moment(frame=90, t=1.5, dt=1 / 60, beat=3.0, bar=0.75, bpm=120.0)
VALUES = {"push": 2.0, "kick": 0.5, "größe": 3.0, "face.psi": 0.7, "face.cutoff": 8, "face.spin.rotate": 40.0}


def compiled(text: str, **options: Any):
    return compile_expression(text, scope=options.pop("scope", SCOPE), owner="/face/psi", **options)


def value(
    text: str, *, i: int = 0, n: int = 1, constants: dict | None = None, inbox: Inbox | None = None, **values: Any
):
    frame = FrameContext(MOMENT, inbox or Inbox(), VALUES | values, {}, i, n)
    return compiled(text, constants=constants or {}).evaluate(frame)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2*3", 7),
        ("-2**2", -4.0),
        ("7 // 2 + 7 % 4", 6),
        ("1 + push*sin(t)", 1 + 2 * math.sin(1.5)),
        ("0.1*abs(sin(t + 0.7*i))", 0.1 * math.sin(1.5)),
        ("face.psi * 2", 1.4),
        ("face.spin.rotate", 40.0),
        ("größe + 1", 4.0),
        ("frame + beat + bar + bpm", 213.75),
        ("1 < push <= 2 != 3", True),
        ("push > 5 or kick", 0.5),
        ("push > 5 and 1/0.0000001 > 2", False),
        ("not push", False),
        ("'high' if push > 1 else 'low'", "high"),
        ("(1, [push, 'a'], True)", [1, [2.0, "a"], True]),
        ("[3, 1, 2][push]", 2),
        ("[3, 1, 2][-1] + [3, 1, 2][4.9]", 3),
        ("tau/2 == pi", True),
        ("clamp(x=push, hi=1.5)", 1.5),
        ("max(1, push, kick)", 2.0),
        ("round(2.345, 2)", 2.35),
        ("sin(1e15)", math.sin(1e15)),
        ("1 \\\n + 1", 2),
        ("1\n  + push  # twice\n", 3.0),
        ("\t 2 ", 2),
    ],
)
def test_gives(text, expected):
    found = value(text)
    assert type(found) is type(expected)
    assert found == pytest.approx(expected) if isinstance(expected, float) else found == expected


def test_every_example_of_the_vocabulary_runs():
    inbox = Inbox({"/accel/x": 0.3}, (Hit("/drum/kick"),))
    for function in known_functions().values():
        assert function.doc and function.doc[0] != " ", function.name
        assert function.name.split(".")[0] in reserved_words()
        found = value(function.example, inbox=inbox)
        assert isinstance(found, int | float), function.name


def test_a_vocabulary_word_shows_how_it_is_written():
    assert known_functions()["env"].signature == "env(event, attack=0, release=0.5)"
    assert known_functions()["ramp"].signature == "ramp(x=beat)"
    assert known_functions()["audio.level"].signature == "audio.level"
    assert known_functions()["hit"].signature == "hit(address, name=value, …)"
    assert known_functions()["env"].stateful and not known_functions()["seq"].stateful


class TestWhatIsKnown:
    def test_constants(self):
        assert compiled("2*pi + floor(2.5)").is_constant
        for text in ("t", "push", "i + 1", "rand()", "osc('/x')", "phase(1)", "face.psi"):
            assert not compiled(text).is_constant, text

    def test_references(self):
        assert compiled("push + face.psi*kick + audio.level + sin(t)").references == {"push", "kick", "face.psi"}
        assert compiled("1 + t").references == frozenset()

    def test_match(self):
        assert compiled("sin(t + i)").uses_match and compiled("n").uses_match
        assert not compiled("push").uses_match
        assert value("i / n", i=1, n=4) == 0.25

    def test_addresses(self):
        assert compiled('osc("/a/b") + hit("/c") + cc(1, 2)').hits == {"/c"}
        assert compiled('osc("/a/b") + hit("/c") + cc(1, 2)').addresses == ("/a/b", "/c", "/midi/cc/1/2")

    @pytest.mark.parametrize(
        ("text", "literals"),
        [
            ("3", (3,)),
            ("'b8'", ("b8",)),
            ("2 + 3", (5,)),
            ('"a" if t > 3 else "b"', ("a", "b")),
            ('"a" if t > 3 else "b" if t > 2 else "a"', ("a", "b")),
            ("1 if t > 2 else True if t > 1 else 1.0", (1, True, 1.0)),
            ("t > 3", (False, True)),
            ("not push", (False, True)),
            ('"a" if t > 3 else push', None),
            ("push", None),
            ('seq("image b8 b16 b8", beats=4)', ("image", "b8", "b16")),
            ('seq("0 1 <2 -1> .5")', (0, 1, 2, -1, 0.5)),
            ('seq("0 1", ease="in")', None),
            ('["a", "b"][beat]', ("a", "b")),
            ('hold("a" if t > 3 else "b", every(1))', ("a", "b")),
            ("toggle(every(1))", (0, 1)),
            ("'x' if toggle(every(1)) else 4", ("x", 4)),
        ],
    )
    def test_literals(self, text, literals):
        found = compiled(text).literals
        assert found == literals
        assert literals is None or [type(a) for a in found] == [type(b) for b in literals]

    def test_channels(self):
        with pytest.raises(ExpressionError, match="channel"):
            compiled("c / 2")
        expression = compiled("c / 2", scope=Scope(channels=True))
        assert expression.uses_channel and not expression.is_constant
        with pytest.raises(ExpressionError, match="channel"):
            expression.evaluate(FrameContext(MOMENT))


class TestLoopVariables:
    def test_are_literals(self):
        assert value("k * 2", constants={"k": 3}) == 6
        assert value('f"b{k}"', constants={"k": 8}) == "b8"
        assert value('f"b{k}.{name}"', constants={"k": 8, "name": "conv0"}) == "b8.conv0"
        assert compiled('seq(f"b{k} image")', constants={"k": 8}).literals == ("b8", "image")
        assert compiled("k", constants={"k": "x"}).is_constant

    def test_come_before_all_other_names(self):
        assert value("i + t + push", constants={"i": 10, "t": 20, "push": 30}) == 60

    @pytest.mark.parametrize("text", ['f"{push}"', 'f"{k:99}"', 'f"{k!r}"', 'f"{k + 1}"', 'f"{t}"', "f\"{f'{k}'}\""])
    def test_nothing_else_in_f_strings(self, text):
        with pytest.raises(ExpressionError):
            compiled(text, constants={"k": 1})


# The place of the mistake is marked with § before it.
@pytest.mark.parametrize(
    ("marked", "said"),
    [
        ("1 + §sinn(t)", "Did you mean 'sin'"),
        ("1 + §pusch", "Did you mean 'push'"),
        ("face.§pis", "Did you mean 'psi'"),
        ("§fase.psi", "Did you mean 'face'"),
        ("§face + 1", "face.cutoff, face.psi"),
        ("§target", "target is a node"),
        ("audio.§levle", "Did you mean 'audio.level'"),
        ("1 + §audio", "audio.band"),
        ("§sin", r"Write sin\(x\)"),
        ("§push(2)", "push is a value, not a function"),
        ("§push.x", "push is a value"),
        ("§knob(0, 1)", "line of its own"),
        ("§math.sin(t)", "Write sin"),
        ("§absTime.seconds", "Write t"),
        ("1 + §time", "Write t"),
        ("1 + §env()", "env needs 'event'"),
        ("env(1, §atack=2)", "Did you mean 'attack'"),
        ("env(1, 2, §attack=2)", "twice"),
        ("env(1, 2, 3, §4)", "no more than 3"),
        ("lag(§'a', 1)", "needs a number, found text"),
        ("max(1, §'a')", "max needs a number, found text"),
        ("env(§'kick')", "is an event, found text"),
        ("push * §'a'", "arithmetic needs a number, found text"),
        ("§[1] * 3", "found a list"),
        ("§'a' < 3", "compared by size"),
        ("2 §^ 3", r"Write x \*\* y"),
        ("(2) §| 3", "Write 'or'"),
        ("1 < push §is 2", "Write =="),
        ("push §in [1]", "Compare with =="),
        ("§~1", "Write 'not'"),
        ("[(§lambda: 1)]", "functions cannot be defined"),
        ("§[k for k in 'ab']", "comprehensions"),
        ("max(§*[1, 2])", "Write the values out"),
        ("hit('/a', §**{})", "Write the values out"),
        ("(§x := 1)", "line of its own"),
        ("§{}", "Use a list"),
        ("[1][§1:2]", "Pick one value"),
        ("§None", "None is not a value"),
        ("§b'a'", "bytes"),
        ("§1j", "complex"),
        ("§...", "ellipsis"),
        ("1 §= 2", "Write =="),
        ("§", "empty"),
        ("§  \n ", "empty"),
        ("§(1 + 2", "never closed"),
        ("1§) + (2", "unmatched"),
        ("1, §2", "brackets around a list"),
        ("§9999999999999999999", "too large"),
        ("§1e999", "too large"),
        ("1 + §1/0", "division by zero"),
        ("1 + §sqrt(-1)", "sqrt has no value"),
        ("§'abc'[1]", "found text"),
        ("ease(t, §'smooth')", "linear, in, out, inout"),
        ("ease(t, §push)", "must be written out"),
        ("seq('0 §1x')", "letter"),
        ("seq('0 1 §[2 3')", "never closed"),
        ('seq("""0\n  1 §}""")', "does not belong"),
        ("1 + §seq('a', 4, 'inout')", "cannot glide"),
        ("hit(§'kick')", "start with a slash"),
        ("hit('/a§* b')", "cannot hold"),
        ("größe + §pusch", "Did you mean 'push'"),
        ("'ü' if\n größe + (\n  'ü' == §pusch) else 1", "Did you mean 'push'"),
        ("1 +\r\n §pusch", "Did you mean 'push'"),
    ],
)
def test_points_at_the_mistake(marked, said):
    before, _, after = marked.partition("§")
    with pytest.raises(ExpressionError, match=said) as caught:
        compiled(before + after, where=Where("organ.ganz", 10, 7))
    where = caught.value.where
    assert where.file == "organ.ganz" and where.address == "/face/psi"
    assert isinstance(caught.value, PatchError)
    rows = before.replace("\r\n", "\n").split("\n")
    column = len(rows[-1]) + (7 if len(rows) == 1 else 1)
    assert (where.line, where.column) == (9 + len(rows), column)


@pytest.mark.parametrize(
    ("marked", "values", "said"),
    [
        ("1 + §push/(kick - 0.5)", {}, "division by zero"),
        ("2*§sqrt(-push)", {}, "sqrt has no value"),
        ("1 + §push", {"push": "a"}, "a number is needed here, found text"),
        ("2 * sin(§push)", {"push": [1]}, "a number is needed here, found a list"),
        ("2 if §push < kick else 1", {"push": "a"}, "text and a number cannot be compared"),
        ("§exp(push * 1000) + 1", {}, "too large"),
        ("§push ** 5000", {}, "too large"),
        ("§(-push) ** 0.5", {}, "a power has no value"),
        ("§1e308 * push", {}, "too large"),
        ("§push", {"push": math.nan}, "not a number"),
        ("§push", {"push": None}, "nothing is not a value"),
        ("§push", {"push": list(range(2000))}, "too long"),
        ("§push", {"push": "a" * 5000}, "too long"),
        ("§push * 9223372036854775807", {"push": 2}, "too large"),
        ("[1, 2, 3][§1/push]", {"push": 0}, "division by zero"),
        ("1 + §push[2]", {}, "only a list"),
        ("1 + §every(kick - 0.5)", {}, "every needs a length"),
        ("§cc(17, 1)", {}, "no MIDI channel 17"),
        ("1 + §seq('0 1', beats=kick - 0.5)", {}, "too short"),
        ("2 if push < 3 and\n  1/§sqrt(kick - 1) else 1", {}, "sqrt has no value"),
    ],
)
def test_points_at_what_fails_on_a_frame(marked, values, said):
    before, _, after = marked.partition("§")
    expression = compiled(before + after, where=Where(line=10, column=7))
    with pytest.raises(ExpressionError, match=said) as caught:
        expression.evaluate(FrameContext(MOMENT, values=VALUES | values))
    rows = before.split("\n")
    where = caught.value.where
    assert (where.line, where.column) == (9 + len(rows), len(rows[-1]) + (7 if len(rows) == 1 else 1))


def test_a_value_that_is_missing_on_a_frame():
    with pytest.raises(ExpressionError, match="'push' has no value"):
        compiled("push").evaluate(FrameContext(MOMENT))


def test_gives_plain_values_for_numpys():
    numpy = pytest.importorskip("numpy")
    for given in (numpy.float64(2), numpy.float32(2), numpy.int64(2)):
        assert type(value("push", push=given)) in (int, float)
        assert value("push + 1", push=given) == 3


def test_without_a_place_errors_count_from_the_text():
    with pytest.raises(ExpressionError) as caught:
        compiled("1 + x_")
    assert (caught.value.where.line, caught.value.where.column) == (1, 5)
