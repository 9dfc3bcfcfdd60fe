"""The routing of a show: which picture leaves through which door, and how every door is doing.

The supervisor owns it and looks at it some twenty times a second. A patch has no part in it: doors are what the command
line, a rig or the page says. They may be opened, closed and changed while the show plays.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from ganzfeld.errors import OutputError, nearest
from ganzfeld.outputs.doors.base import Door
from ganzfeld.outputs.doors.kinds.cuda import card_session
from ganzfeld.outputs.doors.messages import ChangeDoor, DoorCommand, ShowPicture
from ganzfeld.outputs.doors.registry import checked_options, kind_named
from ganzfeld.outputs.doors.route import Route, checked_route, door_name, parse_route
from ganzfeld.process.door_child import DoorChild
from ganzfeld.process.master import Master
from ganzfeld.process.messages import CardShare
from ganzfeld.process.page_door import TYPE as PAGE
from ganzfeld.process.page_door import PageDoor
from ganzfeld.values.frames import FrameStore
from ganzfeld.values.master import MOST_DOORS
from ganzfeld.values.status import DoorStatus

log = logging.getLogger(__name__)

FILM = "film"
"""The kind of door that records."""
MOST_CLOSING_SECONDS = 10.0
_COMMAND = re.compile(r"/door/([^/]+)/(start|stop|again)")

KeepDoor = Callable[[str, Mapping[str, Any]], None]
"""Takes a door's name and the options that a hand changed at its far end."""


class Routing:
    """Opens, watches and closes doors. Any thread may call; nothing but `close` waits.

    store: of the show. kinds: of doors, by name; None: all that there are.
    """

    def __init__(self, store: FrameStore, kinds: Mapping[str, type[Door]] | None = None) -> None:
        self._store, self._kinds = store, kinds
        self._lock = threading.RLock()
        self._doors: dict[str, DoorChild] = {}
        self._closing: list[DoorChild] = []
        self._pages: dict[str, PageDoor] = {}
        self._outputs: tuple[str, ...] = ()
        self._looked_at = time.perf_counter()
        self._is_closed = False
        self._kept: list[tuple[DoorChild, dict[str, Any]]] = []
        self.master = Master(store.master, self._rows)
        self.keep: KeepDoor | None = None
        """Is told what hands change at far ends; whoever has a rig writes it down there."""

    def open(self, route: Route | str) -> str:
        """Open a door, as a person writes it ("wall=window:2") or made already; its name. Raises OutputError."""
        route = parse_route(route, self._kinds) if isinstance(route, str) else checked_route(route, self._kinds)
        kind = kind_named(route.type, self._kinds)
        missing = kind.missing()
        if missing is not None:
            raise OutputError(f"no door of the kind '{kind.type}' here: {missing.what}", hint=missing.hint)
        with self._lock:
            row = self._free_row()
            if row is None:
                raise OutputError(f"a show has at most {MOST_DOORS} doors", hint="Close one first")
            named = replace(route, name=door_name(route, self._names()))
            door = DoorChild(self._store.session, kind, named, row, keep=self._keeps)
            door.show(self._picture_of(door))
            self._doors[named.name] = door
            self._count_readers()
            return named.name

    def page(self, picture: str) -> PageDoor | None:
        """The door of the clean pages of an output, "" the main one: opened when it is first asked for. None: the patch
        has no such output yet, or there are too many doors."""
        with self._lock:
            door = self._pages.get(picture)
            if door is not None or self._is_closed or (picture and picture not in self._outputs):
                return door
            row = self._free_row()
            if row is None:
                return None
            target = f"/output?name={picture}" if picture else "/output"
            route = Route(PAGE, picture, options={"target": target})
            route = replace(route, name=door_name(replace(route, name=f"{PAGE}-{picture}".strip("-")), self._names()))
            door = self._pages[picture] = PageDoor(self._store.session, route, row, self._store.master)
            door.show(self._picture_of(door))
            self._count_readers()
            return door

    def _names(self) -> frozenset[str]:
        return frozenset(self._doors) | {page.route.name for page in self._pages.values()}

    def _free_row(self) -> int | None:
        """A row of the master for another door, as nobody had touched it. A page that nobody watches gives up its own
        if there is no other."""
        held = (*self._doors.values(), *self._closing, *self._pages.values())
        rows = {door.row for door in held}
        row = next((row for row in range(1, MOST_DOORS + 1) if row not in rows), None)
        if row is None:
            for picture, page in self._pages.items():
                if not page.is_watched:
                    page.close()
                    del self._pages[picture]
                    row = page.row
                    break
        if row is not None:
            self._store.master.reset(row)
        return row

    def close_door(self, name: str) -> None:
        """Close a door; it finishes what it began. Raises OutputError if there is none."""
        with self._lock:
            door = self._door(name)
            del self._doors[name]
            door.begin_to_close()
            self._closing.append(door)
            self._count_readers()

    def change(self, name: str, options: Mapping[str, Any]) -> None:
        """Give a door other options, beside those it has. Raises OutputError."""
        with self._lock:
            door = self._door(name)
            route = checked_route(replace(door.route, options={**door.route.options, **options}), self._kinds)
            door.route = route
            door.command(ChangeDoor(dict(route.options)))

    def command(self, name: str, what: str, *arguments: Any) -> None:
        """Have a door do something that its kind knows by name; "again": start it, after it had ended. Raises
        OutputError if there is no such door."""
        with self._lock:
            door = self._door(name)
            if what == "again":
                door.again()
            else:
                door.command(DoorCommand(what, arguments))

    def obey(self, do: str, door: str, options: Mapping[str, Any]) -> None:
        """Do what a page asks: "open" a door (as a person writes it), "close" it, "change" its options, start it
        "again"; "start" and "stop" a film. Raises OutputError."""
        match do:
            case "open":
                self.open(door)
            case "close":
                self.close_door(door)
            case "change":
                self.change(door, options)
            case "again" | "start" | "stop":
                self.command(door, do)

    def record(self, target: Path) -> None:
        """Begin a film: the door that waits to record one does, or else a new one does, into `target`. Raises
        OutputError."""
        with self._lock:
            films = [(name, door) for name, door in self._doors.items() if door.route.type == FILM]
        for name, door in films:
            if door.is_gone:
                self.command(name, "again")
            else:
                self.command(name, "start")
            return
        self.open(Route(FILM, name="record", options={"target": str(target)}))

    def hears(self, address: str, value: Any = None) -> bool:
        """Something came from outside. True: it was for a door, as `/door/record/start` or `stop` is, alone or with a
        number: buttons send 1 when they are pressed, and 0 when they are let go."""
        found = _COMMAND.fullmatch(address)
        if found is None:
            return False
        if value is None or (isinstance(value, int | float) and value > 0):
            try:
                self.command(found[1], found[2])
            except OutputError as error:
                log.warning("%s: %s", address, error)
        return True

    def outputs(self, names: Sequence[str]) -> None:
        """The outputs of the patch that plays, the main one first."""
        with self._lock:
            if tuple(names) == self._outputs:
                return
            self._outputs = tuple(names)
            for door in self._doors.values():
                picture = self._picture_of(door)
                if picture != door.picture:
                    door.show(picture)
                    door.command(ShowPicture(picture))
            for page in self._pages.values():
                page.show(self._picture_of(page))
            self._count_readers()

    def look(self) -> None:
        """Once in a while: start, watch and bury processes."""
        with self._lock:
            now = time.perf_counter()
            # A laptop that slept did not watch, so nothing hung.
            seconds, self._looked_at = min(now - self._looked_at, 0.5), now
            if self._is_closed:
                return
            for door in (*self._doors.values(), *self._closing):
                door.look(seconds)
            self._closing = [door for door in self._closing if not door.is_gone]
            kept, self._kept = self._kept, []
            for door, options in kept:
                door.route = replace(door.route, options={**door.route.options, **options})
        for door, options in kept:
            if self.keep is not None:
                self.keep(door.route.name, options)

    @property
    def highest_rate(self) -> float:
        """Pictures a second that the most demanding door asks for; 0: none asks for a rate of its own."""
        with self._lock:
            rates = (door.route.options.get("rate") for door in self._doors.values() if not door.is_gone)
            return max((float(rate) for rate in rates if rate), default=0.0)

    @property
    def card_shares(self) -> tuple[CardShare, ...]:
        """What doors ask the render to share on its card."""
        with self._lock:
            doors = [door for door in self._doors.values() if door.kind.by_render and door.picture and not door.is_gone]
            return tuple(share for door in doors if (share := _card_share(door)) is not None)

    def statuses(self) -> tuple[DoorStatus, ...]:
        """How every door is doing."""
        with self._lock:
            return tuple(self._status(door) for door in (*self._doors.values(), *self._pages.values()))

    def pid(self, name: str) -> int | None:
        """The number of a door's process, None while it has none. Raises OutputError if there is no such door."""
        with self._lock:
            return self._door(name).pid

    def close(self) -> None:
        """Close every door; those that do not end within seconds are killed."""
        with self._lock:
            self._is_closed = True
            doors, self._doors = [*self._doors.values(), *self._closing], {}
            for door in doors:
                door.begin_to_close()
            for page in self._pages.values():
                page.close()
        deadline = time.perf_counter() + MOST_CLOSING_SECONDS
        for door in doors:
            door.end(max(0.0, deadline - time.perf_counter()))

    def _door(self, name: str) -> DoorChild:
        if any(page.route.name == name for page in self._pages.values()):
            raise OutputError(f"'{name}' is a page: it is opened and closed in its browser")
        if name not in self._doors:
            raise OutputError(f"there is no door '{name}'", hint=nearest(name, self._doors))
        return self._doors[name]

    def _picture_of(self, door: DoorChild | PageDoor) -> str:
        return door.route.picture or (self._outputs[0] if self._outputs else "")

    def _status(self, door: DoorChild | PageDoor) -> DoorStatus:
        is_there = not door.route.picture or not self._outputs or door.route.picture in self._outputs
        own = self._store.master.look(door.row)
        return msgspec.structs.replace(door.status(is_there), level=own.level, black=own.black, frozen=own.frozen)

    def _rows(self) -> dict[str, list[int]]:
        """The rows of the doors that a name stands for: a door's own, or those of an output."""
        with self._lock:
            rows: dict[str, list[int]] = {}
            doors = (*self._doors.values(), *self._pages.values())
            for door in doors:
                rows.setdefault(door.route.picture or (self._outputs[0] if self._outputs else ""), []).append(door.row)
            rows.pop("", None)
            return rows | {door.route.name: [door.row] for door in doors}

    def _keeps(self, door: DoorChild, options: dict[str, Any]) -> None:
        with self._lock:
            try:
                chosen = checked_route(replace(door.route, options={**door.route.options, **options}), self._kinds)
            except OutputError:
                return  # a kind that keeps what it would not take
            self._kept.append((door, {name: chosen.options[name] for name in options}))

    def _count_readers(self) -> None:
        """Rings have room for all that look at a picture, the viewers' own reader among them."""
        pictures = [self._picture_of(door) for door in (*self._doors.values(), *self._pages.values())]
        self._store.expect_readers(1 + max((pictures.count(each) for each in pictures), default=0))


def _card_share(door: DoorChild) -> CardShare | None:
    """What a door that the render fills asks it for; None if that cannot be, which the door says itself."""
    try:
        options: Any = checked_options(door.kind, door.route.options)
        session = card_session(options.target)
    except OutputError:
        return None
    return CardShare(
        session=session,
        picture=door.picture,
        row=door.row,
        master=door.kind.live if options.master is None else options.master,
        order=options.order,
        origin=options.origin,
        alpha=options.alpha or door.kind.alphas[0],
        region=options.region,
        rate=options.rate,
        readers=options.readers,
    )
