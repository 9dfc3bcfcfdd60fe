"""How long expressions take: nanoseconds an evaluation, beside the same formula as a plain Python function.

python benchmarks/expressions.py
"""

from __future__ import annotations

import math
import timeit
from collections.abc import Callable

from ganzfeld.patch.expressions import FrameContext, Scope, compile_expression
from ganzfeld.values.outside import Hit, Inbox
from ganzfeld.values.time import Moment

SCOPE = Scope(signals={"push", "kick"}, parameters={"face": {"psi"}})

# Expression, and the same written by hand for the same frame (None: there is nothing to compare it with).
CASES: list[tuple[str, Callable[[FrameContext], object] | None]] = [
    ("0.8", lambda frame: 0.8),
    ("push", lambda frame: frame.values["push"]),
    ("sin(t)", lambda frame: math.sin(frame.moment.t)),
    ("1 + push*sin(t)", lambda frame: 1 + frame.values["push"] * math.sin(frame.moment.t)),
    ("0.1*abs(sin(t + 0.7*i))", lambda frame: 0.1 * abs(math.sin(frame.moment.t + 0.7 * frame.i))),
    ("face.psi if kick > 0.5 else 0.3", lambda frame: frame.values["face.psi"] if frame.values["kick"] > 0.5 else 0.3),
    ("clamp(2*sin(t), -1, 1)", lambda frame: min(1, max(-1, 2 * math.sin(frame.moment.t)))),
    ("tri(beat/4)", lambda frame: 1 - abs(2 * (frame.moment.beat / 4 % 1) - 1)),
    ("phase(0.1)", None),
    ("lag(push, 0.3)", None),
    ('env(hit("/drum/kick"), 0, 0.4)', None),
    ("every(1)", None),
    ('seq("image b8 b16 b32", beats=4)', None),
    ('seq("0 1 <2 -1> .5", beats=4, ease="inout")', None),
    ("wander(t/3)", None),
    ('osc("/accel/x", 0)', None),
    ("audio.level", None),
]


def nanoseconds(call: Callable[[FrameContext], object], frames: list[FrameContext]) -> float:
    """The best of several rounds over the frames."""

    def once() -> None:
        for frame in frames:
            call(frame)

    once()
    return min(timeit.repeat(once, number=20, repeat=7)) / 20 / len(frames) * 1e9


def main() -> None:
    state: dict = {}
    values = {"push": 0.5, "kick": 0.7, "face.psi": 0.8}
    inboxes = [
        Inbox({"/accel/x": 0.3, "/audio/level": 0.2}, (Hit("/drum/kick"),) if k % 30 == 0 else ()) for k in range(200)
    ]
    frames = [
        FrameContext(Moment(k, k / 60, 1 / 60, k / 30, k / 120, 120), inboxes[k], values, state) for k in range(200)
    ]
    print(f"{'expression':48} {'ns':>6} {'ratio to plain Python':>22} {'µs to compile':>14}")
    for text, plain in CASES:
        expression = compile_expression(text, scope=SCOPE, owner="/x")
        compiling = (
            timeit.timeit(lambda text=text: compile_expression(text, scope=SCOPE, owner="/x"), number=50) / 50 * 1e6
        )
        ours = nanoseconds(expression.evaluate, frames)
        ratio = f"{ours / nanoseconds(plain, frames):.1f}" if plain else ""
        print(f"{text:48} {ours:6.0f} {ratio:>22} {compiling:14.0f}")


if __name__ == "__main__":
    main()
