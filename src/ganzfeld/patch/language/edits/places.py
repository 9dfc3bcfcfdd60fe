"""Statements and nodes as pieces of the text: removed, put, given a name of their own."""

from __future__ import annotations

import ast

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.edits.arguments import find
from ganzfeld.patch.language.edits.base import Splice
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.models import Span
from ganzfeld.patch.nodes import node_types


def is_named(edited: EditedText, name: str) -> bool:
    """Whether a node has a name that others can use (`face = network(…)`)."""
    span = edited.node(name).span
    match edited.statement(span):
        case ast.Assign(targets=[ast.Name(id=given)], value=value):
            return given == name and edited.range_of(_outer(edited, span)) == edited.range_of(value)
    return False


def expression(edited: EditedText, name: str) -> tuple[int, int]:
    """From where to where a node stands that is written in place, with what feeds it: `noise() >> flip()`."""
    return edited.range_of(_outer(edited, edited.node(name).span))


def _outer(edited: EditedText, span: Span) -> ast.expr:
    """A node's call, or the chain that ends in it."""
    call = edited.call(span)
    for each in ast.walk(edited.tree):
        if isinstance(each, ast.BinOp) and isinstance(each.op, ast.RShift) and each.right is call:
            return each
    return call


def source_of(edited: EditedText, node: str, name: str) -> ast.expr | None:
    """What stands in the text where a node's input is given: a name, or a node written in place. None: nothing does.

    name: "latent", or "ring.latent" of a method line."""
    label, _, inner = name.rpartition(".")
    model = edited.node(node)
    span = edited.line(node, label).span if label else model.span
    call = edited.call(span)
    outer = _outer(edited, span)
    order = list(declared_order(edited, node, label))
    inputs = edited.type_of(node).declared_inputs()
    if isinstance(outer, ast.BinOp) and not label:
        if next(iter(inputs)) == inner:
            return outer.left
        order = order[1:] if order and order[0] in inputs else order
    found = find(edited, call, written_as(edited, node, name), order)
    return found.value if found else None


def written_as(edited: EditedText, node: str, name: str) -> str:
    """The argument that an input is written as: its own name, or that of the choice that it stands instead of."""
    label, _, inner = name.rpartition(".")
    if label:
        return inner
    for key, declared in edited.type_of(node).declared.items():
        if getattr(declared, "instead", None) == inner and key in edited.node(node).arguments:
            return key
    return inner


def declared_order(edited: EditedText, node: str, label: str = "") -> tuple[str, ...]:
    """The names of the positional arguments of a node's call, or of one of its lines."""
    if not label:
        return tuple(edited.type_of(node).declared)
    method = edited.line(node, label).method
    return next(tuple(each.declared) for each in edited.type_of(node).methods if each.method == method)


def positions(edited: EditedText, node: str, label: str = "") -> tuple[str, ...]:
    """As `declared_order`, without the input that a chain feeds."""
    order = declared_order(edited, node, label)
    if not label and isinstance(_outer(edited, edited.node(node).span), ast.BinOp):
        first = next(iter(edited.type_of(node).declared_inputs()), None)
        return tuple(name for name in order if name != first)
    return order


def give_name(edited: EditedText, node: str, name: str = "") -> str:
    """A node that is written in place gets a line and a name of its own; the name, which is returned, takes its
    place."""
    if is_named(edited, node):
        return node
    model = edited.node(node)
    if node_types()[model.type].is_output:
        raise PatchError(f"{node} is an output: nothing reads it")
    if _in_loop(edited, model.span):
        raise PatchError(f"{node} stands in a loop", hint="Give it a line of its own above the loop first")
    name = name or edited.free_name(model.type)
    start, end = expression(edited, node)
    place = edited.before(model.span)
    text = edited.text[start:end]
    if "\n" in text and isinstance(_outer(edited, model.span), ast.BinOp):
        text = f"({text})"
    feed = edited.end_of_line
    edited.splice(Splice(place, place, f"{name} = {text}{feed}"), Splice(start, end, name))
    return name


def _in_loop(edited: EditedText, span: Span) -> bool:
    return isinstance(edited.statement(span, outermost=True), ast.For)


def removal(edited: EditedText, gone: list[ast.stmt]) -> list[Splice]:
    """Statements go, with what is written after them on their lines. A loop without lines goes, too."""
    gone = list(gone)
    bodies = {id(statement): body for statement, body in edited.statements()}
    loops = [each for each, _ in edited.statements() if isinstance(each, ast.For)]
    changed = True
    while changed:
        changed = False
        for loop in loops:
            if loop not in gone and all(each in gone for each in loop.body):
                gone.append(loop)
                changed = True
    inner = {id(each) for loop in gone if isinstance(loop, ast.For) for each in ast.walk(loop) if each is not loop}
    outer = [each for each in gone if id(each) not in inner]
    return _merged([_removed(edited, each, bodies[id(each)], gone) for each in outer])


def _removed(edited: EditedText, statement: ast.stmt, body: list[ast.stmt], gone: list[ast.stmt]) -> Splice:
    start, end = edited.range_of(statement)
    index = body.index(statement)
    before = body[index - 1] if index and body[index - 1].end_lineno == statement.lineno else None
    after = body[index + 1] if index + 1 < len(body) and body[index + 1].lineno == statement.end_lineno else None
    if after is not None and (before is None or before in gone):
        return Splice(start, edited.range_of(after)[0], "")
    if before is not None:
        return Splice(edited.range_of(before)[1], end, "")
    last = statement.end_lineno or statement.lineno
    first = edited.place(statement.lineno, 1)
    if edited.text[first:start].strip():  # `for k in range(3): face.show()`
        return Splice(start, end, "pass")
    final = edited.place(last + 1, 1)
    if final >= len(edited.text) and not edited.text.endswith("\n") and first > 0:
        first -= len(edited.end_of_line)
    return Splice(first, final, "")


def _merged(splices: list[Splice]) -> list[Splice]:
    found: list[Splice] = []
    for splice in sorted(splices):
        if found and splice.start < found[-1].end:
            splice = Splice(found[-1].start, max(found[-1].end, splice.end), "")
            found.pop()
        found.append(splice)
    return found
