"""The state of a pickle machine (stack, memo, place in the file) and what its instructions may do to it.

`instructions.py` holds the instructions, `unpickler.py` runs them.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.harm import harmful
from ganzfeld.networks.files.values import SHORT, Array, Budget, DType, LongText, Record, refuse_damaged

Constructor = Callable[["Machine", tuple], object]

MAX_NAME = 512
"""Letters in the name of a global."""
OPCODES = {ord(op.code): op.name for op in pickletools.opcodes}
MARK = object()
"""Lies on the stack where a run of items begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Global:
    """A name that a file uses. `construct` makes what a call of it makes, `new` an empty instance.

    Without them a call or an instance becomes a foreign `Record`, which only says what the file wanted.
    """

    name: str
    construct: Constructor | None = None
    new: Callable[[], object] | None = None


@dataclass(frozen=True)
class Reading:
    """What reading a file may use, and a file within that file.

    vocabulary: (module, name) -> what that name may do. Names that are not in it do nothing.
    nesting: how many files this one lies within.
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
        """The next line of ASCII, as in the names of GLOBAL and the numbers of protocol 0."""
        piece = bytes(self.data[self.position : self.position + MAX_NAME + 1])
        length = piece.find(b"\n")
        if length < 0:
            raise refuse_damaged(f"the name at byte {self.position:,} does not end")
        self.position += length + 1
        return piece[:length].decode("ascii", "backslashreplace")

    def long_line(self) -> memoryview:
        """The next line, of any length, as a view: protocol 0 writes texts and the numbers of arrays so."""
        start = place = self.position
        length = 64
        while place < self.end:
            piece = bytes(self.data[place : place + length])
            found = piece.find(b"\n")
            self.budget.charge(len(piece) if found < 0 else found)
            if found >= 0:
                self.position = place + found + 1
                return self.data[start : place + found]
            place += len(piece)
            length = min(2 * length, SHORT)
        raise refuse_damaged(f"the text at byte {start:,} does not end")

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
        """What lies on top, which must be a `kind` or a foreign object that may be one."""
        value = self.stack[-1]
        if not isinstance(value, (kind, Record)):
            raise refuse_damaged(f"the pickle adds items to something that takes none, at byte {self.position - 1:,}")
        return value

    # -- names -------------------------------------------------------------------------------------------------

    def find(self, module: object, name: object) -> Global:
        """The global of that name. One that no table holds is a mere token; one that could do harm is refused."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise refuse_damaged(f"the name at byte {self.position - 1:,} is not text")
        if harmful(module, name):
            raise refused_global(module, name)
        inner = module
        while True:
            known = self.reading.vocabulary.get((inner, name))
            if known is not None:
                return known
            # A fork may keep another program's package within its own: "stylegan3.torch_utils.persistence".
            _, dot, inner = inner.partition(".")
            if not dot:
                return Global(_shown(module, name))

    def reduce(self, function: object, arguments: object) -> object:
        """What calling `function` would make, made by our own constructor; a foreign record where there is none."""
        if not isinstance(arguments, tuple):
            raise refuse_damaged(f"a call at byte {self.position - 1:,} has no arguments")
        if isinstance(function, Record):  # what a foreign call would have given
            return Record("foreign", function.class_name, arguments=arguments)
        if not isinstance(function, Global):
            raise refuse_damaged(f"the pickle calls something that is not a name, at byte {self.position - 1:,}")
        if function.construct is not None:
            try:
                return function.construct(self, arguments)
            except ForeignArgumentError:
                pass
        return Record("foreign", function.name, arguments=arguments)

    def new(self, kind: object, arguments: object = ()) -> object:
        """An empty instance of the class `kind`."""
        if isinstance(kind, Global):
            if kind.new is not None:
                return kind.new()
            return Record("foreign", kind.name, arguments=arguments if isinstance(arguments, tuple) else ())
        if isinstance(kind, Record):
            return Record("foreign", kind.class_name)
        raise refuse_damaged(f"the pickle makes an object of no class, at byte {self.position - 1:,}")

    def build(self, target: object, state: object) -> None:
        """Give a fresh object its state."""
        if isinstance(target, (Array, DType, Record)):
            target.set_state(state, self.budget)
        elif not isinstance(target, (dict, list, set, Global)):  # attributes of their own are no use
            raise refuse_damaged(f"the pickle sets the state of something that has none, at byte {self.position - 1:,}")

    def refuse_opcode(self, opcode: int) -> None:
        name = OPCODES.get(opcode)
        where = f"at byte {self.position - 1:,}"
        if name is None:
            raise refuse_damaged(f"the pickle breaks off {where}: {opcode:#04x} is no instruction")
        raise NetworkFileError(
            f"the pickle uses the instruction {name} {where}, which no network file needs",
            hint="It is not a network, or it is damaged.",
        )


class ForeignArgumentError(Exception):
    """A constructor of ours was given an object that nobody here knows: what it would make is foreign, too."""


def refused_global(module: str, name: str) -> NetworkFileError:
    """The refusal of a name that could do harm."""
    return NetworkFileError(
        f"the file refers to '{_shown(module, name)}', which is not part of a network file; nothing was run",
        hint="Other programs may run it when they open the file: somebody tampered with it. Delete it, and get the "
        "network from where its authors put it.",
    )


def _shown(module: str, name: str) -> str:
    """The whole name of a global, in ASCII and of reasonable length."""
    full = f"{module}.{name}".encode("ascii", "backslashreplace").decode()
    return full if len(full) <= 120 else full[:117] + "…"
