"""The engine: one patch playing on one device, changed while it plays.

Single-threaded but for building: `submit` hands a new text to the engine's own thread, which parses, opens files and
warms up on scratch state beside the running program; `frame` takes what is ready at a frame boundary. Whatever goes
wrong becomes an entry of `problems`, and the last good state plays on.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import torch

from ganzfeld.engine.builder_thread import BuilderThread
from ganzfeld.engine.checkpoint import encode_checkpoint, take_up_checkpoint
from ganzfeld.engine.facts import EngineFacts
from ganzfeld.engine.frame_meter import FrameMeter
from ganzfeld.engine.frame_recorder import FrameRecorder, Taken
from ganzfeld.engine.picture_watch import PictureWatch
from ganzfeld.engine.playing import Fade, PlayingPatch
from ganzfeld.engine.program.capture import Graphs, graphs_for
from ganzfeld.engine.script_permissions import ScriptPermissions
from ganzfeld.engine.snapshots.bank import decode_bank
from ganzfeld.engine.snapshots.history import BankHistory
from ganzfeld.engine.snapshots.snapshots import LiveSnapshots, SnapshotContext
from ganzfeld.engine.taps.onlooker import Onlooker
from ganzfeld.errors import GanzfeldError, PatchError, nearest
from ganzfeld.kernels.card import plainly
from ganzfeld.networks.device import at_work, pick_device
from ganzfeld.patch.addresses import read_addresses
from ganzfeld.patch.models import Patch
from ganzfeld.patch.resources import Resources
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.values.hazards import Hazards
from ganzfeld.values.outside import Inbox, Outside
from ganzfeld.values.time import Moment

log = logging.getLogger(__name__)
said = RepeatedLog(log)

QUIET_SECONDS = 5.0
"""Without another patch, after which the memory that the last ones used is given back."""


RECALLS = ("/snapshot/recall", "/snapshot/release", "/snapshot/morph", "/midi/program")
"""Where events come that move what hands hold, with the next frame."""
FEWEST_UNFORESEEN = 2
"""Texts in a row that could not be built for a reason that is none of theirs, before the process counts as damaged."""
_BEATS = {"now": 0.0, "beat": 1.0, "bar": 4.0}
"""When a patch is swapped in: at the beginning of so many beats."""


class Engine(EngineFacts):
    """Plays a patch. All methods belong to one thread, the one that calls `frame`."""

    def __init__(
        self,
        *,
        device: str = "auto",
        trusted: Callable[[Path], bool] = lambda path: False,
        exact: bool = False,
        replays: bool = False,
        floats: bool = False,
        graphs: Graphs | None = None,
        hazards: Hazards | None = None,
        sources: Iterable[str] = (),
        await_kernels: Callable[[torch.device], None] = lambda device: None,
    ) -> None:
        """`exact`: wait for what comes late (films), and keep sizes rather than rates, so that the same moments give
        the same frames. For renders. `replays`: nodes are given what they took once (see `give`). `floats`: pictures
        are float32, not clamped, instead of uint8. `graphs`: how the device's work is captured; tests have their own.
        `hazards`: where is written down which file may just now kill or hang the process. `sources`: machines that the
        patch's streams may come from. `await_kernels`: waits for what is being compiled elsewhere for the device."""
        self.device = pick_device(device)
        self._graphs = graphs or graphs_for(self.device)
        threads = torch.get_num_threads() if self.device.type == "cpu" else 0
        self._meter = FrameMeter(self._graphs.timer(), threads)
        self._exact = exact
        self.outside = Outside()
        self.turned: dict[str, Any] = {}
        self._ran_scripts = False
        self._said_after: list[tuple[str, Any]] = []
        """What hands turned since a recall came that the next frame will begin: (address, value)."""
        self.snapshots = LiveSnapshots()
        self.recorder: FrameRecorder | None = None
        self._taken = Taken()
        self._permissions = ScriptPermissions(trusted)
        self.hazards = hazards or Hazards()
        self._resources = Resources(
            trusted=self._permissions.may_run,
            exact=exact,
            replays=replays,
            floats=floats,
            sources=frozenset(sources),
            hazards=self.hazards,
        )
        self._resources.await_kernels = lambda: await_kernels(self.device)
        self._at_once = False
        self._playing: PlayingPatch | None = None
        self._fade: Fade | None = None
        self._last: dict[str, torch.Tensor] = {}
        self._last_beat = 0.0
        self._patch_problem: GanzfeldError | None = None
        self._frame_problem: GanzfeldError | None = None
        self._node_problems: dict[str, GanzfeldError] = {}
        self._watch = PictureWatch()
        self._moment = Moment(0, 0.0, 0.0, 0.0, 0.0, 120.0)
        self._builder = BuilderThread(
            self.device, self._graphs, self._resources, lambda: (self._playing, self._moment), quiet=QUIET_SECONDS
        )
        on_card = self._graphs.timer() if self.device.type == "cuda" else None
        self.onlooker = Onlooker(self._builder.beside, on_card, lambda: self._meter.seconds)
        """Who looks into what plays; of it neither pictures nor takes know anything."""

    # What the loop and the person need to know

    @property
    def is_building(self) -> bool:
        """Whether a patch is being built beside the one that plays."""
        return self._builder.is_building

    @property
    def ready(self) -> tuple[int, float]:
        """The version of the text that is built and does not play yet (0: none), and when it will: at the beginning of
        so many beats, 0: with the next frame."""
        ready = self._builder.ready
        if not isinstance(ready, PlayingPatch):
            return 0, 0.0
        return ready.graph.patch.version, _BEATS[ready.graph.patch.settings.swap]

    @property
    def problems(self) -> list[GanzfeldError]:
        """What is wrong now, the patch's own error first."""
        problems = [self._patch_problem, self._frame_problem, self.snapshots.problem, *self._node_problems.values()]
        if self._playing is not None:
            problems += self._playing.evaluator.problems.values()
            problems += self._playing.built.notes
            problems += self._watch.problems
        return [problem for problem in problems if problem is not None]

    @property
    def watched(self) -> set[Path]:
        """Files whose change the engine wants to be told of with `notice`."""
        nodes = self._playing.built.nodes.values() if self._playing is not None else ()
        return {path for node in nodes for path in node.watched()} | self._builder.asked

    @property
    def pending_trust(self) -> list[Path]:
        """Script files that wait for a person's permission."""
        return self._permissions.pending

    def expect_with(self, expect: Callable[[dict[str, tuple[int, int]]], None]) -> None:
        """Have `expect` told each output's size (width, height) before a patch plays, beside the show."""
        self._builder.expect = expect

    # The patch

    def load(
        self, patch: str | Patch, path: Path | None = None, *, version: int = 0, without_kernels: bool = False
    ) -> None:
        """Parse and build now. version: the text's (see `Patch`). without_kernels: of our own, because they are not
        compiled yet; the next patch has them. Raises PatchError; what plays is untouched then."""
        with plainly() if without_kernels else contextlib.nullcontext():
            playing = self._builder.build(patch, path, version=version)
        self._take(playing)
        self._graphs.give_back()  # what the rehearsal used
        self._builder.prime()

    def swap(self, patch: str | Patch, path: Path | None = None, *, anew: bool = False) -> None:
        """Build now, and play it from the next frame on, whatever it says of beats and bars: for replays, which know
        when that was. Raises PatchError."""
        if isinstance(self._builder.ready, PlayingPatch):
            self._take(self._builder.ready)
        self._builder.ready, self._at_once = self._builder.build(patch, path, anew), True

    def submit(
        self,
        patch: str | Patch,
        path: Path | None = None,
        *,
        anew: bool = False,
        version: int = 0,
        at_once: bool = False,
    ) -> None:
        """Parse and build beside the running program; `frame` swaps when it is ready. Of several, the last wins.

        anew: build even if only numbers changed in the text, because a file changed. version: the text's (see `Patch`).
        at_once: swap as soon as it is ready and without a fade, whatever the patch says.
        """
        self._builder.begin(patch, path, anew, version, at_once=at_once)

    def _take(self, playing: PlayingPatch) -> None:
        """Swap, at a frame boundary. Values turned by hand stay where the text about them did not change."""
        old = self._playing
        self._patch_problem = self._frame_problem = None
        self._node_problems.clear()
        if old is not None:
            before, after = old.graph.texts(), playing.graph.texts()
            self.turned = {
                address: value
                for address, value in self.turned.items()
                if address in after and after[address] == before.get(address)
            }
            fade = playing.graph.patch.settings.fade
            if fade > 0:
                self._end_fade(playing)
                self._fade = Fade(old.going_out(), self._moment.t, fade)
            playing.evaluator.adopt(old.evaluator)
            playing.state.keep_only(set(playing.graph.nodes) | self._builder.coming)
            if playing.built is not old.built:
                self._watch.forget()
                self.onlooker.forget()
                self._resources.forget_unused()
                if fade <= 0:
                    self._builder.retire(old.built)
        self._playing = playing
        self._ran_scripts |= any(node.type == "script" for node in playing.graph.patch.nodes.values())
        self.outside.read_by(read_addresses(playing.graph))
        rate = None if self._exact else playing.graph.patch.settings.hold
        anew = old is not None and playing.built is not old.built
        self._meter.hold(rate, playing.built.most_halvings, anew=anew)
        if self.recorder is not None:
            self.recorder.took(playing.graph.patch, anew=playing.anew)

    def _end_fade(self, following: PlayingPatch | None) -> None:
        """The show that goes out is gone. `following`: what plays on."""
        fade, self._fade = self._fade, None
        if fade is not None and following is not None and fade.outgoing.built is not following.built:
            self._builder.retire(fade.outgoing.built)

    @property
    def frame_seconds(self) -> float:
        """The median of what the last frames took; 0 before the first."""
        return self._meter.seconds

    @property
    def times(self) -> deque[float]:
        """Seconds that the last frames took on the device (on a CPU: in all), newest last."""
        return self._meter.times

    @property
    def halvings(self) -> int:
        """How many times the inner size of networks is halved, to hold the rate that the patch asks for."""
        return self._meter.halvings

    def halve(self, times: int) -> None:
        """Halve so many times where no rate is held: a replay is told how often the recorded show halved."""
        self._meter.halved = times

    def _swap_if_due(self, moment: Moment) -> None:
        ready = self._builder.ready
        if ready is None:
            return
        if isinstance(ready, PlayingPatch) and self._playing is not None and not self._at_once:
            unit = _BEATS[ready.graph.patch.settings.swap]
            if unit and moment.dt > 0 and moment.beat // unit == self._last_beat // unit:
                return
        ready, self._at_once = self._builder.take(), False
        if isinstance(ready, PlayingPatch):
            self._take(ready)
        else:
            self._patch_problem = ready

    @property
    def is_damaged(self) -> bool:
        """Whether a script may have damaged this process: two texts in a row could not be built, for a reason that is
        none of theirs, since one ran. Another process may do better."""
        return self._ran_scripts and self._builder.unforeseen >= FEWEST_UNFORESEEN

    # Hands and files

    def set(self, address: str, value: Any) -> None:
        """A hand turned a parameter: it stays turned until its own text changes. Raises PatchError."""
        graph = self.graph
        if graph is None or address not in graph.slots:
            known = graph.slots if graph else ()
            raise PatchError(f"There is nothing at {address}", hint=nearest(address, known))
        admitted = graph.slots[address].admit(value)
        if self.outside.waits(*RECALLS):
            self._said_after.append((address, value))
            return
        self.turned[address] = admitted
        self._tell("set", address, value)

    def _set_what_was_said_after(self) -> None:
        """What a hand turned after a recall had come, which the frame has begun by now, is as the hand said."""
        said_after, self._said_after = self._said_after, []
        for address, value in said_after:
            graph = self.graph
            if graph is not None and address in graph.slots:
                with contextlib.suppress(PatchError):  # another patch plays, whose slot does not take it
                    # Not by `set`, which would wait for a recall that has come since.
                    self.turned[address] = graph.slots[address].admit(value)
                    self._tell("set", address, value)

    def release(self, address: str) -> None:
        """Give a parameter back to its text."""
        self._said_after = [each for each in self._said_after if each[0] != address]
        if self.turned.pop(address, None) is not None and self._playing is not None:
            self._playing.evaluator.release(address)
            self._tell("release", address)

    def followed(self, address: str) -> str:
        """What a knob follows that no hand holds: "midi", "osc" or "" (its text)."""
        return self._playing.evaluator.follows(address, self._playing.state.expressions) if self._playing else ""

    def load_snapshots(self, bank: bytes, anew: bool = False) -> None:
        """Take these snapshots (`bank.encode_bank`) for those there were. Those that they lack (another program wrote
        the file, a backup was restored) go into the bin. anew: they are of another patch, so what was done to those
        before can be undone no more. Raises GanzfeldError."""
        before = self.snapshots.bank
        try:
            self.snapshots.bank = decode_bank(bank)
        except (msgspec.DecodeError, ValueError) as error:
            raise GanzfeldError(f"These are no snapshots: {error}") from None
        if anew:
            self.snapshots.history = BankHistory()
        else:
            self.snapshots.history.changed("load", "", before, self.snapshots.bank)
        self._tell("load_snapshots", bank, anew)

    def store(self, name: str) -> None:
        """Keep the last frame's values as a snapshot now, as the hit `/snapshot/store` does with the next frame. Raises
        GanzfeldError."""
        playing = self._playing
        if playing is None:
            raise PatchError("Nothing plays, so there is nothing to store")
        try:
            self.snapshots.store(name, SnapshotContext(playing.graph, playing.evaluator.values, self.turned))
        except GanzfeldError as error:
            self.snapshots.refuse(error)
            raise
        self._tell("store", name)

    def arrange(self, what: str, *arguments: Any) -> None:
        """Rename, delete, place, bind snapshots, or say how they fade (see `Snapshots.arrange`). Raises GanzfeldError.

        They are stored, recalled and morphed by hits: `outside.hit("/snapshot/recall", "dawn", 2, "beats", "bar")`.
        """
        self.snapshots.arrange(what, *arguments)
        self._tell("arrange", what, *arguments)

    def give(self, node: str, what: Any) -> None:
        """Give a node what it took when the coming frame was first made (see `Node.give`): for replays."""
        ready = self._builder.ready
        coming = ready if isinstance(ready, PlayingPatch) else None
        for playing in (coming, self._playing, self._fade.outgoing if self._fade else None):
            if playing is not None and node in playing.built.nodes:
                playing.built.nodes[node].give(what)

    def tell_taken_again(self) -> None:
        """The recorder is to be told with the next frame what every node takes, and not only what is new."""
        self._taken = Taken()

    def _tell(self, name: str, *arguments: Any) -> None:
        if self.recorder is not None:
            self.recorder.did(name, *arguments)

    def notice(self, path: Path) -> None:
        """A watched file changed on disk: scripts are read again, anything else is built anew beside the show. A patch
        that could not be built is tried again. A newer text that is on its way still comes: it is built anew instead of
        what plays."""
        self.set_aside.pop(path, None)
        self.hazards.mended(path)
        if self._builder.again(path) or self._playing is None:
            return
        taken = [node.notice(path) for node in self._playing.built.nodes.values() if path in set(node.watched())]
        if taken and not all(taken) and not self._builder.coming_again():
            self.submit(self._playing.graph.patch, self._path(), anew=True)

    def _path(self) -> Path | None:
        file = self._playing.graph.patch.file if self._playing else None
        return Path(file) if file else None

    def trust(self, path: Path) -> None:
        """A person allowed a script file to run."""
        self._permissions.allow(path)
        self.notice(path)

    # Frames

    def frame(self, moment: Moment) -> dict[str, torch.Tensor]:
        """Every output's picture for this moment, uint8 [H, W, 4] RGBA on the device.

        If this frame fails, the last good one is returned again and `problems` says why.
        """
        self._moment = moment
        self._swap_if_due(moment)
        self._last_beat = moment.beat
        inbox = self.outside.take()
        if self.recorder is not None:
            self.recorder.frame(moment, inbox, self.halvings)
        if self._playing is None:
            return {}
        self._node_problems.clear()
        try:
            self._meter.start()
            with torch.inference_mode(), at_work(self.device):
                self._recall(self._playing, moment, inbox)
                looking = self.onlooker if self.onlooker.looks else None
                looks = (looking, self._watch)
                pictures = self._playing.frame(moment, inbox, self.turned, self._report, self.halvings, *looks)
                if self._fade is not None:
                    mixed = self._fade.mixed(pictures, moment, inbox, self.turned)
                    if mixed is None:
                        self._end_fade(self._playing)
                    else:
                        pictures = mixed
            self._meter.stop(busy=self._builder.is_building, counts=not self.is_plain)
            self._builder.tidy()
            self._frame_problem = None
            self._last = pictures
        except GanzfeldError as error:
            self._frame_problem = error
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
                raise
            said.exception("a frame failed")
            self._frame_problem = PatchError(f"This frame failed: {type(error).__name__}: {error}")
        if self.recorder is not None:
            sizes = {name: (int(p.shape[1]), int(p.shape[0])) for name, p in self._last.items()}
            self.recorder.showed(sizes, self._taken.changes(self._playing.built.nodes))
        self._set_what_was_said_after()
        return self._last

    def _recall(self, playing: PlayingPatch, moment: Moment, inbox: Inbox) -> None:
        context = SnapshotContext(playing.graph, playing.evaluator.values, self.turned)
        for address in self.snapshots.frame(moment, inbox, context):
            playing.evaluator.release(address)

    def _report(self, path: str, error: Exception) -> None:
        if not isinstance(error, GanzfeldError):
            error = PatchError(f"{path}: {type(error).__name__}: {error}")
        self._node_problems[path] = error

    # Checkpoints

    def checkpoint(self, *, whole: bool = False) -> bytes:
        """Values turned by hand, host state and small device state: what a new process needs to go on.

        whole: large device state, too. It says of itself whether it is exact: then an engine that takes it up after
        loading the same text, and is given the same swaps, goes on with the very frames that this one would have made.
        """
        settled = self._fade is None and self._frame_problem is None
        return encode_checkpoint(self._playing, self.turned, self.snapshots, self.outside, whole=whole, settled=settled)

    def restore(self, data: bytes) -> None:
        """Take up a checkpoint after `load`. Raises msgspec.DecodeError, and KeyError, for what is none."""
        take_up_checkpoint(data, self._playing, self.turned, self.snapshots, self.outside, self.device, self.set)

    def forget(self) -> None:
        """What the patch remembers, and what hands hold, is as it was before the first frame."""
        self.turned.clear()
        if self._playing is not None:
            self._playing.state.clear()

    def close(self) -> None:
        """Stop building; nothing plays after this."""
        self._builder.close()
        self._playing = self._fade = None
