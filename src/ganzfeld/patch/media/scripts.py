"""A script node's file: it is loaded beside the show and exchanged between two frames, and its errors never stop the
show.

This is the only way for Python to enter a patch, and only for files that a person has allowed.
"""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import torch

from ganzfeld.errors import ScriptError, Where
from ganzfeld.patch.media.script_modules import ScriptModules, package_of
from ganzfeld.patch.node import Named, Request
from ganzfeld.patch.text_file import LONGEST_TEXT
from ganzfeld.plain_file import read_plain
from ganzfeld.values.hazards import Hazards, NeverReturned
from ganzfeld.values.time import Moment

MOST_BYTES = LONGEST_TEXT
"""Of a script's file: while a long one is compiled, nothing else of Python runs."""
TELLING_SECONDS = 2.0
"""How long an error may take to say what it is."""
LOADING_SECONDS = 60.0
"""How long a script's file may run when it is loaded: its imports may fetch and open much."""
FIRST_SECONDS, LATER_SECONDS, TIMES_SLOWEST = 20.0, 5.0, 20.0
"""How long the first call of `frame` may take, and a later one: at least this, and so many times its slowest."""
AGAIN_SECONDS, MOST_AGAIN_SECONDS = 1.0, 30.0
"""After so many seconds of the show's time a version that failed is tried again, at first; later after twice as many
each time, up to the last: what it stumbled over (a file of its own) may be whole again."""
SLOW_SECONDS = 0.25
"""A script that takes longer than this for a frame is told."""

Function = Callable[["ScriptFrame", Named], Any]
Witnessed = bytes | dict[str, bytes]
"""What a version of a script was: its text; with modules beside it also theirs, by their paths from its folder, and the
script's own under `THE_SCRIPT`."""
THE_SCRIPT = ""


@dataclass(slots=True)
class ScriptFrame:
    """What a script's `frame(context, inputs)` sees as `context`.

    t, dt, frame, beat, bar, bpm: this frame's time. parameters: the keyword arguments of the script's line in the
    patch, as numbers of this frame (`context.parameters.amount`). state: a dict that lives on when the file is
    saved. request: what is asked for (`request.dim` of a latent, `request.width` and `.height` of a picture, which
    are None if any size will do). device: where tensors belong.
    """

    moment: Moment
    parameters: Named
    state: dict[str, Any]
    request: Request
    device: torch.device

    @property
    def t(self) -> float:
        return self.moment.t

    @property
    def dt(self) -> float:
        return self.moment.dt

    @property
    def frame(self) -> int:
        return self.moment.frame

    @property
    def beat(self) -> float:
        return self.moment.beat

    @property
    def bar(self) -> float:
        return self.moment.bar

    @property
    def bpm(self) -> float:
        return self.moment.bpm


class _Version:
    """A script as it was loaded once. modules: those that lie beside it and that it imports."""

    def __init__(self, function: Function, source: bytes, modules: ScriptModules) -> None:
        self.function, self._source, self._modules = function, source, modules
        self._count = 0
        self._witnessed: Witnessed = source

    @property
    def witnessed(self) -> Witnessed:
        """What it is made of; more when it has imported more."""
        if self._modules.count != self._count:
            self._count, sources = self._modules.count, self._modules.sources
            self._witnessed = {THE_SCRIPT: self._source, **sources} if sources else self._source
        return self._witnessed


@dataclass(slots=True)
class _Waiting:
    """A version that failed. due: the show's second at which it is tried again; pause: how long it waits after that."""

    version: _Version
    due: float
    pause: float = AGAIN_SECONDS

    def is_due(self, t: float) -> bool:
        """Whether it is time; also if the show's time was set back."""
        return t >= self.due or t < self.due - self.pause

    def put_off(self, t: float) -> None:
        """It has failed again."""
        self.pause = min(2 * self.pause, MOST_AGAIN_SECONDS)
        self.due = t + self.pause


class Script:
    """One script file with the modules beside it: the version that plays, the last one that worked, and what is wrong.

    set_aside: what the file did that no function of it is called any more, until it changes; "" if it did nothing.
    """

    def __init__(
        self,
        path: Path,
        allowed: Callable[[Path], bool],
        *,
        load: bool = True,
        hazards: Hazards | None = None,
        aside: dict[Path, str] | None = None,
    ) -> None:
        """load: read the file at once, unless it is set aside. aside: what files did for which they are set aside."""
        self.path, self._allowed = path, allowed
        self._hazards = hazards or Hazards()
        self._aside = {} if aside is None else aside
        self._slowest = self._last = 0.0
        self._called: _Version | None = None
        self._package = package_of(self, path)
        self._modules = ScriptModules(path, self._package)
        self._loads = 0
        self._playing: _Version | None = None
        self._good: _Version | None = None
        self._fresh: _Version | ScriptError | None = None
        self._waiting: _Waiting | None = None
        self._failing: _Version | None = None
        """The version of which `problem` tells."""
        self.problem: ScriptError | None = None
        if load and not self.set_aside:
            self.load()

    @property
    def witnessed(self) -> Witnessed | None:
        """What the version that plays is made of."""
        return self._playing.witnessed if self._playing is not None else None

    @property
    def modules(self) -> dict[Path, int]:
        """The modules beside it that its newest version has imported, and those that it looked for in vain, and which
        version of each that was (`stamp_of`): a change of one is a change of the script."""
        return self._modules.files

    def load(self, witnessed: Witnessed | None = None) -> None:
        """Read the files now, or take what they said once. What that raises becomes the problem; what plays stays."""
        self._loads += 1
        number = self._loads
        fresh: _Version | ScriptError
        try:
            if not self._allowed(self.path):
                hint = "Look at it, then allow it in the page, or start with --trust"
                raise ScriptError(f"The script {self.path.name} waits for your permission to run", hint=hint)
            fresh = self._compile(witnessed)
        except ScriptError as error:
            fresh = error
        if number == self._loads:  # else the file has changed meanwhile, and is being read again
            self._fresh = fresh

    @property
    def set_aside(self) -> str:
        return self._aside.get(self.path, "")

    @set_aside.setter
    def set_aside(self, why: str) -> None:
        if why:
            self._aside[self.path] = why
        else:
            self._aside.pop(self.path, None)

    def load_beside(self) -> None:
        """Read the file in a thread of its own: its imports may take seconds."""
        self.set_aside = ""
        threading.Thread(target=self.load, name=f"ganzfeld-{self.path.name}", daemon=True).start()

    def _compile(self, witnessed: Witnessed | None) -> _Version:
        given = witnessed if isinstance(witnessed, dict) else None if witnessed is None else {THE_SCRIPT: witnessed}
        try:
            source = read_plain(self.path, MOST_BYTES) if given is None else given[THE_SCRIPT]
            code: CodeType = compile(source, str(self.path), "exec")
        except FileNotFoundError:
            raise ScriptError(f"There is no script {self.path}", hint="Paths start at the patch's folder") from None
        except OSError as error:
            raise ScriptError(f"The script {self.path.name} cannot be read: {error.strerror}") from None
        except SyntaxError as error:
            where = Where(str(self.path), error.lineno, error.offset)
            raise ScriptError(f"{type(error).__name__}: {error.msg}", where=where) from None
        except ValueError as error:
            raise ScriptError(f"{self.path.name} is not Python: {error}", where=Where(str(self.path))) from None
        modules = self._modules = ScriptModules(self.path, self._package, self._modules, given)
        try:
            namespace = self._hazards.run("loading", self.path, LOADING_SECONDS, lambda: modules.run(code))
        except NeverReturned:
            raise self._never_returned("the file") from None
        except BaseException as error:
            if _is_from_a_hand(error):
                raise
            raise self._blame(error) from None
        function = namespace.get("frame")
        if not callable(function):
            hint = "Define frame(context, inputs) in it"
            raise ScriptError(f"{self.path.name} has no function 'frame'", where=Where(str(self.path)), hint=hint)
        return _Version(function, source, modules)

    def call(self, frame: ScriptFrame, inputs: Mapping[str, Any], convert: Callable[[Any], Any] = lambda it: it) -> Any:
        """This frame's result, or None if nothing could be had; `problem` says why. convert: makes what is needed of
        what the script returned; what it raises counts as the script's."""
        fresh, self._fresh = self._fresh, None
        if fresh is not None:
            self._failing = None
            if isinstance(fresh, ScriptError):
                self.problem = fresh
            else:
                self._playing, self.problem, self._waiting = fresh, None, None
        waiting = self._waiting if self._waiting is not None and self._waiting.is_due(frame.t) else None
        for version in (waiting and waiting.version, self._playing, self._good):
            if version is None or self.set_aside:
                continue
            try:
                result = self._run(lambda call=version.function: convert(call(frame, Named(inputs))), version)
            except NeverReturned:
                self._stopped(version)
                continue
            except BaseException as error:
                if _is_from_a_hand(error):
                    raise
                if waiting is not None and version is waiting.version:
                    self.problem, self._failing = self._blame(error), version
                    waiting.put_off(frame.t)
                elif version is self._playing and self._waiting is None:  # else the newer one's problem is told
                    self.problem, self._failing = self._blame(error), version
                    self._fall_back(version, frame.t)
                continue
            self._worked(version, waiting)
            return result
        return None

    def _worked(self, version: _Version, waiting: _Waiting | None) -> None:
        if waiting is not None and version is waiting.version:
            self._playing, self._waiting = version, None
        if version is self._playing:
            self._good = version
        if version is self._failing:
            self.problem = self._failing = None

    def _fall_back(self, version: _Version, t: float) -> None:
        """The version that plays has failed: the last one that worked plays on, and this one is tried again later."""
        if version is not self._good:
            self._waiting = _Waiting(version, t + AGAIN_SECONDS)
        self._playing = self._good

    @property
    def slow(self) -> ScriptError | None:
        """What to say of a script that takes long for a frame."""
        if self._last < SLOW_SECONDS or self.set_aside:
            return None
        hint = "Every frame waits for it: do less, or in a thread of your own"
        return ScriptError(f"frame() takes {self._last:.1f} s", where=Where(str(self.path)), hint=hint)

    def _run(self, act: Callable[[], Any], version: _Version) -> Any:
        is_first = version is not self._called
        patience = FIRST_SECONDS if is_first else max(LATER_SECONDS, TIMES_SLOWEST * self._slowest)
        began = time.perf_counter()
        result = self._hazards.run("running", self.path, patience, act)
        if is_first:
            self._called = version
            return result
        self._last = time.perf_counter() - began
        self._slowest = max(self._slowest, self._last)
        return result

    def _stopped(self, version: _Version) -> None:
        """A version did not return: it is called no more. The one before it may play on."""
        self._waiting = self._failing = None
        self.problem = self._never_returned("frame()")
        if version is self._good or self._good is None:
            self.set_aside = "did not return"
            self._good = None
        self._playing = self._good

    def _never_returned(self, what: str) -> ScriptError:
        hint = "Its last picture stays; it runs again when it changes"
        return ScriptError(f"{what} did not return, and was stopped", where=Where(str(self.path)), hint=hint)

    def _blame(self, error: BaseException) -> ScriptError:
        """The error at the last line of the script that it came through, with the script's part of the traceback."""
        if isinstance(error, ScriptError):
            return error
        try:  # what an error says of itself is the script's work, too, and its lines are read from files
            return self._hazards.run("running", self.path, TELLING_SECONDS, lambda: self._told(error))
        except NeverReturned:
            return ScriptError(type(error).__name__, where=Where(str(self.path)))

    def _told(self, error: BaseException) -> ScriptError:
        files = {str(path) for path in (self.path, *self.modules)}
        own = [entry for entry in traceback.extract_tb(error.__traceback__) if entry.filename in files]
        where = Where(own[-1].filename, own[-1].lineno) if own else Where(str(self.path))
        trace = "".join(traceback.format_list(own)).rstrip()
        if isinstance(error, SyntaxError) and error.filename in files:
            where = Where(error.filename, error.lineno, error.offset)
            return ScriptError(f"{type(error).__name__}: {error.msg}", where=where, hint=trace)
        try:
            words = self._modules.plain(f"{type(error).__name__}: {error}")
        except NeverReturned:
            raise
        except BaseException:  # one that cannot even be told
            words = type(error).__name__
        return ScriptError(words, where=where, hint=trace)


def _is_from_a_hand(error: BaseException) -> bool:
    """Whether this is Ctrl-C of the person who runs the program, and not an exception of the script's."""
    if not isinstance(error, KeyboardInterrupt) or threading.current_thread() is not threading.main_thread():
        return False
    return signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
