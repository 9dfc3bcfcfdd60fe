"""A convolution's weight to what the GPU paths multiply with, bent and blended on the way; see weights.cu."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from ganzfeld.kernels.cuda.compiler import defines, kernel

SOURCE = Path(__file__).with_suffix(".cu")
THREADS = 128
MOST_NUMBERS = 8
MOST_PARTS = 12
PARTS_HERE = "//PARTS_HERE"


@dataclass(frozen=True, slots=True)
class Halved:
    """A weight that is half as much to read: numbers [O, I, k, k] in half precision, times unit, 0-d float32."""

    numbers: Tensor
    unit: Tensor

    @classmethod
    def of(cls, weight: Tensor, unit: Tensor) -> Halved:
        """`unit`: about as large as the weight's numbers are."""
        unit = unit.clamp(1e-30, 1e18)
        return cls((weight / unit).clamp(-6e4, 6e4).half().contiguous(), unit)


@dataclass(frozen=True, slots=True)
class Part:
    """One line that bends or blends a weight.

    expressions: C++ for the new number, one after the other, of x, the names of `numbers`, and what it needs of
    `noise`, `difference`, `other`, `deviation`, `o` (which output), `outputs` (of how many), `order[o]`, and, in the
    first part only, `row(o)` and `row.around(o)`: the number in this one's place in another output. numbers: one, or
    one for each output. other, noise (in half precision), and difference: as large as the weight; order int64 [O];
    deviation 0-d; outputs [O] and inputs [I]: how much of what the part does each gets. once: more names that
    expressions may use, and what they are, of numbers and `deviation`.
    """

    expressions: tuple[str, ...]
    numbers: Mapping[str, Tensor]
    other: Tensor | None = None
    deviation: Tensor | None = None
    outputs: Tensor | None = None
    inputs: Tensor | None = None
    noise: Tensor | None = None
    order: Tensor | None = None
    once: Mapping[str, str] = field(default_factory=dict)
    difference: Halved | None = None


def text_of(parts: Sequence[Part]) -> str:
    """The C++ that stands in the source: `Once`, `once` and `bend`."""
    known = []
    for part in parts:
        numbers = {name: f"number(part, {k}, o)" for k, name in enumerate(part.numbers)}
        deviation = {} if part.deviation is None else {"deviation": "known(part.deviation)"}
        unit = {} if part.difference is None else {"unit": "known(part.deviation)"}
        known.append({**numbers, **deviation, **unit, **part.once})
    fields = "".join(f" float {name}_{place};" for place, names in enumerate(known) for name in names)
    lines = [f"struct Once {{{fields} }};", "F Once once(const Chain &chain, int o) {", "    Once all;"]
    for place, names in enumerate(known):
        lines += ["    {", f"        const Part &part = chain.parts[{place}];"]
        for name, what in names.items():
            lines += [f"        const float {name} = {what};", f"        all.{name}_{place} = {name};"]
        lines += ["    }"]
    lines += ["    return all;", "}"]
    arguments = "float &x, const Chain &chain, const Once &once, const Rows &row, int o, int i, long long at"
    lines += [f"F void bend({arguments}) {{", "    const int outputs = row.outputs;"]
    for place, (part, names) in enumerate(zip(parts, known)):
        lines += ["    {", f"        const Part &part = chain.parts[{place}];", "        const float before = x;"]
        lines += [f"        const float {name} = once.{name}_{place};" for name in names]
        if part.other is not None:
            lines += ["        const float other = known(part.other + at);"]
        if part.noise is not None:
            lines += ["        const float noise = half_of(part.half[at]);"]
        if part.difference is not None:
            lines += ["        const float difference = half_of(part.half[at]) * unit;"]
        if part.order is not None:
            lines += ["        const long long *order = part.order;"]
        lines += [f"        x = {expression};" for expression in part.expressions]
        lines += ["        x = masked(before, x, part, o, i);", "    }"]
    return "\n".join([*lines, "}", ""])


def chain_bytes(parts: Sequence[Part]) -> bytes:
    """The kernel's `Chain`."""
    packed = b""
    for part in parts:
        numbers = [(number.data_ptr(), int(number.numel() > 1)) for number in part.numbers.values()]
        numbers += [(0, 0)] * (MOST_NUMBERS - len(numbers))
        deviation, half = part.deviation, part.noise
        if part.difference is not None:
            deviation, half = part.difference.unit, part.difference.numbers
        others = (part.other, deviation, part.outputs, part.inputs, half, part.order)
        places = [0 if other is None else other.data_ptr() for other in others]
        packed += struct.pack(f"{2 * MOST_NUMBERS + 6}Q", *[field for pair in numbers for field in pair], *places)
    return packed or bytes(8 * (2 * MOST_NUMBERS + 6))


def macros(kernel_size: int, parts: int, *, polyphase: bool, norms: bool, halved: bool = False) -> dict[str, int]:
    """Those of the source."""
    return {
        "KERNEL": kernel_size, "POLYPHASE": int(polyphase), "NORMS": int(norms), "PARTS": parts, "THREADS": THREADS,
        "MOST_NUMBERS": MOST_NUMBERS, "HALVED": int(halved),
    }  # fmt: skip


def sizes_bytes(out: Tensor, energy: Tensor, inputs: int) -> bytes:
    """The kernel's `Sizes`."""
    *phases, output_stride, tap_stride, _ = out.stride()
    return struct.pack("5i", inputs, output_stride, tap_stride, phases[0] if phases else 0, energy.stride(0))


def derive(
    out: Tensor,
    energy: Tensor,
    norms: Tensor | None,
    weight: Tensor | Halved,
    taps: Tensor | None = None,
    parts: Sequence[Part] = (),
) -> None:
    """As `kernels.derived_weight.derive`, of the weight after these parts, which are done in their order."""
    numbers, unit = (weight.numbers, weight.unit) if isinstance(weight, Halved) else (weight.contiguous(), None)
    outputs, inputs, size, _ = numbers.shape
    shared = 4 * (inputs * size * size + THREADS // 32)
    macro = macros(size, len(parts), polyphase=taps is not None, norms=norms is not None, halved=unit is not None)
    run = kernel(SOURCE, "derive", defines(macro), numbers.device, shared, insert=(PARTS_HERE, text_of(parts)))
    run.launch(
        (outputs, 1), THREADS,
        [numbers, unit, taps, out, energy, norms,
         sizes_bytes(out, energy, inputs), chain_bytes(parts)],
    )  # fmt: skip
