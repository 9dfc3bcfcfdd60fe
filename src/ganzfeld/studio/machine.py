"""What the machine that plays has: where pictures can go from it, and what of it works.

Both are asked of commands in a process of their own: a driver that hangs or crashes while it is looked at costs the
show nothing, and what they import (torch, a windowing system) stays out of this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Generic, Literal, TypeVar

import msgspec

from ganzfeld.errors import GanzfeldError

PATIENCE_SECONDS = 90.0
"""For the whole of an examination: the first import of torch on a busy machine takes its time."""
MOST_BYTES = 4 << 20
_COMMAND = (sys.executable, "-c", "from ganzfeld.cli import main; main()")

Answer = TypeVar("Answer")


class DoorKindHere(msgspec.Struct, frozen=True):
    """A kind of door (see docs/outputs.md). about, options: what it is and what can be chosen, in words. alpha: what
    its far end takes of transparency. found: far ends on this machine, a line each; a line that begins with kind and
    colon is a door as it is opened, and two spaces later what it is. missing: why it does not work here, "" if it does;
    mend: what helps."""

    kind: str
    about: str = ""
    options: str = ""
    alpha: list[str] = []
    found: list[str] = []
    missing: str = ""
    mend: str = ""


class OutputsHere(msgspec.Struct, frozen=True):
    """Where pictures can go from here. rigs: names of those that are kept."""

    kinds: list[DoorKindHere] = []
    rigs: list[str] = []


class SoundsHere(msgspec.Struct, frozen=True):
    """devices: names of what can be listened to here. missing: why there is nothing, "" if there is; mend: what
    helps."""

    devices: list[str] = []
    missing: str = ""
    mend: str = ""


class Examined(msgspec.Struct, frozen=True):
    """One thing that was looked at. found: what was found; do: what helps where it does not work."""

    name: str
    state: Literal["works", "missing", "broken"]
    found: str = ""
    do: str = ""


class MachineQuestion(Generic[Answer]):
    """One command's answer, kept for a while. For one event loop.

    arguments: of the command. kind: what its JSON is. keep: seconds in which a second question gets the same answer.
    """

    def __init__(self, arguments: Sequence[str], kind: Any, *, keep: float, command: Sequence[str] = _COMMAND) -> None:
        self._command = (*command, *arguments)
        self._decoder = msgspec.json.Decoder(kind)
        self._keep, self._at = keep, -keep
        self._answer: Answer | None = None
        self._lock = asyncio.Lock()

    async def ask(self) -> Answer:
        """The answer, of now or of a moment ago. Raises GanzfeldError if there is none."""
        async with self._lock:
            if self._answer is None or time.monotonic() - self._at >= self._keep:
                self._answer, self._at = await self._asked(), time.monotonic()
            return self._answer

    async def _asked(self) -> Answer:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes | None] = loop.create_future()

        def work() -> None:
            said = _said(self._command, PATIENCE_SECONDS, MOST_BYTES)
            with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(lambda: answer.done() or answer.set_result(said))

        # Not one of the loop's own threads: those are waited for when the server ends.
        threading.Thread(target=work, name="studio machine", daemon=True).start()
        try:
            said = await asyncio.wait_for(answer, PATIENCE_SECONDS + 5)
        except TimeoutError:
            said = None
        if said is None:
            raise GanzfeldError(
                f"looking at this machine took longer than {PATIENCE_SECONDS:g} seconds", hint="Something in it hangs"
            )
        if len(said) > MOST_BYTES:
            raise GanzfeldError("this machine said more about itself than anybody could read")
        try:
            return self._decoder.decode(said)
        except msgspec.DecodeError:
            raise GanzfeldError("this machine could not be looked at", hint="Try: ganzfeld doctor") from None


def _said(command: Sequence[str], patience: float, most: int) -> bytes | None:
    """What a command writes, up to one byte more than `most`; None if it takes longer than `patience` seconds."""
    environment = {**os.environ, "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(patience, end)
    timer.daemon = True
    timer.start()
    assert process.stdout is not None
    with process.stdout as pipe:
        said = pipe.read(most + 1)
    timer.cancel()
    process.kill()
    process.wait()
    return None if late.is_set() else said


def outputs_here() -> MachineQuestion[OutputsHere]:
    """Where pictures can go: displays come and go, so it is asked anew after some seconds."""
    return MachineQuestion(("outputs", "--json"), OutputsHere, keep=4.0)


def sounds_here() -> MachineQuestion[SoundsHere]:
    """What can be listened to: devices come and go, so it is asked anew after some seconds."""
    command = (sys.executable, "-m", "ganzfeld.signals.devices")
    return MachineQuestion((), SoundsHere, keep=4.0, command=command)


def examination() -> MachineQuestion[list[Examined]]:
    """What works and what does not."""
    return MachineQuestion(("doctor", "--json"), list[Examined], keep=20.0)
