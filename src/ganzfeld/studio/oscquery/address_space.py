"""The address space of a show, as the OSCQuery proposal describes one: a tree of containers and methods.

Written from the text of the proposal (Vidvox, "OSCQuery Proposal", 2018): FULL_PATH, CONTENTS, TYPE, ACCESS, VALUE,
RANGE, DESCRIPTION, UNIT, CLIPMODE and TAGS. Of types without a JSON value it asks for null; we give true and false for
T and F, as most programs do, and they are what is sent back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ganzfeld.values.addresses import Address
from ganzfeld.values.outside import RESERVED

NOTHING, READ, READ_AND_WRITE = 0, 1, 3
"""What ACCESS says."""

ATTRIBUTES = ("FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT", "CLIPMODE", "TAGS")
EXTENSIONS = {
    **dict.fromkeys(ATTRIBUTES[3:], True),
    **dict.fromkeys(("LISTEN", "PATH_CHANGED", "PATH_ADDED", "PATH_REMOVED", "OSC_STREAMING"), True),
}
UNITS = {"degrees": "angle.degree", "seconds": "time.second", "bpm": "tempo.bpm"}
"""Our units -> the proposal's."""
_ZEROS: dict[str, Any] = {"f": 0.0, "i": 0, "s": "", "T": False}
_UNSPEAKABLE = re.compile(r"[\s#*,?\[\]{}/]")
"""What no part of an OSC address may have."""


@dataclass(frozen=True)
class Method:
    """One address that takes or tells something.

    type: OSC type tags, "T" for what is on or off. access: as ACCESS says it. value: what is told while nothing newer
    is known. low, high, choices: its range. clips: values beyond the range are brought into it.
    """

    address: str
    type: str
    access: int
    doc: str = ""
    value: Any = None
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()
    unit: str = ""
    clips: bool = False
    tags: tuple[str, ...] = ()

    @property
    def range(self) -> dict[str, Any]:
        """RANGE of its one value."""
        if self.choices and self.type != "T":
            return {"VALS": [plain(choice, self.type) for choice in self.choices]}
        ends = {"MIN": self.low, "MAX": self.high}
        return {name: float(end) for name, end in ends.items() if end is not None and math.isfinite(end)}

    def attributes(self, value: Any) -> dict[str, Any]:
        """Everything of it as JSON says it. value: the newest, or None."""
        told = plain(value, self.type)
        if told is None:
            told = plain(self.value, self.type)
        if told is None:
            told = _ZEROS[self.type]
        tag = ("T" if told else "F") if self.type == "T" else self.type
        said: dict[str, Any] = {"FULL_PATH": self.address, "TYPE": tag, "ACCESS": self.access}
        if self.access & READ:
            said["VALUE"] = [told]
        if self.range:
            said["RANGE"] = [self.range]
            said["CLIPMODE"] = ["both" if self.clips else "none"]
        if self.doc:
            said["DESCRIPTION"] = self.doc
        if self.unit in UNITS:
            said["UNIT"] = [UNITS[self.unit]]
        if self.tags:
            said["TAGS"] = list(self.tags)
        return said


@dataclass
class _Node:
    method: Method | None = None
    contents: dict[str, _Node] = field(default_factory=dict)


class AddressSpace:
    """Every method of a show, as a tree. Of two with one address the first is taken."""

    def __init__(self, methods: Iterable[Method], docs: Mapping[str, str] | None = None) -> None:
        """docs: what containers are, by address."""
        self._docs = docs or {}
        self._root = _Node()
        self.methods: dict[str, Method] = {}
        for method in methods:
            parts = method.address.split("/")[1:]
            if method.address in self.methods or not parts or any(not p or _UNSPEAKABLE.search(p) for p in parts):
                continue
            self.methods[method.address] = method
            node = self._root
            for part in parts:
                node = node.contents.setdefault(part, _Node())
            node.method = method

    def describe(self, path: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The JSON object of a container or method with all that it contains; None if there is none at this path.
        values: the newest, by address."""
        node = self._root
        parts = [part for part in path.split("/") if part]
        for part in parts:
            if (found := node.contents.get(part)) is None:
                return None
            node = found
        return self._described(node, "/" + "/".join(parts), values)

    def _described(self, node: _Node, path: str, values: Mapping[str, Any]) -> dict[str, Any]:
        if node.method is not None:
            said = node.method.attributes(values.get(path))
        else:
            said = {"FULL_PATH": path, "ACCESS": NOTHING}
            if path in self._docs:
                said["DESCRIPTION"] = self._docs[path]
        if node.contents or node.method is None:
            stem = path.rstrip("/")
            said["CONTENTS"] = {
                name: self._described(child, f"{stem}/{name}", values) for name, child in node.contents.items()
            }
        return said


@dataclass(frozen=True)
class Change:
    """What another address space has that one before it had not. within: the innermost container that holds it all."""

    within: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


def change(before: AddressSpace, now: AddressSpace) -> Change | None:
    """How an address space changed; None: it did not."""
    old, new = before.methods, now.methods
    added = tuple(address for address in new if address not in old)
    removed = tuple(address for address in old if address not in new)
    other = [address for address in new if address in old and old[address] != new[address]]
    touched = [*added, *removed, *other]
    if not touched:
        return None
    folders = [address.split("/")[1:-1] for address in touched]
    common = []
    for parts in zip(*folders):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return Change("/" + "/".join(common), added, removed)


def of_patch(table: Iterable[Address]) -> Iterator[Method]:
    """The methods of a patch's own addresses, and of those that its expressions read."""
    for row in table:
        if row.kind == "read":
            if not row.address.startswith(RESERVED):  # they come from sound and MIDI
                yield Method(row.address, "f", READ_AND_WRITE, row.doc, tags=("hit",) if row.hits else ("read",))
            continue
        tags = (row.kind, "moves") if row.text and not _is_number(row.text) and row.kind != "choice" else (row.kind,)
        yield Method(
            row.address,
            _type(row),
            READ_AND_WRITE,
            row.doc,
            None if row.default != row.default else row.default,  # not a number: each reader has its own
            row.low,
            row.high,
            row.choices,
            row.unit,
            clips=row.kind == "knob",
            tags=tags,
        )


def _type(row: Address) -> str:
    if row.choices == (False, True):
        return "T"
    kinds = {type(choice) for choice in row.choices}
    if not kinds:
        return "f"
    return "i" if kinds <= {int} else "f" if kinds <= {int, float} else "s"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text in ("True", "False")
    return True


def plain(value: Any, tag: str) -> Any:
    """A value as JSON says one of this type; None for what it cannot be."""
    if isinstance(value, list | tuple):  # several: the first stands for all
        value = value[0] if value else None
    if value is None:
        return None
    if tag == "s":
        return str(value)
    if tag == "T":
        return bool(value)
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if tag == "i" else float(value)
