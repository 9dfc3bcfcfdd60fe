"""What goes from the host to a device once a frame: uniforms and staging buffers.

On a device that shares the host's memory nothing is copied. Elsewhere each write goes through page-locked memory, so
that the host does not wait for the copy. The copy may still be under way when the next write comes (a cross-fade
writes twice a frame), so the page-locked memory is a ring of rows, each with an event that says when its last copy was
done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Protocol

import numpy as np
import torch

from ganzfeld.patch.evaluation import Fan

LARGE = 1 << 14
"""Bytes from which a staged array has a buffer and a copy of its own; smaller ones travel together."""
_ALIGNMENT = 64


class Event(Protocol):
    """Marks a place in a device's queue (`torch.cuda.Event`)."""

    def record(self) -> None: ...
    def query(self) -> bool: ...
    def synchronize(self) -> None: ...


def on_host(device: torch.device) -> bool:
    """Whether a device works in the host's own memory."""
    return device.type == "cpu"


class PinnedRing:
    """A ring of page-locked rows on the way to one device. For one thread at a time."""

    COUNT = 4

    def __init__(
        self, device: torch.device, *, pinned: bool | None = None, event: Callable[[], Event] | None = None
    ) -> None:
        """`pinned`, `event`: for tests without a GPU."""
        self.device = device
        cuda = device.type == "cuda"
        self._pinned = cuda if pinned is None else pinned
        self._event = event or (torch.cuda.Event if cuda else None)
        self._rows: list[_Row | None] = [None] * self.COUNT
        self._turn = 0
        # Events and copies belong to the current device's stream.
        self._elsewhere = cuda and torch.cuda.device_count() > 1

    def send(self, source: np.ndarray, target: torch.Tensor) -> None:
        """Copy `source` (uint8 [n], contiguous) into `target` (uint8 [n]) on the device, without waiting for it; the
        source may be written again at once."""
        if self._elsewhere:
            with torch.cuda.device(self.device):
                self._send(source, target)
        else:
            self._send(source, target)

    def _send(self, source: np.ndarray, target: torch.Tensor) -> None:
        size = source.size
        if not size:
            return
        self._turn = turn = (self._turn + 1) % self.COUNT
        row = self._rows[turn]
        if row is not None and row.copied is not None and not row.copied.query():
            row.copied.synchronize()  # the device is COUNT writes behind
        if row is None or row.numbers.size < size:
            row = self._rows[turn] = self._row(size, row)
        row.numbers[:size] = source
        target.copy_(row.memory if row.numbers.size == size else row.memory[:size], non_blocking=True)
        if row.copied is not None:
            row.copied.record()

    def _row(self, size: int, before: _Row | None) -> _Row:
        size = max(size, 2 * before.numbers.size if before else 0)
        memory = torch.empty(size, dtype=torch.uint8, pin_memory=self._pinned)
        copied = before.copied if before else self._event() if self._event else None
        return _Row(memory, memory.numpy(), copied)


@dataclass(frozen=True, slots=True)
class _Row:
    memory: torch.Tensor
    numbers: np.ndarray
    copied: Event | None


@dataclass(slots=True)
class _Page:
    """A block on the device and its image on the host. used: bytes of it that are in use."""

    host: np.ndarray
    block: torch.Tensor
    used: int = 0


@dataclass(slots=True)
class _Entry:
    shape: tuple[int, ...]
    dtype: np.dtype
    host: np.ndarray | None
    """Its place in a page; None for one that travels alone."""
    alone: torch.Tensor | None = None
    """The buffer of one that travels alone, as uint8 [n]."""


class UniformBuffer:
    """What one program reads on one device that the host writes each frame: the values of its `Value` parameters
    (uniforms, float32), and what its steps stage in `prepare`.

    Everything small lies side by side and travels in one copy (`send`); large arrays go at once, each by itself. A
    place once given never moves, so captured programs may know it.
    """

    PAGE = 1 << 16

    def __init__(
        self,
        device: torch.device,
        fans: Mapping[str, Fan | None],
        periods: Mapping[str, float] | None = None,
        ring: PinnedRing | None = None,
    ) -> None:
        """`fans`: the addresses of the uniforms and how each fans over matches and channels, None for a single number.
        `periods`: what an address's values are reduced to before they become float32."""
        self.device = device
        self._ring = ring or (None if on_host(device) else PinnedRing(device))
        self._entries: dict[tuple[int, str], _Entry] = {}
        self._buffers: dict[int, dict[str, torch.Tensor]] = {}
        self._pages: list[_Page] = []
        # Single numbers first, in one piece; then those that fan.
        single = [address for address, fan in fans.items() if fan is None]
        several = {address: fan for address, fan in fans.items() if fan is not None}
        self._single = itemgetter(*single) if len(single) > 1 else None
        places: dict[str, int | slice] = {address: place for place, address in enumerate(single)}
        total = len(single)
        for address, fan in several.items():
            places[address] = slice(total, total + fan.length)
            total += fan.length
        self._several = {address: places[address] for address in (several if self._single else fans)}
        self._values = np.zeros(total, np.float64)
        self._many = self._values[: len(single)]
        self._periods = np.full(total, np.inf)  # fmod leaves what is below its period as it is
        for address, period in (periods or {}).items():
            self._periods[places[address]] = period
        self._numbers, floats = self._room(total * 4, np.dtype(np.float32), (total,))
        self._views = {
            address: floats[place] if (fan := fans[address]) is None else fan.of(floats[place])
            for address, place in places.items()
        }

    def __contains__(self, address: str) -> bool:
        return address in self._views

    def view(self, address: str) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """What always holds an address's value: a 0-dimensional tensor, or as `Fan.of` says."""
        return self._views[address]

    def write(self, values: Mapping[str, Any]) -> None:
        """One frame's values: a number for each address, or as many as its fan has."""
        if self._single is not None:
            self._many[:] = self._single(values)
        for address, place in self._several.items():
            self._values[place] = values[address]
        np.fmod(self._values, self._periods, out=self._numbers, casting="same_kind")

    def buffers(self, step: int) -> dict[str, torch.Tensor]:
        """A step's staging buffers by name, as they are now and will be."""
        return self._buffers.setdefault(step, {})

    def stage(self, step: int, name: str, array: np.ndarray) -> None:
        """Put an array into its buffer; the first call of a name fixes its shape and type. Raises ValueError."""
        entry = self._entries.get((step, name))
        if entry is None:
            entry = self._add(step, name, array)
        if entry.shape != array.shape or entry.dtype != array.dtype:
            raise ValueError(f"staged '{name}' changed from {entry.shape} to {array.shape}")
        if entry.host is not None:
            entry.host[...] = array
        else:
            assert self._ring is not None and entry.alone is not None
            self._ring.send(np.ascontiguousarray(array).reshape(-1).view(np.uint8), entry.alone)

    def send(self) -> None:
        """Bring what was written and staged to the device."""
        if self._ring is not None:
            for page in self._pages:
                self._ring.send(page.host[: page.used], page.block[: page.used])

    def _add(self, step: int, name: str, array: np.ndarray) -> _Entry:
        buffers = self.buffers(step)
        if self._ring is not None and array.nbytes >= LARGE:
            alone = torch.empty(array.nbytes, dtype=torch.uint8, device=self.device)
            buffers[name] = alone.view(_torch_type(array.dtype)).reshape(array.shape)
            entry = _Entry(array.shape, array.dtype, None, alone)
        else:
            host, buffers[name] = self._room(array.nbytes, array.dtype, array.shape)
            entry = _Entry(array.shape, array.dtype, host)
        self._entries[step, name] = entry
        return entry

    def _room(self, size: int, dtype: np.dtype, shape: tuple[int, ...]) -> tuple[np.ndarray, torch.Tensor]:
        """A place in a page, as the host and as the device see it."""
        page = self._pages[-1] if self._pages else None
        place = -(-page.used // _ALIGNMENT) * _ALIGNMENT if page else 0
        if page is None or place + size > page.host.size:
            host = np.zeros(max(self.PAGE, size), np.uint8)
            block = torch.from_numpy(host) if self._ring is None else torch.zeros(
                host.size, dtype=torch.uint8, device=self.device
            )  # fmt: skip
            page, place = _Page(host, block), 0
            self._pages.append(page)
        page.used = place + size
        part = slice(place, place + size)
        return page.host[part].view(dtype).reshape(shape), page.block[part].view(_torch_type(dtype)).reshape(shape)


def _torch_type(dtype: np.dtype) -> torch.dtype:
    return torch.from_numpy(np.empty(0, dtype)).dtype
