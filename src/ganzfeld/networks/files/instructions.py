"""What each pickle instruction does to the machine: one function an opcode, found by its name in `pickletools`."""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.machine import MARK, OPCODES, Global, Machine
from ganzfeld.networks.files.values import SHORT, LongText, Record, as_key, refuse_damaged

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
            f"the pickle is of protocol {version}, and Ganzfeld reads 0 to 5",
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


# -- the text of protocol 0 --------------------------------------------------------------------------------------


def _decimal(machine: Machine, line: str) -> int:
    try:
        return int(line)
    except ValueError:
        raise refuse_damaged(f"the number before byte {machine.position:,} is none") from None


def _integer_line(machine: Machine) -> None:
    line = machine.line()
    # This is how the first protocols write truth values.
    machine.stack.append(line == "01" if line in ("00", "01") else _decimal(machine, line.removesuffix("L")))


def _float_line(machine: Machine) -> None:
    try:
        machine.stack.append(float(machine.line()))
    except ValueError:
        raise refuse_damaged(f"the number before byte {machine.position:,} is none") from None


def _text_line(machine: Machine) -> None:
    line = machine.long_line()
    if len(line) > SHORT:
        machine.stack.append(LongText(line, "raw_unicode_escape"))
        return
    try:
        machine.stack.append(str(line, "raw_unicode_escape"))
    except UnicodeDecodeError:
        raise refuse_damaged(f"the text before byte {machine.position:,} is none") from None


def _string_line(machine: Machine) -> None:
    # Python 2 wrote text and bytes alike this way, with the quotes and escapes of its source code.
    line = machine.long_line()
    try:
        if len(line) < 2 or line[0] != line[-1] or line[0] not in b"'\"":
            raise ValueError
        piece = codecs.escape_decode(line[1:-1])[0]
    except ValueError:
        raise refuse_damaged(f"the text before byte {machine.position:,} is none") from None
    machine.stack.append(str(piece, "latin-1") if len(piece) <= SHORT else memoryview(piece))


def _get_line(machine: Machine) -> None:
    _fetch(machine, _decimal(machine, machine.line()))


def _put_line(machine: Machine) -> None:
    value = machine.pop()
    machine.stack.append(value)
    machine.memo[_decimal(machine, machine.line())] = value


def _instance(machine: Machine) -> None:
    kind = machine.find(machine.line(), machine.line())
    machine.stack.append(_called(machine, kind, machine.pop_to_mark()))


def _object(machine: Machine) -> None:
    items = machine.pop_to_mark()
    if not items:
        raise refuse_damaged(f"the pickle makes an object of no class, at byte {machine.position - 1:,}")
    machine.stack.append(_called(machine, items[0], items[1:]))


def _called(machine: Machine, kind: object, arguments: list) -> object:
    # The first protocols make empty instances this way, too.
    if isinstance(kind, Global) and kind.new is not None and not arguments:
        return kind.new()
    return machine.reduce(kind, tuple(arguments))


# -- the stack ---------------------------------------------------------------------------------------------------


def _mark(machine: Machine) -> None:
    machine.stack.append(MARK)


def _pop(machine: Machine) -> None:
    machine.stack.pop()


def _pop_mark(machine: Machine) -> None:
    machine.pop_to_mark()


def _duplicate(machine: Machine) -> None:
    machine.stack.append(machine.top(object))


def _get(code: str) -> Step:
    return lambda machine: _fetch(machine, machine.number(code))


def _fetch(machine: Machine, index: int) -> None:
    if index not in machine.memo:
        raise refuse_damaged(f"the pickle refers to part {index:,}, which it never made")
    machine.stack.append(machine.memo[index])


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
    target = machine.top(list)
    if isinstance(target, list):
        target.append(value)


def _append_to_mark(machine: Machine) -> None:
    items = machine.pop_to_mark()
    target = machine.top(list)
    if isinstance(target, list):
        target.extend(items)


def _add_to_mark(machine: Machine) -> None:
    items = machine.pop_to_mark()
    target = machine.top(set)
    if isinstance(target, set):
        target.update(map(as_key, items))


def _set_item(machine: Machine) -> None:
    value, key = machine.pop(), machine.pop()
    _set_pairs(machine, [key, value])


def _set_items_to_mark(machine: Machine) -> None:
    _set_pairs(machine, machine.pop_to_mark())


def _set_pairs(machine: Machine, items: list) -> None:
    if len(items) % 2:
        raise refuse_damaged(f"a key without a value at byte {machine.position - 1:,}")
    target = machine.top(dict)
    into = target.items if isinstance(target, Record) else target
    for key, value in zip(items[::2], items[1::2]):
        into[as_key(key)] = value  # pyright: ignore[reportIndexIssue]


def _global(machine: Machine) -> None:
    machine.stack.append(machine.find(machine.line(), machine.line()))


def _stack_global(machine: Machine) -> None:
    name, module = machine.pop(), machine.pop()
    machine.stack.append(machine.find(module, name))


def _reduce(machine: Machine) -> None:
    arguments, function = machine.pop(), machine.pop()
    machine.stack.append(machine.reduce(function, arguments))


def _new_object(machine: Machine) -> None:
    arguments, kind = machine.pop(), machine.pop()
    machine.stack.append(machine.new(kind, arguments))


def _new_object_with_keywords(machine: Machine) -> None:
    _keywords, arguments, kind = machine.pop(), machine.pop(), machine.pop()
    machine.stack.append(machine.new(kind, arguments))


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
    "NEWOBJ_EX": _new_object_with_keywords,
    "INT": _integer_line,
    "LONG": _integer_line,
    "FLOAT": _float_line,
    "STRING": _string_line,
    "UNICODE": _text_line,
    "GET": _get_line,
    "PUT": _put_line,
    "INST": _instance,
    "OBJ": _object,
    "BUILD": _build,
    "BINPERSID": _persistent_id,
}
"""Left out on purpose: EXT1/2/4 (the process's own registry of extensions), PERSID, and protocol 5's buffers from
outside."""

STEPS: list[Step | None] = [_BY_NAME.get(OPCODES.get(code, "")) for code in range(256)]
