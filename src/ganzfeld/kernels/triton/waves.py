"""The Fourier features that a StyleGAN3 starts from, in Triton: sine waves over the plane, moved as w and a hand say.

Karras et al. 2021, section 3.2 and appendix. The reference is `networks.reference.stylegan3.FourierFeatures`.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _waves(
    motion, transform, freqs, phases, out, width, positions, channels, x0, y0, spacing, rate, band,
    BM: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    # The learnt motion: cos and sin of a turn, then a shift; before it, the transform from outside.
    c, s = tl.load(motion), tl.load(motion + 1)
    length = tl.sqrt(c * c + s * s)
    c, s = c / length, s / length
    shift_x, shift_y = tl.load(motion + 2) / length, tl.load(motion + 3) / length
    # Row by row: (rotation · translation) · transform, of which the last row is not needed.
    x_less = -(c * shift_x - s * shift_y)
    y_less = -(s * shift_x + c * shift_y)
    t00, t01, t02 = tl.load(transform), tl.load(transform + 1), tl.load(transform + 2)
    t10, t11, t12 = tl.load(transform + 3), tl.load(transform + 4), tl.load(transform + 5)
    t20, t21, t22 = tl.load(transform + 6), tl.load(transform + 7), tl.load(transform + 8)
    m00, m01, m02 = c * t00 - s * t10 + x_less * t20, c * t01 - s * t11 + x_less * t21, c * t02 - s * t12 + x_less * t22
    m10, m11, m12 = s * t00 + c * t10 + y_less * t20, s * t01 + c * t11 + y_less * t21, s * t02 + c * t12 + y_less * t22

    k = tl.program_id(1) * BC + tl.arange(0, BC)
    fx = tl.load(freqs + 2 * k, mask=k < channels, other=0.0)
    fy = tl.load(freqs + 2 * k + 1, mask=k < channels, other=0.0)
    phase = tl.load(phases + k, mask=k < channels, other=0.0) + fx * m02 + fy * m12
    gx, gy = fx * m00 + fy * m10, fx * m01 + fy * m11
    # Frequencies that the transform pushes past the band fade out.
    amplitude = 1 - (tl.sqrt(gx * gx + gy * gy) - band) / (rate / 2 - band)
    amplitude = tl.minimum(tl.maximum(amplitude, 0.0), 1.0)

    m = tl.program_id(0) * BM + tl.arange(0, BM)
    x, y = x0 + (m % width) * spacing, y0 + (m // width) * spacing
    turns = x[:, None] * gx[None, :] + y[:, None] * gy[None, :] + phase[None, :]
    turns = turns - tl.floor(turns)
    wave = tl.sin(turns * 6.283185307179586) * amplitude[None, :]
    mask = (m < positions)[:, None] & (k < channels)[None, :]
    tl.store(out + m[:, None] * channels + k[None, :], wave.to(tl.float16), mask=mask)


def waves(
    motion: Tensor, transform: Tensor, freqs: Tensor, phases: Tensor, size: tuple[int, int], rate: float, band: float
) -> Tensor:
    """Sine waves [height · width, C] in half precision.

    motion [4]: what the input's affine layer says of w; transform [3, 3]; freqs [C, 2] in waves a picture; phases [C]
    in turns; size: (height, width), `rate` samples a picture; band: frequencies above it fade out.
    """
    (height, width), channels = size, len(phases)
    out = torch.empty(height * width, channels, dtype=torch.float16, device=freqs.device)
    _waves[(triton.cdiv(height * width, 32), triton.cdiv(channels, 64))](
        motion, transform, freqs, phases, out, width, height * width, channels,
        (0.5 - width / 2) / rate, (0.5 - height / 2) / rate, 1 / rate, float(rate), float(band), BM=32, BC=64,
    )  # fmt: skip
    return out
