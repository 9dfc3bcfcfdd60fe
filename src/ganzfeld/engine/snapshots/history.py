"""What was done to a bank of snapshots, so that it can be undone; and the bin, where deleted ones lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ganzfeld.engine.snapshots.bank import Bank, Snapshot
from ganzfeld.errors import GanzfeldError

MOST_STEPS = 24
MOST_IN_BIN = 12
UNDOABLE = frozenset({"store", "rename", "delete", "undelete", "order", "place"})


class DeletedSnapshot(msgspec.Struct, frozen=True):
    """A snapshot that was deleted, and its place in the order."""

    name: str
    place: int
    snapshot: Snapshot


class BankStep(msgspec.Struct, frozen=True):
    """One change of a bank. what, name: as it was asked for. order: the names before. before: what each name that was
    touched stood for, None if there was none."""

    what: str
    name: str
    order: tuple[str, ...]
    before: dict[str, Snapshot | None]


class BankHistory:
    """The last steps and the bin of one show's bank. Both are part of its checkpoints."""

    def __init__(self) -> None:
        self.steps: list[BankStep] = []
        self.bin: list[DeletedSnapshot] = []
        """The one that was deleted last comes last."""

    @property
    def undoes(self) -> str:
        """What `undo` would take back, in two words: "delete dawn"; "" if there is nothing."""
        return f"{self.steps[-1].what} {self.steps[-1].name}".strip() if self.steps else ""

    def changed(self, what: str, name: str, before: Bank, after: Bank) -> None:
        """Something was done: remember it, and put what is no longer in the bank into the bin."""
        self._fill_bin(what, before, after)
        if what not in UNDOABLE:
            return
        if what == "place" and self.steps and (self.steps[-1].what, self.steps[-1].name) == (what, name):
            return  # one drag of a finger is one step
        old, new = before.snapshots, after.snapshots
        touched = {key: old.get(key) for key in {**old, **new} if old.get(key) != new.get(key)}
        if touched or tuple(old) != tuple(new):
            self.steps = [*self.steps, BankStep(what, name, tuple(old), touched)][-MOST_STEPS:]

    def undone(self, bank: Bank) -> Bank:
        """The bank without the last step. Raises GanzfeldError if there is none."""
        if not self.steps:
            raise GanzfeldError("Nothing was done to the snapshots that could be undone")
        step = self.steps[-1]
        kept = {name: snapshot for name, snapshot in bank.snapshots.items() if name not in step.before}
        kept |= {name: snapshot for name, snapshot in step.before.items() if snapshot is not None}
        names = [name for name in step.order if name in kept]
        names += [name for name in kept if name not in names]  # came since, from the file
        after = msgspec.structs.replace(bank, snapshots={name: kept[name] for name in names})
        self.steps = self.steps[:-1]
        self._fill_bin(step.what, bank, after)
        return after

    def from_bin(self, name: str | None) -> DeletedSnapshot:
        """The one of this name that was deleted last, or the last one of all. Raises GanzfeldError."""
        for deleted in reversed(self.bin):
            if name is None or deleted.name == name:
                return deleted
        raise GanzfeldError("No snapshot was deleted that could be had back")

    def _fill_bin(self, what: str, before: Bank, after: Bank) -> None:
        gone = [
            DeletedSnapshot(name, place, snapshot)
            for place, (name, snapshot) in enumerate(before.snapshots.items())
            if name not in after.snapshots and what != "rename"
        ]
        kept = [each for each in self.bin if after.snapshots.get(each.name) != each.snapshot]
        self.bin = [*kept, *gone][-MOST_IN_BIN:]

    def checkpoint(self) -> dict[str, Any]:
        """Plain data that `restore` takes."""
        return msgspec.to_builtins({"steps": self.steps, "bin": self.bin})

    def restore(self, data: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.steps = msgspec.convert(data["steps"], list[BankStep])
        self.bin = msgspec.convert(data["bin"], list[DeletedSnapshot])
