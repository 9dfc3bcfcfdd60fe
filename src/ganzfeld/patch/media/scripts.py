"""A script node's file: it is loaded beside the show and exchanged between two frames, and its errors never stop the
show.

This is the only way for Python to enter a patch, and only for files that a person has allowed.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import torch

from ganzfeld.errors import ScriptError, Where
from ganzfeld.patch.node import Named, Request
from ganzfeld.values.time import Moment

Function = Callable[["ScriptFrame", Named], Any]


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


class Script:
    """One script file: the function that plays, the last one that worked, and what is wrong.

    source: what the file said that plays.
    """

    def __init__(self, path: Path, allowed: Callable[[Path], bool], *, load: bool = True) -> None:
        """load: read the file at once."""
        self.path, self._allowed = path, allowed
        self.source: bytes | None = None
        self._playing: Function | None = None
        self._good: Function | None = None
        self._fresh: tuple[Function, bytes] | ScriptError | None = None
        self.problem: ScriptError | None = None
        if load:
            self.load()

    def load(self, source: bytes | None = None) -> None:
        """Read the file now, or take what it said once. What it raises becomes the problem; the old function stays."""
        try:
            if not self._allowed(self.path):
                hint = "Look at it, then allow it in the page, or start with --trust"
                raise ScriptError(f"The script {self.path.name} waits for your permission to run", hint=hint)
            self._fresh = self._compile(source)
        except ScriptError as error:
            self._fresh = error

    def load_beside(self) -> None:
        """Read the file in a thread of its own: its imports may take seconds."""
        threading.Thread(target=self.load, name=f"ganzfeld-{self.path.name}", daemon=True).start()

    def _compile(self, source: bytes | None) -> tuple[Function, bytes]:
        try:
            source = self.path.read_bytes() if source is None else source
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
        namespace: dict[str, Any] = {"__name__": f"ganzfeld_script_{self.path.stem}", "__file__": str(self.path)}
        try:
            exec(code, namespace)
        except (Exception, SystemExit) as error:
            raise self._blame(error) from None
        function = namespace.get("frame")
        if not callable(function):
            hint = "Define frame(context, inputs) in it"
            raise ScriptError(f"{self.path.name} has no function 'frame'", where=Where(str(self.path)), hint=hint)
        return function, source

    def call(self, frame: ScriptFrame, inputs: Mapping[str, Any]) -> Any:
        """This frame's result, or None if nothing could be had; `problem` says why."""
        fresh, self._fresh = self._fresh, None
        if isinstance(fresh, ScriptError):
            self.problem = fresh
        elif fresh is not None:
            (self._playing, self.source), self.problem = fresh, None
        for function in (self._playing, self._good):
            if function is None:
                continue
            try:
                result = function(frame, Named(inputs))
            except (Exception, SystemExit) as error:
                if function is self._playing:
                    self.problem = self._blame(error)
                    self._playing = self._good
                continue
            self._good = function
            return result
        return None

    def _blame(self, error: BaseException) -> ScriptError:
        """The error at the last line of the script that it came through, with the script's part of the traceback."""
        own = [entry for entry in traceback.extract_tb(error.__traceback__) if entry.filename == str(self.path)]
        line = own[-1].lineno if own else None
        trace = "".join(traceback.format_list(own)).rstrip()
        return ScriptError(f"{type(error).__name__}: {error}", where=Where(str(self.path), line), hint=trace)
