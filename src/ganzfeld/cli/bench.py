"""`ganzfeld bench`: what this machine can hold."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALLEST = 64
"""Pixels: below it, sizes differ in nothing that anybody would notice."""
USED = 0.92
"""Share of a frame's time that may be used, as `hold` sees it."""


def bench(
    network: Annotated[str, typer.Argument(help="A network's file, or a shipped network's name.")] = "planets",
    device: Annotated[str, typer.Option(help='"auto", "cpu", "cuda" or "cuda:1".')] = "auto",
    fps: Annotated[float, typer.Option(help="The rate that is to be held.", min=1, max=1000)] = 60.0,
    seconds: Annotated[float, typer.Option(help="How long each size is measured.", min=0.1, max=60)] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Measure what a network costs on this machine at each inner size, and which size holds 60 frames a second."""
    from ganzfeld.networks.find import locate

    path = locate(network)  # before the wait for torch
    from ganzfeld.networks.device import pick_device

    chosen = pick_device(device)
    rows = list(measured(str(path), str(chosen), seconds))
    name = device_name(chosen)
    held = next((row["size"] for row in rows if row["ms"] * fps <= 1000 * USED), None)
    if as_json:
        print(json.dumps({"network": str(path), "device": name, "fps": fps, "holds": held, "sizes": rows}, indent=2))
    else:
        _show(network, name, fps, held, rows)


def measured(path: str, device: str, seconds: float) -> Iterator[dict[str, Any]]:
    """For each size from the largest: `size` in pixels, `ms` a frame (median), `worst_ms`, `fps` that it can hold.

    What is measured is a whole frame, as a patch plays it: noise as latent, mapping, one weight and one activation
    bent, synthesis, 8-bit picture.
    """
    from ganzfeld.networks.network import load_network

    network = load_network(path)
    for size in sorted(network.resolutions, reverse=True):
        if size >= min(SMALLEST, network.resolution):
            patch = _patch(path, network.layers, size if size != network.resolution else None)
            yield {"size": size, **_at_size(patch, device, seconds)}


def _patch(path: str, layers: tuple[str, ...], resolution: int | None) -> str:
    stop = f", resolution={resolution}" if resolution else ""
    first = layers[min(1, len(layers) - 1)]
    const = "face.bend('b4.const', scale=1 + 0.2*sin(t))\n" if layers[0] == "b4" else ""
    return (
        "source = noise('simplex2d', amplitude=0.9, tx=0.1*t)\n"
        f"face = network({path!r}, latent=source, psi=0.8{stop})\n"
        f"{const}face.bend('{first}', rotate=10*sin(t))\nout(face)\n"
    )


def _at_size(patch: str, device: str, seconds: float) -> dict[str, Any]:
    from statistics import median

    from ganzfeld.engine.engine import Engine
    from ganzfeld.errors import PatchError
    from ganzfeld.values.time import Clock

    engine, clock = Engine(device=device), Clock()
    try:
        engine.load(patch)
        times: list[float] = []
        began = time.perf_counter()
        for _ in range(3):
            _frame(engine, clock)
        engine.times.clear()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < 3:
            _frame(engine, clock)
            times += engine.times
            engine.times.clear()
            if not times and time.perf_counter() - began > 60 + seconds:
                raise next(iter(engine.problems), PatchError("no frame could be made"))
        if engine.problems:
            raise engine.problems[0]
    finally:
        engine.close()
    usual = median(times)
    return {"ms": 1000 * usual, "worst_ms": 1000 * max(times), "fps": USED / usual}


def _frame(engine: Any, clock: Any) -> None:
    """One frame, done before the next begins, as in a show."""
    pictures = engine.frame(clock.advance(1 / 60))
    for picture in pictures.values():
        if picture.device.type != "cpu":
            picture[0, 0, 0].item()


def device_name(device: Any) -> str:
    """What a person calls a device."""
    import platform

    import torch

    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({device})"
    threads = torch.get_num_threads()
    processor = platform.processor() or platform.machine()
    return f"{device} ({processor}, {threads} thread{'s' if threads != 1 else ''})"


def _show(network: str, device: str, fps: float, held: int | None, rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from ganzfeld.cli._terminal import console

    out = console()
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), title=f"{network} on {device}", title_justify="left")
    for heading in ("inner size", "ms a frame", "longest", "fps it can hold"):
        table.add_column(heading, justify="right")
    for row in rows:
        size = f"{row['size']} px"
        table.add_row(size, f"{row['ms']:.2f}", f"{row['worst_ms']:.2f}", f"{row['fps']:.0f}")
    out.print(table)
    if held is None:
        out.print(f"\nNo size holds {fps:g} fps here.")
    elif held == rows[0]["size"]:
        out.print(f"\n{fps:g} fps hold at the full size, {held} px.")
    else:
        out.print(
            f"\n{fps:g} fps hold at {held} px: write hold({fps:g}) in a patch, or resolution={held} at the network."
        )
