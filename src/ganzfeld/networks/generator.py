"""What plays a network: the one interface of all arrangements of all kinds (`Generator`), and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from ganzfeld.kernels.cuda.weights import Halved, Part
from ganzfeld.networks.derived import DerivedTensors
from ganzfeld.networks.noise import NoiseMode
from ganzfeld.networks.wide import Wide

Peek = Callable[[str, Tensor], None]
"""Is called with a layer's name and its activation [N, C, h, w], which it must not change."""
Gains = Mapping[str, Tensor]
"""A layer's name -> what multiplies its convolution after demodulation, before noise and bias: 0-d or [C]."""


class LayerHook:
    """What is called after layers of a synthesis: with a layer's name and its activation [N, C, h, w]. What it returns,
    of the same shape, goes on in the activation's place.

    layers: the whole names of the layers after which it is called; None for all of them. A layer that no hook sees need
    not have an activation of its own: the GPU's arrangements fuse it with the next one.
    """

    def __init__(self, call: Callable[[str, Tensor], Tensor], layers: Iterable[str] | None = None) -> None:
        self._call = call
        self.layers = None if layers is None else frozenset(layers)

    def sees(self, layer: str) -> bool:
        """Whether it is called after this layer."""
        return self.layers is None or layer in self.layers

    def __call__(self, layer: str, x: Tensor) -> Tensor:
        """The activation that goes on: x itself after a layer that the hook does not see."""
        return self._call(layer, x) if self.sees(layer) else x


class LayerPeek:
    """What looks at activations as they go on, bent if they are, and changes nothing: the picture stays the same, bit
    for bit, and what is fused stays fused.

    layers: the whole names of the layers after which `call` is called.
    """

    def __init__(self, call: Peek, layers: Iterable[str]) -> None:
        self._call = call
        self.layers = frozenset(layers)

    def __call__(self, layer: str, x: Tensor) -> None:
        """Look at x, if this is one of the layers."""
        if layer in self.layers:
            self._call(layer, x)


@dataclass(frozen=True, slots=True)
class SynthesisOptions:
    """How a picture is made from w. What a kind of network does not have (noise, a transform), it does not read.

    noise_mode: "const" (the network's own noise), "random" or "none". noise_strength: multiplies the learnt strengths.
    seed: makes "random" noise a function of this integer, or 0-d integer tensor.
    until: the whole name of the layer at which a synthesis stops and whose activation it returns; None for a picture.
    resolution: the height in pixels of a smaller picture, at which the synthesis stops; one of the configuration's
    `picture_resolutions`.
    transform: 3×3 inverse matrix [3, 3] or [N, 3, 3] over x, y in units of the picture's height, from its centre; None
    for the network's own.
    after: what is called after the layers. gains: what multiplies convolutions, by whole names of layers.
    wide: another size of picture; hooks see the whole field, of which the middle is returned.
    peek: what looks at activations, after the hook.
    """

    noise_mode: NoiseMode = "const"
    noise_strength: float | Tensor = 1.0
    seed: int | Tensor | None = None
    until: str | None = None
    resolution: int | None = None
    transform: Tensor | None = None
    after: LayerHook | None = None
    gains: Gains | None = None
    wide: Wide | None = None
    peek: LayerPeek | None = None

    def sees(self, layer: str) -> bool:
        """Whether the hook is called after this layer."""
        return self.after is not None and self.after.sees(layer)

    def passed(self, layer: str, x: Tensor) -> Tensor:
        """The activation that goes on after this layer."""
        x = x if self.after is None else self.after(layer, x)
        if self.peek is not None:
            self.peek(layer, x)
        return x

    def peeks(self, layer: str) -> bool:
        """Whether somebody looks at this layer."""
        return self.peek is not None and layer in self.peek.layers

    def gain(self, layer: str) -> Tensor | None:
        """What multiplies this layer's convolution, if anything."""
        return self.gains.get(layer) if self.gains else None


PLAIN = SynthesisOptions()
"""The network's own picture, with its own noise."""


class DerivedWeight(Protocol):
    """What a generator multiplies with in place of one convolution's weight."""

    def derive_bent(self, weight: Tensor | Halved, parts: Sequence[Part]) -> None:
        """Make it again, of `weight` after these parts. Neither the weight nor a copy of it is written."""
        ...


class Generator(Protocol):
    """One arrangement of a network's mathematics, with the network's numbers in it.

    It reads the network's tensors and never writes them. After one of them was changed in place, `derived.refresh()` or
    `derived.derive([names])` must run before the next picture.
    """

    @property
    def derived(self) -> DerivedTensors:
        """The tensors that it has made of the network's own."""
        ...

    @property
    def waits(self) -> bool:
        """Whether it waits itself for tensors that are still being made; else whoever calls it has to wait for all."""
        ...

    @property
    def weights(self) -> Mapping[str, DerivedWeight]:
        """The weights, by official names, that can be bent on the way to what it multiplies with. Empty for none."""
        ...

    def mapping(
        self,
        z: Tensor,
        label: Tensor | None = None,
        truncation_psi: float | Tensor = 1.0,
        truncation_cutoff: int | Tensor | None = None,
    ) -> Tensor:
        """z [N, z_dim] and label [N, c_dim] -> w [N, num_ws, w_dim], truncated towards the average w.

        label: one-hot or soft, and needed if the network has classes. truncation_psi: a number, or a tensor that
        broadcasts to w. truncation_cutoff: how many rows it applies to, also as a 0-d tensor; None for all.
        """
        ...

    def synthesis(self, w: Tensor, options: SynthesisOptions = PLAIN) -> Tensor:
        """w [N, num_ws, w_dim] -> picture [N, img_channels, H, W], about −1..1; or the activation [N, C, h, w] of the
        layer `options.until`."""
        ...


class MappingModule(nn.Module):
    """The mapping network of a readable arrangement. w_avg: the average w [w_dim], or one for each class [c_dim,
    w_dim]; a buffer."""

    w_avg: Tensor

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        truncation_psi: float | Tensor = 1.0,
        truncation_cutoff: int | Tensor | None = None,
    ) -> Tensor:
        """As `Generator.mapping`."""
        raise NotImplementedError

    def average(self, label: Tensor | None = None) -> Tensor:
        """The average w that truncation leads to, in a shape that broadcasts to [N, num_ws, w_dim]. label [N, c_dim]:
        for networks that have an average for each class."""
        return self.w_avg


class SynthesisModule(nn.Module):
    """The synthesis network of a readable arrangement."""

    def forward(self, w: Tensor, options: SynthesisOptions = PLAIN) -> Tensor:
        """As `Generator.synthesis`."""
        raise NotImplementedError


class GeneratorModule(nn.Module):
    """The readable arrangement of a kind of network, which can be trained. The names of its parameters and buffers are
    the official names of the network's tensors."""

    mapping: MappingModule
    synthesis: SynthesisModule


class ReadableGenerator:
    """The readable arrangement as a `Generator`: it multiplies with the network's own tensors, and derives none."""

    waits = False

    def __init__(self, module: GeneratorModule) -> None:
        self._module = module
        self.derived = DerivedTensors({})
        self.weights: Mapping[str, DerivedWeight] = {}

    def mapping(
        self,
        z: Tensor,
        label: Tensor | None = None,
        truncation_psi: float | Tensor = 1.0,
        truncation_cutoff: int | Tensor | None = None,
    ) -> Tensor:
        """As `Generator.mapping`."""
        return self._module.mapping(z, label, truncation_psi, truncation_cutoff)

    def synthesis(self, w: Tensor, options: SynthesisOptions = PLAIN) -> Tensor:
        """As `Generator.synthesis`."""
        return self._module.synthesis(w, options)
