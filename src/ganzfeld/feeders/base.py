"""What a kind of file or source is, as the child sees it.

To add a kind, write `kinds/NAME.py` with one class derived from `Feeder`, and its test. Its constructor opens the file
and probes it: limits are checked there, before anything is decoded. Methods marked with `@answers` can be asked for.
It may keep a state between questions, but a question has to say all that it depends on (a second, a sample number): a
child that died is started again, and the next question goes to a feeder that was just opened.
"""

from __future__ import annotations

import importlib
import queue
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from ganzfeld.errors import FeederError

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may take. Feeders of the same limits may share a child.

    group: feeders of one group share up to `children` processes. memory: bytes of its own, without shared memory.
    cpu_seconds: processor time for one question. patience: seconds until the answer. answer_bytes: of one array.
    network: whether it may open sockets.
    """

    group: str
    memory: int = 1 << 30
    cpu_seconds: int = 120
    patience: float = 30.0
    answer_bytes: int = 1 << 29
    children: int = 1
    network: bool = False


class Feeder:
    """A file or a source that is open in a child.

    facts: what is told to whoever opened it (numbers, texts, lists and dicts of them).
    nbytes: the most bytes that an answer's array has.
    """

    limits: ClassVar[Limits] = Limits("files")
    facts: Any = None
    nbytes: int = 0

    def close(self) -> None:
        """Let go of what is open."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """facts: as those of `Feeder`. array: at most `Limits.answer_bytes`; it travels in shared memory."""

    facts: Any
    array: np.ndarray | None = None


def answers(method: Method) -> Method:
    """Marks a method of a `Feeder` that may be asked for. It returns facts, or an `Answer`; raises FeederError."""
    method.__dict__["answers"] = True
    return method


main_thread_work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
"""What the main thread of a child does: what a system allows there alone."""


def kind_of(name: str) -> type[Feeder]:
    """The class of a kind by the name of its module in `kinds/`; a name with a dot is that of a module elsewhere."""
    module = importlib.import_module(name if "." in name else f"ganzfeld.feeders.kinds.{name}")
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Feeder) and value.__module__ == module.__name__:
            return value
    raise ImportError(f"{module.__name__} has no feeder")


def check_file(path: Path, largest: int, hint: str = "Paths start at the patch's own folder") -> None:
    """Raise `FeederError` unless this is a regular file (nothing that blocks when it is opened) of at most so many
    bytes."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        raise FeederError(f"There is no file {path}", hint=hint) from None
    except (OSError, ValueError) as error:
        raise FeederError(f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not stat.S_ISREG(facts.st_mode):
        raise FeederError(f"{path.name} is a folder or a device, and not a file", hint="Name a file")
    if facts.st_size > largest:
        raise FeederError(f"{path.name} has {size(facts.st_size)}; at most {size(largest)} are read")


def size(count: int) -> str:
    """A number of bytes for people: 3.2 GB."""
    for unit, factor in (("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if count >= factor:
            number = count / factor
            return f"{number:.3g} {unit}" if number < 1000 else f"{number:,.0f} {unit}"
    return f"{count} bytes"
