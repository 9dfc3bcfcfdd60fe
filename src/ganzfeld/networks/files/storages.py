"""The storages that a file of `torch.save` refers to by persistent id, which name an element type and a count."""

from __future__ import annotations

from collections.abc import Callable

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.machine import Global
from ganzfeld.networks.files.values import MAX_EXTENT, Storage, StorageType, refuse_damaged


class StorageGlobal(Global):
    """The name of a storage class: torch.FloatStorage."""

    __slots__ = ("kind",)
    kind: StorageType

    def __init__(self, name: str, element: str) -> None:
        super().__init__(name)
        object.__setattr__(self, "kind", StorageType(element))


class Storages:
    """Storages by key. `numbers` gives the bytes of a key; without it they are filled in later."""

    def __init__(self, numbers: Callable[[str], memoryview] | None = None) -> None:
        self.by_key: dict[str, Storage] = {}
        self.numbers = numbers

    def of(self, identity: object) -> object:
        """The storage of torch's persistent id ("storage", class, key, device, count, view or None).

        The older layout also keeps classes so, with their source: ("module", class, file, source). The class is enough.
        """
        if isinstance(identity, tuple) and len(identity) == 4 and identity[0] == "module":
            return identity[1]
        element, key, count = _described(identity)
        known = self.by_key.get(key)
        if known is None:
            self.by_key[key] = Storage(element, count, self.numbers(key) if self.numbers else None)
        elif known.kind.name != element.name or known.count != count:
            raise refuse_damaged("a storage of the file is described in two ways")
        return self.by_key[key]


def _described(identity: object) -> tuple[StorageType, str, int]:
    """(element type, key, count) of a persistent id."""
    if isinstance(identity, tuple) and len(identity) in (5, 6) and identity[0] == "storage":
        _, kind, key, _device, count = identity[:5]
        if isinstance(kind, StorageGlobal) and isinstance(key, str) and type(count) is int and 0 <= count <= MAX_EXTENT:
            if len(identity) == 6 and identity[5] is not None:
                raise NetworkFileError(
                    "the file was saved by a very old PyTorch (before 0.4), which Ganzfeld cannot read",
                    hint="Load it once with a newer PyTorch and save it again.",
                )
            return kind.kind, key, count
    raise refuse_damaged("a storage of the file is not described as torch.save describes them")
