"""StyleGAN2 for a GPU: the same mathematics as reference/stylegan2.py, in half precision and some 50 kernels.

- Activations are scaled by the style instead of the weights, which are the same from frame to frame; after a bent layer
  the next weight is scaled where it is the smaller of the two.
- Activations lie channels-last in half precision; everything between one convolution and the next (demodulation,
  noise, bias, leaky ReLU, clamp, the next layer's style, the way to RGB) happens before a tile leaves its processor.
- The upsampling convolution and its filter are one 3×3 convolution with four times the outputs, one set for each
  phase of the larger picture; of small pictures, nine products and a sum (kernels/triton/doubling.py).
- Small layers, which would leave most of the card idle, split their sums.
- Channels are padded to a power of two, as the tiles are; what stands there has no weight in anything that is seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ganzfeld.kernels.cuda.convolution import HopperTile
from ganzfeld.kernels.generator_layer import Activation, Colours
from ganzfeld.kernels.leaky_relu import GAIN
from ganzfeld.kernels.side_streams import PendingTensors, SideStream, joined_at_the_latest
from ganzfeld.kernels.triton import convolution as kernel
from ganzfeld.kernels.triton import doubling
from ganzfeld.kernels.triton.entry import enter
from ganzfeld.networks.derived import DerivedTensors
from ganzfeld.networks.generator import PLAIN, SynthesisOptions
from ganzfeld.networks.gpu.gains import ConvolutionGains, GainBlock
from ganzfeld.networks.gpu.parts import (
    LARGEST,
    ConvolutionWeight,
    GpuColours,
    GpuMapping,
    GpuModulation,
    GpuStyles,
)
from ganzfeld.networks.gpu.stylegan2_plan import GpuConvolution, PlannedConvolution, planned
from ganzfeld.networks.noise import layer_noise
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.networks.stylegan2.wide import WideStart, WideStarts
from ganzfeld.networks.wide import Wide, middle


def padded(channels: int) -> int:
    """As many channels as are computed for so many: a power of two, at least 16."""
    return max(16, 1 << (channels - 1).bit_length())


@dataclass(slots=True)
class Picture:
    """One picture, or activation, while it is made.

    styles, gains, colours: of all its layers. start: what a picture of another shape starts from. strengths: of the
    noise, [layers]. entry: what the next convolution reads. rgb: the picture up to the last block [C, H, W]. styled:
    the next convolution's weight, multiplied by its style on a side stream. held: what side streams read until they
    join, and what must therefore not be freed.
    """

    options: SynthesisOptions
    steps: list[PlannedConvolution]
    styles: Tensor
    gains: ConvolutionGains
    colours: list[Tensor]
    start: WideStart | None
    strengths: Tensor
    entry: Tensor
    rgb: Tensor | None = None
    styled: Tensor | None = None
    held: list[object] = field(default_factory=list)

    def following(self, number: int) -> PlannedConvolution | None:
        """The convolution after this one."""
        return self.steps[number + 1] if number + 1 < len(self.steps) else None


class GpuStyleGAN2:
    """A `Generator`."""

    waits = True
    """For those of its tensors that are `pending`, when it needs them."""

    def __init__(
        self, config: StyleGAN2Config, tensors: Mapping[str, Tensor], pending: PendingTensors | None = None
    ) -> None:
        self.config = config
        self.pending = pending or PendingTensors()
        self.derived = DerivedTensors(tensors)
        self.device = tensors["mapping.w_avg"].device
        self.mapping = GpuMapping(config, self.derived)
        self.wide_starts = WideStarts(self.derived)
        self.clamp = LARGEST if config.conv_clamp is None else float(config.conv_clamp)
        self.const = self.derived.make("synthesis.b4.const", compute=lambda const: const.permute(1, 2, 0).contiguous())
        named = self._names()
        names = [name for name, _, _ in named]
        rgb_names = [f"synthesis.b{block}.torgb" for block in config.blocks]
        count = len(names)
        widest = padded(max(config.channels))
        # A block's torgb reads the row after its last convolution's, which the next block reads too.
        rows = [*range(count), *(2 * i + 1 for i in range(len(rgb_names)))]
        self.styles = GpuStyles(self.derived, [*names, *rgb_names], rows, widest)
        weights = [tensors[f"{name}.weight"] for name in names]
        self.modulation = GpuModulation(weights, widest, gain=GAIN, outputs=padded(max(len(each) for each in weights)))
        self.weights: dict[str, ConvolutionWeight] = {}
        self.convolutions = [self._convolution(*found) for found in enumerate(named)]
        self.colours = GpuColours(self.derived, rgb_names, [padded(channels) for channels in config.channels])
        self.rgb_biases = [tensors[f"{name}.bias"] for name in rgb_names]
        self.rgb_taps = [tensors[f"synthesis.b{block}.resample_filter"] for block in config.blocks]
        self.strengths = torch.zeros(count, device=self.device)
        for i, name in enumerate(names):
            self.derived.scale(f"{name}.noise_strength", GAIN, into=self.strengths[i])
        self.affines = [f"{name}.affine.{kind}" for name in (*names, *rgb_names) for kind in ("weight", "bias")]
        self.blocks = [self._block(block, named) for block in config.blocks]
        self.painting, self.modulating = SideStream(self.device), SideStream(self.device)
        self._plans: dict[tuple[int, Wide | None], list[PlannedConvolution]] = {}
        self._compile()

    @staticmethod
    def supports(config: StyleGAN2Config, tensors: Mapping[str, Tensor]) -> bool:
        """Whether a network can go this way: the paper's final architecture."""
        filters = [tensor for name, tensor in tensors.items() if name.endswith(".resample_filter")]
        return (
            config.architecture == "skip"
            and config.img_channels <= 4
            and all(taps.shape == (4, 4) and taps.dtype == torch.float32 for taps in filters)
        )

    def synthesis(self, w: Tensor, options: SynthesisOptions = PLAIN) -> Tensor:
        """As `Generator.synthesis`. Pictures are float32; activations half precision and channels-last."""
        with joined_at_the_latest(self.painting, self.modulating):
            pictures = [self._one(rows, options) for rows in w]
        return pictures[0] if len(pictures) == 1 else torch.cat(pictures)

    def _one(self, rows: Tensor, options: SynthesisOptions) -> Tensor:
        """The picture, or the activation, of rows [num_ws, w_dim]: [1, …]."""
        until, wide = options.until, options.wide
        last = self.config.last_block(until, options.resolution)
        picture = self._begun(rows, self._plan(last, wide), options)
        for number in range(len(picture.steps)):
            activation = self._layer(picture, number)
            if activation is not None:
                return middle(self.config, f"b{last}", activation, wide)
        self.painting.join()
        assert picture.rgb is not None
        return middle(self.config, f"b{last}", picture.rgb[None], wide)

    def _begun(self, rows: Tensor, steps: list[PlannedConvolution], options: SynthesisOptions) -> Picture:
        """What all layers read: styles, gains, colours, and what the first layer starts from."""
        self.pending.wait(self.affines)
        styles = self.styles(rows)
        gains = ConvolutionGains(
            styles, self.modulation, self.blocks, options.gains or {}, self.pending, self.modulating, count=len(steps)
        )
        colours: list[Tensor] = []
        if not options.until:
            with self.painting.fork():
                colours = self.colours(styles[len(self.convolutions) :])
        start = self.wide_starts[options.wide] if options.wide is not None else None
        const = self.const if start is None else start.const[0].permute(1, 2, 0)
        strengths = self.strengths * (options.noise_strength if options.noise_mode != "none" else 0)
        entry = enter(const, gains.unit[0], steps[0].layout.pitch, steps[0].convolution.inputs)
        return Picture(options, steps, styles, gains, colours, start, strengths, entry)

    def _layer(self, picture: Picture, number: int) -> Tensor | None:
        """Make one layer, and its part of the picture. Its activation [1, C, h, w] if that is what was asked for."""
        step, following = picture.steps[number], picture.following(number)
        c, options = step.convolution, picture.options
        gain = picture.gains.of(number, c.channels)
        if picture.styled is not None:
            self.modulating.join()
        weight, picture.styled = c.weight if picture.styled is None else picture.styled, None
        noise = self._noise(picture, number)
        wanted = c.layer == options.until
        seen = wanted or options.sees(c.layer)
        leaving = following.layout.empty(c.channels, self.device) if following and not seen else None
        if seen and not wanted and following and following.styles_weight:
            with self.modulating.fork():
                picture.styled = following.styled_weight(picture.gains.unit[number + 1])
        paints = c.ends_block and bool(picture.colours)
        fused = paints and not seen and step.fuses
        pixels = step.pixels
        plain = None
        peeks = not seen and options.peeks(c.layer)
        if seen or peeks or (paints and not fused):
            plain = torch.empty(pixels, c.channels, dtype=torch.float16, device=self.device)
        painted = self._painted(picture, step) if paints else None
        activation = Activation(
            noise,
            picture.strengths,
            number,
            gain,
            c.bias,
            self.clamp,
            picture.gains.unit[number + 1] if following else None,
            leaving,
            following.layout.pitch if following else 0,
            plain,
        )
        if fused:
            self.painting.join()
        step.run(picture.entry, weight, activation, painted if fused else None)
        if (seen or peeks) and plain is not None:
            real = plain.view(1, *step.size, c.channels)[..., : c.real_channels]
            x = options.passed(c.layer, real.permute(0, 3, 1, 2))
            if wanted:
                return x
            if seen:
                plain, leaving = self._entered(picture, number, x)
        if painted is not None:
            if not fused and plain is not None:
                self._paint(picture, plain, step, painted)
            picture.rgb = painted.picture
        if leaving is not None:
            picture.entry = leaving
        return None

    def _noise(self, picture: Picture, number: int) -> Tensor:
        """What is added as noise after a convolution. Without noise it is multiplied by strengths of zero."""
        c, options = picture.steps[number].convolution, picture.options
        own = c.noise_const if picture.start is None else picture.start.noise(c.name, stream=number)
        if options.noise_mode == "none":
            return own
        noise = layer_noise(options.noise_mode, own, 1, options.seed, stream=number)
        return own if noise is None else noise

    def _entered(self, picture: Picture, number: int, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """An activation x [1, C, h, w] that a hook has seen: as RGB is made of it, and as the next layer reads it."""
        c, following = picture.steps[number].convolution, picture.following(number)
        channels = c.channels
        x = x[0].permute(1, 2, 0)
        if channels > c.real_channels:
            x = torch.nn.functional.pad(x, (0, channels - c.real_channels))
        plain = x.reshape(-1, channels).half().contiguous()
        if following is None:
            return plain, None
        if picture.styled is not None:
            return plain, plain
        return plain, enter(x, picture.gains.unit[number + 1], following.layout.pitch, channels)

    def _painted(self, picture: Picture, step: PlannedConvolution) -> Colours:
        """The way to RGB after a block."""
        block = self.config.blocks.index(step.convolution.block)
        return Colours(
            picture.colours[block],
            self.rgb_biases[block],
            self.clamp,
            picture.rgb,
            self.rgb_taps[block],
            torch.empty(self.config.img_channels, *step.size, device=self.device),
        )

    def _paint(self, picture: Picture, plain: Tensor, step: PlannedConvolution, painted: Colours) -> None:
        """Make RGB of an activation beside the convolutions, which do not wait for it."""
        with self.painting.fork():
            kernel.to_rgb(plain, *step.size, painted)
        picture.held += [plain, painted]

    def _names(self) -> list[tuple[str, str, int]]:
        """Every convolution's official name, its layer's name and its block's number."""
        found = [("synthesis.b4.conv1", "b4", 4)]
        for block in self.config.blocks[1:]:
            found.append((f"synthesis.b{block}.conv0", f"b{block}.conv0", block))
            found.append((f"synthesis.b{block}.conv1", f"b{block}", block))
        return found

    def _block(self, number: int, named: list[tuple[str, str, int]]) -> GainBlock:
        own = [(i, name, layer) for i, (name, layer, block) in enumerate(named) if block == number]
        needs = [f"{name}.{kind}" for _, name, _ in own for kind in ("weight", "noise_const")]
        return GainBlock(f"b{number}", own[0][0], own[-1][0] + 1, tuple(layer for *_, layer in own), tuple(needs))

    def _convolution(self, index: int, named: tuple[str, str, int]) -> GpuConvolution:
        name, layer, block = named
        tensors = self.derived.tensors
        real_channels, real_inputs = tensors[f"{name}.weight"].shape[:2]
        channels, inputs = padded(real_channels), padded(real_inputs)
        up = 2 if name.endswith("conv0") else 1
        width, height = self.config.block_size(block)
        smallest = min(doubling.LARGEST, max(self.config.size) // doubling.SMALLER)
        doubles_small = up == 2 and max(width, height) <= smallest
        phases = (4,) if up == 2 and not doubles_small else ()
        weight = torch.zeros(*phases, channels, 9, inputs, dtype=torch.float16, device=self.device)
        energy, norms = self.modulation.energy[index, :real_channels], self.modulation.norms[index, :real_channels]
        filters = [f"{name}.resample_filter"] if phases else []
        out = weight[..., :real_channels, :, :]
        derived = ConvolutionWeight(out, energy, norms, *(tensors[taps] for taps in filters))
        self.weights[f"{name}.weight"] = derived
        self.derived.fill(f"{name}.weight", *filters, compute=derived.derive)
        bias = torch.zeros(channels, device=self.device)
        self.derived.scale(f"{name}.bias", GAIN, into=bias[:real_channels])
        noise = tensors[f"{name}.noise_const"]
        taps = tensors[f"{name}.resample_filter"] if doubles_small else None
        size = (height // up, width // up)
        return GpuConvolution(
            name, layer, block, size, up, inputs, channels, real_channels, weight.view(-1, 9, inputs), bias, noise, taps
        )

    def _compile(self) -> None:
        """The kernels that the whole picture needs, side by side: the compiler takes a second for each, and several run
        at a time."""
        wanted = []
        for step in self._plan(self.config.blocks[-1], None):
            c, tile = step.convolution, step.tile
            if isinstance(tile, HopperTile) and c.filter is None:
                painted = c.ends_block and step.fuses and c.block > 4
                colours = self.config.img_channels if painted else 0
                wanted.append((tile, tile.macros(c.up, c.channels, colours, first=not painted)))
        if wanted:
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda one: one[0].kernel(one[1], self.device), wanted))

    def _plan(self, last: int, wide: Wide | None) -> list[PlannedConvolution]:
        key = (last, wide)
        if key not in self._plans:
            self._plans[key] = planned(self.convolutions, last, wide, self.device)
        return self._plans[key]
