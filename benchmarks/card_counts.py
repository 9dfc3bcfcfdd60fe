"""What a network's frame is made of, and how long that takes a card by its published figures (`cards.py expected`).

A frame is a row of steps, each a kernel or a few: products on tensor cores, walks of the streamed filter, bytes. A step
takes as long as the slowest of the three, and what a launch takes at least.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ganzfeld.kernels.cuda.streamed_filter import BLOCKS, OUTPUTS, THREADS, chunk_rows
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.networks.wide import Wide, wide

Config = StyleGAN2Config | StyleGAN3Config
Size = tuple[int, int]
"""(width, height) in pixels."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A card's published figures. products: TFLOP/s of dense half-precision products summed in float32; lanes: pairs of
    halves that a processor multiplies and adds in a cycle, outside its tensor cores; bandwidth: GB/s; memory: GB.
    wgmma: it has the Hopper generation's products, so our own convolution."""

    name: str
    processors: int
    gigahertz: float
    products: float
    lanes: int
    bandwidth: float
    memory: float
    wgmma: bool = False


H200 = Chip("H200", 132, 1.83, 989, 128, 4800, 141, wgmma=True)
H100 = Chip("H100 by Triton", 132, 1.83, 989, 128, 3350, 80)
CHIPS = (
    Chip("RTX 4060 laptop", 24, 2.0, 24.6, 64, 256, 8),
    Chip("RTX 3060", 28, 1.78, 25.5, 64, 360, 12),
    Chip("RTX 3090", 82, 1.70, 71.2, 64, 936, 24),
    Chip("RTX 4090", 128, 2.52, 165.2, 64, 1008, 24),
    Chip("RTX 5090", 170, 2.41, 209.5, 64, 1792, 32),
    Chip("A100 40 GB", 108, 1.41, 312, 128, 1555, 40),
)
"""From NVIDIA's own papers on GA100, GA102, AD102, GH100 and GB202, and its product pages. Cards for the desk sum in
float32 at half the rate that is advertised. The laptop's clock depends on what power its maker allows (1.47 to 2.37
GHz): 2.0 is taken."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of a card's figures comes true. wgmma, own, cudnn: of its products, by our convolution for Hopper, by
    Triton's, by cuDNN at StyleGAN3's channels; walks: of the cycles of the streamed filter; bytes: of the bandwidth.
    cache: bytes a cycle that reach a processor from the cache that all share. launch, frame: seconds of each step, and
    of each frame, whatever the card."""

    wgmma: float
    own: float
    cudnn: float
    walks: float
    bytes: float
    cache: float
    launch: float = 3.5e-6
    frame: float = 40e-6


MEASURED = Shares(wgmma=0.55, own=0.6, cudnn=0.5, walks=0.48, bytes=0.75, cache=18.5)
BEST = Shares(wgmma=0.7, own=0.85, cudnn=0.8, walks=0.8, bytes=0.9, cache=40)
TILE = 64
"""Operations for each byte that a tile of 128 × 128 fetches."""
BEGINNING = 8
"""Rows' worth of work before a walk's first output, as `chunk_rows` has it."""


@dataclass(frozen=True, slots=True)
class Step:
    """bytes: read and written; operations: of products, two for each; walks: (outputs high, wide, channels, upsampling,
    separable parts) of the streamed filter; kept: bytes of what it multiplies with; held: bytes of the activations that
    it reads and writes."""

    name: str
    bytes: float
    operations: float = 0
    walks: tuple[int, int, int, int, int] | None = None
    kept: int = 0
    held: int = 0

    def seconds(self, chip: Chip, shares: Shares, *, cudnn: bool) -> float:
        """How long it takes."""
        times = [self.bytes / (1e9 * chip.bandwidth * shares.bytes)]
        products = 1e12 * chip.products
        if cudnn:
            times.append(self.operations / (products * shares.cudnn))
        elif chip.wgmma:
            times.append(self.operations / (products * shares.wgmma))
        else:
            reaches = TILE * shares.cache * chip.processors * 1e9 * chip.gigahertz
            times.append(self.operations / min(products * shares.own, reaches))
        if self.walks:
            times.append(walked(chip, *self.walks) / (1e9 * chip.gigahertz * shares.walks))
        return max(times) + shares.launch


def walked(chip: Chip, height: int, width: int, channels: int, up: int, parts: int) -> float:
    """Cycles that the streamed filter's walks take if nothing is ever waited for."""
    pairs, at_once = channels // 2, BLOCKS * chip.processors
    across = math.ceil(math.ceil(width / OUTPUTS) * pairs / THREADS)
    chunk = chunk_rows(across, height, at_once)
    turns = math.ceil(across * math.ceil(height / chunk) / at_once)
    # Of a row of outputs, counted in streamed_filter.cu: up, the leaky ReLU, and down by each part.
    instructions = 2 * ((348 if up == 2 else 312) + 144 * parts)
    return turns * (chunk + BEGINNING) * instructions * BLOCKS * THREADS / chip.lanes


def steps(config: Config, size: Size | None = None) -> list[Step]:
    """A frame of a patch that shows this network, in the size of its own picture or of another."""
    field = None if size is None else wide(config, size)
    made = of_stylegan2(config, field) if isinstance(config, StyleGAN2Config) else of_stylegan3(config, field)
    return [*made, *around(config, picture_of(config, field))]


def side(config: Config, name: str, field: Wide | None) -> tuple[int, int]:
    """(height, width) of a layer's activation."""
    spec = config.specs[name]
    own = (spec.height, spec.width)
    return own if field is None else field.side(own, spec.scale)


def picture_of(config: Config, field: Wide | None) -> int:
    """Pixels of the picture that the network makes, before it is cropped."""
    height, width = side(config, list(config.specs)[-1], field)
    return height * width


def around(config: Config, pixels: int) -> Iterator[Step]:
    """What is left of a frame: mapping, styles, demodulation, and the picture through a node to bytes."""
    layers, widest = config.num_ws, max(spec.channels for spec in config.specs.values())
    yield Step("mapping", 4 * config.w_dim**2 * len(config.mapping_features))
    yield Step("styles", 2 * layers * widest * config.w_dim)
    yield Step("demodulation", 2 * layers * widest**2)
    # To RGBA in float32 (12 read, 16 written), a node (16, 16), to bytes (16, 4).
    moved = (12 + 16 + 16 + 16 + 16 + 4) * pixels
    yield Step("picture", moved, held=moved)


def of_stylegan2(config: StyleGAN2Config, field: Wide | None) -> Iterator[Step]:
    """Its convolutions and its ways to RGB."""
    before = 0
    for block, channels in zip(config.blocks, map(power_of_two, config.channels)):
        height, width = side(config, f"b{block}", field)
        pixels = height * width
        for up, inputs in ((2, before), (1, channels)) if before else ((1, channels),):
            read, weight = pixels // up**2, 9 * inputs * channels
            small = up == 2 and max(config.block_size(block)) <= min(32, max(config.size) // 8)
            fused = up == 1 and channels <= 128 and block > 16
            kept = 2 * weight * (4 if up == 2 and not small else 1)
            held = 2 * inputs * read + 2 * channels * pixels * (2 if up == 1 and not fused else 1)
            held += 36 * channels * read * small  # nine products, summed afterwards
            moved = kept + held + 36 * channels * read * small + 4 * pixels
            yield Step(f"b{block}.conv{2 - up}", moved, 2 * weight * (read if small else pixels), None, kept, held)
            if up == 1:
                yield Step(f"b{block}.torgb", (15 if fused else 15 + 2 * channels) * pixels)
        before = channels


def of_stylegan3(config: StyleGAN3Config, field: Wide | None) -> Iterator[Step]:
    """Its convolutions, its filters and its way to RGB."""
    height, width = side(config, "input", field)
    yield Step("input", 3 * 2 * config.input.channels * height * width, 2 * config.input.channels**2 * height * width)
    for layer in config.layers:
        inputs, outputs = eights(layer.in_channels), eights(layer.out_channels)
        read = height * width
        height, width = side(config, layer.name, field)
        if layer.torgb:
            yield Step(layer.name, (2 * inputs + 12) * height * width)
            continue
        # All that a convolution touches is kept, a border wider than its input; 3 of 1000 at these sizes.
        taps = layer.kernel**2
        kept, held = 2 * taps * inputs * outputs, 2 * (inputs + outputs) * read
        # Its tiles are of 64 inputs and of 64 or 128 outputs, filled or not.
        whole = (-(-inputs // 64) * 64) * (-(-outputs // 128) * 128 if outputs > 64 else 64)
        yield Step(layer.name, kept + held, 2 * taps * whole * read, None, kept, held)
        walks = (height, width, outputs, layer.up, 1 if len(layer.down_taps) == 1 else 2)
        moved = 2 * outputs * (read + height * width)
        yield Step(f"{layer.name}, filter", moved, walks=walks, held=moved)


def power_of_two(channels: int) -> int:
    """StyleGAN2's padding."""
    return max(16, 1 << (channels - 1).bit_length())


def eights(channels: int) -> int:
    """StyleGAN3's padding."""
    return -(-channels // 8) * 8


def milliseconds(config: Config, chip: Chip, shares: Shares, size: Size | None = None) -> float:
    """A frame."""
    cudnn = isinstance(config, StyleGAN3Config)
    return 1e3 * (shares.frame + sum(step.seconds(chip, shares, cudnn=cudnn) for step in steps(config, size)))


def enlarged(pixels: int, size: Size) -> float:
    """Bytes that an output of another size moves: so many pixels of the network's, square, shown whole with bars beside
    them, in float32 RGBA."""
    inner, whole = min(size) ** 2, size[0] * size[1]
    # Read and enlarged, the bars made, laid between them, to bytes, and copied to the host.
    return 16 * (pixels + inner) + 16 * whole + 32 * inner + 20 * whole + 4 * whole


def gigabytes(config: Config, weights: int, size: Size | None = None) -> float:
    """What a patch that shows this network holds on the card at least, beside what the driver takes. weights: numbers
    of the network."""
    made = steps(config, size)
    pixels = picture_of(config, None if size is None else wide(config, size))
    noise = 11 * pixels if isinstance(config, StyleGAN2Config) else 0
    return (4 * weights + sum(step.kept for step in made) + max(step.held for step in made) + noise + 80 * pixels) / 1e9
