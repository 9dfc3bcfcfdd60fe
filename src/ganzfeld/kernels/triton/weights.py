"""From a convolution's weight, as the file holds it or a bend made it, to what the GPU paths multiply with (Triton).

One pass over the weight, because a bent weight is derived again on every frame: half precision of norm 1 per output,
inputs last; the norms; the energies for demodulation; and for an upsampling layer the four phases of its picture.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _derive(
    weight, taps, out, energy, norms, inputs, output_stride, tap_stride, phase_stride, energy_stride,
    KERNEL: tl.constexpr, POLYPHASE: tl.constexpr, NORMS: tl.constexpr, BI: tl.constexpr,
):  # fmt: skip
    o = tl.program_id(0)
    i = tl.arange(0, BI)
    known = i < inputs
    at = weight + o.to(tl.int64) * inputs * KERNEL * KERNEL + i * KERNEL * KERNEL
    power = tl.zeros((BI,), tl.float32)
    values = ()
    for k in tl.static_range(KERNEL * KERNEL):
        value = tl.load(at + k, mask=known, other=0.0)
        power += value * value
        values = values + (value,)  # noqa: RUF005 - Triton's tuples
    norm = tl.sqrt(tl.sum(power, 0))
    scale = 1 / tl.maximum(norm, 1e-30)
    tl.store(energy + o * energy_stride + i, (power * scale * scale).to(tl.float16), mask=known)
    if NORMS:
        tl.store(norms + o, norm)
    to = out + o.to(tl.int64) * output_stride + i
    if POLYPHASE:
        # Pixel 2·j + a has from input j + d − 1 the weights W[k] times the flipped tap 2·d + k − a − 1.
        for a in tl.static_range(2):
            for b in tl.static_range(2):
                for y in tl.static_range(3):
                    for x in tl.static_range(3):
                        acc = tl.zeros((BI,), tl.float32)
                        for ky in tl.static_range(3):
                            for kx in tl.static_range(3):
                                if (
                                    (2 * y + ky > a)
                                    and (2 * y + ky < a + 5)
                                    and (2 * x + kx > b)
                                    and (2 * x + kx < b + 5)
                                ):
                                    tap = tl.load(taps + (4 + a - 2 * y - ky) * 4 + 4 + b - 2 * x - kx)
                                    acc += 4 * tap * values[ky * 3 + kx]
                        place = to + (2 * a + b) * phase_stride + (y * 3 + x) * tap_stride
                        tl.store(place, (acc * scale).to(tl.float16), mask=known)
    else:
        for k in tl.static_range(KERNEL * KERNEL):
            tl.store(to + k * tap_stride, (values[k] * scale).to(tl.float16), mask=known)


def derive(out: Tensor, energy: Tensor, norms: Tensor | None, weight: Tensor, taps: Tensor | None = None) -> None:
    """Fill `out`, `energy` and `norms` (None: not wanted) from weight [O, I, k, k] float32.

    out [O, k², ≥ I] half precision, or with `taps` [4, 4] (the upsampling filter; k is 3 then) [4, O, 9, I]: a
    transposed convolution to twice the size, then the filter, times 4, as one convolution for each phase 2·a + b of
    the pixels at 2·y + a, 2·x + b. energy [O, ≥ I] half precision: Σ W² over taps, sum 1; norms [O] float32.
    """
    outputs, inputs, kernel, _ = weight.shape
    *phases, output_stride, tap_stride, _ = out.stride()
    _derive[(outputs,)](
        weight, weight if taps is None else taps, out, energy, energy if norms is None else norms,
        inputs, output_stride, tap_stride, phases[0] if phases else 0, energy.stride(0),
        KERNEL=kernel, POLYPHASE=taps is not None, NORMS=norms is not None, BI=triton.next_power_of_2(inputs),
        num_warps=4,
    )  # fmt: skip
