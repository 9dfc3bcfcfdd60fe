"""Many tensors copied at once, scaled, and drawn towards others on the way.

A kernel takes a microsecond or two however few numbers it changes, and a network has hundreds of small tensors.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganzfeld.kernels.cuda.compiler import available, defines, kernel

SOURCE = Path(__file__).parent / "cuda" / "copies.cu"
THREADS = 256
PIECE = 4096
"""Numbers a block."""


@dataclass(frozen=True, slots=True)
class Copy:
    """out = clamp(scale · lerp(x, other, amount), ±limit). x and other float32, out float32 or half precision; all of
    one shape and contiguous. number: which of the amounts, if there are several."""

    x: Tensor
    out: Tensor
    scale: float = 1.0
    limit: float | None = None
    other: Tensor | None = None
    number: int = 0

    @property
    def flat(self) -> bool:
        """Whether memory lies as it must."""
        given = [self.x, *([self.other] if self.other is not None else [])]
        return all(each.dtype == torch.float32 and each.is_contiguous() for each in given) and (
            self.out.is_contiguous() and self.out.dtype in (torch.float32, torch.float16)
        )


class Copies:
    """A list of copies, to be made again and again."""

    def __init__(self, copies: Sequence[Copy]) -> None:
        """All on one device. Making it waits for the device: not for a capture."""
        self.copies = tuple(copies)
        self._table: Tensor | None = None
        self._pieces: Tensor | None = None
        device = self.copies[0].x.device
        if available(device):
            self._table = torch.from_numpy(table(self.copies)).to(device)
            self._pieces = torch.from_numpy(pieces(self.copies)).to(device)

    def make(self, amount: Tensor | None = None) -> None:
        """Make them all. amount: float32, on the device, if any has an `other`: 0-d, or [≥ every copy's number]."""
        if self._table is None or self._pieces is None:
            for copy in self.copies:
                own = amount if amount is None or not amount.dim() else amount[copy.number]
                x = copy.x if copy.other is None or own is None else torch.lerp(copy.x, copy.other, own)
                x = x if copy.scale == 1 else x * copy.scale
                copy.out.copy_(x if copy.limit is None else x.clamp(-copy.limit, copy.limit))
            return
        run = kernel(SOURCE, "copies", defines({"THREADS": THREADS}), self._table.device)
        stride = amount.stride(0) if amount is not None and amount.dim() else 0
        run.launch((len(self._pieces), 1), THREADS, [self._table, self._pieces, amount, stride])


def table(copies: Sequence[Copy]) -> np.ndarray:
    """The kernel's `Copy` of each, as bytes."""
    rows = [
        struct.pack(
            "3Q2f3i4x", copy.x.data_ptr(), 0 if copy.other is None else copy.other.data_ptr(), copy.out.data_ptr(),
            copy.scale, copy.limit or 0.0, copy.x.numel(), int(copy.out.dtype == torch.float16), copy.number,
        )
        for copy in copies
    ]  # fmt: skip
    return np.frombuffer(b"".join(rows), np.uint8).copy()


def pieces(copies: Sequence[Copy]) -> np.ndarray:
    """The kernel's `Piece`s, int32 [pieces, 4]."""
    found = [
        (place, start, min(start + PIECE, copy.x.numel()), 0)
        for place, copy in enumerate(copies)
        for start in range(0, copy.x.numel(), PIECE)
    ]
    return np.array(found, np.int32).reshape(-1, 4)
