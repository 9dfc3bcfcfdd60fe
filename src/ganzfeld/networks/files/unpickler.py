"""A pickle machine that builds plain data and nothing else.

Pickle is a small stack language; the standard library's reader runs it by importing and calling whatever it
names. This one never imports, calls or touches anything that a file names. A name is looked up in an exact table
(`vocabulary.py`), and what the table holds are our own bounded constructors. A name that is not there becomes a token:
a training's settings and its discriminator may be of any kind, and the formats refuse a generator that depends on one.
A name that could do harm (`harm.py`) ends the reading. The result consists of dicts, lists, tuples, sets, numbers,
strings, views into the file (bytes are never copied), and the few record types of `values.py`.

Bounds, so that no file costs more than its size: every declared length is compared with what the file holds before
anything is made of it; opcodes are counted; the memo is a dict, so that an index costs nothing (the standard
reader allocates an array of any index: nine bytes, four gigabytes); what a constructor copies or visits is charged
to a budget; keys of dicts and sets cannot be made to collide.

Source: the opcode list in the standard library's `pickletools` (protocols 0 to 5).
"""

from __future__ import annotations

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.instructions import STEPS
from ganzfeld.networks.files.machine import Machine
from ganzfeld.networks.files.values import MAX_OPCODES, Record, refuse_damaged

MAX_DEPTH = 200
"""Levels of nesting. A generator takes about 30."""


class Unpickler(Machine):
    """Reads one pickle out of `data`, from `position` on."""

    def load(self) -> object:
        """The object, and `self.position` after its end. Raises NetworkFileError, and nothing else."""
        steps, data, budget = STEPS, self.data, self.budget
        try:
            while True:
                opcode = data[self.position]
                self.position += 1
                budget.opcodes -= 1
                if budget.opcodes < 0:
                    raise NetworkFileError(
                        f"the file holds more than {MAX_OPCODES:,} pickle instructions",
                        hint="No network needs that many: it is damaged, or something else.",
                    )
                if opcode == 0x2E:  # STOP
                    result = self.pop()
                    check_depth(result)
                    return result
                step = steps[opcode]
                if step is None:
                    self.refuse_opcode(opcode)
                else:
                    step(self)
        except IndexError:
            if self.position >= self.end:
                raise truncated(self.end) from None
            raise refuse_damaged(f"the pickle takes from an empty stack at byte {self.position - 1:,}") from None


def truncated(size: int) -> NetworkFileError:
    """The error for a file that ends too early."""
    return refuse_damaged(f"the file breaks off after {size:,} bytes, in the middle of its data")


def check_depth(value: object) -> None:
    """Refuse what is nested deeper than MAX_DEPTH. Shared parts and circles are fine."""
    seen: set[int] = set()
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list = []
        for item in level:
            if id(item) in seen:
                continue
            if isinstance(item, Record):
                seen.add(id(item))
                below += (item.state, item.items, item.arguments)
            elif isinstance(item, (dict, list, tuple)):
                seen.add(id(item))
                below.extend(item.values() if isinstance(item, dict) else item)
        if not below:
            return
        level = below
    raise NetworkFileError(
        f"its data are nested more than {MAX_DEPTH} levels deep",
        hint="No network is: the file is damaged, or somebody built it to exhaust this machine.",
    )
