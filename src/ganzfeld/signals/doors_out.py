"""How doors are doing, over OSC: whoever stands at a desk sees that a projector is gone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from ganzfeld.signals.background import Background
from ganzfeld.signals.osc_out import REFRESH_SECONDS, OscSender
from ganzfeld.values.status import DoorStatus, MasterStatus

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2


class DoorsOut(Background):
    """Sends `/door/NAME/state`, `fps`, `restarts` and `error`, and `/master/level`, `black`, `freeze`, from `start` to
    `stop`: what changes, and everything once a second. Of these the senders' chosen addresses.

    look: tells how every door and the master are. senders: to whom.
    """

    def __init__(
        self, look: Callable[[], tuple[Sequence[DoorStatus], MasterStatus]], senders: Sequence[OscSender]
    ) -> None:
        super().__init__("doors out")
        self._look, self._senders = look, senders
        self._last: dict[str, Any] = {}
        self._refreshed_at = 0.0

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.send(time.monotonic())
            except Exception:
                log.exception("the doors could not be told of")

    def send(self, now: float) -> None:
        """Send what is due."""
        values = said(*self._look())
        refresh = now - self._refreshed_at >= REFRESH_SECONDS
        if refresh:
            self._refreshed_at = now
        for address, value in values.items():
            if refresh or self._last.get(address) != value:
                for sender in self._senders:
                    sender.hit(address, value)
        self._last = values


def said(doors: Sequence[DoorStatus], master: MasterStatus) -> dict[str, Any]:
    """Address → value."""
    values: dict[str, Any] = {
        "/master/level": float(master.level),
        "/master/black": float(master.black),
        "/master/freeze": int(master.frozen),
    }
    for door in doors:
        values |= {
            f"/door/{door.name}/state": door.state,
            f"/door/{door.name}/fps": float(door.fps),
            f"/door/{door.name}/restarts": door.restarts,
            f"/door/{door.name}/error": door.problem.what if door.problem else "",
        }
    return values
