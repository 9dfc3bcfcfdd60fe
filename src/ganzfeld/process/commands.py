"""What hands and the outside world do to a running show. Nothing here waits; any thread may call."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from ganzfeld.errors import GanzfeldError
from ganzfeld.process.messages import (
    ArrangeSnapshots,
    OutsideHit,
    Pause,
    ReleaseParameter,
    RenderMessage,
    Seek,
    SetOutside,
    SetParameter,
    Speed,
    Tempo,
)
from ganzfeld.values.arrivals import arrived, arrived_all, is_plain
from ganzfeld.values.time import FASTEST_BPM

MORPH = "/snapshot/morph"
_COUNTED_BY_THE_ENGINE = ("/snapshot/", "/midi/", "/audio/")


class ShowCommands:
    """Makes messages for the render process out of calls.

    It is a `signals.mailbox.Mailbox`, and `turn` is a `signals.osc.TurnParameter`.
    """

    def _give(self, message: RenderMessage, *, key: Hashable = None, keep: bool = True) -> None:
        """Send the message soon. One that still waits and has the same `key` is replaced: the newest wins. keep: send
        it again to a process that takes over."""
        raise NotImplementedError

    @property
    def addresses(self) -> frozenset[str]:
        """Every parameter that a hand may turn in the patch that plays."""
        raise NotImplementedError

    @property
    def counted(self) -> frozenset[str] | None:
        """Addresses whose hits the patch that plays counts; None: no patch has played yet, so any may be counted."""
        raise NotImplementedError

    def turns_master(self, address: str, value: Any = None) -> bool:
        """Do what an address of the master asks for (see `master.Master.turn`). False: it is none."""
        return False

    def heard_outside(self, address: str, value: Any = None, *, is_hit: bool = False) -> bool:
        """Something came from outside: it may be a control that moves the master. True: it is the master's alone, and
        no part of the show (nor of a take)."""
        return False

    def counts_hits(self, address: str) -> bool:
        """Whether anything may count the hits of this address: the patch, or the snapshots."""
        return self.counted is None or address in self.counted or address.startswith(_COUNTED_BY_THE_ENGINE)

    def turn(self, address: str, value: Any) -> bool:
        """A hand turns the parameter at an address; False if the patch that plays has none there. `/master/…` is not
        the patch's. Raises GanzfeldError for what no parameter can take."""
        if self.turns_master(address, value):
            return True
        if address not in self.addresses:
            return False
        if not is_plain(value):
            raise GanzfeldError(f"{address} cannot be turned to {value!r:.40}", hint="It takes a finite number or text")
        self._give(SetParameter(address, arrived(value)), key=("turn", address))
        return True

    def release(self, address: str) -> None:
        """Give the parameter at an address back to its text."""
        self._give(ReleaseParameter(address), key=("turn", address))

    def set(self, address: str, value: Any) -> None:
        """A value from outside (OSC, MIDI, sound). One that is not plain (see `values.arrivals`) is passed over."""
        value = arrived(value)
        if value is None or self.heard_outside(address, value):
            return
        self._give(SetOutside(address, value), key=("value", address))

    def hit(self, address: str, *arguments: Any, **named: Any) -> None:
        """An event from outside. Every one is counted, even over a restart of the render; but of places on the pad
        between the snapshots, which come as fast as a finger moves, the newest is enough."""
        arguments, named = arrived_all(arguments), {name: arrived(value) for name, value in named.items()}
        if self.heard_outside(address, *arguments[:1], is_hit=True):
            return
        self._give(OutsideHit(address, arguments, named), key="morph" if address == MORPH else None)

    def arrange(self, what: str, *arguments: Any) -> None:
        """Rename, delete, place, bind snapshots (see `engine.snapshots.Snapshots.arrange`). They are stored, recalled
        and morphed by hits: `hit("/snapshot/recall", "dawn", 2)`."""
        newest_wins = what in ("place", "fade")
        self._give(ArrangeSnapshots(what, arguments), key=("arrange", what, *arguments[:1]) if newest_wins else None)

    def pause(self, paused: bool = True) -> None:
        """Stop the show's clock, or let it go on."""
        self._give(Pause(paused), key="pause")

    def seek(self, t: float) -> None:
        """Jump to second `t` of the show."""
        self._give(Seek(t), key="seek")

    def speed(self, speed: float) -> None:
        """Seconds of show time in a second."""
        self._give(Speed(speed), key="speed")

    def tempo(self, bpm: float | None, beat: float | None = None, *, every: float = 4.0, at: float = 0.0) -> None:
        """An outside tempo, which the show bends to. beat: where its beat was at `at` (perf_counter), known up to
        `every` beats. Raises GanzfeldError for what is no tempo."""
        if bpm is not None and not 0 < bpm <= FASTEST_BPM:
            raise GanzfeldError(f"{bpm:g} is no tempo", hint=f"A tempo is up to {FASTEST_BPM:g} beats a minute")
        # A downbeat takes nothing back of a tempo that was tapped just before.
        known = None if bpm is None else float(bpm), None if beat is None else float(beat)
        self._give(Tempo(*known, every, at), key=("tempo", bpm is None))
