"""What pages look at beside the picture: views, and the cells of one atlas that show them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MOST_VIEWS = 96
"""That one page may have, and that are shown of all pages together."""
MOST_CHANNELS = 64
"""That a view may name, and that a grid has."""
SMALLEST_CELL, LARGEST_CELL = 64, 360
"""The longer side of a cell in pixels."""
COUNTS = 64
"""Steps of a histogram."""

Word = Annotated[str, Meta(max_length=200)]
ViewKind = Literal["node", "layer", "channels", "histogram", "spectrum", "weight"]
ChannelChoice = Literal["active", "mean"]


class CellView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to be looked at, and how.

    of: "node": the node's picture (a latent: its numbers). "layer": an activation of a network node as a picture:
    its three most active channels as colours ("active"), their mean, or the ones named (one: grey, more: the first
    three as colours). "channels": a grid of up to 64 channels, from the `first` in the order of their activity, or
    those named. "histogram": of an activation. "spectrum": an activation's power by spatial frequency. "weight":
    histograms of a weight, before and after it is bent.
    node: its name in the text. layer, weight: as the network names them. size: the longer side in pixels.
    """

    of: ViewKind
    node: Word
    layer: Word = ""
    weight: Word = ""
    channels: (
        ChannelChoice | Annotated[tuple[Annotated[int, Meta(ge=0, le=65535)], ...], Meta(max_length=MOST_CHANNELS)]
    ) = "active"
    first: Annotated[int, Meta(ge=0, le=65535)] = 0
    size: Annotated[int, Meta(ge=SMALLEST_CELL, le=LARGEST_CELL)] = 128


class CellPlace(msgspec.Struct, frozen=True):
    """Where an atlas has a cell: its picture at x, y; `count` numbers from the place `numbers` on in those that travel
    with the picture, and the numbers of `chosen` channels from `channels` on. problem: why there is nothing to see."""

    x: int = 0
    y: int = 0
    width: int = 0
    height: int = 0
    numbers: int = 0
    count: int = 0
    channels: int = 0
    chosen: int = 0
    problem: str = ""


class CellShown(msgspec.Struct, frozen=True):
    """A view's place in the atlas: x, y, width, height in pixels; all 0 where it has no picture.

    numbers: of a "histogram" its lowest and highest value and 64 counts; of a "weight" the same with 64 + 64 counts,
    before and after; of a "spectrum" the power at each frequency, from the slowest, as log10; of "channels" how active
    each of them is (the mean of its magnitudes). channels: which ones are shown. problem: why there is nothing to see.
    """

    x: int = 0
    y: int = 0
    width: int = 0
    height: int = 0
    numbers: tuple[float, ...] = ()
    channels: tuple[int, ...] = ()
    problem: str = ""
