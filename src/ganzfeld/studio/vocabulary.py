"""Collects the words that a patch's editor completes and explains, from the registries and from the patch itself.

Importing this imports every node type, and with them torch: `word_service.py` has it done in a process of its own.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ganzfeld.bending.base import bends
from ganzfeld.errors import GanzfeldError
from ganzfeld.networks.find import shipped_names
from ganzfeld.patch.addresses import addresses
from ganzfeld.patch.examples import examples_of
from ganzfeld.patch.expressions import NAMES, known_functions
from ganzfeld.patch.flags import LINE_FLAGS, NODE_FLAGS, passing_input
from ganzfeld.patch.graph import Graph, GraphNode
from ganzfeld.patch.language.editing import numbers
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.network.bends import BlendMethod
from ganzfeld.patch.node import Choice, Declared, Declares, Input, Node, Parameter, Value
from ganzfeld.patch.nodes import node_types
from ganzfeld.patch.nodes.network import NetworkNode
from ganzfeld.studio.opened_networks import MOST_NETWORKS, file_of, names_in, shipped_that_fit
from ganzfeld.studio.words import (
    AddressWord,
    BendWord,
    FunctionWord,
    MethodWord,
    NameWord,
    NetworkWord,
    NodeWord,
    NumberWord,
    ParameterWord,
    Words,
)

MOST_ADDRESSES = 5_000
MOST_NUMBERS = 5_000
MOST_WEIGHTS = 2_000
LONGEST_DEFAULT = 60


def vocabulary(text: str, folder: Path | None = None) -> Words:
    """The words for a patch with this text, whose files lie in `folder`. What is wrong with it is told in `problem`."""
    language = _language()
    try:
        graph = Graph(parse(text))
        return replace(
            language,
            addresses=tuple(_addresses(graph))[:MOST_ADDRESSES],
            numbers=tuple(_numbers(graph, text))[:MOST_NUMBERS],
            networks=tuple(_networks(graph, folder or Path.cwd())),
            types={name: node.cls.word for name, node in graph.nodes.items()},
        )
    except GanzfeldError as error:
        return replace(language, problem=error.what)


@cache
def _language() -> Words:
    """What every patch can say."""
    nodes = tuple(_node(word, cls) for word, cls in sorted(node_types().items()))
    functions = tuple(
        FunctionWord(each.name, each.group, each.signature, _line(each.doc), each.example, each.called)
        for each in sorted(known_functions().values(), key=lambda each: each.name)
    )
    return Words(
        nodes=nodes,
        bends=tuple(_bends()),
        blending=_blending(),
        functions=functions,
        names=tuple(NameWord(name, known.doc) for name, known in NAMES.items()),
    )


def _bends() -> Iterator[BendWord]:
    """The bends of layers, each half way between as little and as much of it as dice take."""
    for bend in bends("activation").values():
        for amount, taste in bend.taste.items():
            declared = bend.amounts[amount]
            value = float(f"{declared.default + sum(taste.far) / 2:.2g}")
            share = ", channels=0.5" if taste.share else ""
            doc = _line(f"{inspect.getdoc(type(bend)) or ''} {declared.doc}")
            yield BendWord(amount, doc, f"{amount}={value:g}{share}")


def _blending() -> str:
    """A blend of the whole network, half way."""
    target, amount = (BlendMethod.declared[name] for name in ("target", "amount"))
    assert isinstance(target, Parameter) and isinstance(amount, Parameter)
    return f"{repr_in_patch(target.default)}, amount={amount.default:g}"


def _node(word: str, cls: type[Node]) -> NodeWord:
    examples = examples_of(cls)
    passes = passing_input(cls) is not None
    flags = {} if cls.is_output else {name: doc for name, doc in NODE_FLAGS.items() if passes or name != "bypass"}
    return NodeWord(
        name=word,
        doc=inspect.getdoc(cls) or "",
        makes=() if cls.is_output else cls.makes,
        parameters=_parameters(cls) + _flags(flags),
        methods=tuple(
            MethodWord(method.method, inspect.getdoc(method) or "", _parameters(method) + _flags(LINE_FLAGS))
            for method in cls.methods
        ),
        example=examples[0].text() if examples else "",
    )


def _flags(known: Mapping[str, str]) -> tuple[ParameterWord, ...]:
    """What switches a node or a line off, as parameters."""
    return tuple(
        ParameterWord(name, "structure", doc, default="False", options=("True", "False")) for name, doc in known.items()
    )


def _parameters(cls: type[Declares]) -> tuple[ParameterWord, ...]:
    return tuple(_parameter(name, declared) for name, declared in cls.declared.items())


def _parameter(name: str, declared: Declared) -> ParameterWord:
    doc = _line(declared.doc)
    if isinstance(declared, Input):
        return ParameterWord(name, "input", doc)
    assert isinstance(declared, Parameter)
    return ParameterWord(
        name,
        declared.kind,
        doc,
        default=_written(declared.default),
        range=declared.range if isinstance(declared, Value) else None,
        unit=declared.unit if isinstance(declared, Value) else "",
        options=options_of(declared),
    )


def options_of(declared: Parameter) -> tuple[str, ...]:
    """What a choice may be, as one would write it."""
    if declared in (NetworkNode.file, BlendMethod.other):
        return tuple(map(repr_in_patch, shipped_names()))
    return tuple(map(repr_in_patch, declared.options or ())) if isinstance(declared, Choice) else ()


def repr_in_patch(value: Any) -> str:
    """A value as patches are written here: texts in double quotes."""
    return f'"{value}"' if isinstance(value, str) and '"' not in value else repr(value)


def _written(default: Any) -> str:
    if default is None or (isinstance(default, float) and math.isnan(default)):
        return ""
    written = f"{default:g}" if isinstance(default, float) else repr_in_patch(default)
    return written if len(written) <= LONGEST_DEFAULT else ""


def _line(text: str) -> str:
    return " ".join(text.split())


def _addresses(graph: Graph) -> list[AddressWord]:
    return [
        AddressWord(
            row.address,
            graph.slots[row.address].reference if row.address in graph.slots else "",
            row.kind,
            doc=row.doc,
            range=row.range,
            unit=row.unit,
            default=_written(row.default),
        )
        for row in addresses(graph)
    ]


def _numbers(graph: Graph, text: str) -> list[NumberWord]:
    found = []
    for number in numbers(text):
        parameter = graph.slots[number.address].parameter
        if isinstance(parameter, Value) and not isinstance(parameter.default, list | tuple | str):
            low, high = parameter.range
            found.append(
                NumberWord(
                    number.address,
                    number.line,
                    number.column,
                    number.length,
                    low=low,
                    high=high,
                    default=float(parameter.default),
                    unit=parameter.unit,
                )
            )
    return found


def _networks(graph: Graph, folder: Path) -> list[NetworkWord]:
    playing = [node for node in graph.nodes.values() if issubclass(node.cls, NetworkNode)]
    return [_network(node, graph, folder) for node in playing[:MOST_NETWORKS]]


def _network(node: GraphNode, graph: Graph, folder: Path) -> NetworkWord:
    """The first of the networks that a node may play; without names if it cannot be read."""
    file = file_of(node, graph)
    inside = names_in(file, folder)
    if inside is None:
        return NetworkWord(node.name, (), ())
    weights = tuple(inside.weights)[:MOST_WEIGHTS]
    return NetworkWord(node.name, inside.layers, weights, tuple(shipped_that_fit(file, inside)))
