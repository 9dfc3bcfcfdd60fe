"""A patch's snapshots, as data: what each holds, where it lies on the pad, which control recalls it.

A bank is never changed: each of its methods gives another one.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError, nearest
from ganzfeld.values.desk import Unit, When

Kept = None | bool | int | float | str | list[float]

MIDDLE = (0.5, 0.5)
"""Of the pad."""
MOST_SNAPSHOTS = 512
LONGEST_NAME = 64
LONGEST_FADE = 3600.0
VERSION = 1


class _Plain(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Fading(_Plain, frozen=True):
    """How a recall arrives: cross-fading for `length` seconds or beats, from now, the next beat or the next bar on."""

    length: float = 0.0
    unit: Unit = "seconds"
    when: When = "now"

    def __post_init__(self) -> None:
        if not 0 <= self.length <= LONGEST_FADE:
            raise ValueError(f"a fade is 0 to {LONGEST_FADE:g} long")


class Snapshot(_Plain, frozen=True):
    """values: by address; None where the text is in charge. at: its place on the pad, 0 to 1 from the left and from
    the bottom. midi: the control that recalls it, "note 1/60" or "cc 1/20"."""

    values: dict[str, Kept]
    at: tuple[float, float] = MIDDLE
    midi: str | None = None

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) for number in self.at):
            raise ValueError("a place on the pad is two finite numbers")
        for address, value in self.values.items():
            items = value if isinstance(value, list) else [value]
            if not all(math.isfinite(item) for item in items if isinstance(item, float)):
                raise ValueError(f"{address} has a number that is not finite")


class Bank(_Plain, frozen=True, omit_defaults=False):
    """Snapshots by name, in the order in which program changes and numbers count them; how recalls fade."""

    ganzfeld_snapshots: int = msgspec.field(default=VERSION, name="ganzfeld snapshots")
    fade: Fading = Fading()
    snapshots: dict[str, Snapshot] = {}

    def __post_init__(self) -> None:
        if self.ganzfeld_snapshots != VERSION:
            raise ValueError(f"snapshots of version {self.ganzfeld_snapshots} need a newer Ganzfeld")
        if len(self.snapshots) > MOST_SNAPSHOTS:
            raise ValueError(f"there are more than {MOST_SNAPSHOTS} snapshots")

    def find(self, name: Any) -> str:
        """The name meant by a name, or by a number that counts from 1. Raises GanzfeldError."""
        if isinstance(name, int | float) and not isinstance(name, bool):
            names = list(self.snapshots)
            if 1 <= name <= len(names) and name == int(name):
                return names[int(name) - 1]
            raise GanzfeldError(f"There is no snapshot number {name:g}", hint=f"There are {len(names)}")
        if not isinstance(name, str):
            raise GanzfeldError(f"{name!r:.40} is no name of a snapshot", hint="Give its name, or its number from 1 on")
        if name not in self.snapshots:
            raise GanzfeldError(f"There is no snapshot '{name:.80}'", hint=nearest(name[:80], self.snapshots))
        return name

    def with_values(self, name: str, values: dict[str, Kept]) -> Bank:
        """Stored: a new snapshot at a free place of the pad, or other values for one that is there."""
        name = checked_name(name)
        known = self.snapshots.get(name)
        if known is None and len(self.snapshots) >= MOST_SNAPSHOTS:
            raise GanzfeldError(f"There are {MOST_SNAPSHOTS} snapshots already", hint="Delete one")
        snapshot = Snapshot(values, _free_place(len(self.snapshots))) if known is None else _but(known, values=values)
        return _but(self, snapshots={**self.snapshots, name: snapshot})

    def renamed(self, name: str, new: str) -> Bank:
        """The same in the same order, one of another name."""
        name, new = self.find(name), checked_name(new)
        if new != name and new in self.snapshots:
            raise GanzfeldError(f"There is a snapshot '{new}' already", hint="Choose another name, or delete it first")
        return _but(self, snapshots={new if key == name else key: kept for key, kept in self.snapshots.items()})

    def without(self, name: str) -> Bank:
        """One less."""
        name = self.find(name)
        return _but(self, snapshots={key: kept for key, kept in self.snapshots.items() if key != name})

    def with_again(self, name: str, snapshot: Snapshot, place: int) -> Bank:
        """One that was deleted is back, in its place of the order. Raises GanzfeldError if another has its name now."""
        if name in self.snapshots:
            raise GanzfeldError(f"There is a snapshot '{name}' again", hint="Rename it, then undo the deletion")
        if len(self.snapshots) >= MOST_SNAPSHOTS:
            raise GanzfeldError(f"There are {MOST_SNAPSHOTS} snapshots already", hint="Delete one")
        names = list(self.snapshots)
        names.insert(place, name)
        return _but(self, snapshots={each: self.snapshots.get(each, snapshot) for each in names})

    def ordered(self, name: str, place: int) -> Bank:
        """One moved to another place of the order, counted from 0."""
        name = self.find(name)
        names = [each for each in self.snapshots if each != name]
        names.insert(min(max(int(place), 0), len(names)), name)
        return _but(self, snapshots={each: self.snapshots[each] for each in names})

    def placed(self, name: str, x: float, y: float) -> Bank:
        """One moved on the pad."""
        x, y = float(x), float(y)
        if not (math.isfinite(x) and math.isfinite(y)):
            raise GanzfeldError("A place on the pad is two numbers from 0 to 1")
        return self._changed(name, at=(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)))

    def bound(self, name: str, midi: str | None) -> Bank:
        """One recalled by a control; the control recalls no other one then."""
        name = self.find(name)
        freed = {
            key: _but(kept, midi=None) if midi and kept.midi == midi else kept for key, kept in self.snapshots.items()
        }
        return _but(self, snapshots=freed)._changed(name, midi=midi)

    def moved(self, address: str, to: str) -> Bank:
        """What was at an address is at another one, and the first is its text's: a knob took a number's place."""
        moved = {
            name: _but(kept, values={**kept.values, address: None, to: kept.values[address]})
            if kept.values.get(address) is not None
            else kept
            for name, kept in self.snapshots.items()
        }
        return _but(self, snapshots=moved)

    def readdressed(self, old: str, new: str) -> Bank:
        """What was at an address, and below it, is at another one: a node was renamed ("/face", "/world")."""
        if not all(isinstance(address, str) and len(address) > 1 and address[0] == "/" for address in (old, new)):
            raise GanzfeldError(f"'{old}' and '{new}' are not both addresses")

        def now(address: str) -> str:
            return new + address.removeprefix(old) if f"{address}/".startswith(f"{old}/") else address

        moved = {
            name: _but(kept, values={now(address): value for address, value in kept.values.items()})
            for name, kept in self.snapshots.items()
        }
        return _but(self, snapshots=moved)

    def fading(self, length: float, unit: Unit, when: When) -> Bank:
        """Recalls that say nothing of it fade like this."""
        return _but(self, fade=Fading(length, unit, when))

    def _changed(self, name: str, **fields: Any) -> Bank:
        name = self.find(name)
        return _but(self, snapshots={**self.snapshots, name: _but(self.snapshots[name], **fields)})

    def shares(self, x: float, y: float) -> dict[str, float]:
        """How much of each snapshot the pad shows at (x, y): by the inverse square of the distance (Shepard, 1968), so
        that each is alone at its own place, and far from all of them they are equal."""
        distances = {
            name: (kept.at[0] - x) ** 2 + (kept.at[1] - y) ** 2 for name, kept in self.snapshots.items()
        }  # fmt: skip
        for name, distance in distances.items():
            if distance < 1e-9:
                return {name: 1.0}
        whole = sum(1 / distance for distance in distances.values())
        return {name: 1 / distance / whole for name, distance in distances.items()}


def checked_name(name: Any) -> str:
    """A snapshot's name. Raises GanzfeldError for what is none."""
    name = name.strip() if isinstance(name, str) else ""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise GanzfeldError(
            "That is no name for a snapshot", hint=f"A name has 1 to {LONGEST_NAME} characters on one line"
        )
    return name


_CORNERS = ((0.15, 0.85), (0.85, 0.85), (0.15, 0.15), (0.85, 0.15), (0.5, 0.5))


def _free_place(count: int) -> tuple[float, float]:
    """The corners and the middle first, then evenly all over the pad (Halton's sequence)."""
    if count < len(_CORNERS):
        return _CORNERS[count]
    return tuple(round(0.08 + 0.84 * _halton(count - 3, base), 3) for base in (2, 3))  # type: ignore[return-value]


def _halton(index: int, base: int) -> float:
    share, place = 1.0, 0.0
    while index:
        share /= base
        index, digit = divmod(index, base)
        place += share * digit
    return place


def _but(struct: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(struct, **fields)


encode_bank = msgspec.msgpack.Encoder().encode
decode_bank = msgspec.msgpack.Decoder(Bank).decode
