"""Maths: pure functions of numbers. Angles are radians; all is float64, so `sin(t)` is as exact after a month."""

from __future__ import annotations

import builtins
import math
from functools import reduce
from typing import Any

import numpy as np

from ganzfeld.patch.expressions.channels import power
from ganzfeld.patch.expressions.vocabulary import Kind, Result, UsageError, function


def _clamp(x: Any, lo: Any, hi: Any) -> np.ndarray:
    return np.where(np.less(x, lo), lo, np.where(np.greater(x, hi), hi, x))


def _smoothstep(a: Any, b: Any, x: Any) -> np.ndarray:
    width = np.subtract(b, a)
    u = _clamp((x - a) / np.where(width == 0, 1, width), 0, 1)
    return np.where(width == 0, np.greater_equal(x, a).astype(np.float64), u * u * (3 - 2 * u))


# The interpreter's own functions are the fastest there are, so these are called as they are.
for _call, _channels, _example, _doc in (
    (math.sin, np.sin, "sin(t)", "Sine of an angle in radians."),
    (math.cos, np.cos, "cos(t)", "Cosine of an angle in radians."),
    (math.tan, np.tan, "tan(0.3)", "Tangent of an angle in radians."),
    (math.asin, np.arcsin, "asin(0.5)", "The angle in radians whose sine is x (−1 to 1)."),
    (math.acos, np.arccos, "acos(0.5)", "The angle in radians whose cosine is x (−1 to 1)."),
    (math.atan, np.arctan, "atan(2)", "The angle in radians whose tangent is x."),
    (math.atan2, np.arctan2, "atan2(1, -1)", "The angle in radians of the point with height y and width x."),
    (math.sinh, np.sinh, "sinh(0.5)", "Hyperbolic sine."),
    (math.cosh, np.cosh, "cosh(0.5)", "Hyperbolic cosine."),
    (math.tanh, np.tanh, "tanh(3*sin(t))", "Hyperbolic tangent: bends any number into −1 to 1."),
    (math.exp, np.exp, "exp(-2*ramp(beat))", "e to the power x."),
    (math.log2, np.log2, "log2(8)", "Logarithm to base 2 of x above 0."),
    (math.log10, np.log10, "log10(100)", "Logarithm to base 10 of x above 0."),
    (math.sqrt, np.sqrt, "sqrt(ramp(beat))", "Square root of x, which is not below 0."),
    (math.degrees, np.degrees, "degrees(pi)", "Radians to degrees."),
    (math.radians, np.radians, "radians(180)", "Degrees to radians."),
    (math.floor, np.floor, "floor(beat)", "The next whole number downwards."),
    (math.ceil, np.ceil, "ceil(beat)", "The next whole number upwards."),
    (math.trunc, np.trunc, "trunc(-1.5)", "The whole number towards zero."),
    (abs, np.abs, "abs(sin(t))", "The size of x, without its sign."),
):
    function(example=_example, doc=_doc, group="maths", channels=_channels)(_call)


@function(example="log(10)", channels=lambda x, base: np.log(x) / np.log(base))
def log(x: float, base: float = math.e) -> float:
    """Logarithm of x above 0, natural unless a base is given."""
    return math.log(x) if base == math.e else math.log(x, base)


@function(example="pow(ramp(beat), 3)", channels=power)
def pow(x: float, y: float) -> float:
    """x to the power y, as a float; the same as x ** y."""
    return math.pow(x, y)


@function(example="mod(t, 10)", channels=True)
def mod(x: float, m: float) -> float:
    """What is left of x after whole m's; the same as x % m: never negative for m above 0."""
    return x % m


@function(example="hypot(3, 4)", channels=lambda *all: reduce(np.hypot, all))
def hypot(x: float, y: float, *more: float) -> float:
    """The length of the vector (x, y, …)."""
    return math.hypot(x, y, *more)


@function(example="sign(sin(t))", result=Result(Kind.NUMBER, (-1, 0, 1)), channels=np.sign)
def sign(x: float) -> int:
    """−1, 0 or 1, as x is below, at or above 0."""
    return (x > 0) - (x < 0)


@function(example="round(t, 1)")
def round(x: float, digits: float = 0) -> float:
    """x rounded to so many digits after the point, half-way cases to the even neighbour. Whole without digits."""
    if digits == 0:
        return builtins.round(x)
    # As a float: with an int and many negative digits Python would compute a power of ten without bound.
    return builtins.round(float(x), int(digits))


@function(example="min(1, 2*ramp(beat))", channels=lambda *all: reduce(np.minimum, all))
def min(x: float, *more: float) -> float:
    """The smallest of its arguments."""
    return builtins.min((x, *more))


@function(example="max(0, sin(t))", channels=lambda *all: reduce(np.maximum, all))
def max(x: float, *more: float) -> float:
    """The largest of its arguments."""
    return builtins.max((x, *more))


@function(example="clamp(2*sin(t), -1, 1)", channels=_clamp)
def clamp(x: float, lo: float = 0, hi: float = 1) -> float:
    """x held between lo and hi."""
    return lo if x < lo else hi if x > hi else x


@function(
    example="remap(sin(t), -1, 1, 0.2, 0.8)", channels=lambda x, a, b, c, d: c + (x - a) / np.subtract(b, a) * (d - c)
)
def remap(x: float, a: float, b: float, c: float, d: float) -> float:
    """x moved from the range a to b into the range c to d. Not clamped; a and b differ."""
    if a == b:
        raise UsageError("remap needs a range to come from, but its ends are the same", "Give a and b different values")
    return c + (x - a) / (b - a) * (d - c)


@function(example="lerp(0.2, 0.8, ramp(beat))", also=("mix",), channels=True)
def lerp(a: float, b: float, x: float) -> float:
    """From a (x = 0) to b (x = 1) in a straight line. Not clamped."""
    return a + (b - a) * x


@function(
    example="step(0.5, ramp(beat))",
    result=Result(Kind.NUMBER, (0, 1)),
    channels=lambda edge, x: np.where(np.less(x, edge), 0.0, 1.0),
)
def step(edge: float, x: float) -> int:
    """0 while x is below the edge, else 1."""
    return 0 if x < edge else 1


@function(example="smoothstep(0.4, 0.6, ramp(beat))", channels=_smoothstep)
def smoothstep(a: float, b: float, x: float) -> float:
    """From 0 (x at a or before) to 1 (x at b or after), smoothly: 3u² − 2u³."""
    if a == b:
        return 0.0 if x < a else 1.0
    u = clamp((x - a) / (b - a))
    return u * u * (3 - 2 * u)


@function(example="fract(t)", channels=True)
def fract(x: float) -> float:
    """The part of x after the point, 0 to 1: x − floor(x)."""
    return x % 1.0
