"""The process that draws previews, as the supervisor sees it: started when somebody looks, asked for one round after
the other, ended when it hangs, takes too much memory, or nobody has looked for a minute.

Nothing of the show waits for it. A thread of its own speaks with it, and ends with it.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import multiprocessing
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import psutil

from ganzfeld.errors import reason_of
from ganzfeld.process.child_process import for_a_start
from ganzfeld.process.messages import CheckpointSaved, Ready, RenderMessage
from ganzfeld.process.preview_messages import (
    CannotDraw,
    DrawAgain,
    DrawPreviews,
    Overheard,
    PictureMade,
    PreviewText,
    RoundDrawn,
    ShowTime,
    decode_from_previewer,
)
from ganzfeld.process.preview_process import Prepare, PreviewOptions, main
from ganzfeld.values.message_pipe import MessagePipe

log = logging.getLogger(__name__)

PICTURES_A_SECOND = 12.0
IDLE_SECONDS = 60.0
START_SECONDS = 90.0
"""How long it may take until it can draw: importing torch, on a machine that is busy with a show."""
SILENT_SECONDS = 60.0
"""How long one picture may take: a network may have to be opened, with what a show leaves of a processor."""
LATE_SECONDS = 10.0
"""How long the picture may take that is being drawn while something else is wanted already."""
LOOK_SECONDS = 0.25
DEATHS = 2
"""So many times one order may end the process, before it is told that it cannot be drawn."""
_spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class PreviewOrder:
    """What somebody wants to see. texts: by what stands for them in the answers. playing: the text that plays, of the
    file `path`."""

    height: int
    texts: dict[int, PreviewText]
    playing: str
    path: str | None


Hear = Callable[[PictureMade], None]
Now = Callable[[], tuple[CheckpointSaved | None, ShowTime]]


@dataclass(slots=True, eq=False)
class _Asked:
    """An order, and how it goes. due: when it is drawn again (monotonic); None: not before it is asked for anew.
    deaths: how often it ended the process. is_shown: whether all of it has been shown once. made: pictures of the same
    moment, which are shown together: they are there to be compared."""

    number: int
    order: PreviewOrder
    hear: Hear
    due: float | None = 0.0
    deaths: int = 0
    is_shown: bool = False
    made: list[PictureMade] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Child:
    """The process, its pipe, and what it said that nobody has heard yet. number: of the order that it knows. is_busy:
    whether it draws."""

    process: Any
    memory: int
    pipe: MessagePipe | None = None
    said: deque[Any] = field(default_factory=deque)
    is_ready: bool = False
    has_ended: bool = False
    number: int = 0
    is_busy: bool = False


class Previewer:
    """Draws for whoever asks; the newest order of each asker counts. Every method may be called by any thread, and
    none waits, but for `close`.

    now: the show's last checkpoint and its time. prepare: what draws, made in the process. `hear` of an order is called
    on a thread of the previewer's.
    """

    def __init__(
        self,
        now: Now,
        options: Callable[[], PreviewOptions],
        *,
        prepare: Prepare | None = None,
        idle: float = IDLE_SECONDS,
        silent: float = SILENT_SECONDS,
    ) -> None:
        self._now, self._options, self._prepare = now, options, prepare or torch_previews
        self._idle, self._silent = idle, silent
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._asked: dict[Hashable, _Asked] = {}
        self._child: _Child | None = None
        self._thread: threading.Thread | None = None
        self._used_at = 0.0
        self._closing = False

    @property
    def pid(self) -> int | None:
        """The number of the process; None while there is none."""
        child = self._child
        return child.process.pid if child is not None else None

    def ask(self, asker: Hashable, order: PreviewOrder, hear: Hear) -> None:
        """Draw this for `asker` from now on, in the place of what they asked for before."""
        with self._changed:
            if self._closing:
                return
            self._asked[asker] = _Asked(next(self._numbers), order, hear)
            if self._thread is None:
                self._begin()
            self._changed.notify_all()

    def end(self, asker: Hashable) -> None:
        """They look no more."""
        with self._changed:
            self._asked.pop(asker, None)
            self._changed.notify_all()

    def overhear(self, message: RenderMessage, key: Hashable) -> None:
        """The show is told this: of hands and of the world outside it is told, too."""
        child = self._child
        if child is not None and child.is_ready and child.pipe is not None and isinstance(message, Overheard):
            child.pipe.post(message, key)

    def close(self) -> None:
        """End it, for good."""
        with self._changed:
            self._closing = True
            self._asked.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(10)

    # The thread

    def _run(self) -> None:
        stumbled = False
        self._used_at = time.monotonic()
        try:
            while (asked := self._next()) is not None:
                self._draw(asked)
        except Exception:
            log.exception("previews stumbled")
            stumbled = True
        with self._changed:
            self._thread = None
            child, self._child = self._child, None
            if stumbled:
                self._asked.clear()
            elif self._asked and not self._closing and any(asked.due is not None for asked in self._asked.values()):
                self._begin()  # asked for just now
        _kill(child)

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._run, name="ganzfeld-previews", daemon=True)
        self._thread.start()

    def _next(self) -> _Asked | None:
        """Wait for what is due; None: nobody has asked for long, or the show ends."""
        with self._changed:
            while not self._closing:
                now = time.monotonic()
                due = [asked for asked in self._asked.values() if asked.due is not None]
                if due:
                    self._used_at = now
                    known = self._child.number if self._child is not None else 0
                    asked = min(due, key=lambda each: (each.due or 0.0, each.number != known))
                    wait = (asked.due or 0.0) - now
                    if wait <= 0:
                        return asked
                else:
                    wait = self._used_at + self._idle - now
                    if wait <= 0:
                        return None
                self._pass_over()
                self._changed.wait(min(wait, 1.0))
            return None

    def _pass_over(self) -> None:
        """What the process says while nobody waits for it. The lock is held."""
        child = self._child
        while child is not None and child.said:
            said = child.said.popleft()
            child.is_ready = child.is_ready or isinstance(said, Ready)
            child.is_busy = child.is_busy and said != RoundDrawn(child.number)

    def _draw(self, asked: _Asked) -> None:
        """One round of an order."""
        child = self._child
        if child is None or child.has_ended:
            self._kill()
            try:
                child = self._started()
            except OSError as error:
                self._fail(asked, f"previews cannot be started: {reason_of(error)}")
                return
        if not child.is_ready:
            self._wait(asked, child, START_SECONDS, lambda said: isinstance(said, Ready))
            return
        began, was_busy, child.is_busy = time.monotonic(), child.is_busy, True
        saved, now = self._now()
        assert child.pipe is not None
        if child.number == asked.number:
            child.pipe.post(DrawAgain(asked.number, now))
        else:
            order = asked.order
            child.number = asked.number
            child.pipe.post(
                DrawPreviews(asked.number, order.height, order.texts, order.playing, order.path, saved, now)
            )
        patience = LATE_SECONDS if was_busy else self._silent
        done = RoundDrawn(asked.number)
        if self._wait(asked, child, patience, lambda said: said == done, is_late=was_busy):
            child.is_busy = False
            asked.deaths = 0
            due = max(time.monotonic(), began + len(asked.order.texts) / PICTURES_A_SECOND)
            for each in self._alike(asked):
                each.due = due

    def _wait(
        self, asked: _Asked, child: _Child, patience: float, ends: Callable[[Any], bool], *, is_late: bool = False
    ) -> bool:
        """Hear what the process says until it says what `ends` this; False: it ended, was ended, or something else is
        wanted meanwhile. is_late: it is still at what was wanted before, which is no fault of this order."""
        until = time.monotonic() + patience
        while True:
            said, is_wanted = self._said(asked, child)
            if said is not None:
                patience, is_late = self._silent, False
                until = time.monotonic() + patience
                if self._hear(asked, child, said) or ends(said):
                    return ends(said)
                continue
            if not is_wanted:
                return False
            why = ""
            if child.has_ended:
                self._ended(asked, child)
                return False
            if time.monotonic() > until:
                why = f"this preview took longer than {patience:g} s and was given up"
            elif (used := _memory(child)) > child.memory:
                why = f"this preview took too much memory ({used >> 20} MB) and was given up"
            if why:
                self._kill()
                if not is_late:
                    self._fail(asked, why)
                return False

    def _said(self, asked: _Asked, child: _Child) -> tuple[Any, bool]:
        """What the process said next, soon; None: nothing. And whether this order is wanted still."""
        with self._changed:
            if not child.said:
                self._changed.wait(LOOK_SECONDS)
            said = child.said.popleft() if child.said else None
            return said, asked in self._asked.values() and not self._closing

    def _hear(self, asked: _Asked, child: _Child, said: Any) -> bool:
        """True: nothing more is to be waited for."""
        match said:
            case Ready():
                child.is_ready = True
            case PictureMade(number) if number == asked.number:
                if asked.is_shown:
                    asked.made.append(said)
                else:
                    self._show(asked, said)
            case RoundDrawn(number) if number == asked.number:
                asked.is_shown, made, asked.made = True, asked.made, []
                for picture in made:
                    self._show(asked, picture)
            case CannotDraw(what, hint):
                self._kill()
                self._fail(asked, ". ".join(part for part in (what, hint) if part))
                return True
        return False

    def _alike(self, asked: _Asked) -> list[_Asked]:
        """All who want just this: a rolled line is looked at on every page. It is drawn once for them."""
        with self._changed:
            return [asked, *(each for each in self._asked.values() if each is not asked and each.order == asked.order)]

    def _show(self, asked: _Asked, made: PictureMade) -> None:
        for each in self._alike(asked):
            try:
                each.hear(made)
            except Exception:
                log.exception("a preview could not be shown")

    def _ended(self, asked: _Asked, child: _Child) -> None:
        """The process is gone, and nobody here ended it. It may have been chance: it is tried once more."""
        child.process.join(1)
        how = _how(child.process.exitcode)
        self._kill()
        asked.deaths += 1
        if asked.deaths >= DEATHS:
            self._fail(asked, f"the process that draws previews ended ({how})")

    def _fail(self, asked: _Asked, why: str) -> None:
        """Tell why there is nothing to see; it is not drawn again before it is asked for anew."""
        log.info("%s", why)
        for each in self._alike(asked):
            each.due = None
        for index in asked.order.texts:
            self._show(asked, PictureMade(asked.number, index, problem=why))

    def _started(self) -> _Child:
        """Raises OSError."""
        options = self._options()
        mine, theirs = _spawn.Pipe()
        process = _spawn.Process(
            target=main, args=(theirs, self._prepare, options), name="ganzfeld-previews", daemon=True
        )
        child = self._child = _Child(process, options.memory)
        try:
            with for_a_start():
                process.start()
        except OSError:
            self._child = None
            raise
        finally:
            theirs.close()

        def hear(message: Any) -> None:
            with self._changed:
                child.said.append(message)
                self._changed.notify_all()

        def end() -> None:
            with self._changed:
                child.has_ended = True
                self._changed.notify_all()

        child.pipe = MessagePipe(mine, decode_from_previewer, hear, end).start()
        return child

    def _kill(self) -> None:
        child, self._child = self._child, None
        _kill(child)


def _kill(child: _Child | None) -> None:
    """End the process, if there is one, whatever it does."""
    if child is None:
        return
    child.process.kill()
    child.process.join(5)
    if child.pipe is not None:
        child.pipe.finish(0)


def torch_previews(options: PreviewOptions) -> Any:
    """Ganzfeld's own engine draws. Called in the process."""
    from ganzfeld.process import previewing

    return previewing.torch_previews(options)


def _memory(child: _Child) -> int:
    """Bytes of memory that a process has; 0 if that cannot be told."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(child.process.pid).memory_info().rss
    return 0


def _how(code: int | None) -> str:
    with contextlib.suppress(ValueError):
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
