"""The process that renders a show and the spare that takes over from it: started, watched, replaced.

`restart_policy.py` decides when to start which text, and remembers what the next process has to be told. Whoever owns a
`Failover` holds one lock around all of its methods.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from ganzfeld.process.child_process import ChildProcess
from ganzfeld.process.custody import Custody
from ganzfeld.process.dependencies import Dependencies
from ganzfeld.process.messages import Begin, Numbered, Stop, VersionedText
from ganzfeld.process.restart_policy import Journal, Outage, RestartPolicy
from ganzfeld.process.vital_signs import VitalSigns
from ganzfeld.values.hazards import Hazard, HazardBoard
from ganzfeld.values.status import Status

log = logging.getLogger(__name__)

STARTING_SECONDS, STEP_SECONDS = 120.0, 600.0
"""How long a process may import, or take for one step of opening a patch (kernels may have to be compiled), before it
hangs. Opening a file, and running a script's, have a patience of their own (`values.hazards`)."""
IDLE_SECONDS, STARVED_SECONDS = 30.0, 1.5
"""How long it may take no processor time while it opens a patch, and while it plays."""
STOPPED_SECONDS = 1.0
"""How long it may be stopped by a signal."""
MORE_PATIENCE = 3.0
"""Seconds in which the process itself deals with what has used up its patience."""
LOCKED_SECONDS, LOCKED_SHARE, LOCKED_BUSY = 2.0, 0.6, 0.5
"""A script in which no other thread of the process gets Python's lock is waited for so many seconds, or for this share
of its patience: nothing in the process can stop it. It counts only if the process has half a processor meanwhile, so
that one that is merely crowded out is left alone."""
MENDED_SECONDS = 1.75
"""The same, where the file has changed meanwhile."""
LOOK_AT_SPARE_SECONDS = 1.0
SPARE_FOR_A_HANG = 3.0
"""Seconds without a step while a first patch is opened, after which the spare is started."""
DEATHS_BEFORE_SUSPICION = 2
"""Of processes that were at no file, before the file that changed last is set aside."""
SECONDS_TO_NEXT_SPARE = 10.0
LOOK_AFTER = 0.3
"""Seconds without a sign of the process, after which it is looked at."""


class Failover:
    """Keeps one process rendering, and a spare beside it that has everything imported.

    main: the process that plays, or None. spare: the one that waits, or None. outage: the time without a process.
    first_words: the messages with which a process begins to play. hear: is called with every message of a process, news
    when one has ended; both on threads that belong to the process. beats: how many frames were made so far, by all of
    them. hazards: what the process that plays does just now that may kill or hang it. custody: the files that did.
    hang_seconds: as `Supervisor`'s. prepare: what a process is made of.
    """

    def __init__(
        self,
        policy: RestartPolicy,
        journal: Journal,
        first_words: Callable[[], Iterable[Begin | Numbered]],
        *,
        hear: Callable[[ChildProcess, Any], None],
        news: Callable[[], None],
        beats: Callable[[], int],
        hazards: HazardBoard,
        custody: Custody,
        hang_seconds: float,
        prepare: Callable[[], Dependencies],
    ) -> None:
        self._policy, self._journal, self._first_words = policy, journal, first_words
        self._hear, self._news, self._count_beats = hear, news, beats
        self._hazards, self._custody = hazards, custody
        self._hang_seconds, self._prepare = hang_seconds, prepare
        self.main: ChildProcess | None = None
        self.spare: ChildProcess | None = None
        self.outage = Outage()
        self.resting = False
        self._spare_at = 0.0
        self._signs: tuple[int, int] = (0, 0)
        self._pulse: tuple[int, float] = (-1, 0.0)
        """The last pulse of the process while it is at something, and after how much silence it came."""
        self._silence, self._looked_at = 0.0, time.perf_counter()
        self._vital: VitalSigns | None = None
        self._mended: dict[str, float] = {}
        """Files that have changed while the process was at them -> how much silence is enough then."""
        self._spare_looked_at = 0.0

    def rest(self) -> None:
        """End both processes, and start none until `begin`: nothing is to be rendered for a while."""
        self.resting = True
        self.close()
        self.main = self.spare = None
        self.outage.end(time.perf_counter())

    def begin(self) -> None:
        """Let the spare play, or a new process if there is none."""
        self.resting = False
        if self.spare is not None and self.spare.over.is_set():
            self.spare.wait_for_end()  # whoever killed the one killed the other, too
            self.spare = None
        child, self.spare = self.spare or self._child(), None
        child.begun_with = self._policy.newest.version
        self._silence, self._vital, self._pulse = 0.0, VitalSigns(child.pid), (-1, 0.0)
        self._mended.clear()
        self._hazards.clear()
        for message in self._first_words():
            child.pipe.post(message)
        self.main = child

    def _child(self) -> ChildProcess:
        return ChildProcess(self._hear, lambda child: self._news(), self._prepare)

    def post(self, message: Numbered, key: Hashable) -> None:
        """Send a message to the process that plays; if there is none, the journal has it for the next one."""
        if self.main is not None:
            self.main.pipe.post(message, key)

    def mended(self, path: str) -> None:
        """A file has changed. If the process is at it and makes no frames, it is not waited for any longer."""
        if self._silence > LOOK_AFTER and any(hazard.path == path for hazard in self._hazards.standing()):
            self._mended.setdefault(path, self._silence + MENDED_SECONDS)

    def told(self, child: ChildProcess, status: Status) -> None:
        """The process that plays said how it is doing."""
        now = time.perf_counter()
        child.phase = status.phase
        if status.phase == "playing" and child.playing_since is None:
            child.playing_since = now
            self._policy.plays(now)
            if self.outage.lasts:
                self.outage.end(now)
                log.warning("the render process is back after %.2f s", self.outage.seconds)
        elif status.errors:
            self.outage.end(now)

    def look(self, playing: VersionedText | None, status: Status, *, is_hopeless: bool, spare_after: float) -> None:
        """Once in a while, and whenever something happened. playing: the text that plays. status: the last one told.
        is_hopeless: no process could ever play. spare_after: seconds of playing before the spare is started."""
        now = time.perf_counter()
        awake = min(now - self._looked_at, 0.2)  # while a laptop sleeps, no process can make frames: that is no hang
        self._looked_at = now
        if self.resting:
            return
        main = self.main
        if main is not None and main.over.is_set():
            how = main.wait_for_end()
            if is_hopeless:
                self.main = None
            else:
                self.replace(how)
        elif main is not None and (how := self._hangs(main, status, awake, now)):
            self.replace(how)
        elif main is None and not is_hopeless and now >= self._policy.try_at:
            self.begin()
        elif main is not None and main.playing_since is not None:
            if self._policy.look(playing, now):
                self._custody.calm(now)
            if self.spare is None and now - main.playing_since >= spare_after and now >= self._spare_at:
                self.spare = self._child()
        elif main is not None and main.phase == "loading" and self._silence > SPARE_FOR_A_HANG and self.spare is None:
            self.spare = self._child()  # so that nobody waits for its imports when what hangs is mended
        self._look_at_spare(now)

    def _look_at_spare(self, now: float) -> None:
        spare = self.spare
        if spare is None:
            return
        if not spare.over.is_set() and now - self._spare_looked_at >= LOOK_AT_SPARE_SECONDS:
            self._spare_looked_at = now
            if VitalSigns(spare.pid).look(now) == "stopped":
                spare.kill()
        if spare.over.is_set():
            log.warning("the spare render process ended: %s", spare.wait_for_end())
            self.spare, self._spare_at = None, now + SECONDS_TO_NEXT_SPARE

    def _hangs(self, main: ChildProcess, status: Status, awake: float, now: float) -> str:
        """How the process hangs, in words; "" if it does not."""
        playing = main.phase in ("opened", "playing")
        signs = self._count_beats(), 0 if playing else self._hazards.progress
        if signs != self._signs:
            self._signs, self._silence, self._pulse = signs, 0.0, (-1, 0.0)
            self._mended.clear()
            if self._vital is not None:
                self._vital.begin()
            return ""
        self._silence += awake
        if self._silence < LOOK_AFTER or self._vital is None:
            return ""
        condition, silence = self._vital.look(now), self._silence
        if condition == "ended":
            return main.wait_for_end()
        if condition == "stopped" and silence > STOPPED_SECONDS:
            return "it was stopped by a signal"
        at = [hazard for hazard in self._hazards.standing() if hazard.waited_for]
        slowest = 3 * max(status.worst_ms / 1000, 1 / max(status.fps, 0.01) if main.playing_since else 0.0)
        if condition == "idle" and not at and silence > max(STARVED_SECONDS if playing else IDLE_SECONDS, slowest):
            return "it got no processor time"
        match main.phase:
            case "starting":
                patience = STARTING_SECONDS
            case "loading":
                # A person who saves while a patch takes very long to open wants the new text, not the old one.
                saved_since = self._policy.newest.version != main.begun_with
                patience = self._hang_seconds if saved_since else STEP_SECONDS
            case "opened" | "playing":
                patience = max(self._hang_seconds, 20 * status.worst_ms / 1000, 2 * status.opened_in)
        if at and self._holds_the_lock(at[0], silence):
            return "its script holds Python's lock"
        if at:
            patience = min(patience, self._mended.get(at[0].path, at[0].patience + MORE_PATIENCE))
        return "no frame for too long" if silence > patience else ""

    def _holds_the_lock(self, hazard: Hazard, silence: float) -> bool:
        """Whether a script has kept every other thread of the process from running, for too long."""
        if hazard.kind != "running" or self._vital is None:
            return False
        if (pulse := self._hazards.pulse) != self._pulse[0]:
            self._pulse = pulse, silence
        held = silence - self._pulse[1]
        return held > max(LOCKED_SECONDS, LOCKED_SHARE * hazard.patience) and self._vital.share > LOCKED_BUSY

    def replace(self, how: str, *, counts: bool = True) -> None:
        """The process that plays ended, or has to; `how`, in words. counts: against the text that plays."""
        assert self.main is not None
        self.main.kill()
        self.main = None
        now = time.perf_counter()
        self.outage.begin(how, now)
        if counts:
            log.warning("the render process ended (%s)", how)
            at = [hazard for hazard in self._hazards.standing() if hazard.path not in self._mended]
            if self._custody.blame(at, how, now):
                self._policy.is_over(now)  # a file's doing, and not the text's
            elif self._policy.deaths + 1 >= DEATHS_BEFORE_SUSPICION and self._custody.suspect(how):
                self._policy.is_over(now)
            elif self._policy.dies(now):
                self._journal.forget()  # one of its messages may be what kills the process
        if now >= self._policy.try_at:
            self.begin()

    def close(self) -> None:
        """End both; the one that plays may finish what it has in hand."""
        if self.spare is not None:
            self.spare.kill()
        if self.main is not None:
            self.main.pipe.post(self._journal.add(Stop(), keep=False))  # the next process is not to stop
            if not self.main.ends_within(2.0):
                self.main.kill()
            self.main.wait_for_end()
