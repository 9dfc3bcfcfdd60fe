"""From text to an Expression.

The text is parsed by Python's own parser into a tree, and every node of the tree is looked at: what is not known is
refused. What runs is a new tree, built from nothing but our own names, and constants: no name or attribute that a
person typed is ever looked up by Python. It is compiled once, to a function of the frame.

Operands whose kind is not known beforehand get a `+` before them: Python refuses to do that to text and lists, which
ends `"a" * 10**9` before it begins, and costs some nanoseconds. `**` is `pow` on floats.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from ganzfeld.errors import Where
from ganzfeld.patch.expressions.bans import banned
from ganzfeld.patch.expressions.building import CompiledPart, at, common_kind, kind_of_constant, union
from ganzfeld.patch.expressions.calls import Calls
from ganzfeld.patch.expressions.expression import Expression
from ganzfeld.patch.expressions.frame import Scope
from ganzfeld.patch.expressions.source import ExpressionText
from ganzfeld.patch.expressions.vocabulary import Kind, UsageError
from ganzfeld.python_grammar import parse_python

_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: math.pow,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def compile_expression(
    text: str, *, scope: Scope, owner: str, where: Where | None = None, constants: Mapping[str, Any] | None = None
) -> Expression:
    """Compile one expression of a patch (see `ganzfeld.patch.expressions` for the language).

    owner: the address that owns it ("/face/psi"); its functions keep their state under f"{owner}:{function}:{ordinal}",
    the ordinal counting calls of that function within the expression. where: the place of its first character.
    constants: loop variables. Raises ExpressionError with the exact line and column.
    """
    source = ExpressionText(text, owner, where)
    try:
        return Compiler(source, scope, owner, constants or {}).compile()
    except (RecursionError, MemoryError):
        raise source.mistake("the expression is nested too deeply", "Name parts of it on lines of their own") from None


def _pick(values: Any, index: float) -> Any:
    """One of a list's values; the index is floored and wraps around."""
    if values.__class__ is not list:
        raise UsageError("only a list can be picked from", "Such as [3, 1, 2][k]")
    if not values:
        raise UsageError("the list is empty")
    return values[math.floor(index) % len(values)]


class Compiler(Calls):
    """All of the compiler: literals and operators here, names and calls in the classes that it stands on."""

    def compile(self) -> Expression:
        piece = self.visit(self.source.tree())
        module = parse_python("def run(frame): pass")
        definition = module.body[0]
        assert isinstance(definition, ast.FunctionDef)
        definition.body = [*self.before, ast.Return(piece.tree)]
        code = compile(ast.fix_missing_locations(module), f"<{self.owner!a}>", "exec")
        exec(code, self.globals)  # only defines the function; all in it was built here
        return Expression(
            self.source,
            self.globals.pop("run"),
            is_constant=piece.constant,
            references=frozenset(self.references),
            uses_match=self.uses_match,
            uses_channel=self.uses_channel,
            literals=piece.literals,
            hits=frozenset(self.hits),
            addresses=tuple(self.addresses),
            state_keys=tuple(self.state_keys),
        )

    def literal(self, node: ast.Constant) -> CompiledPart:
        if node.value is None:
            raise self.error(node, "None is not a value", "Write 0, or leave the parameter out")
        if not isinstance(node.value, bool | int | float | str):
            raise self.error(node, f"{type(node.value).__name__} is not part of the patch language")
        if isinstance(node.value, str):
            self.source.check_escapes(node, node.value)
        return self.constant(node, node.value)

    def f_string(self, node: ast.JoinedStr) -> CompiledPart:
        parts: list[str] = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                self.source.check_escapes(node, str(part.value))
                parts.append(str(part.value))
                continue
            name = part.value if isinstance(part, ast.FormattedValue) else None
            if not isinstance(part, ast.FormattedValue) or not isinstance(name, ast.Name):
                raise self.error(part, "an f-string can hold only the variable of a loop", 'As in f"b{k}"')
            if name.id not in self.constants:
                here = ", ".join(f"{{{word}}}" for word in sorted(self.constants))
                use = f"Here: {here}" if here else 'As in: for k in range(4): … f"b{k}"'
                raise self.error(part, f"an f-string can hold only the variable of a loop, not '{name.id}'", use)
            if part.format_spec is not None or part.conversion != -1:
                raise self.error(part, "an f-string's variable takes no format", f"Write {{{name.id}}}")
            parts.append(str(self.constants[name.id]))
        return self.constant(node, "".join(parts))

    def values(self, node: ast.List | ast.Tuple) -> CompiledPart:
        items = [self.visit(item) for item in node.elts]
        if all(item.constant for item in items):
            return self.constant(node, [item.value for item in items])
        tree = at(node, ast.List([item.tree for item in items], ast.Load()))
        return CompiledPart(tree, Kind.LIST, channels=any(item.channels for item in items))

    def subscript(self, node: ast.Subscript) -> CompiledPart:
        values, index = self.visit(node.value), self.visit(node.slice)
        if values.kind in (Kind.TEXT, Kind.NUMBER):
            raise self.error(node, f"only a list can be picked from, found {values.kind.value}", "Such as [3, 1, 2][k]")
        place = self.number(node.slice, index, "a place in a list")
        if values.channels or index.channels:
            return self.for_channels(node, "picked", values.tree, place)
        if values.constant and index.constant:
            return self.fold(node, _pick, values.value, index.value)
        tree = self.internal(node, "pick", _pick, values.tree, place)
        if not values.constant:
            return CompiledPart(tree, Kind.ANY)
        kind = common_kind(map(kind_of_constant, values.value))
        return CompiledPart(tree, kind, union((value,) for value in values.value))

    def arithmetic(self, node: ast.BinOp) -> CompiledPart:
        work = _ARITHMETIC.get(type(node.op))
        if work is None:
            raise self.error(self.source.operator(node.left, node.right), *banned(node.op))
        left, right = self.visit(node.left), self.visit(node.right)
        trees = [self.number(part, piece, "arithmetic") for part, piece in ((node.left, left), (node.right, right))]
        if left.constant and right.constant:
            return self.fold(node, work, left.value, right.value)
        channels = left.channels or right.channels
        if isinstance(node.op, ast.Pow):
            if channels:
                return self.for_channels(node, "power", *trees)
            return CompiledPart(self.internal(node, "power", math.pow, *trees), Kind.NUMBER)
        return CompiledPart(at(node, ast.BinOp(trees[0], node.op, trees[1])), Kind.NUMBER, channels=channels)

    def unary(self, node: ast.UnaryOp) -> CompiledPart:
        if isinstance(node.op, ast.Invert):
            raise self.error(node, *banned(node.op))
        piece = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            if piece.constant:
                return self.fold(node, operator.not_, piece.value)
            if piece.channels:
                return self.for_channels(node, "negated", self.number(node.operand, piece, "not"))
            return CompiledPart(at(node, ast.UnaryOp(ast.Not(), piece.tree)), Kind.NUMBER, (False, True))
        tree = self.number(node.operand, piece, "arithmetic")
        if piece.constant:
            return self.fold(node, operator.neg if isinstance(node.op, ast.USub) else operator.pos, piece.value)
        return CompiledPart(at(node, ast.UnaryOp(node.op, tree)), Kind.NUMBER, channels=piece.channels)

    def logic(self, node: ast.BoolOp) -> CompiledPart:
        first, *others = node.values
        pieces = [self.visit(first), *(self.visit_skippable(other) for other in others)]
        if all(piece.constant for piece in pieces):
            values = [piece.value for piece in pieces]
            ends = isinstance(node.op, ast.Or)
            return self.constant(node, next((value for value in values if bool(value) is ends), values[-1]))
        if any(piece.channels for piece in pieces):
            trees = [self.number(part, piece, "a condition") for part, piece in zip(node.values, pieces)]
            return self.for_channels(node, "any_of" if isinstance(node.op, ast.Or) else "all_of", *trees)
        tree = at(node, ast.BoolOp(node.op, [piece.tree for piece in pieces]))
        return CompiledPart(
            tree, common_kind(piece.kind for piece in pieces), union(piece.literals for piece in pieces)
        )

    def comparison(self, node: ast.Compare) -> CompiledPart:
        parts = [node.left, *node.comparators]
        for k, op in enumerate(node.ops):
            if type(op) not in _COMPARISONS:
                raise self.error(self.source.operator(parts[k], parts[k + 1]), *banned(op))
        pieces = [self.visit_skippable(part) if k > 1 else self.visit(part) for k, part in enumerate(parts)]
        for k, op in enumerate(node.ops):
            kinds = {pieces[k].kind, pieces[k + 1].kind}
            if not isinstance(op, ast.Eq | ast.NotEq) and kinds == {Kind.TEXT, Kind.NUMBER}:
                raise self.error(parts[k], "text and numbers cannot be compared by size")
        if all(piece.constant for piece in pieces):
            values = [piece.value for piece in pieces]
            pairs = list(zip(node.ops, values, values[1:]))
            return self.fold(node, lambda: all(_COMPARISONS[type(op)](a, b) for op, a, b in pairs))
        if any(piece.channels for piece in pieces):
            trees = [self.number(part, piece, "a comparison") for part, piece in zip(parts, pieces)]
            operators = self.owned(node, tuple(_COMPARISONS[type(op)] for op in node.ops))
            return self.for_channels(node, "compared", operators, *trees)
        tree = at(node, ast.Compare(pieces[0].tree, node.ops, [piece.tree for piece in pieces[1:]]))
        return CompiledPart(tree, Kind.NUMBER, (False, True))

    def choice(self, node: ast.IfExp) -> CompiledPart:
        test = self.visit(node.test)
        body, other = self.visit_skippable(node.body), self.visit_skippable(node.orelse)
        if test.constant and body.constant and other.constant:
            return self.constant(node, body.value if test.value else other.value)
        if test.channels:
            trees = [self.number(part, piece, "c") for part, piece in ((node.body, body), (node.orelse, other))]
            return self.for_channels(node, "chosen", test.tree, *trees)
        tree = at(node, ast.IfExp(test.tree, body.tree, other.tree))
        kind, literals = common_kind((body.kind, other.kind)), union((body.literals, other.literals))
        return CompiledPart(tree, kind, literals, channels=body.channels or other.channels)

    handlers = {
        ast.Constant: literal,
        ast.JoinedStr: f_string,
        ast.List: values,
        ast.Tuple: values,
        ast.Subscript: subscript,
        ast.Name: Calls.name,
        ast.Attribute: Calls.attribute,
        ast.Call: Calls.call,
        ast.BinOp: arithmetic,
        ast.UnaryOp: unary,
        ast.BoolOp: logic,
        ast.Compare: comparison,
        ast.IfExp: choice,
    }
