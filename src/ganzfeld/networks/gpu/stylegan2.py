"""StyleGAN2 for a GPU: the same mathematics as stylegan2.py, in half precision and some 50 kernels.

- Activations are scaled by the style instead of the weights, which are the same from frame to frame; after a bent layer
  the next weight is scaled where it is the smaller of the two.
- Activations lie channels-last in half precision; everything between one convolution and the next (demodulation,
  noise, bias, leaky ReLU, clamp, the next layer's style, the way to RGB) happens before a tile leaves its processor.
- The upsampling convolution and its filter are one 3×3 convolution with four times the outputs, one set for each
  phase of the larger picture; of small pictures, nine products and a sum (kernels/triton/doubling.py).
- Small layers, which would leave most of the card idle, split their sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzfeld.kernels.card import has_wgmma, multiprocessors
from ganzfeld.kernels.cuda import convolution as hopper
from ganzfeld.kernels.cuda.convolution import Block, block_for
from ganzfeld.kernels.generator_layer import Activation, Colours, Field
from ganzfeld.kernels.lanes import Branch, Coming, joined_at_the_latest
from ganzfeld.kernels.leaky_relu import GAIN
from ganzfeld.kernels.triton import convolution as kernel
from ganzfeld.kernels.triton import doubling
from ganzfeld.kernels.triton.convolution import Tile
from ganzfeld.kernels.triton.entry import enter
from ganzfeld.networks.config import StyleGAN2Config
from ganzfeld.networks.derived import DerivedTensors
from ganzfeld.networks.gpu import gains as gpu_powers
from ganzfeld.networks.gpu.gains import Powers
from ganzfeld.networks.gpu.parts import (
    LARGEST,
    ConvolutionWeight,
    GpuColours,
    GpuMapping,
    GpuModulation,
    GpuStyles,
    tile_for,
)
from ganzfeld.networks.noise import NoiseMode, layer_noise
from ganzfeld.networks.reference.stylegan2 import After
from ganzfeld.networks.wide import Wide, WideStarts, middle


@dataclass(frozen=True, slots=True)
class Convolution:
    """One modulated convolution: where its tensors are and what shape it has. filter: of one that doubles the size of a
    small picture; those of large pictures have it in their weight."""

    name: str
    layer: str
    resolution: int
    up: int
    inputs: int
    channels: int
    weight: Tensor
    bias: Tensor
    noise_const: Tensor
    filter: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A convolution in a picture of one size: how its input lies in memory and how it is cut up."""

    convolution: Convolution
    field: Field
    tile: Tile | Block

    @property
    def fuses(self) -> bool:
        """Whether a tile holds all channels of its pixels, as the way to RGB needs it."""
        return self.tile.splits == 1 and self.tile.outputs == self.convolution.channels

    @property
    def styles_weight(self) -> bool:
        """Whether its weight is sooner multiplied by its style than its input, which lies as a bend leaves it."""
        pixels = self.field.height * self.field.width
        return (
            self.field.pitch == self.field.width and self.convolution.weight.numel() < pixels * self.convolution.inputs
        )

    def styled_weight(self, style: Tensor) -> Tensor:
        """Its weight times its style [≥ inputs]."""
        weight = self.convolution.weight
        return torch.mul(weight, style[: self.convolution.inputs], out=torch.empty_like(weight))

    def run(self, x: Tensor, weight: Tensor, activation: Activation, colours: Colours | None) -> None:
        """As `kernels.triton.convolution.layer`, with this weight in place of the convolution's own."""
        c, tile, field = self.convolution, self.tile, self.field
        if c.filter is not None:
            doubling.layer(x, weight, c.filter, field, activation)
            return
        if isinstance(tile, Tile):
            kernel.layer(x, weight, field, activation, colours, up=c.up, tile=tile)
            return
        width = c.up * field.width
        if activation.styled is not None and activation.styled_pitch > width:
            # Those kernels write pixels only; the next layer's wants zeros between its rows.
            activation.styled.view(-1, activation.styled_pitch, c.channels)[:, width:].zero_()
        if tile.splits == 1:
            hopper.layer(x, weight, field, activation, colours, up=c.up, block=tile)
        else:
            partial = torch.empty(tile.splits, len(x), len(weight), device=x.device)
            hopper.layer(x, weight, field, activation, None, up=c.up, block=tile, partial=partial)
            kernel.finish_parts(partial, field, activation, up=c.up)


class GpuStyleGAN2:
    """`mapping` and `synthesis` as in the reference, from derived tensors; see `FastStyleGAN2`."""

    waits = True
    """For those of its tensors that are `coming`, when it needs them."""

    def __init__(self, config: StyleGAN2Config, tensors: Mapping[str, Tensor], coming: Coming | None = None) -> None:
        self.config = config
        self.coming = coming or Coming()
        self.derived = DerivedTensors(tensors)
        self.device = tensors["mapping.w_avg"].device
        self.mapping = GpuMapping(config, self.derived)
        self.wide_starts = WideStarts(self.derived)
        self.clamp = LARGEST if config.conv_clamp is None else float(config.conv_clamp)
        self.const = self.derived.make("synthesis.b4.const", compute=lambda const: const.permute(1, 2, 0).contiguous())
        named = self._names()
        names = [name for name, _, _ in named]
        rgb_names = [f"synthesis.b{side}.torgb" for side in config.resolutions]
        count = len(names)
        widest = max(config.channels)
        # A block's torgb reads the row after its last convolution's, which the next block reads too.
        rows = [*range(count), *(2 * i + 1 for i in range(len(rgb_names)))]
        self.styles = GpuStyles(self.derived, [*names, *rgb_names], rows, widest)
        self.modulation = GpuModulation([tensors[f"{name}.weight"] for name in names], widest, gain=GAIN)
        self.weights: dict[str, ConvolutionWeight] = {}
        self.convolutions = [self._convolution(*found) for found in enumerate(named)]
        self.colours = GpuColours(self.derived, rgb_names, widest)
        self.rgb_biases = [tensors[f"{name}.bias"] for name in rgb_names]
        self.rgb_taps = [tensors[f"synthesis.b{side}.resample_filter"] for side in config.resolutions]
        self.strengths = torch.zeros(count, device=self.device)
        for i, name in enumerate(names):
            self.derived.scale(f"{name}.noise_strength", GAIN, into=self.strengths[i])
        self.affines = [f"{name}.affine.{kind}" for name in (*names, *rgb_names) for kind in ("weight", "bias")]
        self.blocks = [self._block(side, named) for side in config.resolutions]
        self.painting, self.modulating = Branch(self.device), Branch(self.device)
        self._plans: dict[tuple[int, Wide | None], list[Step]] = {}
        self._compile()

    @staticmethod
    def supports(config: StyleGAN2Config, tensors: Mapping[str, Tensor]) -> bool:
        """Whether a network can go this way: the paper's final architecture, channels in powers of two."""
        filters = [tensor for name, tensor in tensors.items() if name.endswith(".resample_filter")]
        return (
            config.architecture == "skip"
            and all(channels >= 16 and channels & (channels - 1) == 0 for channels in config.channels)
            and config.img_channels <= 4
            and all(taps.shape == (4, 4) and taps.dtype == torch.float32 for taps in filters)
        )

    def synthesis(
        self,
        w: Tensor,
        *,
        noise_mode: NoiseMode = "const",
        noise_strength: float | Tensor = 1.0,
        seed: int | Tensor | None = None,
        until: str | None = None,
        resolution: int | None = None,
        after: After | None = None,
        wide: Wide | None = None,
        gains: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """As `stylegan2.Synthesis.forward`. Pictures are float32; activations half precision and channels-last."""
        with joined_at_the_latest(self.painting, self.modulating):
            pictures = [
                self._one(rows, noise_mode, noise_strength, seed, until, resolution, after, wide, gains or {})
                for rows in w
            ]
        return pictures[0] if len(pictures) == 1 else torch.cat(pictures)

    def _one(
        self,
        rows: Tensor,
        noise_mode: NoiseMode,
        noise_strength: float | Tensor,
        seed: int | Tensor | None,
        until: str | None,
        resolution: int | None,
        after: After | None,
        wide: Wide | None,
        gains: Mapping[str, Tensor],
    ) -> Tensor:
        """The picture, or the activation, of rows [num_ws, w_dim]: [1, …]."""
        last = int(until[1:].partition(".")[0]) if until else resolution or self.config.img_resolution
        steps = self._plan(last, wide)
        count = len(self.convolutions)
        self.coming.wait(self.affines)
        styles = self.styles(rows)
        powers = Powers(styles, self.modulation, self.blocks, gains, self.coming, self.modulating, count=len(steps))
        units = powers.unit
        # The way to RGB goes beside the convolutions, which do not wait for it; what it reads is held until they meet.
        held: list[object] = []
        colours: list[Tensor] = []
        if not until:
            with self.painting.fork():
                colours = self.colours(styles[count:])
        bent = frozenset() if after is None else getattr(after, "layers", frozenset(self.layers))
        start = self.wide_starts[wide] if wide is not None else None
        const = self.const if start is None else start.const[0].permute(1, 2, 0)
        strengths = self.strengths * noise_strength if noise_mode != "none" else self.strengths * 0
        entry = enter(const, units[0], steps[0].field.pitch, const.shape[2])
        rgb: Tensor | None = None
        styled: Tensor | None = None
        for i, step in enumerate(steps):
            c = step.convolution
            gain = powers.of(i, c.channels)
            if styled is not None:
                self.modulating.join()
            weight, styled = c.weight if styled is None else styled, None
            following = steps[i + 1] if i + 1 < len(steps) else None
            height, width = c.up * step.field.height, c.up * step.field.width
            own = c.noise_const if start is None else start.noise(c.name, stream=i)
            noise = layer_noise(noise_mode, own, 1, seed, stream=i) if noise_mode != "none" else None
            ends = c.layer == f"b{c.resolution}"
            seen = c.layer in bent or c.layer == until
            block = int(math.log2(c.resolution)) - 2
            fused = ends and colours and not seen and step.fuses
            leaving = following.field.empty(c.channels, self.device) if following and not seen else None
            if c.layer in bent and c.layer != until and following and following.styles_weight:
                with self.modulating.fork():
                    styled = following.styled_weight(units[i + 1])
            plain = None
            if seen or (ends and colours and not fused):
                plain = torch.empty(height * width, c.channels, dtype=torch.float16, device=self.device)
            painted = None
            if ends and colours:
                painted = Colours(
                    colours[block],
                    self.rgb_biases[block],
                    self.clamp,
                    rgb,
                    self.rgb_taps[block],
                    torch.empty(self.config.img_channels, height, width, device=self.device),
                )
            activation = Activation(
                own if noise is None else noise,
                strengths,
                i,
                gain,
                c.bias,
                self.clamp,
                units[i + 1] if following else None,
                leaving,
                following.field.pitch if following else 0,
                plain,
            )
            if fused:
                self.painting.join()
            step.run(entry, weight, activation, painted if fused else None)
            if seen and plain is not None:
                x = plain.view(1, height, width, c.channels).permute(0, 3, 1, 2)
                if c.layer in bent and after is not None:
                    x = after(c.layer, x)
                if c.layer == until:
                    return middle(self.config, f"b{c.resolution}", x, wide)
                x = x[0].permute(1, 2, 0)
                plain = x.reshape(height * width, c.channels).half().contiguous()
                if following:
                    style, pitch = units[i + 1], following.field.pitch
                    leaving = plain if styled is not None else enter(x, style, pitch, c.channels)
            if painted is not None:
                if not fused:
                    assert plain is not None
                    with self.painting.fork():
                        kernel.to_rgb(plain, height, width, painted)
                    held += [plain, painted]
                rgb = painted.picture
            if leaving is not None:
                entry = leaving
        self.painting.join()
        assert rgb is not None
        return middle(self.config, f"b{last}", rgb[None], wide)

    @property
    def layers(self) -> Iterable[str]:
        """The names of all activations."""
        return (convolution.layer for convolution in self.convolutions)

    def _names(self) -> list[tuple[str, str, int]]:
        """Every convolution's official name, its layer's name and its resolution."""
        found = [("synthesis.b4.conv1", "b4", 4)]
        for side in self.config.resolutions[1:]:
            found.append((f"synthesis.b{side}.conv0", f"b{side}.conv0", side))
            found.append((f"synthesis.b{side}.conv1", f"b{side}", side))
        return found

    def _block(self, side: int, named: list[tuple[str, str, int]]) -> gpu_powers.Block:
        own = [(i, name, layer) for i, (name, layer, resolution) in enumerate(named) if resolution == side]
        needs = [f"{name}.{kind}" for _, name, _ in own for kind in ("weight", "noise_const")]
        return gpu_powers.Block(f"b{side}", own[0][0], own[-1][0] + 1, tuple(layer for *_, layer in own), tuple(needs))

    def _convolution(self, index: int, named: tuple[str, str, int]) -> Convolution:
        name, layer, resolution = named
        tensors = self.derived.tensors
        channels, inputs = tensors[f"{name}.weight"].shape[:2]
        up = 2 if name.endswith("conv0") else 1
        smallest = min(doubling.LARGEST, self.config.img_resolution // doubling.SMALLER)
        doubles_small = up == 2 and resolution <= smallest
        phases = (4,) if up == 2 and not doubles_small else ()
        weight = torch.empty(*phases, channels, 9, inputs, dtype=torch.float16, device=self.device)
        energy, norms = self.modulation.energy[index, :channels, :inputs], self.modulation.norms[index, :channels]
        filters = [f"{name}.resample_filter"] if phases else []
        derived = ConvolutionWeight(weight, energy, norms, *(tensors[taps] for taps in filters))
        self.weights[f"{name}.weight"] = derived
        self.derived.fill(f"{name}.weight", *filters, compute=derived.derive)
        bias = self.derived.scale(f"{name}.bias", GAIN)
        noise = tensors[f"{name}.noise_const"]
        taps = tensors[f"{name}.resample_filter"] if doubles_small else None
        return Convolution(name, layer, resolution, up, inputs, channels, weight.view(-1, 9, inputs), bias, noise, taps)

    def _compile(self) -> None:
        """The kernels that the whole picture needs, side by side: the compiler takes a second for each, and several run
        at a time."""
        wanted = []
        for step in self._plan(self.config.img_resolution, None):
            c, block = step.convolution, step.tile
            if isinstance(block, Block) and c.filter is None:
                painted = c.layer == f"b{c.resolution}" and step.fuses and c.resolution > 4
                colours = self.config.img_channels if painted else 0
                wanted.append((block, block.macros(c.up, c.channels, colours, first=not painted)))
        if wanted:
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda one: one[0].kernel(one[1], self.device), wanted))

    def _plan(self, last: int, wide: Wide | None) -> list[Step]:
        key = (last, wide)
        if key not in self._plans:
            self._plans[key] = self._planned(last, wide)
        return self._plans[key]

    def _planned(self, last: int, wide: Wide | None) -> list[Step]:
        steps: list[Step] = []
        for convolution in self.convolutions:
            if convolution.resolution > last:
                break
            side = convolution.resolution // convolution.up
            height, width = (side, side) if wide is None else wide.side((side, side), side // 4)
            outputs, inputs = len(convolution.weight), convolution.inputs
            if has_wgmma(self.device):
                # These kernels need no padding between rows, and leave none for others.
                field = Field(height, width, width)
                block = block_for(field, outputs, convolution.channels, inputs, multiprocessors(self.device))
                if block is not None:
                    steps.append(Step(convolution, field, block))
                    continue
            field = Field(height, width, width + 1)
            steps.append(Step(convolution, field, tile_for(height * (width + 1), outputs, inputs, self.device)))
        return steps
