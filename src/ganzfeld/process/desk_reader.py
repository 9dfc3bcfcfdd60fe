"""Reads the desk off an engine: knobs with their positions, what is held by hand, snapshots, recalls on their way."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ganzfeld.patch.graph import Graph
from ganzfeld.patch.knobs import position_of
from ganzfeld.patch.mixing import Mix
from ganzfeld.values.desk import BinnedSnapshot, Curve, Desk, KnobOnDesk, SnapshotOnDesk, TurnedBy

if TYPE_CHECKING:
    from ganzfeld.engine.engine import Engine
    from ganzfeld.engine.snapshots.bank import Bank, Snapshot


class DeskReader:
    """Looks at an engine between frames. What only changes with the patch or the bank is worked out once."""

    def __init__(self) -> None:
        self._known: tuple[Graph | None, Bank | None] = (None, None)
        self._snapshots: tuple[SnapshotOnDesk, ...] = ()
        self._bin: tuple[BinnedSnapshot, ...] = ()

    def look(self, engine: Engine) -> Desk:
        """The desk as it is now."""
        snapshots, graph = engine.snapshots, engine.graph
        bank = snapshots.bank
        if self._known != (graph, bank):
            misfits = snapshots.misfits(graph) if graph is not None else {}
            self._snapshots = tuple(
                SnapshotOnDesk(name, kept.at, kept.midi, tuple(misfits.get(name, ())), key_of(name, kept))
                for name, kept in bank.snapshots.items()
            )
            self._bin = tuple(
                BinnedSnapshot(each.name, key_of(each.name, each.snapshot)) for each in snapshots.history.bin
            )
            self._known = graph, bank
        current, waiting = snapshots.current, snapshots.waiting
        return Desk(
            knobs=_knobs(engine, graph) if graph is not None else (),
            held={address: _shown(engine.values.get(address)) for address in engine.turned},
            mixed=tuple(address for address, held in engine.turned.items() if isinstance(held, Mix)),
            snapshots=self._snapshots,
            fade=(bank.fade.length, bank.fade.unit, bank.fade.when),
            shown=tuple(current.shares) if current is not None and current.at is None else (),
            share=round(snapshots.share, 2),
            waiting=waiting.name if waiting is not None else None,
            bin=self._bin,
            undoes=snapshots.history.undoes,
            at=current.at if current is not None else None,
        )


def _knobs(engine: Engine, graph: Graph) -> tuple[KnobOnDesk, ...]:
    found = []
    for name, knob in graph.patch.knobs.items():
        address = f"/{name}"
        value = float(engine.values[address])
        held = engine.turned.get(address)
        by = "snapshot" if isinstance(held, Mix) else "hand" if held is not None else engine.followed(address)
        found.append(
            KnobOnDesk(
                address=address,
                value=value,
                position=position_of(knob, value),
                by=cast("TurnedBy", by or "text"),
                low=knob.low,
                high=knob.high,
                curve=cast("Curve", knob.curve),
                default=knob.default,
                midi=knob.midi,
                osc=knob.osc,
            )
        )
    return tuple(found)


def key_of(name: str, snapshot: Snapshot) -> str:
    """What stands for a snapshot of this name with these values, wherever it lies."""
    return hashlib.blake2b(msgspec.msgpack.encode((name, snapshot.values)), digest_size=8).hexdigest()


def _shown(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else None
