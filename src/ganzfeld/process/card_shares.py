"""Pictures that the render process itself shares on its card, for the doors of the kind `cuda`.

A picture is copied by the card, on a stream of its own, into memory that other programs have open. As with
`read_back.py` nobody waits for that: it is published when it is done, which `finish` waits for where there is time, and
`begin` otherwise. A share that cannot be made says why, and is tried again; the show goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from ganzfeld.errors import OutputError
from ganzfeld.process.card_writer import CardMemory, CardSlot, CardWriter
from ganzfeld.process.messages import CardShare
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.values.frames import Board
from ganzfeld.values.master import MasterValues
from ganzfeld.values.time import Moment

log = logging.getLogger(__name__)
said = RepeatedLog(log)

PAUSE_SECONDS = 1.0
"""Until a share that failed is tried again."""
TIDY_SECONDS = 0.25

OpenCard = Callable[[Any], CardMemory]
"""The card that a picture lies on. Raises OutputError where there is none, or none that can share."""


class CardShares:
    """What is shared at present. For the render's thread; no method raises.

    session: the show's, whose master holds for shares, too. card: see `OpenCard`.
    """

    def __init__(self, session: str, card: OpenCard) -> None:
        self._session, self._card = session, card
        self._board: Board | None = None
        self._shares: dict[str, _Share] = {}
        self._leaving: list[CardWriter] = []
        self._under_way: list[tuple[CardSlot, Callable[[], None], Any, Moment]] = []
        self._tidy_at = 0.0

    @property
    def problems(self) -> list[OutputError]:
        """Why shares cannot be made."""
        return [share.problem for share in self._shares.values() if share.problem is not None]

    def ask(self, wanted: tuple[CardShare, ...]) -> None:
        """Share these, and nothing else."""
        if wanted and self._board is None:
            self._board = Board(self._session)
        before, self._shares = self._shares, {}
        for share in wanted:
            if share.session in self._shares:
                log.warning("two doors share pictures on the card under one name: %s", share.session)
                continue
            old = before.get(share.session)
            if old is not None and old.share.readers == share.readers:
                old.share, old.due = share, 0.0
                self._shares[share.session] = before.pop(share.session)
            else:
                self._shares[share.session] = _Share(share)
        self.finish()
        for gone in before.values():
            if gone.writer is not None:
                gone.writer.leave()
                self._leaving.append(gone.writer)

    def begin(self, pictures: Mapping[str, Any], moment: Moment) -> None:
        """Begin to share a frame's pictures, by the names of their outputs; finishes the frame before first."""
        if not self._shares and not self._leaving:
            return
        self.finish()
        now = time.perf_counter()
        if now >= self._tidy_at:
            self._tidy_at = now + TIDY_SECONDS
            self._tidy()
        for share in self._shares.values():
            picture = pictures.get(share.share.picture)
            if picture is None or not share.is_due(now):
                continue
            self._guarded(share, lambda share=share, picture=picture: self._begin(share, picture, moment))

    def finish(self) -> None:
        """Wait for what is under way, and publish it."""
        under_way, self._under_way = self._under_way, []
        for slot, wait, _, moment in under_way:
            try:
                wait()
                slot.commit(frame=moment.frame, t=moment.t)
            except Exception:
                said.exception("a picture could not be shared on the card")

    def close(self) -> None:
        """End; see `CardWriter.close`."""
        self.finish()
        writers = [share.writer for share in self._shares.values() if share.writer is not None]
        self._shares = {}
        for writer in writers:
            writer.leave()
        for writer in (*writers, *self._leaving):
            try:
                writer.close()
            except Exception:
                said.exception("memory on the card could not be given back")
        if self._board is not None:
            self._board.close()

    def _begin(self, share: _Share, picture: Any, moment: Moment) -> None:
        asked = share.share
        assert self._board is not None
        master = self._board.master.for_door(asked.row) if asked.master else MasterValues()
        if master.frozen:
            return
        if share.writer is None:
            share.card = self._card(picture.device)
            share.writer = CardWriter(asked.session, share.card, readers=asked.readers)
        height, width = picture.shape[:2]
        if asked.region is not None:
            width, height = asked.region[2:]
        slot = share.writer.begin(width, height, (asked.order, asked.alpha, asked.origin))
        if slot is None:
            return  # readers hold every slot: they have pictures enough
        assert share.card is not None
        wait = share.card.copy(picture, slot.address, (asked, round(master.gain, 4)))
        self._under_way.append((slot, wait, picture, moment))

    def _guarded(self, share: _Share, begin: Callable[[], None]) -> None:
        try:
            begin()
            share.problem = None
            return
        except OutputError as error:
            share.problem = error
        except Exception as error:
            said.exception("a picture could not be shared on the card")
            share.problem = OutputError(f"a picture could not be shared on the card: {error}")
        share.due = time.perf_counter() + PAUSE_SECONDS

    def _tidy(self) -> None:
        for writer in (*self._leaving, *(share.writer for share in self._shares.values() if share.writer is not None)):
            try:
                writer.tidy()
            except Exception:
                said.exception("memory on the card could not be given back")
        self._leaving = [writer for writer in self._leaving if not writer.is_free]


class _Share:
    """One door's, while it is asked for."""

    def __init__(self, share: CardShare) -> None:
        self.share = share
        self.writer: CardWriter | None = None
        self.card: CardMemory | None = None
        self.problem: OutputError | None = None
        self.due = 0.0

    def is_due(self, now: float) -> bool:
        """Whether a picture may leave now; if so, says when the next one may."""
        if now < self.due:
            return False
        if (rate := self.share.rate) is not None:
            # Half a frame of 120 a second early rather than a whole one late.
            self.due = max(self.due + 1 / rate, now + 0.5 / rate) if self.due else now + 1 / rate
        return True


def no_card(device: Any) -> CardMemory:
    """Where there is nothing to share on."""
    raise OutputError(
        f"pictures are made on {device}, and a door of the kind 'cuda' shares those of an NVIDIA card",
        hint="Take shared memory: shared:NAME",
    )
