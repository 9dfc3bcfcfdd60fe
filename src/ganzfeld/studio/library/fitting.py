"""Which lines of a node would not fit another network, asked of the node itself. Imports torch."""

from __future__ import annotations

from pathlib import Path

import torch
from msgspec.structs import replace

from ganzfeld.engine.program.built_patch import setup_context
from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.language.text import lines_of
from ganzfeld.patch.models import MethodModel, Patch, Term
from ganzfeld.patch.resources import Resources
from ganzfeld.studio.library.questions import Fitting, TryNetwork, UnfitLine

MOST_LINES = 200
"""Of one node that are tried."""
LONGEST = 120
"""Characters of a line that are told."""
LONGEST_HINT = 80


def fitting(asked: TryNetwork) -> Fitting:
    """Set the node up with the other network, and without each line that it refuses."""
    try:
        patch = _with_file(parse(asked.text), asked.node, asked.file)
    except GanzfeldError as error:
        return Fitting(what=f"the patch does not play as it is: {error.what}", hint=error.hint)
    resources = Resources(Path(asked.folder) if asked.folder else None)
    unfit: dict[int, UnfitLine] = {}
    for _ in range(MOST_LINES):
        try:
            _set_up(patch, asked.node, resources)
        except PatchError as error:
            refused = _line_at(patch, asked.node, error.where.line)
            if refused is None:
                return Fitting(what=error.what, hint=error.hint)
            line = refused.span.line
            names = tuple(each.name for each in patch.nodes[asked.node].methods if each.span.line == line)
            unfit[line] = UnfitLine(line, _written(asked.text, line), _sentence(error), names)
            patch = _without(patch, asked.node, line)
        except GanzfeldError as error:
            return Fitting(what=error.what, hint=error.hint)
        else:
            break
    return Fitting(tuple(unfit[line] for line in sorted(unfit)))


def _set_up(patch: Patch, name: str, resources: Resources) -> None:
    graph = Graph(patch)
    node = graph.nodes[name]
    context = setup_context(graph, node, resources, torch.device("cpu"), lambda cost, where: None)
    node.cls().setup(context)


def _with_file(patch: Patch, name: str, file: str) -> Patch:
    if name not in patch.nodes:
        raise PatchError(f"there is no node '{name}'")
    node = patch.nodes[name]
    # On the card it plays as here: only what fits is asked.
    arguments = {key: term for key, term in node.arguments.items() if key != "device"}
    arguments["file"] = Term(text=repr(file), span=node.span)
    return replace(patch, nodes={**patch.nodes, name: replace(node, arguments=arguments)})


def _line_at(patch: Patch, name: str, line: int | None) -> MethodModel | None:
    """The method line of a node that a line of the text belongs to."""
    if line is None:
        return None
    node = patch.nodes[name]
    if node.span.line <= line <= node.span.end_line:
        return None
    return next((each for each in node.methods if each.span.line <= line <= each.span.end_line), None)


def _without(patch: Patch, name: str, line: int) -> Patch:
    """The patch without what stands at a line: in a loop, one line is several."""
    node = patch.nodes[name]
    methods = tuple(each for each in node.methods if each.span.line != line)
    return replace(patch, nodes={**patch.nodes, name: replace(node, methods=methods)})


def _written(text: str, line: int) -> str:
    return lines_of(text)[line - 1].strip()[:LONGEST]


def _sentence(error: GanzfeldError) -> str:
    """The hint only where it is a short one: the names of all layers help nobody here."""
    return f"{error.what}. {error.hint}" if 0 < len(error.hint) <= LONGEST_HINT else error.what
