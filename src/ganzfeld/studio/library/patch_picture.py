"""A small picture of what a patch plays, for the library. Imports torch."""

from __future__ import annotations

import ast

import numpy as np
from msgspec.structs import replace

from ganzfeld.engine.player import Player
from ganzfeld.patch.media.live_picture import LivePicture
from ganzfeld.patch.models import Patch, Term
from ganzfeld.patch.nodes import node_types


def patch_picture(patch: Patch, height: int, frames: int) -> np.ndarray | None:
    """What it shows after so many seconds, uint8 [H, W, 4], about `height` pixels high; None of a patch that would open
    a camera or another live source. Its scripts do not run. Raises GanzfeldError if it does not play."""
    types = node_types()
    if any(issubclass(types[node.type], LivePicture) for node in patch.nodes.values() if node.type in types):
        return None
    with Player(_smaller(patch, height), device="cpu") as player:
        shown = [frame.image for frame in player.frames(count=frames, fps=1)]
        return shown[-1].numpy()


def _smaller(patch: Patch, height: int) -> Patch:
    """The patch with outputs of this height."""
    nodes = dict(patch.nodes)
    types = node_types()
    for name, node in patch.nodes.items():
        if node.type in types and types[node.type].is_output and "size" in node.arguments:
            try:
                size = ast.literal_eval(node.arguments["size"].text)
                wide, high = (size, size) if isinstance(size, int) else size
                share = min(1.0, height / high)
                small = Term(text=repr((max(1, round(wide * share)), max(1, round(high * share)))))
            except (ValueError, TypeError, SyntaxError, ZeroDivisionError):
                continue
            nodes[name] = replace(node, arguments={**node.arguments, "size": small})
    return replace(patch, nodes=nodes)
