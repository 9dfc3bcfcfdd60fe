"""Texts that mean harm, or are noise: nothing but an ExpressionError, soon, and no code of theirs ever runs."""

from __future__ import annotations

import ast
import builtins
import json
import math
import string
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganzfeld.errors import ExpressionError
from ganzfeld.patch.expressions import NAMES, Expression, FrameContext, Scope, compile_expression, known_functions
from ganzfeld.patch.expressions.notation import parse_notation
from ganzfeld.patch.expressions.vocabulary import UsageError
from ganzfeld.values.outside import Hit, Inbox
from ganzfeld.values.time import Moment

SCOPE = Scope(signals={"push", "word", "many"}, parameters={"face": {"psi"}}, channels=True)
VALUES = {"push": 2.0, "word": "abc", "many": [1, 2.0, "x"], "face.psi": 0.7}


def frame(t: float = 1.5, state: dict | None = None) -> FrameContext:
    inbox = Inbox({"/a": "text", "/b": b"\x00", "/c": math.nan, "/d": (1, [2, "x"])}, (Hit("/a", ("s", "bd", 3)),))
    return FrameContext(
        Moment(int(60 * t), t, 1 / 60, 2 * t, t / 2, 120.0), inbox, VALUES, {} if state is None else state
    )


def play(text: str) -> object:
    """Compile and evaluate on two frames."""
    expression = compile_expression(text, scope=SCOPE, owner="/x", constants={"k": 3, "name": "b8"})
    first = frame()
    expression.evaluate(first)
    value = expression.evaluate(frame(2.5, first.state))
    assert json.loads(json.dumps(first.state)) == first.state
    return value


ATTACKS = [
    '__import__("os").system("true")',
    "__builtins__",
    "__builtins__.__dict__",
    "().__class__.__base__.__subclasses__()",
    "''.__class__",
    "(1).__class__",
    "1.0.__class__",
    "push.__class__",
    "face.__class__",
    "face.psi.__class__",
    "audio.__class__",
    "audio.level.__class__",
    "sin.__globals__",
    "sin.__self__",
    "env.__code__",
    "frame.__class__",
    "frame.moment",
    "frame.state",
    "moment.t",
    "f_sin",
    "p_1",
    "s_0",
    "run",
    "pick",
    "match_key('a', 1)",
    "power(2, 3)",
    "eval('1')",
    "exec('1')",
    "open('/etc/passwd')",
    "print(1)",
    "getattr(push, 'x')",
    "globals()",
    "type(push)",
    "vars()",
    "(lambda: 1)()",
    "(lambda f: f(f))(lambda f: f(f))",
    "[x for x in [1]]",
    "[x for x in ().__class__.__base__.__subclasses__()]",
    "(x := 1)",
    "(yield 1)",
    "(await push)",
    "{**{}}",
    "{1: 2}",
    "{1, 2}",
    "max(*[1])",
    "hit('/a', **{'x': 1})",
    "hit('/a', __class__=1)",
    "sin(x=1, **{})",
    "f'{push.__class__}'",
    "f'{().__class__}'",
    "f'{k:>999999999}'",
    "f'{k!r:{k}}'",
    "f'{(lambda: 1)()}'",
    "'%s' % push",
    "'%999999999d' % 1",
    "word % 1",
    "'{0.__class__}'.format(1)",
    "word.format(1)",
    "'a' * 10**9",
    "10**9 * 'a'",
    "'a' * 1000000000",
    "word * 1000000000",
    "1000000000 * word",
    "[0] * 1000000000",
    "many * 1000000000",
    "1000000000 * many",
    "many + many",
    "word + word",
    "'a' 'b' * 3",
    "9**9**9**9",
    "push**9**9**9",
    "1 << 999999999",
    "(-8) ** (1/3)",
    "floor(1e308) * floor(1e308)",
    "exp(99999)",
    "cosh(99999)",
    "1e308 * 10",
    "1e308 * push - 1e308 * push",
    "1" * 5000,
    "0x" + "f" * 5000,
    "0b" + "1" * 19000,
    "1e" + "9" * 400,
    "1_000_000_000_000_000_000_000",
    "(" * 95 + "1" + ")" * 95 + "]",
    "(" * 5000 + "1" + ")" * 5000,
    "[" * 5000,
    "-" * 9000 + "1",
    "not " * 4000 + "1",
    "+".join(["1"] * 9000),
    "1" + "+1" * 6000,
    "sin(" * 150 + "1" + ")" * 150,
    "sin(" * 3000 + "1" + ")" * 3000,
    "[[" * 60 + "1" + "]]" * 60,
    "1 if 1 else " * 1500 + "1",
    "**".join(["2"] * 3000),
    "a" * 19_000,
    "a" * 21_000,
    "'" + "a" * 19_000 + "'",
    "[" + "many, " * 1500 + "]",
    "push" + "[0]" * 150,
    "x." * 3000 + "y",
    "many[1e400]",
    "many['a']",
    "[][0]",
    "word[0]",
    "many[0:9999999999]",
    "many[::]",
    "many[..., 1]",
    "\x00",
    "1\x00",
    "\ud800",
    "'\ud800' + 1",
    "\ufeff1 + x",
    "ｓｉｎ(１)",
    "＿＿import＿＿('os')",
    "__ｉmport__('os')",
    "ｌａｍｂｄａ: 1",
    "1 ÷ 2",
    "t‮ + 1",
    "t\u200b + 1",
    "1\f+\v1",
    "#",
    "\\",
    "'",
    '"""',
    "'''\n",
    "1 # a\n) + (2",
    "1] + [2",
    "1] if [2",
    "1][0",
    "], [",
    "1); import os; (2",
    "import os",
    "1; 2",
    "x = 1",
    "def f(): pass",
    "pass",
    "async",
    "seq('" + "[" * 1000 + "')",
    "seq('" + "[" * 40 + "1" + "]" * 40 + "')",
    "seq('[[[[a*64]*64]*64]*64]*64')",
    "seq('[[~!64]*64]*64')",
    "seq('a!64!64!64')",
    "seq('a*9999999999')",
    "seq('a*0')",
    "seq('a/0')",
    "seq('a@0')",
    "seq('a(999,9999999)')",
    "seq('a(3,0)')",
    "seq('a(9,8)')",
    "seq('" + "a " * 3000 + "')",
    "seq('a/251 b/241 c/239 d/233')",
    "seq('1e999')",
    "seq('" + "9" * 400 + "')",
    "seq('a', beats=0)",
    "seq('a', beats=-1)",
    "seq('0 1', beats=1e-320)",
    "seq('')",
    "seq('~')",
    "seq('\u0663')",
    "seq('a\x00')",
    "seq(word)",
    "seq('a' if push else 'b')",
    "euclid(1e300, 1e300)",
    "euclid(1, 1e9)",
    "euclid(3, 8, 1e-300)",
    "every(1e-300)",
    "every(-1)",
    "every(1e400)",
    "phase(1e308) * 1e308",
    "lag(1e308, 1e-320) * 10",
    "count(1e300) * 1e300 * 1e300",
    "rand(1e400)",
    "wander(1e400)",
    "wander(floor(1e308))/0",
    "osc('')",
    "osc('/a' * 3)",
    "osc('/a') + 1",
    "hit(3)",
    "cc(0, 0)",
    "cc(1, 1e300)",
    "audio.band(1e400)",
    "c",
    "sin(c)",
]


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_attacks_end_in_an_error(text):
    tracemalloc.start()
    try:
        with pytest.raises(ExpressionError):
            play(text)
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()


ODD_BUT_FINE = [
    ("'a' if many == many else 'b'", "a"),
    ("'__class__'", "__class__"),
    ("'; import os'", "; import os"),
    ("r'\\d'", "\\d"),
    ("'\\d'", "\\d"),
    ("'a' 'b'", "ab"),
    ("ｔ * 0", 0.0),
    ("osc('/b', 5)", 5),
    ("osc('/c', 5)", 5),
    ("osc('/d')[1][1]", "x"),
    ("hit('/a', s='bd')", 1),
    ("hit('/a', frame='bd')", 0),
    ("hit('/a', key=1, named=2, self=3)", 0),
    ("2**-9999999999", 0.0),
    ("-1 ** 0.5 ** 1e308", -1.0),
    ("round(5, -1000000000)", 0.0),
    ("round(floor(push), -1000000000)", 0.0),
    ("1 \\", 1),
    ("10**18 * 0", 0.0),
    ("many[10**9]", 2.0),
    ("(" * 60 + "1" + ")" * 60, 1),
    ("sin(" * 90 + "0" + ")" * 90, 0.0),
    ("+".join(["1"] * 50), 50),
]


@pytest.mark.parametrize(("text", "expected"), ODD_BUT_FINE)
def test_odd_texts_that_are_fine(text, expected):
    assert play(text) == expected


def test_lists_of_lists_do_not_grow_without_bound():
    # Each signal may hold a list of the one before: that must end before the memory does.
    values: dict = {"s0": [1] * 100}
    with pytest.raises(ExpressionError, match="too long"):
        for k in range(1, 10):
            text = "[" + ", ".join([f"s{k - 1}"] * 100) + "]"
            expression = compile_expression(text, scope=Scope(signals=set(values)), owner="/x")
            values[f"s{k}"] = expression.evaluate(FrameContext(frame().moment, values=values))


def test_numbers_do_not_grow_without_bound():
    values: dict = {"s0": 2**62}
    with pytest.raises(ExpressionError, match="too large"):
        for k in range(1, 10):
            expression = compile_expression(f"s{k - 1} * s{k - 1}", scope=Scope(signals=set(values)), owner="/x")
            values[f"s{k}"] = expression.evaluate(FrameContext(frame().moment, values=values))


def test_what_runs_holds_nothing_that_was_typed():
    """The compiled code names only ours, and has no builtins to reach for."""
    expression = compile_expression(
        "push + face.psi * sin(t) + hit('/a', s=word) + (phase(1) if t > 1 else [1, 2][k])",
        scope=SCOPE,
        owner="/x",
        constants={"k": 1},
    )
    run = expression._run
    assert run.__globals__["__builtins__"] == {}
    typed = {"push", "face", "psi", "word", "s", "k"}
    assert not typed & {*run.__code__.co_names, *run.__code__.co_varnames, *run.__globals__}
    attributes = {"moment", "values", "t", "n", "i"}
    assert set(run.__code__.co_names) <= attributes | set(run.__globals__)


def outcome(text: str) -> object:
    try:
        return play(text)
    except ExpressionError as error:
        assert error.what and error.where.line is not None and error.where.line >= 1
        assert error.where.column is not None and error.where.column >= 1
        return error


words = st.sampled_from(
    [*NAMES, *known_functions(), "push", "word", "many", "face", "face.psi", "audio", "k", "name", "x", "__class__",
     "__import__", "lambda", "for", "in", "if", "else", "and", "or", "not", "is", "None", "True", "yield", "await",
     "1", "0", "2.5", "1e308", "9" * 20, "-1", "'a'", "'0 1 <2 3>'", '"/a"', "b'x'", "1j", 'f"{k}"', 'f"{t}"',
     "+", "-", "*", "/", "//", "%", "**", "<", "==", ">=", "!=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "=",
     ":=", "~", "^", "|", "&", "@", "<<", "\n", "#", "\\", ";", "..."]
)  # fmt: skip
fuzz = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@fuzz
@given(st.lists(words, max_size=25).map(" ".join))
def test_any_row_of_words(text):
    outcome(text)


@fuzz
@given(st.text(max_size=60) | st.text(string.printable, max_size=60))
def test_any_text(text):
    outcome(text)


@fuzz
@given(st.text("0123456789ab.-+~_!@*/?()<>[]{}|,:% \n", max_size=40))
def test_any_notation(text):
    try:
        pattern = parse_notation(text)
    except UsageError as error:
        assert error.what and 0 <= (error.offset or 0) <= len(text)
        return
    for position in (-3.3, 0, 0.5, 1, 7.25, 1e9):
        assert pattern.at(position, seed=3) in pattern.values


numbers = st.one_of(
    st.integers(-3, 3).map(str), st.floats(-1e3, 1e3).map(repr), st.sampled_from(["t", "push", "i", "k", "face.psi"])
)
grown = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, st.sampled_from(["<", "==", ">=", "and", "or"]), inner).map(
            lambda p: f"({p[0]} {p[1]} {p[2]})"
        ),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        inner.map(lambda x: f"(not {x})"),
        inner.map(lambda x: f"-{x}"),
    ),
    max_leaves=12,
)


@fuzz
@given(grown)
def test_agrees_with_python(text):
    """Formulas of plain operators give what Python itself gives, to the bit and the type."""
    found = outcome(text)
    python = ast.unparse(ast.parse(text.replace("face.psi", "psi"), mode="eval"))
    names = {"t": 2.5, "push": 2.0, "i": 0, "k": 3, "psi": 0.7}
    try:
        expected = builtins.eval(python, {}, names)
    except (ZeroDivisionError, OverflowError):
        assert isinstance(found, ExpressionError)
        return
    if isinstance(found, ExpressionError):
        # Constant parts are computed beforehand, so they fail even where Python would skip them.
        assert "division" in found.what or "too large" in found.what or not math.isfinite(expected), (found, expected)
    else:
        assert found == expected and (type(found) is type(expected) or {type(found), type(expected)} == {bool, int})


@fuzz
@given(grown, st.sampled_from(sorted(known_functions())))
def test_functions_of_anything_give_plain_finite_values(text, word):
    function = known_functions()[word]
    prepared = {"pattern": "'0 1 <2 [3 4]>?'", "ease": "'in'", "kind": "'in'", "address": "'/a'"}
    arguments = [f"{name}={prepared[name]}" for name in function.prepare]
    plain = [p.name for p in function.parameters if p.name not in function.prepare]
    arguments += [f"{name}={text}" for name in plain]
    found = outcome(f"{word}({', '.join(arguments)})" if function.called else word)
    assert isinstance(found, ExpressionError | bool | int | str) or math.isfinite(found)  # type: ignore[arg-type]


def test_an_expression_is_what_compiling_gives():
    assert isinstance(compile_expression("1", scope=Scope(), owner="/x"), Expression)
