"""`ganzfeld inspect`: what is in a network file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ganzfeld.networks.files import NetworkFile
    from ganzfeld.networks.network import Network


def inspect(
    file: Annotated[Path, typer.Argument(help="A network: .pkl, .pt or .safetensors, or a shipped one's name.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="State what the file cannot say, as conv_clamp=none; remembered beside it. NAME= forgets it.",
        ),
    ] = None,
) -> None:
    """Show what is in a network file: where it comes from, its kind, sizes, layers and weights."""
    from ganzfeld.networks.files import read_network_file, state_facts
    from ganzfeld.networks.files.stated import parsed
    from ganzfeld.networks.find import locate

    path = locate(file)
    if set_:
        state_facts(path, dict(map(parsed, set_)))
    opened, _ = read_network_file(path)
    from ganzfeld.networks.network import Network

    description = describe(Network.from_file(opened), opened)
    if as_json:
        print(json.dumps(description, indent=2))
    else:
        _show(description)


def describe(network: Network, file: NetworkFile) -> dict[str, Any]:
    """Everything that `inspect` tells, as plain data."""
    weights = network.weights
    return {
        "file": str(file.path),
        "bytes": file.path.stat().st_size,
        "sha256": network.sha256,
        "origin": file.origin,
        "warnings": list(file.warnings),
        "notes": list(file.notes),
        "stated": dict(file.stated),
        "kind": network.kind,
        "width": network.size[0],
        "height": network.size[1],
        "resolution": network.resolution,
        "resolutions": list(network.resolutions),
        "image_channels": network.image_channels,
        "z_dim": network.z_dim,
        "w_dim": network.w_dim,
        "c_dim": network.c_dim,
        "num_ws": network.num_ws,
        "parameters": sum(tensor.numel() for tensor in network.tensors.values()),
        "layers": [
            {"name": name, "channels": channels, "height": height, "width": width}
            for name, (channels, height, width) in network.layer_shapes.items()
        ],
        "weights": [{"name": name, "shape": list(shape)} for name, shape in weights.items()],
        "config": network.config.to_json(),
    }


def _show(about: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from ganzfeld.cli._terminal import console

    out = console()
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    sizes = ", ".join(map(str, about["resolutions"]))
    high = "" if about["width"] == about["height"] else " high"
    stated = ", ".join(f"{name} {_words(value)}" for name, value in about["stated"].items())
    for name, value in (
        ("file", f"{about['file']}  ({about['bytes'] / 1e6:,.1f} MB)"),
        ("origin", about["origin"]),
        *(("warning", text) for text in about["warnings"]),
        *(("note", text) for text in about["notes"]),
        ("stated", stated),
        ("kind", about["kind"]),
        ("picture", f"{about['width']} × {about['height']} px, channels: {about['image_channels']}"),
        ("also at", f"{sizes} px{high}" if len(about["resolutions"]) > 1 else ""),
        ("z", f"{about['z_dim']} numbers"),
        ("w", f"{about['num_ws']} rows of {about['w_dim']}"),
        ("classes", str(about["c_dim"]) if about["c_dim"] else "none"),
        ("parameters", f"{about['parameters']:,}"),
    ):
        if value:
            facts.add_row(name, Text(value))
    out.print(facts)

    layers = Table(title="Layers", title_justify="left", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    layers.add_column("name", overflow="fold")
    layers.add_column("resolution", justify="right")
    layers.add_column("channels", justify="right")
    for layer in about["layers"]:
        layers.add_row(Text(layer["name"]), f"{layer['width']} × {layer['height']}", str(layer["channels"]))
    out.print()
    out.print(layers)

    weights = Table(title="Weights", title_justify="left", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    weights.add_column("name", overflow="fold")
    weights.add_column("shape", justify="right")
    for weight in about["weights"]:
        weights.add_row(Text(weight["name"]), " × ".join(map(str, weight["shape"])) or "one number")
    out.print()
    out.print(weights)


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)
