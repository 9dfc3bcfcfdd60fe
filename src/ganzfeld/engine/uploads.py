"""What goes from the host to a device once a frame: uniforms and staging buffers.

On a device that shares the host's memory nothing is copied. Elsewhere each write goes through page-locked memory, so
that the host does not wait for the copy. The copy may still be under way when the next write comes (a cross-fade
writes the same uniforms twice a frame), so the page-locked memory is a ring of rows, each with an event that says when
its last copy was done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from ganzfeld.patch.evaluation import Fan

LARGE = 1 << 16
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


class Rows:
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
        self._memory: list[torch.Tensor | None] = [None] * self.COUNT
        self._copied: list[Event | None] = [None] * self.COUNT
        self._turn = 0

    def send(self, source: np.ndarray, target: torch.Tensor) -> None:
        """Copy contiguous host memory into `target` (of as many bytes) on the device, without waiting for it; the
        source may be written again at once."""
        flat = source.reshape(-1).view(np.uint8)
        if not flat.size:
            return
        self._turn = turn = (self._turn + 1) % self.COUNT
        copied, memory = self._copied[turn], self._memory[turn]
        if copied is not None and not copied.query():
            copied.synchronize()  # the device is COUNT writes behind
        if memory is None or memory.numel() < flat.size:
            size = max(flat.size, 2 * memory.numel() if memory is not None else 0)
            memory = self._memory[turn] = torch.empty(size, dtype=torch.uint8, pin_memory=self._pinned)
        memory.numpy()[: flat.size] = flat
        with _stream_of(self.device):
            target.reshape(-1).view(torch.uint8).copy_(memory[: flat.size], non_blocking=True)
            if self._event is not None:
                if copied is None:
                    copied = self._copied[turn] = self._event()
                copied.record()


class _stream_of:  # noqa: N801
    """The device whose current stream is meant; nothing to do for one that has no streams."""

    def __init__(self, device: torch.device) -> None:
        self._guard = torch.cuda.device(device) if device.type == "cuda" else None

    def __enter__(self) -> None:
        if self._guard is not None:
            self._guard.__enter__()

    def __exit__(self, *problem: Any) -> None:
        if self._guard is not None:
            self._guard.__exit__(*problem)


class Uniforms:
    """One float32 buffer on a device with this frame's value of every `Value` parameter; written once a frame."""

    def __init__(
        self,
        fans: Mapping[str, Fan | None],
        device: torch.device,
        periods: Mapping[str, float] | None = None,
        rows: Rows | None = None,
    ) -> None:
        """`fans`: how an address fans over matches and channels, None for a single number. `periods`: what an address's
        values are reduced to before they become float32."""
        self._places: dict[str, int | slice] = {}
        total = 0
        for address, fan in fans.items():
            self._places[address] = total if fan is None else slice(total, total + fan.length)
            total += 1 if fan is None else fan.length
        self._values = np.zeros(total, np.float64)
        self._numbers = np.zeros(total, np.float32)
        self._rows = rows or (None if on_host(device) else Rows(device))
        self._block = torch.zeros(total, device=device) if self._rows else torch.from_numpy(self._numbers)
        self._views = {
            address: fan.of(self._block[self._places[address]]) if fan else self._block[self._places[address]]
            for address, fan in fans.items()
        }
        # fmod leaves what is below its period as it is; infinity leaves everything.
        self._periods = np.full(total, np.inf)
        for address, period in (periods or {}).items():
            self._periods[self._places[address]] = period

    def __contains__(self, address: str) -> bool:
        return address in self._places

    def view(self, address: str) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """What always holds an address's value: a 0-dimensional tensor, or as `Fan.of` says."""
        return self._views[address]

    def write(self, values: Mapping[str, Any]) -> None:
        """One frame's values: a number for each address, or as many as its fan has."""
        for address, place in self._places.items():
            self._values[place] = values[address]
        self._numbers[:] = np.fmod(self._values, self._periods)
        if self._rows is not None:
            self._rows.send(self._numbers, self._block)


@dataclass(slots=True)
class _Entry:
    shape: tuple[int, ...]
    dtype: np.dtype
    place: int | None
    """Its first byte among the small ones; None for a large one."""
    host: np.ndarray | None = None


class Staging:
    """Fixed buffers on one device that a program's steps fill on the host, in `prepare`, and read in `render`.

    Small arrays lie side by side and travel in one copy (`send`); large ones go at once, each by itself.
    """

    def __init__(self, device: torch.device, rows: Rows | None = None) -> None:
        self.device = device
        self.grown = 0
        """Counts the changes of any buffer's place: what was captured before such a change reads the old place."""
        self._rows = rows or (None if on_host(device) else Rows(device))
        self._entries: dict[tuple[int, str], _Entry] = {}
        self._buffers: dict[int, dict[str, torch.Tensor]] = {}
        self._small = np.zeros(0, np.uint8)
        self._block = torch.from_numpy(self._small)
        self._changed = False

    def buffers(self, step: int) -> Mapping[str, torch.Tensor]:
        """A step's buffers by name, as they are now and will be."""
        return self._buffers.setdefault(step, {})

    def stage(self, step: int, name: str, array: np.ndarray) -> None:
        """Put an array into its buffer; the first call of a name fixes its shape and type. Raises ValueError."""
        source = np.ascontiguousarray(array) if array.ndim else np.asarray(array)
        entry = self._entries.get((step, name)) or self._add(step, name, source)
        if entry.shape != source.shape or entry.dtype != source.dtype:
            raise ValueError(f"staged '{name}' changed from {entry.shape} to {source.shape}")
        if entry.host is not None:
            entry.host[...] = source
            self._changed = True
        else:
            assert self._rows is not None
            self._rows.send(source, self._buffers[step][name])

    def send(self) -> None:
        """Bring what was staged to the device."""
        if self._changed and self._rows is not None:
            self._rows.send(self._small, self._block)
        self._changed = False

    def _add(self, step: int, name: str, source: np.ndarray) -> _Entry:
        self.grown += 1
        entry = self._entries[step, name] = _Entry(source.shape, source.dtype, None)
        if self._rows is not None and source.nbytes >= LARGE:
            like = torch.from_numpy(source)
            self._buffers.setdefault(step, {})[name] = torch.empty(like.shape, dtype=like.dtype, device=self.device)
            return entry
        entry.place = -(-self._small.size // _ALIGNMENT) * _ALIGNMENT
        self._grow(entry.place + source.nbytes)
        return entry

    def _grow(self, size: int) -> None:
        small = np.zeros(size, np.uint8)
        small[: self._small.size] = self._small
        self._small = small
        self._block = torch.from_numpy(small) if self._rows is None else torch.zeros(
            size, dtype=torch.uint8, device=self.device
        )  # fmt: skip
        for (step, name), entry in self._entries.items():
            if entry.place is None:
                continue
            count = int(np.prod(entry.shape, dtype=np.int64)) * entry.dtype.itemsize
            part = slice(entry.place, entry.place + count)
            entry.host = small[part].view(entry.dtype).reshape(entry.shape)
            dtype = torch.from_numpy(np.empty(0, entry.dtype)).dtype
            self._buffers.setdefault(step, {})[name] = self._block[part].view(dtype).reshape(entry.shape)
