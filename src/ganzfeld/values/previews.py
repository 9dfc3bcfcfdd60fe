"""Small pictures of what a change would do, as the page, the studio and the supervisor speak of them.

A process of its own draws them (`process.previewer`); the show knows nothing of it.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from ganzfeld.values.document import Changes

MOST_VARIANTS = 5
MOST_VALUES = 64
LONGEST_LINE = 2000
LONGEST_TEXT = 100_000
"""Letters of a patch of which changes are drawn: it is read for each of them, by the process that must not wait."""
LOWEST, HIGHEST = 64, 360
"""Heights in pixels that a preview may have."""
WIDEST = 1280
"""Pixels; a wider picture is drawn lower."""

Address = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class PreviewVariant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing to look at: what plays, with something else.

    changes: of the document at the version that the request names; the block that they are in plays then, and nothing
    else that is written. values: what hands are to hold, by address. line: this line in the place of the one that dice
    propose. Without any of them: what plays.
    """

    changes: Changes | None = None
    values: Annotated[dict[Address, float], msgspec.Meta(max_length=MOST_VALUES)] = {}
    line: Annotated[str, msgspec.Meta(max_length=LONGEST_LINE)] = ""


class PreviewDrawn(msgspec.Struct, frozen=True, tag_field="kind", tag="previewed"):
    """A picture of variant `index` of a request. problem: why there is none (`jpeg` is empty then), or what is wrong
    with it ("" nothing)."""

    request: int
    index: int
    width: int = 0
    height: int = 0
    jpeg: bytes = b""
    problem: str = ""
