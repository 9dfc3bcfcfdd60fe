"""Plain tensors in files of `torch.save`, read without torch.

Names in the file are looked up in an exact table; nothing is imported or called that is not in it. What is built is
bounded by the child's limits.

Source: files that torch writes. Since 1.6 a zip archive with data.pkl and data/KEY; before, pickles one after another,
then each storage's count of eight bytes and its numbers.
"""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ganzfeld.errors import FeederError

_ELEMENTS = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bf16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
_MAGIC = 0x1950A86A20F9469CFC6C
_MOST_DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class StorageName:
    """A class of storages: what its numbers are, as NumPy says it, or "bf16"."""

    element: str


@dataclass(slots=True, eq=False)
class TensorStorage:
    """A run of numbers. read(): their bytes."""

    element: str
    count: int
    read: Callable[[], bytes] | None = None

    @property
    def itemsize(self) -> int:
        return 2 if self.element == "bf16" else np.dtype(self.element).itemsize


@dataclass(frozen=True, slots=True, eq=False)
class StoredTensor:
    """A view of a storage, not read yet. offset and strides: in numbers."""

    storage: TensorStorage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> np.ndarray:
        """Its numbers; bfloat16 as float32. Raises FeederError."""
        storage = self.storage
        assert storage.read is not None
        data = storage.read()
        if len(data) != storage.count * storage.itemsize:
            raise FeederError("It breaks off in the middle of its numbers", hint="Copy or save it again")
        if storage.element == "bf16":
            flat = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            flat = np.frombuffer(data, storage.element)
        steps = [stride * flat.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(flat[self.offset :], self.shape, steps, writeable=False)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> StoredTensor:
    good = (
        isinstance(storage, TensorStorage)
        and isinstance(shape, tuple)
        and isinstance(strides, tuple)
        and len(shape) == len(strides) <= _MOST_DIMENSIONS
        and all(type(number) is int and 0 <= number < 1 << 40 for number in (offset, *shape, *strides))
    )
    if not good:
        raise FeederError("A tensor in it is not described as torch.save describes them")
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides))
    if 0 not in shape and last >= storage.count:
        raise FeederError("A tensor in it reaches beyond its numbers")
    return StoredTensor(storage, offset, shape, strides)


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


_NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch", "Size"): tuple,
    **{("torch", name): StorageName(element) for name, element in _ELEMENTS.items()},
}


class TensorUnpickler(pickle.Unpickler):
    """Builds plain data and `StoredTensor`s."""

    def __init__(self, file: BinaryIO, storages: dict[str, TensorStorage]) -> None:
        super().__init__(file, encoding="utf-8")
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        """Nothing but what the table holds."""
        try:
            return _NAMES[module, name]
        except KeyError:
            hint = "Save a plain tensor, or a dict of them"
            raise FeederError(f"It holds {module[:60]}.{name[:60]}, which is no tensor", hint=hint) from None

    def persistent_load(self, pid: Any) -> TensorStorage:
        """A storage by torch's description: ("storage", class, key, device, count, …)."""
        good = isinstance(pid, tuple) and len(pid) in (5, 6) and pid[0] == "storage" and isinstance(pid[1], StorageName)
        if not good or type(pid[4]) is not int or pid[4] < 0:
            raise FeederError("A storage in it is not described as torch.save describes them")
        return self._storages.setdefault(str(pid[2]), TensorStorage(pid[1].element, pid[4]))


def stored_tensors(path: Path, most_bytes: int) -> dict[str, StoredTensor]:
    """The tensors of a file by name ("" for one alone). Raises FeederError, and whatever a damaged pickle raises."""
    storages: dict[str, TensorStorage] = {}
    if zipfile.is_zipfile(path):
        value = _from_zip(path, storages, most_bytes)
    else:
        value = _from_pickles(path, storages)
    items = value.items() if isinstance(value, dict) else [("", value)]
    found = {str(name): tensor for name, tensor in items if isinstance(tensor, StoredTensor)}
    if not found:
        raise FeederError("There is no tensor in it", hint="Save a plain tensor, or a dict of them")
    return found


def _from_zip(path: Path, storages: dict[str, TensorStorage], most_bytes: int) -> Any:
    with zipfile.ZipFile(path) as archive:
        entries = {info.filename: info for info in archive.infolist()}
        main = next((name for name in entries if name.endswith("/data.pkl") and name.count("/") == 1), None)
        if main is None:
            raise FeederError("It is a zip archive without tensors")
        folder = main.removesuffix("data.pkl")
        order = entries.get(f"{folder}byteorder")
        if order is not None and order.file_size < 16 and archive.read(order) == b"big":
            raise FeederError("It was written on a machine of another byte order", hint="Save it as .npy there")
        if entries[main].file_size > most_bytes:
            raise FeederError("Its description is too long to be that of tensors")
        with archive.open(main) as file:
            value = TensorUnpickler(file, storages).load()  # type: ignore[arg-type]
    for key, storage in storages.items():
        info = entries.get(f"{folder}data/{key}")
        if info is None or info.file_size != storage.count * storage.itemsize or info.file_size > most_bytes:
            raise FeederError(f"Its numbers '{key[:40]}' are not as many as it says, or too many")
        storage.read = _zip_reader(path, info.filename)
    return value


def _zip_reader(path: Path, name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)

    return read


def _from_pickles(path: Path, storages: dict[str, TensorStorage]) -> Any:
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(2) == b"PK":
            raise FeederError("It is a zip archive that breaks off", hint="Copy or save it again")
        file.seek(0)
        if TensorUnpickler(file, {}).load() != _MAGIC:
            raise FeederError("It is no file of torch.save")
        for _ in range(2):  # the protocol, and facts of the system
            TensorUnpickler(file, {}).load()
        value = TensorUnpickler(file, storages).load()
        keys = TensorUnpickler(file, {}).load()
        if not isinstance(keys, list) or {str(key) for key in keys} != storages.keys():
            raise FeederError("Its storages are not those that its tensors name")
        for key in keys:
            storage = storages[str(key)]
            (count,) = struct.unpack("<q", file.read(8))
            begin, length = file.tell(), storage.count * storage.itemsize
            if count != storage.count or begin + length > size:
                raise FeederError("It breaks off in the middle of its numbers", hint="Copy or save it again")
            storage.read = _file_reader(path, begin, length)
            file.seek(begin + length)
    return value


def _file_reader(path: Path, begin: int, length: int) -> Callable[[], bytes]:
    def read() -> bytes:
        with path.open("rb") as file:
            file.seek(begin)
            return file.read(length)

    return read
