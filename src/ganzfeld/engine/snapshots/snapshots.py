"""Snapshots in a running show: stored, recalled with a cross-fade, morphed on a pad.

Everything here is a function of what the engine is given, frame by frame: the moment, the hits, the bank. No
clock is read, so a replay of a take recalls at the same frames as the show did.

A recall turns what it names as a hand does: it stays turned until its own text changes, a hand that turns it
meanwhile has it, `release` gives it back. What followed its text when the snapshot was stored follows it again
afterwards, faded in while it moves.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast, get_args

import msgspec

from ganzfeld.engine.snapshots.bank import (
    LONGEST_FADE,
    Bank,
    Fading,
    Kept,
    Unit,
    When,
    checked_name,
    decode_bank,
    encode_bank,
)
from ganzfeld.engine.snapshots.history import UNDOABLE, BankHistory, DeletedSnapshot
from ganzfeld.engine.snapshots.recalls import (
    UNITS,
    RecallRequest,
    Transition,
    request_in,
    request_out,
    value_in,
    value_out,
)
from ganzfeld.engine.snapshots.turning import MISFIT, can_turn, fits, mixed, target_of
from ganzfeld.errors import GanzfeldError, PatchError, reason_of
from ganzfeld.patch.mixing import FREE, Mix, is_same
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.values.outside import Hit, Inbox
from ganzfeld.values.time import Moment

if TYPE_CHECKING:
    from ganzfeld.patch.graph import Graph

log = logging.getLogger(__name__)
said = RepeatedLog(log)

GLIDE_SECONDS = 0.12
"""In which a morph follows the finger, so that a pad that sends ten times a second does not make steps."""
PROBLEM_SECONDS = 8.0
PREFIX = "/snapshot/"


@dataclass(frozen=True, slots=True)
class SnapshotContext:
    """What snapshots are taken of and play on: the patch looked up, the last frame's values, what hands hold."""

    graph: Graph
    values: Mapping[str, Any]
    turned: dict[str, Any]


class LiveSnapshots:
    """The bank of snapshots, the recall that is fading in, and the one that waits for its beat."""

    def __init__(self) -> None:
        self._bank, self.version = Bank(), 0
        """version: a number that grows whenever the bank changes."""
        self.current: RecallRequest | None = None
        """What was recalled last; it may still be fading in."""
        self.waiting: RecallRequest | None = None
        self.history = BankHistory()
        self.problem: GanzfeldError | None = None
        """Why the last request could not be met, for a while."""
        self._running: Transition | None = None
        self._pressed: set[str] = set()
        self._freed: list[str] = []
        self._share = 1.0
        self._problem_stays = 0.0
        self._encoded_at, self._encoded_bank = 0, encode_bank(self._bank)
        self._compared_for: tuple[int, int, tuple[str, ...]] | None = None
        self._comparison: tuple[dict[str, Any], dict[str, list]] = {}, {}

    @property
    def bank(self) -> Bank:
        """All snapshots."""
        return self._bank

    @bank.setter
    def bank(self, bank: Bank) -> None:
        self._bank = bank
        self.version += 1

    @property
    def deleted(self) -> DeletedSnapshot | None:
        """What was deleted last and can be had back."""
        return self.history.bin[-1] if self.history.bin else None

    @property
    def share(self) -> float:
        """How far the present recall has faded in, 0 to 1; 1 if none is fading."""
        return self._share if self._running is not None else 1.0

    # Frames

    def frame(self, moment: Moment, inbox: Inbox, context: SnapshotContext) -> list[str]:
        """Before a frame is evaluated: do what its hits ask for (`/snapshot/…`, program changes, controls bound to
        snapshots), begin the recall that is due, move the one that is fading. Returns the addresses that are
        the text's again."""
        self._freed = []
        self._problem_stays -= moment.dt
        if self._problem_stays <= 0:
            self.problem = None
        for hit in inbox.hits:
            if hit.address.startswith(PREFIX):
                self._try(self._asked, hit, moment, context)
            elif hit.address.startswith("/midi/"):
                self._try(self._played, hit, moment, context)
        self._try(self._press, moment, inbox, context)
        if not self._try(self._go_on, moment, context):
            self.waiting = self._running = None  # or it would fail with every frame
        return self._freed

    def _go_on(self, moment: Moment, context: SnapshotContext) -> None:
        """Begin the recall that is due, and move the one that is fading."""
        request = self.waiting
        if request is not None and request.is_due(moment):
            self.waiting = None
            self._begin(request, moment, context)
        self._move(moment, context)

    def _press(self, moment: Moment, inbox: Inbox, context: SnapshotContext) -> None:
        """Buttons that are controllers recall when they go down."""
        for name, kept in self.bank.snapshots.items():
            if kept.midi and kept.midi.startswith("cc "):
                value = inbox.values.get(f"/midi/cc/{kept.midi[3:]}", 0.0)
                is_down = isinstance(value, int | float) and value >= 0.5
                if is_down and kept.midi not in self._pressed:
                    self._try(self._recall, name, None, moment, context)
                (self._pressed.add if is_down else self._pressed.discard)(kept.midi)

    def _try(self, do: Any, *arguments: Any) -> bool:
        """Do it, and say whether it could be done. Whatever goes wrong here, the frame is made."""
        try:
            do(*arguments)
        except GanzfeldError as error:
            self.refuse(error)
            said.warning(str(error))
        except Exception as error:
            said.exception("snapshots failed")
            self.refuse(PatchError(f"The snapshots could not do that: {reason_of(error)}"))
        else:
            return True
        return False

    def refuse(self, error: GanzfeldError) -> None:
        """Show for a while why something could not be done."""
        self.problem, self._problem_stays = error, PROBLEM_SECONDS

    # Requests

    def _asked(self, hit: Hit, moment: Moment, context: SnapshotContext) -> None:
        match hit.address.removeprefix(PREFIX), hit.arguments:
            case "recall", (name, *rest) if name is not None:
                if name != 0:  # a button of TouchDesigner's that is up
                    self._recall(name, self._fading(rest), moment, context)
            case "release", rest:
                self._ask(RecallRequest({}, self._fading(list(rest))), moment, context)
            case "morph", (int() | float() as x, int() | float() as y, *_) if math.isfinite(x) and math.isfinite(y):
                self._morph(x, y, moment, context)
            case "store", (name, *_) if name is not None:
                self.store(name, context)
                self.problem = None
            case (("recall" | "store"), _):
                raise PatchError(f"{hit.address} needs the name of a snapshot")
            case "morph", _:
                raise PatchError(f"{hit.address} needs a place on the pad: two numbers from 0 to 1")
            case _:
                pass  # not an address of snapshots

    def _fading(self, words: list[Any]) -> Fading:
        """`[length] ["seconds" or "beats"] ["now", "beat" or "bar"]`; what is not said is as the bank has it."""
        known = self.bank.fade
        length: float = known.length
        unit: Unit = known.unit
        when: When = known.when
        for word in words:
            if isinstance(word, int | float) and math.isfinite(word):
                length = min(max(float(word), 0.0), LONGEST_FADE)
            elif word in get_args(Unit):
                unit = cast(Unit, word)
            elif word in get_args(When):
                when = cast(When, word)
            elif word is not None:
                raise PatchError(
                    f"A recall cannot fade by {word!r:.40}",
                    hint='Seconds, or a number with "beats"; "beat" or "bar" waits',
                )
        return Fading(length, unit, when)

    def _played(self, hit: Hit, moment: Moment, context: SnapshotContext) -> None:
        kind, _, place = hit.address.removeprefix("/midi/").partition("/")
        if kind == "program" and hit.arguments:
            number = hit.arguments[0]  # text, or nothing, is what another program sent by this name
            if isinstance(number, int | float) and 0 <= number < len(self.bank.snapshots):
                self._recall(int(number) + 1, None, moment, context)
        elif kind == "note":
            for name, kept in self.bank.snapshots.items():
                if kept.midi == f"note {place}":
                    self._recall(name, None, moment, context)
                    return

    def _recall(self, name: Any, fade: Fading | None, moment: Moment, context: SnapshotContext) -> None:
        self._ask(RecallRequest({self.bank.find(name): 1.0}, fade or self.bank.fade), moment, context)

    def _morph(self, x: float, y: float, moment: Moment, context: SnapshotContext) -> None:
        x, y = min(max(float(x), 0.0), 1.0), min(max(float(y), 0.0), 1.0)
        if not self.bank.snapshots:
            raise PatchError("There is no snapshot to morph between", hint="Store some first")
        self._ask(RecallRequest(self.bank.shares(x, y), Fading(GLIDE_SECONDS), at=(x, y)), moment, context)

    def _ask(self, request: RecallRequest, moment: Moment, context: SnapshotContext) -> None:
        self.problem = None
        running, unit = self._running, UNITS.get(request.fade.when)
        if running is not None and request.at is None and running.request.shares == request.shares:
            return  # it fades in already: a controller that sends it with every frame does not restart it
        if unit is None:
            self.waiting = None
            self._begin(request, moment, context)
        elif self.waiting is None or self.waiting.shares != request.shares:
            # The same moment whatever the frame rate: the line itself, not the first frame behind it.
            self.waiting = replace(request, due=(math.floor(moment.beat / unit + 1e-9) + 1) * unit)

    def store(self, name: Any, context: SnapshotContext) -> None:
        """Keep what was shown on the last frame, and what hands turned since. Raises GanzfeldError for no name."""
        if isinstance(name, int | float) and not isinstance(name, bool):
            name = f"{name:g}"
        name = checked_name(name)
        kept: dict[str, Kept] = {}
        for address, slot in context.graph.slots.items():
            held = context.turned.get(address)  # what a hand has turned just now shows with the next frame only
            value = context.values.get(address) if held is None or isinstance(held, Mix) else held
            if slot.expression is not None and (held is None or not fits(slot, value)):
                kept[address] = None
            elif can_turn(slot) and fits(slot, value):
                kept[address] = value
        before, self.bank = self.bank, self.bank.with_values(name, kept)
        self.history.changed("store", name, before, self.bank)
        self.waiting = None
        self.current = RecallRequest({name: 1.0}, Fading())

    def arrange(self, what: str, *arguments: Any) -> None:
        """Put the bank in order: "rename" name new, "delete" name, "undelete" (the last one, or a name), "order" name
        place (from 0), "undo", "place" name x y, "bind" name midi, "fade" length unit when, "move" address to another,
        "readdress" an address, with all below it, to another.
        Raises GanzfeldError."""
        do = {
            "rename": self.bank.renamed,
            "delete": self.bank.without,
            "undelete": self._with_deleted,
            "order": self.bank.ordered,
            "undo": self._undone,
            "place": self.bank.placed,
            "bind": self.bank.bound,
            "fade": self.bank.fading,
            "move": self.bank.moved,
            "readdress": self.bank.readdressed,
        }.get(what)
        before = self.bank
        try:
            if do is None:
                raise GanzfeldError(f"Snapshots cannot '{what}'")
            try:
                # Read back, so that what no file and no other process could hold is never there.
                self.bank = decode_bank(encode_bank(do(*arguments)))
            except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
                raise GanzfeldError(f"Snapshots cannot {what} like this: {reason_of(error)}") from None
        except GanzfeldError as error:
            self.refuse(error)
            raise
        if what != "undo":
            name = str(arguments[0]) if arguments else ""
            if what == "undelete":
                name = next((each for each in self.bank.snapshots if each not in before.snapshots), "")
            elif name not in before.snapshots and arguments and what in UNDOABLE:
                name = before.find(arguments[0])
            self.history.changed(what, name, before, self.bank)
        current = self.current
        if current is not None and what in ("rename", "delete") and arguments[0] in current.shares:
            new = str(arguments[1]).strip() if what == "rename" else None
            shares = {new if name == arguments[0] else name: share for name, share in current.shares.items()}
            self.current = replace(current, shares={name: share for name, share in shares.items() if name})

    def _with_deleted(self, name: str | None = None) -> Bank:
        deleted = self.history.from_bin(name)
        return self.bank.with_again(deleted.name, deleted.snapshot, deleted.place)

    def _undone(self) -> Bank:
        return self.history.undone(self.bank)

    # Transitions

    def _begin(self, request: RecallRequest, moment: Moment, context: SnapshotContext) -> None:
        self._move(moment, context)  # the new fade begins where the present one is now
        t, beat, fade = moment.t, moment.beat, request.fade
        if request.due is not None and request.due <= beat + 1e-9:
            t, beat = t - (beat - request.due) * 60 / moment.bpm, request.due
        if moment.dt == 0 and moment.frame > 0:
            fade = Fading()  # a show that is paused has no time to fade in
        self.current = request
        ways = {}
        for address, target in self._targets(request, context).items():
            start = context.turned.get(address, FREE)
            if not is_same(start, target):
                ways[address] = [start, target, start]
        self._running = Transition(replace(request, fade=fade), t, beat, ways)

    def _move(self, moment: Moment, context: SnapshotContext) -> None:
        running, turned = self._running, context.turned
        if running is None:
            return
        share = self._share = running.share(moment)
        eased = share if running.request.at is not None else share * share * (3 - 2 * share)
        for address, way in list(running.ways.items()):
            slot, (start, target, last) = context.graph.slots.get(address), way
            if slot is None or turned.get(address, FREE) is not last:
                del running.ways[address]  # its text changed, or another hand has it
                continue
            now = mixed(slot, ((1 - eased, start), (eased, target))) if share < 1 else target
            if now is not FREE:
                turned[address] = now
            elif turned.pop(address, FREE) is not FREE:
                self._freed.append(address)
            way[2] = now
        if share >= 1:
            self._running = None

    def _targets(self, request: RecallRequest, context: SnapshotContext) -> dict[str, Any]:
        """Where each address that is spoken of goes."""
        graph = context.graph
        if not request.shares:
            return {address: FREE for address in context.turned if address in graph.slots}
        same, others = self._compared(tuple(request.shares), graph)
        shares = request.shares
        blended = {
            address: mixed(graph.slots[address], [(shares[name], value) for name, value in some])
            for address, some in others.items()
        }
        return same | blended

    def _compared(self, names: tuple[str, ...], graph: Graph) -> tuple[dict[str, Any], dict[str, list]]:
        """What these snapshots agree on, and what each says of the rest. Worked out once: a pad asks every frame."""
        wanted = (graph.number, self.version, names)
        if self._compared_for != wanted:
            said: dict[str, list[tuple[str, Any]]] = {}
            for name in names:
                kept = self.bank.snapshots.get(name)
                for address, value in kept.values.items() if kept is not None else ():
                    slot = graph.slots.get(address)
                    if slot is not None and (value := target_of(slot, value)) is not MISFIT:
                        said.setdefault(address, []).append((name, value))
            first = {address: some[0][1] for address, some in said.items()}
            same = {a: first[a] for a, some in said.items() if all(is_same(first[a], value) for _, value in some)}
            others = {address: some for address, some in said.items() if address not in same}
            self._compared_for, self._comparison = wanted, (same, others)
        return self._comparison

    def misfits(self, graph: Graph) -> dict[str, list[str]]:
        """What each snapshot names that is not in the patch any more, or cannot be turned to what it was."""
        found: dict[str, list[str]] = {}
        for name, kept in self.bank.snapshots.items():
            for address, value in kept.values.items():
                if value is None:
                    continue
                slot = graph.slots.get(address)
                if slot is None or target_of(slot, value) is MISFIT:
                    found.setdefault(name, []).append(address)
        return found

    # Checkpoints

    def checkpoint(self) -> dict[str, Any]:
        """Plain data that `restore` takes."""
        running = self._running
        return {
            "bank": self._encoded(),
            "current": request_out(self.current),
            "waiting": request_out(self.waiting),
            "pressed": sorted(self._pressed),
            "history": self.history.checkpoint(),
            "running": None
            if running is None
            else {
                "wish": request_out(running.request),
                "t": running.t,
                "beat": running.beat,
                "ways": {address: [value_out(v) for v in way[:2]] for address, way in running.ways.items()},
            },
        }

    def _encoded(self) -> bytes:
        # A checkpoint is made every second, and a bank may be large.
        if self._encoded_at != self.version:
            self._encoded_at, self._encoded_bank = self.version, encode_bank(self.bank)
        return self._encoded_bank

    def restore(self, data: Mapping[str, Any], turned: Mapping[str, Any]) -> None:
        """Go on from a checkpoint. turned: the values of the same checkpoint."""
        self.bank = decode_bank(data["bank"])
        self.current, self.waiting = request_in(data["current"]), request_in(data["waiting"])
        self._pressed = set(data["pressed"])
        self.history.restore(data["history"])
        running = data["running"]
        self._running = None
        if running is not None and (request := request_in(running["wish"])) is not None:
            ways = {
                address: [*map(value_in, way), turned.get(address, FREE)] for address, way in running["ways"].items()
            }
            self._running = Transition(request, running["t"], running["beat"], ways)
