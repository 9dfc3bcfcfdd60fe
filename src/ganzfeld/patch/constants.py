"""Expressions that give the same on every frame."""

from __future__ import annotations

from typing import Any

from ganzfeld.errors import PatchError, Where
from ganzfeld.patch.expressions import Expression, FrameContext, Scope, compile_expression
from ganzfeld.patch.models import Term
from ganzfeld.values.time import Moment


def constant(term: Term, where: Where) -> Any:
    """The value of a term that may not move. Raises PatchError if it does."""
    expression = compile_expression(term.text, scope=Scope(), owner="", where=where, constants=term.constants)
    if not expression.is_constant:
        raise PatchError("This has to be a constant: it is fixed while the patch plays", where=where)
    return constant_value(expression)


def constant_value(expression: Expression) -> Any:
    """What an expression gives that is the same on every frame."""
    return expression.evaluate(FrameContext(Moment(frame=0, t=0.0, dt=0.0, beat=0.0, bar=0.0, bpm=120.0)))
