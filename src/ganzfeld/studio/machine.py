"""What the machine that plays has: where pictures can go from it, and what of it works.

Both are asked of commands in a process of their own: a driver that hangs or crashes while it is looked at costs the
show nothing, and what they import (torch, a windowing system) stays out of this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
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
        environment = {**os.environ, "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            limit=MOST_BYTES,
        )
        assert process.stdout is not None
        try:
            said = await asyncio.wait_for(process.stdout.read(MOST_BYTES), PATIENCE_SECONDS)
            while more := await asyncio.wait_for(process.stdout.read(MOST_BYTES), PATIENCE_SECONDS):
                said += more
                if len(said) > MOST_BYTES:
                    raise GanzfeldError("this machine said more about itself than anybody could read")
            # It has closed its end and is about to be gone; who is killed now is no longer there to be waited for.
            await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
            return self._decoder.decode(said)
        except TimeoutError:
            raise GanzfeldError(
                f"looking at this machine took longer than {PATIENCE_SECONDS:g} seconds", hint="Something in it hangs"
            ) from None
        except msgspec.DecodeError:
            raise GanzfeldError("this machine could not be looked at", hint="Try: ganzfeld doctor") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await process.wait()


def outputs_here() -> MachineQuestion[OutputsHere]:
    """Where pictures can go: displays come and go, so it is asked anew after some seconds."""
    return MachineQuestion(("outputs", "--json"), OutputsHere, keep=4.0)


def examination() -> MachineQuestion[list[Examined]]:
    """What works and what does not."""
    return MachineQuestion(("doctor", "--json"), list[Examined], keep=20.0)
