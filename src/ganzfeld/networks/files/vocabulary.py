"""Every name of Python, numpy and torch that a network file may use, and what using it makes here.

The table is matched exactly, module and name; nothing else is ever looked up, and nothing is imported. Each entry
is one of our own bounded constructors, or a mere token for a name that files only mention. Names that only one format
uses stand in that format's module.
"""

from __future__ import annotations

from collections.abc import Callable

from ganzfeld.networks.files.containers import content
from ganzfeld.networks.files.machine import Constructor, ForeignArgumentError, Global, Machine
from ganzfeld.networks.files.storages import StorageGlobal
from ganzfeld.networks.files.values import (
    Array,
    DType,
    LongText,
    Opaque,
    Record,
    Storage,
    as_key,
    dense,
    extents,
    foreign_type,
    latin1,
    refuse_damaged,
)


def checked_arguments(arguments: tuple, name: str, *kinds: type | tuple[type, ...]) -> tuple:
    """The first arguments, checked against `kinds`; further ones (requires_grad, hooks) do not matter.

    Raises ForeignArgumentError where one is something that nobody here knows.
    """
    wrong = [value for value, kind in zip(arguments, kinds) if not isinstance(value, kind)]
    if any(isinstance(value, (Record, Global, Opaque)) for value in wrong):
        raise ForeignArgumentError
    if wrong or len(arguments) < len(kinds):
        raise refuse_damaged(f"a call of '{name}' in the file has the wrong arguments")
    return arguments[: len(kinds)]


# -- torch -----------------------------------------------------------------------------------------------------


def _tensor(_machine: Machine, arguments: tuple) -> object:
    storage, offset, shape, strides = checked_arguments(
        arguments, "_rebuild_tensor_v2", Storage, int, (tuple, list), (tuple, list)
    )
    return Array.of_storage(storage, offset, shape, strides)


def _parameter(_machine: Machine, arguments: tuple) -> object:
    return checked_arguments(arguments, "_rebuild_parameter", Array)[0]


def _tensor_of_type(machine: Machine, arguments: tuple) -> object:
    # A tensor with attributes of its own, or of a class derived from it: (function, class, its arguments, attributes).
    function, _kind, inner = checked_arguments(arguments, "_rebuild_from_type_v2", Global, object, tuple)
    return machine.reduce(function, inner)


def _load_from_bytes(machine: Machine, arguments: tuple) -> object:
    # torch's own would unpickle the blob with everything allowed. Here it is read by the same machine and table.
    (blob,) = checked_arguments(arguments, "_load_from_bytes", (memoryview, str))
    if isinstance(blob, str):  # a short one, as Python 2 writes bytes
        blob = latin1(blob, machine.budget)
    return content(blob, machine.reading.within())


def _size(_machine: Machine, arguments: tuple) -> object:
    return extents(checked_arguments(arguments, "torch.Size", (tuple, list))[0])


def _device(_machine: Machine, arguments: tuple) -> object:
    return checked_arguments(arguments, "torch.device", str)[0]


# -- numpy -----------------------------------------------------------------------------------------------------


def _dtype(_machine: Machine, arguments: tuple) -> object:
    return DType(checked_arguments(arguments, "numpy.dtype", str)[0])


def _scalar(machine: Machine, arguments: tuple) -> object:
    if arguments and foreign_type(arguments[0]):
        return Array(foreign=foreign_type(arguments[0]))
    dtype, raw = checked_arguments(arguments, "numpy.scalar", DType, (memoryview, str, LongText))
    return dense(raw, dtype, (), machine.budget).item()


def _empty_array(_machine: Machine, _arguments: tuple) -> object:
    # Of numpy's own array, or of a class derived from it: its state says all.
    return Array()


def _array_from_buffer(machine: Machine, arguments: tuple) -> object:
    if len(arguments) > 1 and foreign_type(arguments[1]):
        return Array(foreign=foreign_type(arguments[1]))
    raw, dtype, shape, order = checked_arguments(arguments, "numpy._frombuffer", memoryview, DType, tuple, str)
    array = dense(raw, dtype, shape, machine.budget, column_major=order == "F")
    axes = arguments[4] if len(arguments) > 4 else None
    if order == "K" and axes is not None:  # numpy 2: the shape is that of memory, and the axes come after
        if sorted(extents(axes)) != list(range(array.ndim)):
            raise refuse_damaged("an array of the file has no order of axes")
        array = array.transpose(extents(axes))
    return Array(array)


def _dill_array(machine: Machine, arguments: tuple) -> object:
    # dill's way to write numpy's arrays: (numpy's _reconstruct, its arguments, the array's state, attributes).
    _function, _inner, state = checked_arguments(arguments, "dill._create_array", object, tuple, tuple)
    array = Array()
    array.set_state(state, machine.budget)
    return array


# -- Python's own ----------------------------------------------------------------------------------------------


def _items(machine: Machine, arguments: tuple, name: str) -> list:
    if not arguments:
        return []
    (items,) = checked_arguments(arguments, name, (list, tuple, set, frozenset))
    machine.budget.charge(100 * len(items))  # an item here costs about as much as copying 100 bytes
    return list(items)


def _set(machine: Machine, arguments: tuple) -> object:
    return set(map(as_key, _items(machine, arguments, "set")))


def _frozenset(machine: Machine, arguments: tuple) -> object:
    return frozenset(map(as_key, _items(machine, arguments, "frozenset")))


def _ordered_dict(machine: Machine, arguments: tuple) -> object:
    pairs = _items(machine, arguments, "OrderedDict")
    if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        raise refuse_damaged("a dictionary in the file is not made of pairs")
    return {as_key(key): value for key, value in pairs}


def _complex(_machine: Machine, arguments: tuple) -> object:
    return complex(*checked_arguments(arguments, "complex", float, float))


def _encode(machine: Machine, arguments: tuple) -> object:
    text, codec = checked_arguments(arguments, "_codecs.encode", (str, LongText), str)
    return latin1(text, machine.budget) if codec in ("latin1", "latin-1") else Opaque()


def _bytes(machine: Machine, arguments: tuple) -> object:
    # Older protocols write b"" as bytes(), and bytearrays as bytearray(<bytes>) or of Latin 1 text.
    if not arguments:
        return memoryview(b"")
    value = arguments[0]
    return latin1(value, machine.budget) if isinstance(value, (str, LongText)) else _or_opaque(value, memoryview)


def _default_dict(_machine: Machine, _arguments: tuple) -> object:
    return {}  # what it makes of missing keys is no use here


def _or_opaque(value: object, kind: type) -> object:
    return value if isinstance(value, kind) else Opaque()


def _reconstructed(machine: Machine, arguments: tuple) -> object:
    # Protocols 0 and 1 write objects so: (class, the built-in class below it, a value of that).
    kind, _base, value = checked_arguments(arguments, "copyreg._reconstructor", Global, object, object)
    made = machine.new(kind)
    items = made.items if isinstance(made, Record) else made
    if isinstance(value, dict) and isinstance(items, dict):
        machine.budget.charge(100 * len(value))
        items.update(value)
    return made


def _new_object(machine: Machine, arguments: tuple) -> object:
    return machine.new(checked_arguments(arguments, "copyreg.__newobj__", Global)[0], arguments[1:])


# -- the table -------------------------------------------------------------------------------------------------


def _table() -> dict[tuple[str, str], Global]:
    table: dict[tuple[str, str], Global] = {}

    def add(
        modules: str, name: str, construct: Constructor | None = None, new: Callable[[], object] | None = None
    ) -> Global:
        entry = Global(f"{modules.split()[0]}.{name}", construct, new)
        for module in modules.split():
            table[module, name] = entry
        return entry

    add("collections", "OrderedDict", _ordered_dict, dict)
    add("collections", "defaultdict", _default_dict, dict)
    add("dnnlib.util dnnlib easydict", "EasyDict", _ordered_dict, dict)
    add("copyreg copy_reg", "_reconstructor", _reconstructed)
    add("copyreg copy_reg", "__newobj__", _new_object)

    add("torch._utils", "_rebuild_tensor_v2", _tensor)
    add("torch._utils", "_rebuild_tensor", _tensor)
    add("torch._utils", "_rebuild_parameter", _parameter)
    add("torch._utils", "_rebuild_parameter_with_state", _parameter)
    add("torch._utils", "_rebuild_device_tensor_from_numpy", _parameter)
    add("torch._tensor", "_rebuild_from_type_v2", _tensor_of_type)
    add("torch.storage", "_load_from_bytes", _load_from_bytes)
    add("torch", "Size", _size)
    add("torch", "device", _device)
    for word, element in _STORAGES.items():
        for module in ("torch", "torch.storage", "torch.cuda"):
            table[module, word] = StorageGlobal(f"torch.{word}", element)
        add("torch", element.removeprefix("torch."))

    multiarray = "numpy.core.multiarray numpy._core.multiarray"
    add(multiarray, "scalar", _scalar)
    add(multiarray, "_reconstruct", _empty_array)
    add("numpy.core.numeric numpy._core.numeric", "_frombuffer", _array_from_buffer)
    add("numpy", "ndarray")
    add("dill._dill", "_create_array", _dill_array)
    add("numpy", "dtype", _dtype)

    add("_codecs", "encode", _encode)
    builtins = "builtins __builtin__"
    add(builtins, "set", _set)
    add(builtins, "frozenset", _frozenset)
    add(builtins, "complex", _complex)
    add(builtins, "bytes", _bytes)
    add(builtins, "bytearray", _bytes)
    return table


_STORAGES = {
    "DoubleStorage": "torch.float64",
    "FloatStorage": "torch.float32",
    "HalfStorage": "torch.float16",
    "BFloat16Storage": "torch.bfloat16",
    "LongStorage": "torch.int64",
    "IntStorage": "torch.int32",
    "ShortStorage": "torch.int16",
    "CharStorage": "torch.int8",
    "ByteStorage": "torch.uint8",
    "BoolStorage": "torch.bool",
    "ComplexFloatStorage": "torch.complex64",
    "ComplexDoubleStorage": "torch.complex128",
    "QInt8Storage": "torch.qint8",
    "QUInt8Storage": "torch.quint8",
    "QInt32Storage": "torch.qint32",
    "QUInt4x2Storage": "torch.quint4x2",
    "QUInt2x4Storage": "torch.quint2x4",
    "UntypedStorage": "bytes",
}

VOCABULARY = _table()
