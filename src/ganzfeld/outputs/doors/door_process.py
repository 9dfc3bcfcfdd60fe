"""A door's process: opens the kind's far end, lets pictures leave, and answers to the supervisor.

It is started with nothing but a pipe, imports the one kind that it is told to be, and no torch. The pipe's end is its
own end. Its main thread belongs to the door; two others serve the pipe.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from multiprocessing.connection import Connection
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError, OutputError
from ganzfeld.outputs.doors.base import Door, DoorPicture, FinalDoorError
from ganzfeld.outputs.doors.feed import Feed
from ganzfeld.outputs.doors.messages import (
    ChangeDoor,
    DoorCommand,
    DoorEnded,
    DoorReport,
    KeepOptions,
    OpenDoor,
    ShowPicture,
    StopDoor,
    decode_to_door,
)
from ganzfeld.outputs.doors.registry import checked_options, kind_made_by
from ganzfeld.values.frames import Board
from ganzfeld.values.master import MasterValues
from ganzfeld.values.message_pipe import MessagePipe
from ganzfeld.values.piped_log import PipedLog
from ganzfeld.values.status import Problem

log = logging.getLogger(__name__)

REPORT_SECONDS = 0.5
SECONDS_TO_END = 10.0
"""For a film to be finished after the supervisor has gone."""


def main(connection: Connection) -> None:
    """The process, from its start to its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which tells us
    if sys.stderr is not None:  # a program without a console has none
        faulthandler.enable()
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    alone = threading.Event()

    def left_alone() -> None:
        alone.set()
        inbox.put(StopDoor())
        time.sleep(SECONDS_TO_END)  # a door that hangs will not look into its inbox
        os._exit(1)

    pipe = MessagePipe(connection, decode_to_door, inbox.put, left_alone).start()
    logging.basicConfig(level=logging.WARNING, handlers=[PipedLog(pipe)], force=True)
    ended, code = DoorEnded(), 0
    try:
        opening = inbox.get()
        if isinstance(opening, OpenDoor):
            _Way(opening, pipe, inbox).run()
    except FinalDoorError as error:
        ended = DoorEnded(Problem.of(error), is_final=True)
    except GanzfeldError as error:
        ended, code = DoorEnded(Problem.of(error)), 1
    except BaseException as error:
        log.exception("the door ends")
        ended, code = DoorEnded(Problem(f"{type(error).__name__}: {error}")), 1
    if not alone.is_set():
        pipe.post(ended)
    pipe.finish()
    os._exit(code)  # no waiting for threads of a far end's library


class _Way:
    """A `base.Doorway`: what the door has of the show."""

    def __init__(self, opening: OpenDoor, pipe: MessagePipe, inbox: queue.SimpleQueue[Any]) -> None:
        self.name, self.session = opening.name, opening.session
        self._kind = kind_made_by(opening.factory)
        self._options = checked_options(self._kind, opening.options)
        self._picture, self._row = opening.picture, opening.row
        self._pipe, self._inbox = pipe, inbox
        self._board = Board(opening.session)
        self.feed = self._feed()
        self._door: Door | None = None
        self._report, self._told_at = DoorReport(), 0.0
        self._times: deque[float] = deque(maxlen=1000)
        self._is_over = self._reopens = False

    def run(self) -> None:
        """Open the door as often as its options change, and run it until it is over. Raises OutputError."""
        while not self._is_over:
            self._reopens = False
            self.feed.close()
            self.feed = self._feed()
            door = self._door = self._kind(self._options, self)
            try:
                door.open()
                self._say(is_open=True)
                door.run()
            finally:
                door.close()

    def attend(self) -> bool:
        while not (self._is_over or self._reopens):
            try:
                message = self._inbox.get_nowait()
            except queue.Empty:
                break
            self._obey(message)
        self._tell()
        return not (self._is_over or self._reopens)

    def note(self, text: str) -> None:
        self._say(note=text, is_waiting=False)

    def wait_for(self, what: str) -> None:
        self._say(note=what, is_waiting=True)

    def shown(self, picture: DoorPicture) -> None:
        width, height = picture.size
        self._times.append(time.perf_counter())
        self._report = msgspec.structs.replace(
            self._report, shown=self._report.shown + 1, width=width, height=height, problem=None
        )

    def refreshed(self, at: float, rate: float) -> None:
        self._report = msgspec.structs.replace(self._report, refreshed_at=at, refresh=rate)

    def recorded(self, seconds: float, size: int) -> None:
        self._report = msgspec.structs.replace(self._report, seconds=round(seconds, 2), size=size)

    def keep(self, **options: Any) -> None:
        self._pipe.post(KeepOptions(options), key="keep")

    def _feed(self) -> Feed:
        kind, options = self._kind, self._options
        return Feed(
            self.session,
            self._picture,
            alpha=options.alpha or kind.alphas[0],
            region=options.region,
            master=self._master if (kind.live if options.master is None else options.master) else MasterValues,
            dims=kind.dims,
        )

    def _master(self) -> MasterValues:
        return self._board.master.for_door(self._row)

    def _obey(self, message: Any) -> None:
        assert self._door is not None
        match message:
            case StopDoor():
                self._is_over = True
            case ShowPicture(picture):
                self._picture = picture
                self.feed.show(picture)
            case ChangeDoor(options):
                chosen = checked_options(self._kind, options)
                if self._changes_the_feed(chosen) or not self._door.change(chosen):
                    self._reopens = True
                else:
                    self._door.options = chosen
                self._options = chosen
            case DoorCommand(name, arguments):
                try:
                    self._door.command(name, tuple(arguments))
                except OutputError as error:
                    self._say(problem=Problem.of(error))

    def _changes_the_feed(self, chosen: Any) -> bool:
        return any(
            getattr(chosen, name) != getattr(self._options, name) for name in ("region", "alpha", "master", "target")
        )

    def _say(self, **fields: Any) -> None:
        self._report = msgspec.structs.replace(self._report, **fields)
        self._told_at = 0.0
        self._tell()

    def _tell(self) -> None:
        now = time.perf_counter()
        if now - self._told_at >= REPORT_SECONDS:
            self._told_at = now
            while self._times and self._times[0] < now - 1.0:
                self._times.popleft()
            self._pipe.post(msgspec.structs.replace(self._report, fps=float(len(self._times))), key="report")
