"""The two containers of `torch.save`: the zip archive, and the older run of pickles and raw storages.

torch itself is not used, not even with `weights_only=True`: our own machine is stricter (it bounds sizes and
counts), needs no C++ parser on a stranger's bytes, and starts in a tenth of the time. Storages are views into the
file.

Layouts, from torch's public documentation and files it wrote. Zip: `<root>/data.pkl` refers by persistent id to
`<root>/data/<key>`, entries stored and never compressed. Older: pickles of a magic number, a protocol, facts on the
system, the object, and the list of storage keys; then for each key a count and the raw numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files import zipped
from ganzfeld.networks.files.machine import Global
from ganzfeld.networks.files.unpickler import Unpickler
from ganzfeld.networks.files.values import MAX_EXTENT, Budget, Storage, StorageType, refuse_damaged

if TYPE_CHECKING:
    Vocabulary = Mapping[tuple[str, str], Global]

MAGIC = 0x1950A86A20F9469CFC6C
"""The number that the older layout begins with."""
PROTOCOL = 1001
MAX_NESTING = 3
"""Blobs within blobs. An official pickle nests one deep."""


def load(data: memoryview, vocabulary: Vocabulary, budget: Budget, *, nesting: int = 0) -> object:
    """What a pickle or a torch.save file of either layout holds. Raises NetworkFileError."""
    if nesting > MAX_NESTING:
        raise refuse_damaged(f"the file holds blobs within blobs, more than {MAX_NESTING} deep")
    budget.charge(100)  # so that one small blob, read again and again, comes to an end
    if bytes(data[:2]) == b"PK":
        return _load_zip(data, vocabulary, budget, nesting)
    machine = Unpickler(data, vocabulary, budget, nesting=nesting)
    content = machine.load()
    if type(content) is int and content == MAGIC:
        return _load_run(data, machine.position, vocabulary, budget, nesting)
    return content


def _storage_of(identity: object) -> tuple[StorageType, str, int]:
    """(element type, key, count) of torch's persistent id, ("storage", class, key, device, count, view or None)."""
    if isinstance(identity, tuple) and len(identity) in (5, 6) and identity[0] == "storage":
        _, kind, key, _device, count = identity[:5]
        element = getattr(kind, "kind", None)
        if (
            isinstance(element, StorageType)
            and isinstance(key, str)
            and type(count) is int
            and 0 <= count <= MAX_EXTENT
        ):
            if len(identity) == 6 and identity[5] is not None:
                raise NetworkFileError(
                    "the file was saved by a very old PyTorch (before 0.4), which Ganzfeld cannot read",
                    hint="Load it once with a newer PyTorch and save it again.",
                )
            return element, key, count
    raise refuse_damaged("a storage of the file is not described as torch.save describes them")


def _load_zip(data: memoryview, vocabulary: Vocabulary, budget: Budget, nesting: int) -> object:
    entries = zipped.directory(data, budget)
    root = _root(entries)
    byte_order = entries.get(f"{root}/byteorder")
    if byte_order is not None and bytes(byte_order.contents(data)[:8]).strip() != b"little":
        raise NetworkFileError("the file was saved on a big-endian machine, which Ganzfeld cannot read")
    storages: dict[str, Storage] = {}

    def storage(identity: object) -> Storage:
        element, key, count = _storage_of(identity)
        if key not in storages:
            entry = entries.get(f"{root}/data/{key}")
            if entry is None:
                raise refuse_damaged(f"the archive has no '{root}/data/{key[:40]}', which its contents refer to")
            storages[key] = Storage(element, count, entry.contents(data))
        elif storages[key].kind.name != element.name or storages[key].count != count:
            raise refuse_damaged("a storage of the file is described in two ways")
        return storages[key]

    content = entries[f"{root}/data.pkl"].contents(data)
    return Unpickler(content, vocabulary, budget, nesting=nesting, persistent=storage).load()


def _root(entries: Mapping[str, zipped.Entry]) -> str:
    """The folder that everything in a torch.save archive lies in."""
    for name in entries:
        root, _, rest = name.partition("/")
        if rest == "data.pkl":
            if f"{root}/constants.pkl" in entries:
                raise NetworkFileError(
                    "the file is a TorchScript archive, which is a program and not only numbers",
                    hint="Look for the checkpoint it was made from (.pkl or .pt).",
                )
            return root
    inside = next((name for name in entries if name.endswith((".pkl", ".pt", ".pth", ".safetensors"))), "")
    if inside:
        raise NetworkFileError(
            f"the file is a zip archive that holds '{inside[-60:]}'", hint="Unpack it and open that file."
        )
    if all(name.endswith(".npy") for name in entries) and entries:
        raise NetworkFileError(
            "the file is a NumPy archive (.npz) of plain arrays, not a network",
            hint="A latent is given to a 'latent' node; a network is a .pkl, .pt or .safetensors file.",
        )
    listed = ", ".join(name[:40] for name in list(entries)[:3]) or "nothing"
    raise NetworkFileError(
        f"the file is a zip archive without a network in it (it holds {listed})",
        hint="A network is a .pkl, .pt or .safetensors file.",
    )


def _load_run(data: memoryview, position: int, vocabulary: Vocabulary, budget: Budget, nesting: int) -> object:
    storages: dict[str, Storage] = {}

    def storage(identity: object) -> Storage:
        element, key, count = _storage_of(identity)
        if key not in storages:
            storages[key] = Storage(element, count)
        elif storages[key].kind.name != element.name or storages[key].count != count:
            raise refuse_damaged("a storage of the file is described in two ways")
        return storages[key]

    def pickled(persistent=None) -> object:
        nonlocal position
        machine = Unpickler(data, vocabulary, budget, position=position, nesting=nesting, persistent=persistent)
        content = machine.load()
        position = machine.position
        return content

    if pickled() != PROTOCOL:
        raise refuse_damaged("the file is of an unknown version of torch.save")
    system = pickled()
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise NetworkFileError("the file was saved on a big-endian machine, which Ganzfeld cannot read")
    content = pickled(storage)
    keys = pickled()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or set(keys) != set(storages):
        raise refuse_damaged("the file's list of storages does not match its contents")
    for key in keys:
        wanted = storages[key]
        if len(data) - position < 8:
            raise refuse_damaged(f"the file breaks off after {len(data):,} bytes, before its numbers")
        (count,) = struct.unpack("<q", data[position : position + 8])
        if count != wanted.count:
            raise refuse_damaged(f"a storage is declared with {wanted.count:,} numbers and written with {count:,}")
        position += 8
        length = count * wanted.kind.dtype.itemsize
        wanted.fill(data[position : position + length])
        position += length
    return content
