"""A safetensors file that another program wrote: tensors by name. Ours, which say more, are opened without this."""

from __future__ import annotations

import io
import math

from ganzfeld.networks.files import native
from ganzfeld.networks.files.containers import Container
from ganzfeld.networks.files.machine import Reading
from ganzfeld.networks.files.values import Array, Storage, StorageType

_TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


def _read(data: memoryview, reading: Reading) -> object:
    head = data[: 8 + native.MAX_HEADER]
    reading.budget.charge(len(head))
    _, tensors, start = native.read_entries(io.BytesIO(head), len(data))
    return {
        name: _array(entry, data[start + entry.begin : start + entry.end])
        for name, entry in tensors.items()
        if entry.dtype in _TYPES
    }


def _array(entry: native.TensorEntry, data: memoryview) -> Array:
    kind = StorageType(f"torch.{_TYPES[entry.dtype]}")
    strides = tuple(math.prod(entry.shape[i + 1 :]) for i in range(len(entry.shape)))
    return Array.of_storage(Storage(kind, math.prod(entry.shape), data), 0, entry.shape, strides)


CONTAINER = Container(suffixes=(".safetensors",), recognises=native.looks_like_safetensors, read=_read)
