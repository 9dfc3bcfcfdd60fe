"""Describes what is inside the networks of a patch: layers, weights, and the lines that bend and blend them.

Importing this imports every node type, and with them torch: `word_service.py` has it done in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from ganzfeld.bending.targets import matches, weights_of
from ganzfeld.errors import GanzfeldError, NetworkError, PatchError
from ganzfeld.networks.wide import wide
from ganzfeld.patch.flags import acting
from ganzfeld.patch.graph import Graph, GraphNode
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.language.text import lines_of
from ganzfeld.patch.models import MethodModel, NodeModel, Patch, Span
from ganzfeld.patch.network.bends import switched_on
from ganzfeld.patch.nodes.image import ImageNode
from ganzfeld.patch.nodes.network import NetworkNode
from ganzfeld.studio.inside import InsideLayer, InsideLine, InsideNetwork, Insides, InsideWeight, Reaches
from ganzfeld.studio.opened_networks import MOST_NETWORKS, NetworkNames, file_of, names_in, shipped_that_fit

MOST_WEIGHTS = 2_000
MOST_LINES = 500
MOST_CHANNELS = 2_000
LONGEST_LINE = 400


def insides(text: str, folder: Path | None = None, instead: str = "") -> Insides:
    """The networks of a patch with this text, whose files lie in `folder`. If it is no patch, those of the text
    `instead`, and what is wrong with the other in `problem`."""
    folder = folder or Path.cwd()
    try:
        return Insides(_networks(text, folder))
    except GanzfeldError as error:
        line = error.where.line if error.where else None
        problem = f"line {line}: {error.what}" if line else error.what
    try:
        return Insides(_networks(instead, folder) if instead else (), problem)
    except GanzfeldError:
        return Insides((), problem)


def _networks(text: str, folder: Path) -> tuple[InsideNetwork, ...]:
    patch = parse(text)
    graph = Graph(_with_all_lines(patch))
    playing = [node for node in graph.nodes.values() if issubclass(node.cls, NetworkNode)][:MOST_NETWORKS]
    files = {node.name: file_of(node, graph) for node in playing}
    written = {node.name: patch.nodes[node.name].methods for node in playing}
    return tuple(_network(node, graph, text, written[node.name], files, folder) for node in playing)


def _with_all_lines(patch: Patch) -> Patch:
    """The patch as if nothing of it were muted, solo or bypassed: a graph looks up what plays."""
    return replace(patch, nodes={name: _with_lines(node) for name, node in patch.nodes.items()})


def _with_lines(node: NodeModel) -> NodeModel:
    lines = tuple(replace(line, mute=False, solo=False) for line in node.methods)
    return replace(node, bypass=False, solo=False, methods=lines)


def _network(
    node: GraphNode,
    graph: Graph,
    text: str,
    written: tuple[MethodModel, ...],
    files: dict[str, str],
    folder: Path,
) -> InsideNetwork:
    """written: its lines as they are written, with what mutes them."""
    file = files[node.name]
    names = names_in(file, folder)
    if names is None:
        return InsideNetwork(node.name, file, problem=f"{file} cannot be read")
    config = names.config
    return InsideNetwork(
        node.name,
        file,
        config.kind,
        *config.size,
        size=node.structure.get("size") or config.size,
        latent=config.z_dim,
        rows=config.num_ws,
        source=node.inputs.get("latent", ""),
        shows=_shown(node, graph, names) if any(line.method == "show" for line in acting(written)) else "",
        layers=tuple(_layers(node, names)),
        weights=tuple(_weights(names))[:MOST_WEIGHTS],
        lines=tuple(_flagged(line, written) for line in _lines(node, graph, text, names))[:MOST_LINES],
        blends=_blends(file, names, files.values(), folder),
    )


def _blends(file: str, names: NetworkNames, beside: Iterable[str], folder: Path) -> tuple[str, ...]:
    """Networks that this one can be blended with: those of other nodes first."""
    others = (other for other in beside if other != file)
    fitting = [other for other in others if (found := names_in(other, folder)) is not None and names.fits(found)]
    return tuple(dict.fromkeys((*fitting, *shipped_that_fit(file, names))))


def _shown(node: GraphNode, graph: Graph, names: NetworkNames) -> str:
    """The layer that is shown instead of the picture; the first of several."""
    address = node.addresses.get("show.layer")
    word = str(graph.slots[address].initial) if address else "image"
    try:
        return "" if word == "image" else names.layer_name(word)
    except NetworkError:
        return ""


# Layers and weights


def _layers(node: GraphNode, names: NetworkNames) -> Iterator[InsideLayer]:
    config, resolution = names.config, node.structure.get("resolution")
    try:
        field = wide(config, node.structure["size"], resolution=resolution) if node.structure.get("size") else None
    except NetworkError:
        field = None
    owners = [owner_of(weight, names) for weight in names.weights]
    for name, spec in config.specs.items():
        own = spec.height, spec.width
        height, width = own if field is None else field.side(own, spec.scale)
        short = min((name, *spec.aliases), key=len)
        plays = resolution is None or spec.rate <= resolution
        yield InsideLayer(name, short, spec.channels, height, width, owners.count(name), spec.inner, plays)


def owner_of(weight: str, names: NetworkNames) -> str:
    """The layer that a weight belongs to; "" if it comes before all layers."""
    specs = names.config.specs.items()
    owners = [(len(spec.prefix), name) for name, spec in specs if weight.startswith(spec.prefix)]
    return max(owners)[1] if owners else ""


def _weights(names: NetworkNames) -> Iterator[InsideWeight]:
    for name, shape in names.weights.items():
        yield InsideWeight(name, shape, owner_of(name, names))


# Lines


def _lines(node: GraphNode, graph: Graph, text: str, names: NetworkNames) -> Iterator[InsideLine]:
    """In the order of the text. What a loop repeats is one line, which reaches what each turn of it reaches."""
    by_place: dict[tuple[int, int], list[MethodModel]] = {}
    for model in node.model.methods:
        if model.method in ("bend", "blend"):
            by_place.setdefault((model.span.line, model.span.column), []).append(model)
    lines = lines_of(text)
    for _, models in sorted(by_place.items(), key=lambda item: item[0]):
        yield _line(models, node, graph, lines, names)


def _flagged(line: InsideLine, written: tuple[MethodModel, ...]) -> InsideLine:
    """With what is written of it: whether it is muted or solo, and whether it acts then."""
    model = next(each for each in written if each.name == line.name)
    return replace(line, muted=model.mute, solo=model.solo, acts=model in acting(written))


def _line(
    models: list[MethodModel], node: GraphNode, graph: Graph, lines: list[str], names: NetworkNames
) -> InsideLine:
    first = models[0]
    method: Literal["bend", "blend"] = "bend" if first.method == "bend" else "blend"
    reached = [_reached(method, str(node.structure[f"{model.name}.target"]), names) for model in models]
    kinds: list[Reaches] = [kind for kind, _, _ in reached if kind != "nothing"]
    line = InsideLine(
        name=first.name,
        method=method,
        text=_shortened(lines, first.span),
        line=first.span.line,
        end_line=first.span.end_line,
        target=str(node.structure[f"{first.name}.target"]),
        reaches=kinds[0] if kinds else "nothing",
        layers=_in_order((layer for _, layers, _ in reached for layer in layers), names),
        weights=sum(weights for _, _, weights in reached),
        alone=len(models) == 1 and _is_alone(lines, first.span),
    )
    return _as_blend(line, first, node, graph) if method == "blend" else _as_bend(line, first, node, graph)


def _as_bend(line: InsideLine, model: MethodModel, node: GraphNode, graph: Graph) -> InsideLine:
    only = node.structure.get(f"{model.name}.only")
    mask = node.inputs.get(f"{model.name}.mask", "")
    file = file_of(graph.nodes[mask], graph) if mask and issubclass(graph.nodes[mask].cls, ImageNode) else ""
    bends = switched_on(model.arguments)
    return replace(line, bends=bends, channels=only and only[:MOST_CHANNELS], mask=mask, mask_file=file)


def _as_blend(line: InsideLine, model: MethodModel, node: GraphNode, graph: Graph) -> InsideLine:
    slot = graph.slots[node.addresses[f"{model.name}.amount"]]
    amount = float(slot.initial) if slot.expression is None else None
    return replace(line, other=str(node.structure[f"{model.name}.other"]), amount=amount, address=slot.address)


def _reached(method: str, target: str, names: NetworkNames) -> tuple[Reaches, list[str], int]:
    """Whether it reaches activations or weights, of which layers, and how many weights."""
    try:
        kind, found = matches(names, target) if method == "bend" else ("weight", weights_of(names, target))
    except (NetworkError, PatchError):
        return "nothing", [], 0
    if kind == "activation":
        return "activation", found, 0
    return "weight", [owner for name in found if (owner := owner_of(name, names))], len(found)


def _in_order(layers: Iterable[str], names: NetworkNames) -> tuple[str, ...]:
    found = set(layers)
    return tuple(layer for layer in names.layers if layer in found)


def _is_alone(lines: list[str], span: Span) -> bool:
    """Whether nothing but a comment stands beside it. (What is indented stands in a loop.)"""
    rest = lines[span.end_line - 1][span.end_column - 1 :].strip()
    return span.column == 1 and (rest == "" or rest.startswith("#"))


def _shortened(lines: list[str], span: Span) -> str:
    """What is written there, in one line."""
    text = lines[span.line - 1 : span.end_line]
    text[-1] = text[-1][: span.end_column - 1]
    text[0] = text[0][span.column - 1 :]
    written = " ".join(part.strip() for part in text)
    return written if len(written) <= LONGEST_LINE else f"{written[: LONGEST_LINE - 1]}…"
