"""What is inside the networks of a patch, as its page shows it: what `/api/layers` answers.

Told once, for the server and for the page (`wire_types.py` writes the page's types). `layers.py` fills them in.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Reaches = Literal["activation", "weight", "nothing"]


class InsideLayer(msgspec.Struct, frozen=True):
    """A layer as it plays in this patch.

    short: its shortest name. channels, height, width: of its activation. weights: how many it has. inner: it lies
    within a block, whose name reaches its weights, too. plays: False if the node stops at a smaller picture before it.
    """

    name: str
    short: str
    channels: int
    height: int
    width: int
    weights: int
    inner: bool = False
    plays: bool = True


class InsideWeight(msgspec.Struct, frozen=True):
    """A weight by its official name. layer: whose it is, "" for what comes before the layers."""

    name: str
    shape: tuple[int, ...]
    layer: str = ""


class InsideLine(msgspec.Struct, frozen=True):
    """A line of the text that bends or blends.

    name: its part of an address, the first one's if a loop makes several. text: what is written, shortened. line,
    end_line: where it stands, from 1. target: as it is written, and what that reaches: layers, and how many weights.
    bends: which are switched on. channels: those listed in `only`; None: no list. alone: nothing else stands on its
    lines, and no loop repeats it, so that it can be moved. muted, solo: as `mute=True` and `solo=True` say; acts: what
    comes of that. mask: the node that says where it bends, "" for everywhere; mask_file: the file that it shows, if it
    is a picture. other: the network that a blend leads to. amount: the blend's, if it is a plain number; address: where
    a hand turns that.
    """

    name: str
    method: Literal["bend", "blend"]
    text: str
    line: int
    end_line: int
    target: str
    reaches: Reaches
    layers: tuple[str, ...]
    weights: int = 0
    bends: tuple[str, ...] = ()
    channels: tuple[int, ...] | None = None
    alone: bool = True
    muted: bool = False
    solo: bool = False
    acts: bool = True
    mask: str = ""
    mask_file: str = ""
    other: str = ""
    amount: float | None = None
    address: str = ""


class InsideNetwork(msgspec.Struct, frozen=True):
    """A node that plays a network.

    file: as the text names it. kind: "stylegan2", "stylegan3-t", … width, height: of the network's own picture; size:
    of the one that the node makes.
    latent: numbers of z; rows: of w. source: the node that it reads its latent from, "" for none. shows: the layer it
    shows, "" for the picture. blends: networks that it can be blended with, those of the patch first. problem: why it
    cannot be looked into, "" if it can.
    """

    node: str
    file: str
    kind: str = ""
    width: int = 0
    height: int = 0
    size: tuple[int, int] = (0, 0)
    latent: int = 0
    rows: int = 0
    source: str = ""
    shows: str = ""
    layers: tuple[InsideLayer, ...] = ()
    weights: tuple[InsideWeight, ...] = ()
    lines: tuple[InsideLine, ...] = ()
    blends: tuple[str, ...] = ()
    problem: str = ""


class Insides(msgspec.Struct, frozen=True):
    """All networks of a text.

    log, version: which text of the document this is. problem: what is wrong with the text as it is written; the
    networks are then those of the text that plays, and nothing of them can be edited.
    """

    networks: tuple[InsideNetwork, ...] = ()
    problem: str = ""
    log: str = ""
    version: int = 0
