"""Controllers with a show: a knob turned elsewhere waits for its control, lights and motors show what is, and a control
that is touched while something is being learned is learned."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Protocol

from ganzfeld.errors import GanzfeldError, SignalError
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.signals.background import Background
from ganzfeld.signals.midi_state import Control, MidiState
from ganzfeld.values.desk import Desk

log = logging.getLogger(__name__)
said = RepeatedLog(log)

LOOK_SECONDS = 1 / 30
"""Between looks at the desk: how often lights change at most."""


class ShowAtDesk(Protocol):
    """The show, as controllers see it (the supervisor fits). deafness: why no control can be learned, or ""."""

    deafness: str

    def desk(self) -> Desk:
        """What hands stand at now."""
        ...

    def touched(self, control: str) -> float | None:
        """A control was touched: where (0 to 1) it is picked up. May raise GanzfeldError."""
        ...


class Ports(Protocol):
    """Where controllers are plugged in (`midi.MidiPorts`). problem: why none can be, or None."""

    @property
    def problem(self) -> SignalError | None: ...
    def show(self, values: Mapping[str, float]) -> None: ...


class Controllers(Background):
    """Follows a show's desk in a thread of its own, from `start` to `stop`."""

    def __init__(self, show: ShowAtDesk, state: MidiState, ports: Ports, *, lights: bool = False) -> None:
        """lights: show knobs and snapshots on the controllers."""
        super().__init__("controllers")
        self.show, self.state, self.ports, self.lights = show, state, ports, lights
        self._known: dict[str, tuple[str | None, float, str]] = {}
        self._learns = False

    def _begin(self) -> None:
        self.look()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception:
                said.exception("controllers could not follow the show")

    def look(self) -> None:
        """See what has changed on the desk."""
        desk, problem = self.show.desk(), self.ports.problem
        self.show.deafness = str(problem) if problem is not None else ""
        for knob in desk.knobs:
            now = (knob.midi, knob.position, knob.by)
            if knob.midi is not None and self._known.get(knob.address) != now:
                if knob.by == "midi":
                    self.state.let_go(f"/midi/cc/{knob.midi}")
                else:
                    self.state.hold(f"/midi/cc/{knob.midi}", knob.position)
            self._known[knob.address] = now
        if (desk.lesson is not None) != self._learns:
            self._learns = not self._learns
            self.state.learn(self._touched if self._learns else None)
        if self.lights:
            self.ports.show(shown_by(desk))

    def _touched(self, control: Control) -> None:
        self._learns = False
        try:
            position = self.show.touched(f"{control.kind} {control.binding}")
        except GanzfeldError as error:
            log.warning("%s", error)
            return
        if position is not None:
            self.state.hold(control.address, position)


def shown_by(desk: Desk) -> dict[str, float]:
    """What lights and motors show: by mailbox address, 0 to 1. A knob's position; 1 for the snapshot recalled last."""
    values = {f"/midi/cc/{knob.midi}": knob.position for knob in desk.knobs if knob.midi}
    for snapshot in desk.snapshots:
        if snapshot.midi:
            kind, _, place = snapshot.midi.partition(" ")
            values[f"/midi/{kind}/{place}"] = 1.0 if snapshot.name in desk.shown else 0.0
    return values
