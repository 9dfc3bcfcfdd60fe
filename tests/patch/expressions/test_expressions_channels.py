"""`c`, the channel: an expression for all channels at once gives what it gives for each alone."""

from __future__ import annotations

import ast
import math
import re
from typing import Any

import numpy as np
import pytest

from ganzfeld.errors import ExpressionError
from ganzfeld.patch.expressions import FrameContext, Kind, Scope, compile_expression, known_functions
from ganzfeld.values.outside import Hit, Inbox
from ganzfeld.values.time import Moment

CHANNELS = 7
INBOX = Inbox(
    values={f"/audio/band/{k}": k / 10 for k in range(9)} | {"/accel/x": 0.25},
    hits=(Hit("/drum/kick", (), {}), Hit("/pad/1", (), {})),
)
SCOPE = Scope(signals={"push", "many", "word"})
VALUES = {"push": 2.0, "many": [0.5, -1.0, 3.0], "word": "b8"}


def moments(count: int) -> list[Moment]:
    return [Moment(k, k / 60, 1 / 60, 0.37 + k / 30, k / 120, 120) for k in range(count)]


def together(text: str, frames: int = 4, **frame: Any) -> np.ndarray:
    """[frames, CHANNELS], worked out at once."""
    scope = Scope(signals=SCOPE.signals, channels=True)
    expression = compile_expression(text, scope=scope, owner="/x")
    assert expression.uses_channel
    state: dict[str, Any] = {}
    shown = []
    for moment in moments(frames):
        values = expression.evaluate_channels(FrameContext(moment, INBOX, VALUES, state, **frame), CHANNELS)
        assert values.dtype == np.float64 and values.shape == (CHANNELS,)
        shown.append(values)
    return np.stack(shown)


def alone(text: str, frames: int = 4, **frame: Any) -> np.ndarray:
    """The same, channel by channel, `c` being a named signal."""
    scope = Scope(signals={*SCOPE.signals, "channel"})
    expression = compile_expression(re.sub(r"\bc\b", "channel", text), scope=scope, owner="/x")
    columns = []
    for c in range(CHANNELS):
        values, state = {**VALUES, "channel": float(c)}, {}
        columns.append([expression.evaluate(FrameContext(m, INBOX, values, state, **frame)) for m in moments(frames)])
    return np.array(columns, np.float64).T


def spoken_of_channels() -> list[str]:
    """The example of every function, with `c` in place of each of its numbers in turn."""
    texts = []
    for function in known_functions().values():
        if not function.called:
            continue
        written = ast.parse(function.example, mode="eval").body
        calls = [node for node in ast.walk(written) if isinstance(node, ast.Call) and _name(node) == function.name]
        if not calls:
            continue  # a second name of a function
        for place, parameter in enumerate(function.parameters):
            if parameter.kind is Kind.TEXT or parameter.name in function.prepare:
                continue
            call = ast.parse(ast.unparse(calls[0]), mode="eval").body
            assert isinstance(call, ast.Call)
            whole = {"channel": 1, "number": 1, "k": 1, "n": 8, "digits": 1}.get(parameter.name)
            number = f"floor({whole} + c)" if whole else "(0.1 + c/8)"
            call.keywords = [keyword for keyword in call.keywords if keyword.arg != parameter.name]
            if place < len(call.args):
                call.args[place] = ast.parse(number, mode="eval").body
            else:
                call.keywords.append(ast.keyword(parameter.name, ast.parse(number, mode="eval").body))
            texts.append(ast.unparse(call))
    return texts


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func)


@pytest.mark.parametrize(
    "text",
    [
        *spoken_of_channels(),
        "c",
        "1 + 0.5*sin(t + c)",
        "-c**2 + +c % 3 - c // 2",
        "2**(c - 3)",
        "(c > 2) + (c > 4) - (1 < c <= 4 != 3)",
        "-(not c) + (c and push) + (c - 2 or 7)",
        "c * 2 if c > 3 else push",
        "1/c if c > 0 else 0",
        "c if t > 0.02 else -1",
        "-1 if push > 1 else c",
        "[3, 1, 2][c]",
        "[c, 2*c, 5][1]",
        "[c, push, 3][c - 5]",
        "many[c]",
        "phase(0.1*c) if t > 0.02 else lag(c, 0.1)",
        "lag(c*sin(9*t), 0.1*(c - 2)) + phase(-c) + phase(1 + c)",
        "wander(t - 1000.5*c, seed=c - 3) + rand(3*c - 7, seed=c)",
        'seq("0 [1 2] 3?", beats=1 + c, seed=c)',
        'hit("/drum/kick", s=c) + env(hit("/pad/1"), 0, 0.1*c)',
        "max(c, 3, push) - min(2, c)",
        "sin(t + c) * i / n",
    ],
)
def test_all_at_once_is_each_alone(text: str) -> None:
    assert together(text) == pytest.approx(alone(text), rel=1e-12, abs=1e-12)
    assert together(text, i=2, n=5) == pytest.approx(alone(text, i=2, n=5), rel=1e-12, abs=1e-12)


def test_matches_and_channels_have_states_of_their_own() -> None:
    expression = compile_expression("phase(1 + c + 10*i)", scope=Scope(channels=True), owner="/x")
    state: dict[str, Any] = {}
    for moment in moments(4):
        shown = [expression.evaluate_channels(FrameContext(moment, state=state, i=i, n=3), 4 - i) for i in range(3)]
    assert [list(np.round(values * 20)) for values in shown] == [[1, 2, 3, 4], [11, 12, 13], [21, 22]]


def test_a_bad_frame_leaves_no_mark_and_a_second_look_moves_nothing() -> None:
    scope = Scope({"push"}, channels=True)
    expression = compile_expression("phase(1 + c/push) + lag(c/push, 1)", scope=scope, owner="/x")
    state: dict[str, Any] = {}
    first, second, third = moments(3)

    def seen(moment: Moment, push: float) -> list[float]:
        return expression.evaluate_channels(FrameContext(moment, values={"push": push}, state=state), 3).tolist()

    seen(first, 1.0)
    before = dict(state)
    with pytest.raises(ExpressionError, match="without bound"):
        seen(second, 0.0)
    assert state == before
    shown = seen(third, 2.0)
    assert seen(third, 5.0) == shown
    assert all(isinstance(value, list) for value in state.values())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1/c", "channel 0 has no value"),
        ("log(3 - c)", "channel 3 has no value"),
        ("'a' if c else 'b'", "number"),
        ("['a', 'b'][c]", "number"),
        ("[c, 2]", "number"),
        ("word[c]", "list"),
        ("c + 'a'", "number"),
        ("word if c > 2 else 1", "number"),
        ("seq('a b', beats=c)", "number"),
        ("hold('a', c > 2)", "number"),
        ("remap(0, c, 0, 0, 1)", "channel 0 has no value"),
    ],
)
def test_what_has_no_value(text: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=words):
        together(text)


def test_a_loop_may_still_call_its_variable_c() -> None:
    expression = compile_expression("sin(c)", scope=Scope(channels=True), owner="/x", constants={"c": 3})
    assert not expression.uses_channel
    assert expression.evaluate(FrameContext(moments(1)[0])) == math.sin(3)
