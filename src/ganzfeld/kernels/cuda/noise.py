"""TouchDesigner's noise on a GPU in one launch; see noise.cu."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ganzfeld.kernels.cuda.compiler import amount_bytes, defines, kernel
from ganzfeld.kernels.noise_coefficients import dimensions_of, skew_factors

SOURCE = Path(__file__).with_suffix(".cu")
THREADS = 64
EXACT = ("-fmad=false",)
"""Products and sums are rounded one by one, as elsewhere."""
Value = float | Tensor


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a pixel goes: start + channel · channels + row · rows + column · columns numbers from the beginning."""

    start: int
    channels: int
    rows: int
    columns: int


def macros(kind: str) -> dict[str, int]:
    """Those of the source, for one of `NOISE_TYPES`."""
    return {"DIMENSIONS": 0 if kind == "random" else dimensions_of(kind), "SIMPLEX": int(kind.startswith("simplex"))}


def field_bytes(
    kind: str,
    size: tuple[int, int],
    spans: tuple[int, int],
    octaves: int,
    channels: int,
    layout: Layout,
    kernel_of: tuple[float, float],
    amounts: tuple[Value, ...],
) -> bytes:
    """The kernel's `Field`. size: (width, height); spans: the pixels that four units of x and of y take; kernel_of: a
    simplex corner's squared reach and its factor; amounts: harmonics, gain, amplitude, offset, exponent."""
    skew, unskew = skew_factors(dimensions_of(kind)) if kind.startswith("simplex") else (0.0, 0.0)
    packed = struct.pack(
        "4d8i2f", skew, unskew, *spans, *size, channels, octaves, layout.start, layout.channels, layout.rows,
        layout.columns, *kernel_of,
    )  # fmt: skip
    return packed + b"".join(map(amount_bytes, amounts))


def noise(
    coefficients: Tensor, tables: tuple[Tensor, Tensor], out: Tensor, field: bytes, kind: str, pixels: int
) -> Tensor:
    """Fill `out`. coefficients float64 [octaves + 1, channels, 4, 4]; tables: hashes and gradients."""
    run = kernel(SOURCE, "noise", defines(macros(kind)), out.device, options=EXACT)
    grid = (-(-pixels // THREADS), coefficients.shape[1])
    run.launch(grid, THREADS, [coefficients, *tables, out, field])
    return out
