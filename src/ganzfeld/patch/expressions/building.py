"""What every part of the compiler needs: pieces, the way through the tree, guards, constants, errors."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ganzfeld.errors import ExpressionError, nearest
from ganzfeld.patch.expressions.bans import ELSEWHERE, banned
from ganzfeld.patch.expressions.channels import OPERATIONS
from ganzfeld.patch.expressions.expression import explain
from ganzfeld.patch.expressions.frame import Scope
from ganzfeld.patch.expressions.plain import plain
from ganzfeld.patch.expressions.source import ExpressionText
from ganzfeld.patch.expressions.vocabulary import Kind, UsageError

MOST_DEPTH = 100
NOT_NUMBERS = (Kind.TEXT, Kind.LIST)
_UNKNOWN = object()


@dataclass(frozen=True, slots=True)
class CompiledPart:
    """A compiled part: its new tree, what is known of its kind and literals, and its value if that is constant.

    channels: whether it has a value for each channel.
    """

    tree: ast.expr
    kind: Kind
    literals: tuple | None = None
    value: Any = _UNKNOWN
    channels: bool = False

    @property
    def constant(self) -> bool:
        return self.value is not _UNKNOWN


class Builder:
    """Builds the new tree. `handlers`: what to do with each type of node; a type that is not there is refused."""

    handlers: Mapping[type[ast.expr], Callable[[Any, Any], CompiledPart]] = {}

    def __init__(self, source: ExpressionText, scope: Scope, owner: str, constants: Mapping[str, Any]) -> None:
        self.source, self.scope, self.owner, self.constants = source, scope, owner, constants
        self.globals: dict[str, Any] = {"__builtins__": {}}
        self.references: set[str] = set()
        self.hits: set[str] = set()
        self.addresses: dict[str, None] = {}
        self.ordinals: dict[str, int] = {}
        self.state_keys: list[str] = []
        self.uses_match = self.uses_channel = False
        self.depth = 0
        # Above 0 while inside a part that Python may skip. A stateful call there is moved to a line of its own before,
        # so that its clock does not stand still while its branch is not taken.
        self.skippable = 0
        self.before: list[ast.stmt] = []

    def error(self, node: ast.AST, what: str, hint: str = "", offset: int | None = None) -> ExpressionError:
        return self.source.at(node, what, hint, offset)

    def visit(self, node: ast.expr) -> CompiledPart:
        handler = self.handlers.get(type(node))
        if handler is None:
            raise self.error(node, *banned(node))
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise self.error(node, "the expression is nested too deeply", "Name parts of it on lines of their own")
        try:
            return handler(self, node)
        finally:
            self.depth -= 1

    def visit_skippable(self, node: ast.expr) -> CompiledPart:
        self.skippable += 1
        try:
            return self.visit(node)
        finally:
            self.skippable -= 1

    def constant(self, node: ast.AST, value: Any) -> CompiledPart:
        """A piece with a known value, checked as any result is."""
        try:
            value = plain(value)
        except UsageError as error:
            raise self.error(node, error.what, error.hint) from None
        if isinstance(value, list):
            items = [self.constant(node, item).tree for item in value]
            return CompiledPart(at(node, ast.List(items, ast.Load())), Kind.LIST, (value,), value)
        return CompiledPart(at(node, ast.Constant(value)), kind_of_constant(value), (value,), value)

    def fold(self, node: ast.expr, call: Callable, *arguments: Any) -> CompiledPart:
        """The constant result of a calculation, made now."""
        try:
            return self.constant(node, call(*arguments))
        except (ArithmeticError, ValueError, TypeError) as error:
            word = self.source.word_at(*self.source.place(node.lineno, node.col_offset))
            raise self.error(node, *explain(error, word)) from None

    def internal(self, node: ast.AST, name: str, call: Any, *arguments: ast.expr) -> ast.Call:
        """A call of something of ours by a name of ours."""
        self.globals[name] = call
        return at(node, ast.Call(at(node, ast.Name(name, ast.Load())), list(arguments), []))

    def for_channels(self, node: ast.AST, operation: str, *arguments: ast.expr) -> CompiledPart:
        """An operation of `channels` on trees of which some have a value for each channel."""
        tree = self.internal(node, f"each_{operation}", OPERATIONS[operation], *arguments)
        return CompiledPart(tree, Kind.NUMBER, channels=True)

    def frame(self, node: ast.AST, *path: str) -> ast.expr:
        """Something of the frame: `frame.moment.t`."""
        tree: ast.expr = at(node, ast.Name("frame", ast.Load()))
        for step in path:
            tree = at(node, ast.Attribute(tree, step, ast.Load()))
        return tree

    def number(self, node: ast.AST, piece: CompiledPart, use: str) -> ast.expr:
        """The piece as a number: known to be one, or guarded."""
        if piece.kind in NOT_NUMBERS:
            raise self.error(node, f"{use} needs a number, found {piece.kind.value}")
        if piece.kind is Kind.NUMBER:
            return piece.tree
        return at(node, ast.UnaryOp(ast.UAdd(), piece.tree))


def at(node: ast.AST, new: Any) -> Any:
    """The new node, at the place of the old one."""
    return ast.copy_location(new, node)


def chain(node: ast.expr) -> tuple[str, str] | None:
    """`a.b.c` as ("a", "b.c"), `a` as ("a", ""); None for anything else."""
    rest: list[str] = []
    while isinstance(node, ast.Attribute):
        rest.insert(0, node.attr)
        node = node.value
    return (node.id, ".".join(rest)) if isinstance(node, ast.Name) else None


def kind_of_constant(value: Any) -> Kind:
    """The kind of a plain value."""
    return Kind.TEXT if isinstance(value, str) else Kind.LIST if isinstance(value, list) else Kind.NUMBER


def common_kind(kinds: Iterable[Kind]) -> Kind:
    """The kind of one of several values."""
    different = set(kinds)
    return different.pop() if len(different) == 1 else Kind.ANY


def union(several: Iterable[tuple | None]) -> tuple | None:
    """All literals, each once, in order; None if some are not known. 1, 1.0 and True are different."""
    known: dict[str, Any] = {}
    for literals in several:
        if literals is None:
            return None
        for value in literals:
            known.setdefault(repr(value), value)
    return tuple(known.values())


def hint(word: str, words: Iterable[str]) -> str:
    """What to write instead of a word that is not known."""
    ours = ELSEWHERE.get(word)
    return f"Write {ours}" if ours else nearest(word, words)
