"""What a patch will cost: estimated before anything is built, and refused with its numbers if that is too much.

Nodes say their own costs: what the text alone tells in `Node.cost`, what they know only of opened files in `setup`
(`SetupContext.spend`). Bends say theirs in `Bend.held`. Here they are added up and held against the limits.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from ganzfeld.errors import GanzfeldError, PatchError, Where

LIMITS_VARIABLE = "GANZFELD_LIMITS"
"""Where a person sets other limits, such as "memory=12 pixels=300 lines=5000 bends=20000"."""
GB = 1 << 30
_UNITS = {"memory": GB, "pixels": 1_000_000, "lines": 1, "bends": 1, "outs": 1}
_SHARE_OF_HOST, _SHARE_OF_CARD, _SHARE_OF_RENDER = 0.25, 0.9, 0.5
_MOST_OF_HOST = 6 * GB


@dataclass(frozen=True, slots=True)
class Cost:
    """held: bytes that stay from frame to frame, or from a node's turn to the end of the frame. at_once: bytes that are
    needed during a node's turn, so only the largest counts. pixels: of pictures that leave the patch. lines: method
    lines. bends: bends that act in a frame, one for each thing that a line reaches. outs: outputs."""

    held: int = 0
    at_once: int = 0
    pixels: int = 0
    lines: int = 0
    bends: int = 0
    outs: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of each. memory: bytes; present: bytes that the machine or card has, None where nobody says."""

    memory: int
    present: int | None = None
    pixels: int = 1 << 26
    lines: int = 2048
    bends: int = 8192
    outs: int = 16


def limits(present: int | None, *, card: bool, render: bool = False) -> Limits:
    """The limits of a device with so many bytes of memory, and what a person set (`LIMITS_VARIABLE`).

    card: it is a card with memory of its own. render: no show needs the memory beside it. Of a host's memory a show
    takes a quarter, and 6 GB at most: two patches are in memory at every swap, and a host that has run out of memory
    kills the show. Raises GanzfeldError if what is set cannot be read.
    """
    if present is None:
        memory = _MOST_OF_HOST
    elif card:
        memory = int(_SHARE_OF_CARD * present)
    elif render:
        memory = int(_SHARE_OF_RENDER * present)
    else:
        memory = min(int(_SHARE_OF_HOST * present), _MOST_OF_HOST)
    return replace(Limits(memory, present), **_set_by_a_person(os.environ.get(LIMITS_VARIABLE, "")))


def _set_by_a_person(text: str) -> dict[str, int]:
    found = {}
    for word in text.replace(",", " ").split():
        name, _, number = word.partition("=")
        try:
            found[name] = int(float(number) * _UNITS[name])
        except (KeyError, ValueError, OverflowError):
            what = f"{LIMITS_VARIABLE} has '{word}', which sets no limit"
            hint = f"Such as {LIMITS_VARIABLE}='memory=12 pixels=300'; there are {', '.join(_UNITS)}"
            raise GanzfeldError(what, hint=hint) from None
    return found


_THINGS: Mapping[str, tuple[str, str]] = {
    "pixels": ("pixels go out in each frame", "Ask for smaller sizes, or fewer outputs"),
    "lines": ("lines call methods of nodes", "Let a glob reach several things in one line: bend('b*', …)"),
    "bends": ("bends act in each frame", "Let fewer lines or narrower globs reach them"),
    "outs": ("outputs are asked for", "Send fewer pictures out"),
}


def _sum(one: Cost, other: Cost) -> Cost:
    added = {each.name: getattr(one, each.name) + getattr(other, each.name) for each in fields(Cost)}
    return Cost(**{**added, "at_once": max(one.at_once, other.at_once)})


@dataclass(slots=True)
class Ledger:
    """Adds up what a patch costs."""

    limits: Limits
    spent: Cost = field(default_factory=Cost)

    def spend_all(self, costs: Sequence[tuple[Cost, Where]]) -> None:
        """Add costs that are known together. Raises PatchError where it becomes too much, with the numbers of all."""
        total = Ledger(self.limits, self.spent)
        for cost, _ in costs:
            total.spent = _sum(total.spent, cost)
        for cost, where in costs:
            try:
                self.spend(cost, where)
            except PatchError:
                total.spend(Cost(), where)
                raise

    def spend(self, cost: Cost, where: Where) -> None:
        """Add a cost. Raises PatchError at `where` if that is too much."""
        self.spent = _sum(self.spent, cost)
        for name, (thing, hint) in _THINGS.items():
            number, most = getattr(self.spent, name), getattr(self.limits, name)
            if number > most:
                what = f"{number:,} {thing}, and {most:,} is the most"
                raise _refusal(what, hint, f"{name}={-(-number // _UNITS[name])}", where)
        memory = self.spent.held + self.spent.at_once
        if memory > self.limits.memory:
            most = f"{self.limits.memory / GB:.2g}"
            most += f" of {self.limits.present / GB:.3g}" if self.limits.present else ""
            what = f"This patch would take some {memory / GB:.2g} GB of memory, and {most} GB is the most"
            hint = "Ask for smaller sizes or fewer nodes, bend smaller layers, or lower feedback_longest"
            raise _refusal(what, hint, f"memory={-(-memory // GB)}", where)


def _refusal(what: str, hint: str, setting: str, where: Where) -> PatchError:
    return PatchError(what, where=where, hint=f"{hint}; {LIMITS_VARIABLE}='{setting}' allows that much")
