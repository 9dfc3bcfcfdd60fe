"""Dense layers for a single row, and what modulation makes of its styles, in Triton."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _dense(x, x_rows, weight, bias, out, inputs, outputs, x_stride, out_stride,
           BO: tl.constexpr, BI: tl.constexpr):  # fmt: skip
    layer = tl.program_id(0)
    o = tl.program_id(1) * BO + tl.arange(0, BO)
    row = tl.load(x_rows + layer)
    acc = tl.zeros((BO,), tl.float32)
    for k in range(0, inputs, BI):
        i = k + tl.arange(0, BI)
        a = tl.load(x + row * x_stride + i, mask=i < inputs, other=0.0)
        there = (o < outputs)[:, None] & (i < inputs)[None, :]
        b = tl.load(weight + (layer * outputs + o[:, None]).to(tl.int64) * inputs + i[None, :], mask=there, other=0.0)
        acc += tl.sum(a[None, :] * b.to(tl.float32), 1)
    acc += tl.load(bias + layer * outputs + o, mask=o < outputs, other=0.0)
    tl.store(out + layer * out_stride + o, acc, mask=o < outputs)


def dense(x: Tensor, rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """out[l] = weight[l] · x[rows[l]] + bias[l].

    x [n, I] float32, rows [L] int32, weight [L, O, I] half or float32, bias [L, O] -> [L, O] float32.
    """
    layers, outputs, inputs = weight.shape
    out = torch.empty(layers, outputs, dtype=torch.float32, device=x.device)
    block = 8 if layers * outputs < 8192 else 16
    _dense[(layers, triton.cdiv(outputs, block))](
        x, rows, weight, bias, out, inputs, outputs, x.stride(0), outputs,
        BO=block, BI=min(512, triton.next_power_of_2(inputs)), num_warps=4,
    )  # fmt: skip
    return out


@triton.jit(do_not_specialize=["first", "known"])
def _modulate(styles, energy, norms, factor, unit, gain, inputs, outputs, first, known, epsilon,
              WIDE: tl.constexpr, BO: tl.constexpr, NORMALISE: tl.constexpr):  # fmt: skip
    layer = first + tl.program_id(0)
    i = tl.arange(0, WIDE)
    s = tl.load(styles + layer * inputs + i, mask=i < inputs, other=0.0)
    # A style that is not finite, as extreme bends make, would be one everywhere in the picture.
    s = tl.where(tl.abs(s) < 1e18, s, 0.0)
    most = tl.maximum(tl.max(tl.abs(s), 0), 1e-18)
    s = s / most
    if (first == 0) & (tl.program_id(1) == 0):
        tl.store(unit + layer * inputs + i, s, mask=i < inputs)
    if layer >= known:
        return
    o = tl.program_id(1) * BO + tl.arange(0, BO)
    there = (o < outputs)[:, None] & (i < inputs)[None, :]
    e = tl.load(energy + (layer * outputs + o[:, None]).to(tl.int64) * inputs + i[None, :], mask=there, other=0.0)
    power = tl.sum(e.to(tl.float32) * (s * s)[None, :], 1)
    norm = tl.load(norms + layer * outputs + o, mask=o < outputs, other=1.0)
    if NORMALISE:
        # The style's own root mean square takes the place of its largest number.
        most = tl.sqrt(tl.load(factor + layer * 2 + 1) / tl.maximum(tl.sum(s * s, 0), 1e-30))
    scale = most * norm
    g = tl.load(factor + layer * 2) * tl.rsqrt(power + epsilon / (scale * scale))
    # No weights, no gain: what stands there is padding, and must stay zero.
    tl.store(gain + layer * outputs + o, tl.where(power > 0, g, 0.0), mask=o < outputs)


def modulate(
    styles: Tensor,
    energy: Tensor,
    norms: Tensor,
    factor: Tensor,
    *,
    epsilon: float = 1e-8,
    normalise: bool = False,
    known: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Styles for half precision, and the gains that make up for it and demodulate.

    styles [L, I]; energy [L, O, I]: Σ over taps of W² for weights of norm 1 per output; norms [L, O]: their norms
    before; factor [L, 2]: what the gain is multiplied by, and the number of inputs a layer really has.
    normalise: StyleGAN3, where styles are divided by their root mean square before anything else. known: of how many
    layers the weights are known (None: of all); `gains_of` makes the others' gains.
    -> unit [L, I]: each row's largest number is ±1; gain [L, O].
    """
    layers, outputs, _ = energy.shape
    unit, gain = torch.empty_like(styles), torch.empty(layers, outputs, dtype=torch.float32, device=styles.device)
    given = (styles, energy, norms, factor, unit, gain)
    _launch(*given, (0, layers), layers if known is None else known, epsilon, normalise)
    return unit, gain


def gains_of(
    layers: tuple[int, int],
    gain: Tensor,
    styles: Tensor,
    energy: Tensor,
    norms: Tensor,
    factor: Tensor,
    *,
    epsilon: float = 1e-8,
    normalise: bool = False,
) -> None:
    """As `modulate`, the gains alone, of layers[0] up to layers[1], which is more, into `gain`."""
    _launch(styles, energy, norms, factor, styles, gain, layers, layers[1], epsilon, normalise)


def _launch(
    styles: Tensor, energy: Tensor, norms: Tensor, factor: Tensor, unit: Tensor, gain: Tensor, layers: tuple[int, int],
    known: int, epsilon: float, normalise: bool,
) -> None:  # fmt: skip
    _, outputs, inputs = energy.shape
    first, end = layers
    block = 16
    _modulate[(end - first, triton.cdiv(outputs, block))](
        styles, energy, norms, factor, unit, gain, inputs, outputs, first, known, epsilon,
        WIDE=triton.next_power_of_2(inputs), BO=block, NORMALISE=normalise, num_warps=4,
    )  # fmt: skip
