"""What each pickle instruction does to the machine: one function an opcode, found by its name in `pickletools`."""

from __future__ import annotations

import struct
from collections.abc import Callable

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.machine import MARK, OPCODES, Machine
from ganzfeld.networks.files.values import SHORT, as_key, refuse_damaged

Step = Callable[[Machine], None]

MAX_INTEGER_BYTES = 64


def _push(value: object) -> Step:
    return lambda machine: machine.stack.append(value)


def _push_new(kind: type) -> Step:
    return lambda machine: machine.stack.append(kind())


def _push_number(code: str) -> Step:
    return lambda machine: machine.stack.append(machine.number(code))


def _push_bytes(code: str) -> Step:
    return lambda machine: machine.stack.append(machine.take(machine.number(code)))


def _push_text(code: str) -> Step:
    return lambda machine: machine.stack.append(machine.text(machine.number(code)))


def _push_string(code: str) -> Step:
    # Python 2 wrote text and bytes alike this way.
    def step(machine: Machine) -> None:
        piece = machine.take(machine.number(code))
        machine.stack.append(str(piece, "latin-1") if len(piece) <= SHORT else piece)

    return step


def _tuple(count: int) -> Step:
    def step(machine: Machine) -> None:
        items = [machine.pop() for _ in range(count)]
        machine.stack.append(tuple(items[::-1]))

    return step


def _protocol(machine: Machine) -> None:
    version = machine.number("B")
    if version > 5:
        raise NetworkFileError(
            f"the pickle is of protocol {version}, and Ganzfeld reads 2 to 5",
            hint="Save it again with an older protocol, or look for a newer Ganzfeld.",
        )


def _frame(machine: Machine) -> None:
    length = machine.number("Q")
    if length > machine.end - machine.position:
        raise refuse_damaged(
            f"the file declares {length:,} bytes at byte {machine.position:,}, "
            f"but holds only {machine.end - machine.position:,} more"
        )


def _integer(code: str) -> Step:
    def step(machine: Machine) -> None:
        length = machine.number(code)
        if not 0 <= length <= MAX_INTEGER_BYTES:
            raise refuse_damaged(f"the file declares an integer of {length:,} bytes at byte {machine.position:,}")
        machine.stack.append(int.from_bytes(machine.take(length), "little", signed=True))

    return step


def _float(machine: Machine) -> None:
    machine.stack.append(struct.unpack(">d", machine.take(8))[0])


def _mark(machine: Machine) -> None:
    machine.stack.append(MARK)


def _pop(machine: Machine) -> None:
    machine.stack.pop()


def _pop_mark(machine: Machine) -> None:
    machine.pop_to_mark()


def _duplicate(machine: Machine) -> None:
    machine.stack.append(machine.top(object))


def _get(code: str) -> Step:
    def step(machine: Machine) -> None:
        index = machine.number(code)
        if index not in machine.memo:
            raise refuse_damaged(f"the pickle refers to part {index:,}, which it never made")
        machine.stack.append(machine.memo[index])

    return step


def _put(code: str) -> Step:
    def step(machine: Machine) -> None:
        value = machine.pop()
        machine.stack.append(value)
        machine.memo[machine.number(code)] = value

    return step


def _memoize(machine: Machine) -> None:
    value = machine.pop()
    machine.stack.append(value)
    machine.memo[len(machine.memo)] = value


def _tuple_to_mark(machine: Machine) -> None:
    machine.stack.append(tuple(machine.pop_to_mark()))


def _list_to_mark(machine: Machine) -> None:
    machine.stack.append(machine.pop_to_mark())


def _dict_to_mark(machine: Machine) -> None:
    items = machine.pop_to_mark()
    machine.stack.append({})
    _set_pairs(machine, items)


def _frozenset_to_mark(machine: Machine) -> None:
    machine.stack.append(frozenset(map(as_key, machine.pop_to_mark())))


def _append(machine: Machine) -> None:
    value = machine.pop()
    machine.top(list).append(value)  # pyright: ignore[reportAttributeAccessIssue]


def _append_to_mark(machine: Machine) -> None:
    items = machine.pop_to_mark()
    machine.top(list).extend(items)  # pyright: ignore[reportAttributeAccessIssue]


def _add_to_mark(machine: Machine) -> None:
    items = machine.pop_to_mark()
    machine.top(set).update(map(as_key, items))  # pyright: ignore[reportAttributeAccessIssue]


def _set_item(machine: Machine) -> None:
    value, key = machine.pop(), machine.pop()
    _set_pairs(machine, [key, value])


def _set_items_to_mark(machine: Machine) -> None:
    _set_pairs(machine, machine.pop_to_mark())


def _set_pairs(machine: Machine, items: list) -> None:
    if len(items) % 2:
        raise refuse_damaged(f"a key without a value at byte {machine.position - 1:,}")
    target = machine.top(dict)
    for key, value in zip(items[::2], items[1::2]):
        target[as_key(key)] = value  # pyright: ignore[reportIndexIssue]


def _global(machine: Machine) -> None:
    machine.stack.append(machine.find(machine.line(), machine.line()))


def _stack_global(machine: Machine) -> None:
    name, module = machine.pop(), machine.pop()
    machine.stack.append(machine.find(module, name))


def _reduce(machine: Machine) -> None:
    arguments, function = machine.pop(), machine.pop()
    machine.stack.append(machine.reduce(function, arguments))


def _new_object(machine: Machine) -> None:
    _arguments, kind = machine.pop(), machine.pop()
    machine.stack.append(machine.new(kind))


def _build(machine: Machine) -> None:
    state, target = machine.pop(), machine.pop()
    machine.stack.append(target)
    machine.build(target, state)


def _persistent_id(machine: Machine) -> None:
    identity = machine.pop()
    if machine.persistent is None:
        machine.refuse_opcode(0x51)
    else:
        machine.stack.append(machine.persistent(identity))


_BY_NAME: dict[str, Step] = {
    "PROTO": _protocol,
    "FRAME": _frame,
    "NONE": _push(None),
    "NEWTRUE": _push(True),
    "NEWFALSE": _push(False),
    "BININT": _push_number("i"),
    "BININT1": _push_number("B"),
    "BININT2": _push_number("H"),
    "LONG1": _integer("B"),
    "LONG4": _integer("i"),
    "BINFLOAT": _float,
    "SHORT_BINBYTES": _push_bytes("B"),
    "BINBYTES": _push_bytes("I"),
    "BINBYTES8": _push_bytes("Q"),
    "BYTEARRAY8": _push_bytes("Q"),
    "SHORT_BINUNICODE": _push_text("B"),
    "BINUNICODE": _push_text("I"),
    "BINUNICODE8": _push_text("Q"),
    "SHORT_BINSTRING": _push_string("B"),
    "BINSTRING": _push_string("I"),
    "EMPTY_TUPLE": _push(()),
    "EMPTY_LIST": _push_new(list),
    "EMPTY_DICT": _push_new(dict),
    "EMPTY_SET": _push_new(set),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "TUPLE": _tuple_to_mark,
    "LIST": _list_to_mark,
    "DICT": _dict_to_mark,
    "FROZENSET": _frozenset_to_mark,
    "APPEND": _append,
    "APPENDS": _append_to_mark,
    "SETITEM": _set_item,
    "SETITEMS": _set_items_to_mark,
    "ADDITEMS": _add_to_mark,
    "MARK": _mark,
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "DUP": _duplicate,
    "BINGET": _get("B"),
    "LONG_BINGET": _get("I"),
    "BINPUT": _put("B"),
    "LONG_BINPUT": _put("I"),
    "MEMOIZE": _memoize,
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "NEWOBJ": _new_object,
    "BUILD": _build,
    "BINPERSID": _persistent_id,
}
"""Left out on purpose: the text instructions of protocol 0, INST and OBJ (protocol 0's calls), NEWOBJ_EX (calls
with keywords), EXT1/2/4 (the process's own registry of extensions), PERSID, and protocol 5's buffers from outside."""

STEPS: list[Step | None] = [_BY_NAME.get(OPCODES.get(code, "")) for code in range(256)]
