"""Every name of Python, numpy and torch that a network file may use, and what using it makes here.

The table is matched exactly, module and name; nothing else is ever looked up, and nothing is imported. Each entry
is one of our own bounded constructors, or a mere token for a name that files only mention. Names that only one format
uses stand in that format's module.
"""

from __future__ import annotations

from collections.abc import Callable

from ganzfeld.networks.files.containers import content
from ganzfeld.networks.files.machine import Constructor, Global, Machine
from ganzfeld.networks.files.storages import StorageGlobal
from ganzfeld.networks.files.values import (
    Array,
    DType,
    LongText,
    Storage,
    as_key,
    dense,
    extents,
    latin1,
    refuse_damaged,
)


def checked_arguments(arguments: tuple, name: str, *kinds: type | tuple[type, ...]) -> tuple:
    """The first arguments, checked against `kinds`; further ones (requires_grad, hooks) do not matter."""
    if len(arguments) < len(kinds) or not all(isinstance(a, kind) for a, kind in zip(arguments, kinds)):
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


def _load_from_bytes(machine: Machine, arguments: tuple) -> object:
    # torch's own would unpickle the blob with everything allowed. Here it is read by the same machine and table.
    (blob,) = checked_arguments(arguments, "_load_from_bytes", memoryview)
    return content(blob, machine.reading.within())


def _size(_machine: Machine, arguments: tuple) -> object:
    return extents(checked_arguments(arguments, "torch.Size", (tuple, list))[0])


def _device(_machine: Machine, arguments: tuple) -> object:
    return checked_arguments(arguments, "torch.device", str)[0]


# -- numpy -----------------------------------------------------------------------------------------------------


def _dtype(_machine: Machine, arguments: tuple) -> object:
    return DType(checked_arguments(arguments, "numpy.dtype", str)[0])


def _scalar(machine: Machine, arguments: tuple) -> object:
    dtype, raw = checked_arguments(arguments, "numpy.scalar", DType, (memoryview, str, LongText))
    return dense(raw, dtype, (), machine.budget).item()


def _empty_array(_machine: Machine, arguments: tuple) -> object:
    (kind,) = checked_arguments(arguments, "numpy._reconstruct", Global)
    if kind is not _NDARRAY:
        raise refuse_damaged("the file holds a subclass of numpy's array")
    return Array()


def _array_from_buffer(machine: Machine, arguments: tuple) -> object:
    raw, dtype, shape, order = checked_arguments(arguments, "numpy._frombuffer", memoryview, DType, tuple, str)
    array = dense(raw, dtype, shape, machine.budget, column_major=order == "F")
    axes = arguments[4] if len(arguments) > 4 else None
    if order == "K" and axes is not None:  # numpy 2: the shape is that of memory, and the axes come after
        if sorted(extents(axes)) != list(range(array.ndim)):
            raise refuse_damaged("an array of the file has no order of axes")
        array = array.transpose(extents(axes))
    return Array(array)


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
    if codec not in ("latin1", "latin-1"):
        raise refuse_damaged("the file encodes text in an unusual way")
    return latin1(text, machine.budget)


def _bytes(_machine: Machine, arguments: tuple) -> object:
    # Protocol 2 writes b"" as bytes(), and bytearrays as bytearray(<bytes>).
    return checked_arguments(arguments, "bytes", memoryview)[0] if arguments else memoryview(b"")


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
    add("dnnlib.util", "EasyDict", _ordered_dict, dict)

    add("torch._utils", "_rebuild_tensor_v2", _tensor)
    add("torch._utils", "_rebuild_parameter", _parameter)
    add("torch.storage", "_load_from_bytes", _load_from_bytes)
    add("torch", "Size", _size)
    add("torch", "device", _device)
    for word, element in _STORAGES.items():
        table["torch", word] = StorageGlobal(f"torch.{word}", element)
        add("torch", element.removeprefix("torch."))

    multiarray = "numpy.core.multiarray numpy._core.multiarray"
    add(multiarray, "scalar", _scalar)
    add(multiarray, "_reconstruct", _empty_array)
    add("numpy.core.numeric numpy._core.numeric", "_frombuffer", _array_from_buffer)
    table["numpy", "ndarray"] = _NDARRAY
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
}
_NDARRAY = Global("numpy.ndarray")

VOCABULARY = _table()
