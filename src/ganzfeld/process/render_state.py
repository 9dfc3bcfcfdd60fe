"""What the render process has told so far. It stays true for viewers while there is no process."""

from __future__ import annotations

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.process.messages import CheckpointSaved, PatchAddresses, PatchTable
from ganzfeld.process.preview_messages import ShowTime
from ganzfeld.values.addresses import Address
from ganzfeld.values.desk import Desk
from ganzfeld.values.status import Problem, Status


class RenderState:
    """The newest of everything.

    saved: the last checkpoint, or None. table: what of the patch that plays can be reached from outside; another
    object for another patch. addresses: every parameter of it that a hand may turn. counted: addresses whose hits that
    patch or the one before counts; None: nothing has played yet. known: all that may be reached, and what is counted.
    failure: why nothing can ever be played, or None.
    """

    def __init__(self) -> None:
        self.status = Status()
        self.desk = Desk()
        self.saved: CheckpointSaved | None = None
        self.table: tuple[Address, ...] = ()
        self.addresses: frozenset[str] = frozenset()
        self.counted: frozenset[str] | None = None
        self.known: frozenset[str] = frozenset()
        self.failure: GanzfeldError | None = None
        self._hits: frozenset[str] = frozenset()
        self._number = 0
        self._pieces: list[Address] = []

    @property
    def time(self) -> tuple[float, float, float]:
        """The show was at second t at a time (perf_counter) and goes on at a speed, 0 while it is paused."""
        status = self.status
        return status.t, status.at, 0.0 if status.paused or not status.at else status.speed

    @property
    def moment(self) -> ShowTime:
        """As `time`, with frames and beats."""
        status, (t, at, speed) = self.status, self.time
        return ShowTime(status.frame, t, status.beat, status.bpm, speed, status.fps, at)

    def take_status(self, status: Status) -> None:
        """The process said how it is doing."""
        if status.phase != "playing" and not status.outputs:
            # Nothing plays yet: what played before a restart is still the truth for viewers.
            status = msgspec.structs.replace(
                self.status,
                phase=status.phase,
                opened_in=status.opened_in,
                errors=status.errors,
                fps=0.0,
                pending_trust=status.pending_trust,
            )
        self.status = status

    def take_addresses(self, told: PatchAddresses) -> None:
        """Another patch plays."""
        self.addresses = frozenset(told.addresses)
        # The patch before may be fading out: it counts on.
        before, self._hits = self._hits, frozenset(told.hits)
        self.counted = self._hits | before
        self.known = self.addresses.union(told.hits, told.reads)

    def take_table(self, piece: PatchTable) -> None:
        """A piece of the table of the patch that plays."""
        if not piece.first:
            self._pieces = []
        elif piece.number != self._number or piece.first != len(self._pieces):
            return  # of a patch that was replaced meanwhile
        self._number = piece.number
        self._pieces += piece.rows
        if piece.is_last:
            self.table = tuple(self._pieces)

    def fail(self, problem: Problem) -> None:
        """No process can ever play."""
        self.failure = problem.error()
        self.status = Status(phase="loading", errors=(problem,))
