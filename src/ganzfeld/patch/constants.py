"""Expressions that give the same on every frame."""

from __future__ import annotations

from typing import Any

import msgspec

from ganzfeld.errors import PatchError, Where
from ganzfeld.patch.expressions import Expression, FrameContext, Scope, compile_expression
from ganzfeld.patch.models import NodeModel, Term
from ganzfeld.patch.node import Node, Structure
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


def with_moving(model: NodeModel, cls: type[Node]) -> NodeModel:
    """The same node with expressions that move in the places of constants given to the host values that are for them
    (`Structure.moving`)."""
    arguments = dict(model.arguments)
    for key, declared in cls.declared.items():
        moving = declared.moving if isinstance(declared, Structure) else None
        if moving is not None and key in arguments and moving not in arguments and not _is_constant(arguments[key]):
            arguments[moving] = arguments.pop(key)
    return model if arguments == model.arguments else msgspec.structs.replace(model, arguments=arguments)


def _is_constant(term: Term) -> bool:
    try:
        found = compile_expression(term.text, scope=Scope(), owner="", where=Where(), constants=term.constants)
    except PatchError:  # it names something of the patch, or it is wrong: who compiles it will say so
        return False
    return found.is_constant
