"""Every kernel of ours compiled for a card that need not be there, and what each takes (for `cards.py kernels`).

    python benchmarks/card_kernels.py CARD [NVRTC'S FOLDER]     # a line of JSON for each kernel

Without a folder those in Triton's language, with one those in CUDA C++.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ganzfeld.process.pretended_card import Card, instead, pretend

HEAVY = 64
"""Bytes that a thread spills before anybody should look: sixteen registers."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What one kernel takes. registers, stack (bytes of it that lie in far memory: what spills, and the tables of sine
    and cosine): of a thread; shared: bytes of a block. problem: why it is not there."""

    name: str
    warps: int = 0
    registers: int = 0
    stack: int = 0
    shared: int = 0
    problem: str = ""

    def fits(self, room: int) -> bool:
        """Whether it is there, in so many bytes of shared memory."""
        return not self.problem and self.shared <= room

    def __str__(self) -> str:
        taken = f"{self.warps} warps, {self.registers} registers, {self.stack} B of stack, {self.shared} B shared"
        return f"{self.name}: {self.problem or taken}"


def card_of(text: str) -> Card:
    """Of "8.6/28"."""
    capability, _, processors = text.partition("/")
    major, _, minor = capability.partition(".")
    return Card(int(major), int(minor), int(processors))


def used(binary: bytes) -> tuple[int, int, int]:
    """Registers and stack of a thread, shared memory that the source sets aside: as NVIDIA's own program says."""
    import triton.knobs

    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(binary)
        file.flush()
        command = [triton.knobs.nvidia.cuobjdump.path, "--dump-resource-usage", file.name]
        words = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"REG:(\d+) STACK:(\d+) SHARED:(\d+)", words)
    if found is None:
        raise RuntimeError(f"nothing about registers in {words!r}")
    return int(found[1]), int(found[2]), int(found[3])


def constants(kernel: Any) -> str:
    """A kernel's name, with the constants it was compiled with."""
    names = kernel.src.fn.arg_names
    known = {names[place[0]]: value for place, value in kernel.src.constants.items() if names[place[0]].isupper()}
    return f"{kernel.metadata.name.strip('_')}({', '.join(f'{name}={value}' for name, value in known.items())})"


def tiles(card: Card) -> Iterator[Callable[[], object]]:
    """Every tile that a convolution of a StyleGAN2 can be cut into on this card: whatever the network, and the size of
    its picture."""
    import torch

    from ganzfeld.kernels.generator_layer import Activation, ActivationLayout, Colours
    from ganzfeld.kernels.triton import convolution
    from ganzfeld.networks.gpu.parts import tile_for

    device = torch.device("meta")
    sizes = [2**power for power in range(4, 10)]
    seen: set[object] = set()

    def launch(x: torch.Tensor, outputs: int, up: int, tile: convolution.Tile, painted: bool) -> None:
        side = int(x.shape[0] ** 0.5) - 1
        field, channels = ActivationLayout(side, side, side + 1), outputs // up**2
        new, pixels = partial(torch.empty, device=device), (up * side) ** 2
        activation = Activation(
            new(up * side, up * side), new(32), 1, new(channels), new(channels), 256.0, new(channels),
            new((pixels + up * side) * channels, dtype=torch.float16), up * side + 1,
        )  # fmt: skip
        before, picture = new(3, side // 2, side // 2), new(3, side, side)
        colours = Colours(new(channels, 16), new(3), 256.0, before, new(4, 4), picture) if painted else None
        weight = new(outputs, 9, x.shape[1], dtype=torch.float16)
        convolution.layer(x, weight, field, activation, colours, up=up, tile=tile)

    for side, inputs, channels, up in itertools.product((4, 8, 16, 32, 64, 128, 256, 512, 2160), sizes, sizes, (1, 2)):
        outputs, positions = channels * up * up, side * (side + 1)
        tile = tile_for(positions, outputs, inputs, device)
        paints = up == 1 and tile.splits == 1 and tile.outputs == channels
        for painted in (False, True) if paints else (False,):
            known = (tile.splits > 1, tile.positions, tile.outputs, tile.inputs, tile.warps, up, channels, painted)
            if known not in seen:
                seen.add(known)
                x = torch.empty(positions, inputs, dtype=torch.float16, device=device)
                yield partial(launch, x, outputs, up, tile, painted)


def compiled_by_triton(card: Card) -> Iterator[Compiled]:
    """Every kernel of ours in Triton's language. This process only compiles from now on."""
    wanted = pretend(card)
    from ganzfeld.process.compile_work import work

    known: set[str] = set()
    for piece in itertools.chain(tiles(card), work()):
        try:
            piece()
        except Exception as error:
            yield Compiled(str(piece)[:300], problem=f"{type(error).__name__}: {str(error).strip()[:200]}")
        for kernel in wanted.take():
            if kernel.name.endswith(".cu"):
                continue
            try:
                compiled: Any = kernel.compile()
            except Exception as error:
                words = f"{type(error).__name__}: {str(error).strip()[:200]}"
                yield Compiled(f"{kernel.name.strip('_')}({kernel.compile})"[:300], problem=words)
                continue
            if compiled.hash not in known:
                known.add(compiled.hash)
                registers, stack, _ = used(compiled.asm["cubin"])
                meta = compiled.metadata
                yield Compiled(constants(compiled), meta.num_warps, registers, stack, meta.shared)


def compiled_by_nvrtc(card: Card, folder: Path) -> Iterator[Compiled]:
    """Every kernel of ours in CUDA C++, by the NVRTC that lies somewhere in this folder."""
    from ganzfeld.kernels.cuda import compiler

    [library, *_] = sorted(folder.rglob("libnvrtc.so*"))
    instead(compiler, _nvrtc=lambda: ctypes.CDLL(str(library)))
    known = (f"-arch={compiler.architecture_of(card.major, card.minor)}", "-std=c++17")
    for name, threads, shared, text, macros, options in sources(card):
        try:
            binary = compiler.compiled(text, [*known, *(f"-D{key}={value}" for key, value in macros.items()), *options])
        except compiler.KernelError as error:
            yield Compiled(name, problem=str(error)[:500])
            continue
        registers, stack, own = used(binary)
        yield Compiled(name, threads // 32, registers, stack, own + shared)


Source = tuple[str, int, int, str, dict[str, int], Sequence[str]]
"""A name, threads of a block, bytes of shared memory asked for at the launch, the text, its macros, more options."""


def sources(card: Card) -> Iterator[Source]:
    """What NVRTC compiles: each source with all macros that the papers' networks, the bends and noises give it."""
    import torch

    from ganzfeld.bending.base import WeightBend, bends
    from ganzfeld.kernels import copies
    from ganzfeld.kernels.card import blocks_coupled_by
    from ganzfeld.kernels.cuda import convolution, mapping, noise, streamed_filter, weights
    from ganzfeld.kernels.noise_coefficients import NOISE_TYPES

    def text(source: Path) -> str:
        return source.read_text(encoding="utf-8")

    coupled = blocks_coupled_by(card.major)
    for width in (512, 1024):
        layers = [(torch.empty(width, width, device="meta"), torch.empty(width, device="meta"))] * 8
        macros = mapping.macros(layers, coupled=coupled, processors=card.processors)
        yield f"mapping({width})", mapping.THREADS, 0, text(mapping.SOURCE), macros, ()
    yield "copies", copies.THREADS, 0, text(copies.SOURCE), {"THREADS": copies.THREADS}, ()
    for kind in NOISE_TYPES:
        yield f"noise({kind})", noise.THREADS, 0, text(noise.SOURCE), noise.macros(kind), noise.EXACT
    parts: dict[str, list[weights.Part]] = {"nothing": []}
    for word, bend in bends("weight").items():
        if isinstance(bend, WeightBend) and bend.cuda:
            some = torch.empty(())
            numbers = dict.fromkeys(bend.amounts, some)
            known = {"deviation": some, "noise": some, "order": some, "once": bend.once}
            parts[word] = [weights.Part((bend.cuda,), numbers, **known)]
    parts["all"] = list(itertools.chain(*parts.values()))[: weights.MOST_PARTS]
    room = 4 * (1024 * 9 + weights.THREADS // 32)  # of StyleGAN3-r's 1024 inputs, were they 3×3
    for (word, chain), size, polyphase, halved in itertools.product(
        parts.items(), (1, 3), (False, True), (False, True)
    ):
        if size == 3 or not polyphase:
            macros = weights.macros(size, len(chain), polyphase=polyphase, norms=True, halved=halved)
            source = text(weights.SOURCE).replace(weights.PARTS_HERE, weights.text_of(chain))
            name = f"weights({word}, {size}×{size}{', polyphase' * polyphase}{', halved' * halved})"
            yield name, weights.THREADS, room, source, macros, ()
    for macros in streams():
        name = f"streamed_filter({', '.join(f'{key}={value}' for key, value in macros.items())})"
        yield name, streamed_filter.THREADS, 0, text(streamed_filter.SOURCE), macros, ()
    if (card.major, card.minor) == (9, 0):
        for tile, up, channels in hopper_tiles(card):
            macros = tile.macros(up, channels)
            yield (
                f"convolution({tile}, up {up})",
                convolution.THREADS,
                tile.shared,
                text(convolution.SOURCE),
                macros,
                (),
            )


def streams() -> Iterator[dict[str, int]]:
    """The streamed filter's macros, for every layer of the papers' StyleGAN3s."""
    from ganzfeld.kernels.cuda.streamed_filter import StreamedFilter
    from ganzfeld.networks.reference.stylegan3 import designed_filter
    from ganzfeld.networks.stylegan3.config import StyleGAN3Config

    seen: list[dict[str, int]] = []
    for kind, side in itertools.product(("stylegan3-t", "stylegan3-r"), (256, 512, 1024)):
        for layer in StyleGAN3Config.design(kind, side).layers[:-1]:  # type: ignore[arg-type]
            up, down = designed_filter(layer, "up"), designed_filter(layer, "down")
            assert up is not None and down is not None
            low = (layer.padding[2], layer.padding[0])
            macros = StreamedFilter.design(up, down, up=layer.up, low=low, clamp=layer.clamp).macros
            if macros not in seen:
                seen.append(macros)
                yield macros


def hopper_tiles(card: Card) -> Iterator[tuple[Any, int, int]]:
    """Every tile of the Hopper convolution, with what it doubles and its channels."""
    from ganzfeld.kernels.cuda.convolution import tile_for_hopper
    from ganzfeld.kernels.generator_layer import ActivationLayout

    sizes, seen = [2**power for power in range(5, 10)], set()
    for side, inputs, channels, up in itertools.product((16, 32, 64, 128, 256, 512, 1024), sizes, sizes, (1, 2)):
        field = ActivationLayout(side, side, side)
        tile = tile_for_hopper(field, channels * up * up, channels, inputs, card.processors)
        if tile is not None and (tile, up, min(channels, 128)) not in seen:
            seen.add((tile, up, min(channels, 128)))
            yield tile, up, channels


def main(text: str, folder: str | None = None) -> None:
    card = card_of(text)
    for kernel in compiled_by_nvrtc(card, Path(folder)) if folder else compiled_by_triton(card):
        print(json.dumps(asdict(kernel)))


if __name__ == "__main__":
    main(*sys.argv[1:])
