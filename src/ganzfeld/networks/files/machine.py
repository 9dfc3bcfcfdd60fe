"""The state of a pickle machine (stack, memo, place in the file) and what its instructions may do to it.

`instructions.py` holds the instructions, `unpickler.py` runs them.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.values import SHORT, Array, Budget, DType, LongText, Record, refuse_damaged

Constructor = Callable[["Machine", tuple], object]

MAX_NAME = 512
"""Letters in the name of a global."""
OPCODES = {ord(op.code): op.name for op in pickletools.opcodes}
MARK = object()
"""Lies on the stack where a run of items begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Global:
    """A name that a file may use. `construct` makes what a call of it makes, `new` an empty instance."""

    name: str
    construct: Constructor | None = None
    new: Callable[[], object] | None = None


@dataclass(frozen=True)
class Reading:
    """What reading a file may use, and a file within that file.

    vocabulary: (module, name) -> what that name may do. nesting: how many files this one lies within.
    """

    vocabulary: Mapping[tuple[str, str], Global]
    budget: Budget
    nesting: int = 0

    def within(self) -> Reading:
        """The same for a file that lies within this one."""
        return replace(self, nesting=self.nesting + 1)


class Machine:
    """Stands at `position` of `data`, where a pickle begins.

    `persistent` turns a persistent id into an object (torch.save's storages); without it such ids are refused.
    """

    def __init__(
        self,
        data: memoryview,
        reading: Reading,
        *,
        position: int = 0,
        persistent: Callable[[object], object] | None = None,
    ) -> None:
        self.data = data
        self.end = len(data)
        self.position = position
        self.reading = reading
        self.budget = reading.budget
        self.persistent = persistent
        self.stack: list = []
        self.memo: dict[int, object] = {}

    # -- reading -----------------------------------------------------------------------------------------------

    def take(self, count: int) -> memoryview:
        """The next `count` bytes, as a view."""
        start = self.position
        if count > self.end - start:
            raise refuse_damaged(
                f"the file declares {count:,} bytes at byte {start:,}, but holds only {self.end - start:,} more"
            )
        self.position = start + count
        return self.data[start : self.position]

    def number(self, code: str) -> int:
        """The next little-endian number, by its struct code."""
        return struct.unpack("<" + code, self.take(struct.calcsize(code)))[0]

    def line(self) -> str:
        """The next line of ASCII, as in the names of GLOBAL."""
        piece = bytes(self.data[self.position : self.position + MAX_NAME + 1])
        length = piece.find(b"\n")
        if length < 0:
            raise refuse_damaged(f"the name at byte {self.position:,} does not end")
        self.position += length + 1
        return piece[:length].decode("ascii", "backslashreplace")

    def text(self, length: int) -> str | LongText:
        """The next `length` bytes as text."""
        start = self.position
        piece = self.take(length)
        if length > SHORT:
            return LongText(piece)
        try:
            return str(piece, "utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise refuse_damaged(f"the text at byte {start:,} is not UTF-8") from None

    # -- the stack ---------------------------------------------------------------------------------------------

    def pop(self) -> object:
        value = self.stack.pop()
        if value is MARK:
            raise refuse_damaged(f"the pickle's stack is out of order at byte {self.position - 1:,}")
        return value

    def pop_to_mark(self) -> list:
        stack = self.stack
        for index in range(len(stack) - 1, -1, -1):
            if stack[index] is MARK:
                items = stack[index + 1 :]
                del stack[index:]
                return items
        raise refuse_damaged(f"the pickle's stack is out of order at byte {self.position - 1:,}")

    def top(self, kind: type) -> object:
        value = self.stack[-1]
        if not isinstance(value, kind):
            raise refuse_damaged(f"the pickle adds items to something that takes none, at byte {self.position - 1:,}")
        return value

    # -- names -------------------------------------------------------------------------------------------------

    def find(self, module: object, name: object) -> Global:
        """The global of that name, or a refusal that names it."""
        if isinstance(module, str) and isinstance(name, str):
            try:
                return self.reading.vocabulary[module, name]
            except KeyError:
                raise refused_global(module, name) from None
        raise refuse_damaged(f"the name at byte {self.position - 1:,} is not text")

    def reduce(self, function: object, arguments: object) -> object:
        """What calling `function` would make, made by our own constructor."""
        if not isinstance(arguments, tuple):
            raise refuse_damaged(f"a call at byte {self.position - 1:,} has no arguments")
        if not isinstance(function, Global):
            raise refuse_damaged(f"the pickle calls something that is not a name, at byte {self.position - 1:,}")
        if function.construct is None:
            raise NetworkFileError(
                f"the file calls '{function.name}', which a network file only mentions",
                hint="It is not a network, or somebody tampered with it.",
            )
        return function.construct(self, arguments)

    def new(self, kind: object) -> object:
        """An empty instance of the class `kind`."""
        if not isinstance(kind, Global):
            raise refuse_damaged(f"the pickle makes an object of no class, at byte {self.position - 1:,}")
        if kind.new is None:
            raise NetworkFileError(
                f"the file makes a bare '{kind.name}', which a network file never does",
                hint="It is not a network, or somebody tampered with it.",
            )
        return kind.new()

    def build(self, target: object, state: object) -> None:
        """Give a fresh object its state."""
        if isinstance(target, (Array, DType, Record)):
            target.set_state(state, self.budget)
        elif not isinstance(target, dict):  # a dict's own attributes (EasyDict, state_dict()._metadata) are no use
            raise refuse_damaged(f"the pickle sets the state of something that has none, at byte {self.position - 1:,}")

    def refuse_opcode(self, opcode: int) -> None:
        name = OPCODES.get(opcode)
        where = f"at byte {self.position - 1:,}"
        if name is None:
            raise refuse_damaged(f"the pickle breaks off {where}: {opcode:#04x} is no instruction")
        raise NetworkFileError(
            f"the pickle uses the instruction {name} {where}, which no network file needs",
            hint="It is not a network, or it is damaged, or somebody tampered with it.",
        )


def refused_global(module: str, name: str) -> NetworkFileError:
    """The refusal of a name that is not in the vocabulary."""
    full = f"{module}.{name}"
    shown = full.encode("ascii", "backslashreplace").decode()
    shown = shown if len(shown) <= 120 else shown[:117] + "…"
    return NetworkFileError(
        f"the file refers to '{shown}', which is not part of a network file that Ganzfeld reads; nothing was run",
        hint="It is a pickle of something else, or a fork's own class, or somebody tampered with it. "
        "Ganzfeld reads StyleGAN2 and StyleGAN3 generators.",
    )
