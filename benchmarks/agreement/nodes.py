"""Every node type of the language, in its own examples, played by the engine on two devices; and scenes of networks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from torch import Tensor

from agreement.item import LIMIT, Item, Pictures, Side
from agreement.scenes import scenes
from ganzfeld.engine.player import Player
from ganzfeld.patch.examples import uses, write_files
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.models import Patch
from ganzfeld.patch.nodes import node_types

STEPS_EXACT = 1
"""Both sides reckon in float32, and round at the end."""
STEPS = 16
"""Where a network plays, in half precision on a card: the worst of all numbers in a picture."""
SPECTRUM_LIMIT, SPECTRUM_STEPS = 3e-2, 48
"""Decades of power: where there is next to none, a rounding error is much of it."""
FRAMES, SECONDS = 3, 0.1
"""On a card the first frame may be run from Python; the others are replays."""
NETWORKS = frozenset({"network", "sheet"})
"""Types that play networks. A further one fails here by how it rounds, until it is added."""
PARTS_NOT_HERE = {
    "upscale, model": "wants the file of an upscaling network, and there is none here",
}


def items(folder: Path, size: int) -> Iterator[Item]:
    """One for each use of each registered node type, then scenes of networks. Files that they read are written into the
    folder."""
    write_files(folder, side=size)
    for word, cls in sorted(node_types().items()):
        if cls.needs:
            yield Item(f"nodes: {word}", not_here=f"wants {cls.needs}")
            continue
        for what, patch in uses(cls, folder / "patch.ganz", (size, size)):
            yield _item(f"nodes: {word}, {what}", patch)
    for what, text in scenes(folder, size).items():
        yield _item(f"nodes: network, {what}", parse(text, str(folder / "patch.ganz")))
    for part, reason in PARTS_NOT_HERE.items():
        yield Item(f"nodes: {part}", not_here=reason)


def _item(name: str, patch: Patch) -> Item:
    lines = [line.arguments for node in patch.nodes.values() for line in node.methods]
    given = [*(node.arguments for node in patch.nodes.values()), *lines]
    if any("spectrum" in arguments and arguments["spectrum"].text == "True" for arguments in given):
        return Item(name, _played(patch), SPECTRUM_LIMIT, SPECTRUM_STEPS)
    plays = any(node.type in NETWORKS for node in patch.nodes.values())
    return Item(name, _played(patch), LIMIT, STEPS if plays else STEPS_EXACT)


def _played(patch: Patch) -> Pictures:
    def pictures(side: Side) -> Iterator[Tensor]:
        found: list[Tensor] = []
        route = mock.patch("ganzfeld.networks.runtime.fastest", return_value=None)
        with (
            route if side.readable else contextlib.nullcontext(),
            Player(patch, device=str(side.device), trusted=lambda path: True) as player,
        ):
            for _ in range(FRAMES):
                frame = player.frame(SECONDS)
                if player.problems:
                    raise player.problems[0]
                found += [image.clone() for image in frame.images.values()]
        yield from found

    return pictures
