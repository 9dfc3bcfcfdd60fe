"""What the pickle machine builds besides plain Python data: records of objects, arrays, storages, dtypes.

Everything here is inert. An `Array` is a view into the file's own bytes whose shape and strides were compared with
the bytes that are there, so a tensor can never claim more numbers than the file holds, and nothing is copied
before a format asks for it.
"""

from __future__ import annotations

import codecs
import math
from dataclasses import dataclass

import numpy as np

from ganzfeld.errors import NetworkFileError

MAX_OPCODES = 1_000_000
"""Pickle instructions of one file. A full snapshot at 1024 px, discriminator and all, takes some 50,000."""
SHORT = 16_384
"""Bytes from which on a text is not decoded unless it is needed."""
PIECE = 1_000_000
MAX_KEY = 1024
"""Letters in a key; longer ones are replaced, since comparing them could be made to cost without end."""
MAX_DIMENSIONS = 8
MAX_EXTENT = 2**40

DOWNLOAD_AGAIN = "It is damaged, or was not downloaded in full: get it again and compare its size with the source's."


def refuse_damaged(what: str) -> NetworkFileError:
    """The error for a file that contradicts itself."""
    return NetworkFileError(what, hint=DOWNLOAD_AGAIN)


@dataclass
class Budget:
    """What one file may cost its reader in all, nested blobs included."""

    opcodes: int
    work: int
    """Bytes copied, plus what visiting items costs in their measure."""

    @classmethod
    def of(cls, size: int) -> Budget:
        """The budget of a file of `size` bytes."""
        return cls(opcodes=MAX_OPCODES, work=4 * size + 16_000_000)

    def charge(self, work: int) -> None:
        """Take `work` off the budget, or refuse the file."""
        self.work -= work
        if self.work < 0:
            raise NetworkFileError(
                "the file makes its reader go over the same data again and again",
                hint="No network needs that: somebody built it to exhaust this machine. Delete it.",
            )


def shown(value: object) -> str:
    """A value of the file for an error message. Structures are only named: printing them could take forever."""
    if isinstance(value, Record):
        return f"a '{value.class_name}'"
    if value is None or isinstance(value, (bool, int, float, str)):
        text = repr(value if not isinstance(value, str) else value[:40])
        return text if len(text) <= 60 else text[:57] + "…"
    return f"a {type(value).__name__}"


class LongText:
    """A long text of the file, not decoded: source code, or numbers that protocols 0 to 2 write as text."""

    __slots__ = ("codec", "data")

    def __init__(self, data: memoryview, codec: str = "utf-8") -> None:
        self.data = data
        self.codec = codec


class Opaque:
    """Stands for something that no network needs, such as a key that is neither text nor a small number."""

    __slots__ = ()


def as_key(value: object) -> object:
    """`value` as a key: short text and small integers as they are, anything else as an anonymous mark.

    Others could be made to collide (integers and floats of equal hash), to recurse (tuples) or to cost time for
    each comparison (long texts). No network names anything by them.
    """
    if type(value) is str and len(value) <= MAX_KEY:
        return value
    if type(value) is int and -(2**15) < value < 2**15:
        return value
    return Opaque()


class Record:
    """An object of the file: the name of its class and what it holds. Its code, if the file carries any, is dropped.

    family: the kind of object, as a format knows it; "foreign" for a class or function that no table names. Then
        `class_name` is its whole name, and `arguments` are what the file would have called it with: nobody does.
    state: its attributes. items: what the file puts into it, where it is some kind of dictionary.
    """

    __slots__ = ("arguments", "class_name", "family", "items", "state")

    def __init__(self, family: str, class_name: str, state: dict | None = None, arguments: tuple = ()) -> None:
        self.family = family
        self.class_name = class_name
        self.arguments = arguments
        self.state: dict = {} if state is None else state
        self.items: dict = {}

    def set_state(self, state: object, _budget: Budget) -> None:
        """Take over its attributes. A pair is that of __dict__ and __slots__; any other state means nothing here."""
        if isinstance(state, dict):
            self.state = state
        elif isinstance(state, tuple) and len(state) == 2:
            self.state = next((part for part in state if isinstance(part, dict) and part), {})


# numpy has no bfloat16: such storages are read as uint16 and widened to float32 on demand.
_ELEMENTS = {
    "torch.float64": "<f8", "torch.float32": "<f4", "torch.float16": "<f2", "torch.bfloat16": "<u2",
    "torch.int64": "<i8", "torch.int32": "<i4", "torch.int16": "<i2", "torch.int8": "<i1", "torch.uint8": "<u1",
    "torch.bool": "?", "torch.complex64": "<c8", "torch.complex128": "<c16", "torch.qint8": "<i1",
    "torch.quint8": "<u1", "torch.qint32": "<i4", "torch.quint4x2": "<u1", "torch.quint2x4": "<u1", "bytes": "<u1",
}  # fmt: skip


class StorageType:
    """What the elements of a torch storage are. `name` is torch's, "torch.float32"."""

    __slots__ = ("dtype", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.dtype = np.dtype(_ELEMENTS[name])

    @property
    def is_bfloat16(self) -> bool:
        return self.name == "torch.bfloat16"


class Storage:
    """A flat run of elements. `data` may arrive after the tensors that view it (torch.save's older layout)."""

    __slots__ = ("count", "data", "kind")

    def __init__(self, kind: StorageType, count: int, data: memoryview | None = None) -> None:
        self.kind = kind
        self.count = count
        self.data: memoryview | None = None
        if data is not None:
            self.fill(data)

    def fill(self, data: memoryview) -> None:
        """Give it its bytes, which must be exactly as many as were declared."""
        wanted = self.count * self.kind.dtype.itemsize
        if len(data) != wanted:
            raise refuse_damaged(
                f"a storage declares {self.count:,} numbers ({wanted:,} bytes), but the file holds {len(data):,} bytes"
            )
        self.data = data


class Array:
    """A numpy array or a torch tensor of the file. Shape and element type are known, `numpy()` gives the numbers."""

    __slots__ = ("_array", "_foreign", "_offset", "_storage", "_strides", "shape")

    def __init__(self, array: np.ndarray | None = None, foreign: str = "") -> None:
        """foreign: the type of its elements, if they are no numbers. Such an array has no contents here."""
        self._array = array
        self._foreign = foreign
        self._storage: Storage | None = None
        self._offset = 0
        self._strides: tuple[int, ...] = ()
        self.shape: tuple[int, ...] = () if array is None else array.shape

    @classmethod
    def of_storage(cls, storage: Storage, offset: object, shape: object, strides: object) -> Array:
        """A strided view, offset and strides counted in elements; refused where it leaves its storage."""
        sizes, steps = extents(shape), extents(strides)
        start = extents((offset,))[0]
        if len(sizes) != len(steps):
            raise refuse_damaged(f"a tensor of shape {list(sizes)} has {len(steps)} strides")
        count = math.prod(sizes)
        last = start + sum((size - 1) * step for size, step in zip(sizes, steps)) if count else start - 1
        # The second half keeps a stride of 0 from turning one number into a terabyte of them.
        if last >= storage.count or start > storage.count or count > storage.count:
            raise refuse_damaged(f"a tensor of shape {list(sizes)} does not fit its storage of {storage.count:,}")
        tensor = cls()
        tensor._storage, tensor._offset, tensor._strides, tensor.shape = storage, start, steps, sizes
        return tensor

    def set_state(self, state: object, budget: Budget) -> None:
        """Numpy's own state: (version, shape, dtype, column-major, bytes)."""
        if self._array is not None or self._storage is not None or self._foreign:
            raise refuse_damaged("an array is given its contents twice")
        if not isinstance(state, tuple) or len(state) != 5:
            raise refuse_damaged("an array has no contents")
        _version, shape, dtype, column_major, raw = state
        self._foreign = foreign_type(dtype)
        if self._foreign:
            return
        self._array = dense(raw, dtype, shape, budget, column_major=column_major is True)
        self.shape = self._array.shape

    @property
    def dtype(self) -> str:
        """The element type as a word: "float32", "bfloat16", …"""
        if self._storage is not None:
            return self._storage.kind.name.removeprefix("torch.")
        if self._foreign:
            return self._foreign
        return "nothing" if self._array is None else self._array.dtype.name

    @property
    def nbytes(self) -> int:
        """Bytes of its numbers, were they laid out densely."""
        if self._storage is not None:
            return math.prod(self.shape) * self._storage.kind.dtype.itemsize
        return 0 if self._array is None else self._array.nbytes

    def numpy(self) -> np.ndarray:
        """The numbers, read-only where they are a view into the file. bfloat16 becomes float32."""
        storage = self._storage
        if storage is None:
            if self._array is None:
                raise refuse_damaged(
                    f"an array of the file holds no numbers but {self._foreign!r}"
                    if self._foreign
                    else "an array of the file was left empty"
                )
            return self._array
        if storage.data is None:
            raise refuse_damaged("a tensor's numbers are missing from the file")
        size = storage.kind.dtype.itemsize
        view = np.ndarray(
            self.shape,
            storage.kind.dtype,
            storage.data if storage.count else b"",
            offset=self._offset * size,
            strides=tuple(step * size for step in self._strides) if math.prod(self.shape) else None,
        )
        if storage.kind.is_bfloat16:
            return (view.astype(np.uint32) << 16).view(np.float32)
        return view


_NUMPY_CODES = frozenset(["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"])


class DType:
    """A numpy dtype. Of objects, texts, dates and structures only the name is kept: no network needs such arrays."""

    __slots__ = ("dtype", "foreign")

    def __init__(self, code: object) -> None:
        self.foreign = ""
        """The type's name, if its elements are no plain numbers."""
        self.dtype = np.dtype(np.uint8)
        if code in _NUMPY_CODES:
            self.dtype = np.dtype(str(code))
        else:
            self.foreign = code[:20] if isinstance(code, str) and code else type(code).__name__

    def set_state(self, state: object, _budget: Budget) -> None:
        """Numpy's own state; of it only the byte order means anything for plain numbers."""
        if self.foreign:
            return
        if (
            not isinstance(state, tuple)
            or len(state) < 5
            or state[1] not in ("<", ">", "|", "=")
            or any(part is not None for part in state[2:5])
        ):
            raise refuse_damaged("a numpy dtype is more than a plain number")
        self.dtype = self.dtype.newbyteorder(state[1])


def foreign_type(dtype: object) -> str:
    """The name of an element type that is no plain number; "" for one that is, and for what is no type at all."""
    if isinstance(dtype, Record):
        return dtype.class_name
    return dtype.foreign if isinstance(dtype, DType) else ""


def extents(values: object) -> tuple[int, ...]:
    """A shape or strides: a few integers from 0 on."""
    if not isinstance(values, (tuple, list)) or len(values) > MAX_DIMENSIONS:
        raise refuse_damaged("a shape in the file is not a few numbers")
    for value in values:
        if type(value) is not int or not 0 <= value <= MAX_EXTENT:
            raise refuse_damaged("a shape in the file is not made of sizes")
    return tuple(values)


def latin1(text: str | LongText, budget: Budget) -> memoryview:
    """Bytes that a pickle holds as text of one byte a letter (protocol 2, and Python 2)."""
    pieces = bytearray()
    try:
        if isinstance(text, str):
            budget.charge(len(text))
            return memoryview(text.encode("latin-1"))
        budget.charge(len(text.data))
        # Piece by piece: one letter beyond Latin 1 would make a whole text four times as large.
        decoder = codecs.getincrementaldecoder(text.codec)()
        for start in range(0, len(text.data), PIECE):
            piece = text.data[start : start + PIECE]
            pieces += decoder.decode(piece, final=start + PIECE >= len(text.data)).encode("latin-1")
        return memoryview(pieces).toreadonly()
    except UnicodeError:
        raise refuse_damaged("the file has text where numbers should be") from None


def dense(raw: object, dtype: object, shape: object, budget: Budget, *, column_major: bool = False) -> np.ndarray:
    """An array of exactly the bytes that are there."""
    sizes = extents(shape)
    if not isinstance(dtype, DType) or dtype.foreign:
        raise refuse_damaged("an array of the file has no element type")
    data = latin1(raw, budget) if isinstance(raw, (str, LongText)) else raw
    if not isinstance(data, memoryview):
        raise refuse_damaged("an array of the file has no numbers")
    wanted = math.prod(sizes) * dtype.dtype.itemsize
    if len(data) != wanted:
        raise refuse_damaged(
            f"an array declares the shape {list(sizes)} ({wanted:,} bytes), but the file holds {len(data):,} bytes"
        )
    if not wanted:
        return np.zeros(tuple(min(size, 1) for size in sizes), dtype.dtype)
    return np.ndarray(sizes, dtype.dtype, data, order="F" if column_major else "C")
