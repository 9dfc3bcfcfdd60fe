"""A show with real snapshots and real doors, and no engine: what hands do on the page has its effects."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from door_stage import Stage
from fake_show import FakeShow, flat
from ganzfeld.engine.snapshots.snapshots import LiveSnapshots
from ganzfeld.process.desk_reader import key_of
from ganzfeld.studio.machine import DoorKindHere, OutputsHere, SoundsHere
from ganzfeld.values.desk import BinnedSnapshot, Desk, KnobOnDesk, SnapshotOnDesk
from ganzfeld.values.status import Status


class HandsShow(FakeShow):
    """Its one knob is /push, from -2 to 3. film: where the record button writes to."""

    def __init__(self, film: Path) -> None:
        super().__init__()
        self.stage, self.film = Stage(), film
        self.push_value: float | None = None
        self.snapshots, self.shown = LiveSnapshots(), ()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def _play(self) -> None:
        """Pictures for the page and for the doors, as grey as the knob says."""
        while not self._over.wait(0.02):
            grey = round(40 * ((self.push_value or 0.0) + 2))
            self.push(flat(grey))
            self.stage.publish((grey, grey, grey, 255))

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self.stage.close()

    def status(self) -> Status:
        doors = self.stage.doors
        return replace(super().status(), doors=doors.statuses(), master=doors.master.status(), outputs=("out", "wall"))

    def desk(self) -> Desk:
        value = 0.5 if self.push_value is None else self.push_value
        knob = KnobOnDesk(
            "/push", value, (value + 2) / 5, "text" if self.push_value is None else "hand", -2.0, 3.0, default=0.5
        )
        return replace(
            self.desk_now,
            knobs=(knob, *self.desk_now.knobs),
            held={} if self.push_value is None else {"/push": self.push_value},
            snapshots=tuple(
                SnapshotOnDesk(name, kept.at, kept.midi, (), key_of(name, kept))
                for name, kept in self.snapshots.bank.snapshots.items()
            ),
            bin=tuple(
                BinnedSnapshot(each.name, key_of(each.name, each.snapshot)) for each in self.snapshots.history.bin
            ),
            undoes=self.snapshots.history.undoes,
            shown=self.shown,
        )

    def turn(self, address: str, value: Any) -> bool:
        if self.stage.doors.master.turn(address, value):
            return True
        super().turn(address, value)
        self.push_value = value
        return True

    def release(self, address: str) -> None:
        super().release(address)
        self.push_value = None

    def hit(self, address: str, *arguments: Any) -> None:
        super().hit(address, *arguments)
        match address, arguments:
            case "/snapshot/store", (name,):
                before = self.snapshots.bank
                self.snapshots.bank = before.with_values(name, {"/push": self.push_value})
                self.snapshots.history.changed("store", name, before, self.snapshots.bank)
                self.shown = (name,)
            case "/snapshot/recall", (name,):
                value: Any = self.snapshots.bank.snapshots[name].values["/push"]
                self.push_value, self.shown = value, (name,)
            case "/snapshot/release", ():
                self.push_value, self.shown = None, ()

    def arrange(self, what: str, *arguments: Any) -> None:
        super().arrange(what, *arguments)
        self.snapshots.arrange(what, *arguments)

    def door(self, do: str, door: str, **options: object) -> None:
        super().door(do, door, **options)
        if do == "record":
            self.stage.doors.record(self.film)
        else:
            self.stage.doors.obey(do, door, options)


class KnownOutputs:
    """What `/api/outputs` says, without looking at the machine."""

    async def ask(self) -> OutputsHere:
        return OutputsHere(
            [
                DoorKindHere("film", "A film of what is shown.", found=["codec=h264  plays everywhere"]),
                DoorKindHere("null", "Goes nowhere.", found=["null:here  a far end of the tests"]),
                DoorKindHere("window", "A display.", missing="glfw is missing", mend="pip install glfw"),
            ]
        )


class KnownSounds:
    """Stands for what this machine can listen to."""

    async def ask(self) -> SoundsHere:
        return SoundsHere(devices=["Scarlett", "USB Audio"])
