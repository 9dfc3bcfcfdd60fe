"""A compiled expression: evaluated once a frame."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import CodeType, FunctionType, TracebackType
from typing import Any

import numpy as np

from ganzfeld.errors import ExpressionError, reason_of
from ganzfeld.patch.expressions.channels import finished
from ganzfeld.patch.expressions.frame import FrameContext
from ganzfeld.patch.expressions.plain import kind_named, plain
from ganzfeld.patch.expressions.source import ExpressionText
from ganzfeld.patch.expressions.vocabulary import UsageError


class Expression:
    """One expression of a patch, compiled.

    text: as written. is_constant: gives the same on every frame. references: the signals ("kick") and parameters
    ("face.psi") it reads. uses_match: reads `i` or `n`. uses_channel: reads `c`. literals: every value it could give,
    in the order written, or None if they cannot be listed. addresses: those from outside that its functions read.
    hits: those of them whose hits it counts.
    state_keys: where its functions keep their state (with ":0", ":1" … behind for the matches of a glob).
    """

    __slots__ = (
        "_run",
        "_source",
        "addresses",
        "hits",
        "is_constant",
        "literals",
        "references",
        "state_keys",
        "text",
        "uses_channel",
        "uses_match",
    )

    def __init__(
        self,
        source: ExpressionText,
        run: Callable[[FrameContext], Any],
        *,
        is_constant: bool,
        references: frozenset[str],
        uses_match: bool,
        uses_channel: bool,
        literals: tuple | None,
        hits: frozenset[str],
        addresses: tuple[str, ...],
        state_keys: tuple[str, ...],
    ) -> None:
        self.text = source.text
        self.is_constant = is_constant
        self.references = references
        self.uses_match = uses_match
        self.uses_channel = uses_channel
        self.literals = literals
        self.addresses = addresses
        self.hits = hits
        self.state_keys = state_keys
        self._source = source
        self._run = run

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(self, frame: FrameContext) -> float | int | bool | str | list:
        """The value on this frame: a finite number, a bool, a text or a list of these.

        Moves the state of `phase`, `lag` … on, once a frame: a second call on the same frame gives the same.
        Raises ExpressionError, at the very part that failed; the caller holds the last good value.
        """
        try:
            value = self._run(frame)
            # The usual case first. A float without bound is not equal to itself less itself.
            if value.__class__ is float and value - value == 0.0:
                return value
            return plain(value)
        except Exception as error:
            raise self._explained(error) from (None if isinstance(error, _EXPECTED) else error)

    def evaluate_channels(self, frame: FrameContext, channels: int) -> np.ndarray:
        """The value on this frame for each of so many channels, finite float64 [channels]. Otherwise as `evaluate`."""
        frame.c = np.arange(float(channels))
        try:
            with np.errstate(all="ignore"):
                return finished(self._run(frame), channels)
        except Exception as error:
            raise self._explained(error) from (None if isinstance(error, _EXPECTED) else error)
        finally:
            frame.c = None

    def _explained(self, error: Exception) -> ExpressionError:
        line, column = self._place(error.__traceback__)
        what, hint = explain(error, self._source.word_at(line, column))
        return self._source.mistake(what, hint, line, column)

    def _place(self, traceback: TracebackType | None) -> tuple[int, int]:
        """Where in the text an error came up: the compiled code still knows."""
        code: CodeType | None = self._run.__code__ if isinstance(self._run, FunctionType) else None
        while traceback is not None:
            if traceback.tb_frame.f_code is code and code is not None:
                line, _, byte, _ = list(code.co_positions())[traceback.tb_lasti // 2]
                if line is not None and byte is not None:
                    return self._source.place(line, byte)
            traceback = traceback.tb_next
        return 1, 1


_EXPECTED = (ArithmeticError, ValueError, TypeError, LookupError)
_TYPE_NAME = re.compile(r"'(\w+)'")


def explain(error: Exception, function: str = "") -> tuple[str, str]:
    """What an exception from a calculation means, and a hint, in plain words. function: what was called there."""
    if isinstance(error, UsageError):
        return error.what, error.hint
    if isinstance(error, ZeroDivisionError):
        return "division by zero", "Add a small number below the line, or use a condition"
    if isinstance(error, OverflowError):
        return "a number became too large", "Use clamp to keep it within bounds"
    if isinstance(error, ValueError):
        return f"{function or 'a power'} has no value for this number", "As sqrt has none below 0, and log none at 0"
    if isinstance(error, KeyError):
        name = error.args[0] if error.args else "something"
        return f"{name!r} has no value on this frame", ""
    if isinstance(error, TypeError):
        names = [kind_named(name) for name in _TYPE_NAME.findall(str(error))]
        if "not supported between" in str(error) and len(names) == 2:
            return f"{names[0]} and {names[1]} cannot be compared by size", ""
        strange = [name for name in names if name != "a number"]
        if strange:
            return f"a number is needed here, found {strange[0]}", ""
    return f"the calculation failed: {reason_of(error)}", ""
