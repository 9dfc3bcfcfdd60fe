"""What plays one network on its device, and what bending and the card need of that.

On an NVIDIA card that Triton serves, a network is played in half precision. Elsewhere it is played in float32: by a
faster arrangement or, where there is none for this network, and for gradients, by the readable one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from ganzfeld.errors import NetworkError, nearest
from ganzfeld.kernels.card import has_triton
from ganzfeld.kernels.copies import Copy
from ganzfeld.kernels.cuda.compiler import available
from ganzfeld.kernels.cuda.weights import Halved, Part
from ganzfeld.kernels.side_streams import PendingTensors, SideStreams
from ganzfeld.networks.config import Config
from ganzfeld.networks.derived import DerivedBlend
from ganzfeld.networks.device import at_work
from ganzfeld.networks.generator import Generator, GeneratorModule, ReadableGenerator
from ganzfeld.networks.kinds import kind_of

Precision = Literal["auto", "float32", "bfloat16"]


class Runtime:
    """Chooses the generator that plays a network, and has made again what that generator derives from its tensors.

    fast: whether to take a faster arrangement than the readable one, where there is one.
    pending: the tensors that somebody is still making on a GPU; a synthesis waits for them.
    """

    def __init__(self, config: Config, module: GeneratorModule) -> None:
        self._config, self._module = config, module
        self.fast = True
        self.pending = PendingTensors()
        self._precision: Precision = "auto"
        self._readable = ReadableGenerator(module)
        self._fast: Generator | None = None
        self._tried = False

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All tensors of the network by official names."""
        return self._module.state_dict()

    @property
    def device(self) -> torch.device:
        return self._module.mapping.w_avg.device

    @property
    def precision(self) -> Precision:
        """As `Network.precision`."""
        return self._precision

    @precision.setter
    def precision(self, precision: Precision) -> None:
        if precision not in get_args(Precision):
            known = get_args(Precision)
            raise NetworkError(f"there is no precision {precision!r}", hint=nearest(str(precision), known))
        self._precision = precision
        self.reset()

    def reset(self) -> None:
        """The tensors lie elsewhere now, or are to be played otherwise: what was derived no longer holds."""
        self._fast, self._tried = None, False

    def generator(self, signal: Tensor) -> Generator:
        """What plays the network, its derived tensors up to date. signal: its input; gradients go through the readable
        arrangement."""
        if (
            not self.fast
            or self.device.type not in ("cpu", "cuda")
            or (torch.is_grad_enabled() and signal.requires_grad)
        ):
            return self._readable
        if not self._tried:
            with at_work(self.device):
                self._fast = fastest(self._config, self.tensors, self._precision, self.pending)
            self._tried = True
        if self._fast is None:
            return self._readable
        self._fast.derived.refresh()
        return self._fast

    # For bending

    def settle(self) -> None:
        """Derive now what the network is played with: not when a graph is being captured."""
        self.generator(self._module.mapping.w_avg)

    def bent_on_the_way(self) -> dict[str, tuple[str, ...]]:
        """The convolutions whose weights can be bent on the way to what a generator derives from them, with no copy of
        their own -> what else that is derived from. To be asked before there is a generator."""
        if not self.fast or not available(self.device) or not in_half(self._config, self.tensors, self._precision):
            return {}
        specs = [spec for spec in self._config.specs.values() if spec.weight is not None]
        return {spec.weight: (spec.up_filter,) if spec.up_filter else () for spec in specs if spec.weight}

    def derive_bent(self, name: str, weight: Tensor | Halved, parts: Sequence[Part]) -> None:
        """Make again what is derived from one of `bent_on_the_way`, of `weight` after these parts. The runtime has
        settled."""
        if self._fast is not None:
            self._fast.weights[name].derive_bent(weight, parts)

    def blended_on_the_way(self, name: str, other: Tensor, number: int) -> list[Copy]:
        """Copies that make again what is derived from a tensor, of it drawn towards `other` by amount `number`, with no
        copy of its own; none where that is not enough. The runtime has settled."""
        if self._fast is None or not self._fast.weights or not available(self.device):
            return []
        return self._fast.derived.on_the_way(name, other, number)

    def derived_blends(self, name: str, other: Tensor) -> list[DerivedBlend]:
        """On a processor: what makes all that is derived from a tensor of it drawn towards `other`; none where that is
        not enough. The runtime has settled."""
        return [] if self._fast is None or self.device.type != "cpu" else self._fast.derived.blends(name, other)

    def rederive(self, names: Iterable[str], streams: SideStreams | None = None) -> None:
        """Make again what is derived from the tensors `names`, after they were written in place. streams: of one's own,
        for whoever does this on several streams."""
        if self._fast is not None:
            self._fast.derived.derive(names, streams)


def fastest(
    config: Config, tensors: Mapping[str, Tensor], precision: Precision, pending: PendingTensors
) -> Generator | None:
    """The fastest arrangement for these tensors on the device where they lie; None where only the readable one will do.

    "auto" is half precision on an NVIDIA card that Triton serves, float32 everywhere else.
    """
    kind = kind_of(config)
    if in_half(config, tensors, precision):
        return kind.on_gpu(config, tensors, pending)
    return kind.on_cpu(config, tensors, torch.bfloat16 if precision == "bfloat16" else torch.float32)


def in_half(config: Config, tensors: Mapping[str, Tensor], precision: Precision) -> bool:
    """Whether these tensors would be played in half precision where they lie."""
    device = next(iter(tensors.values())).device
    return precision == "auto" and has_triton(device) and kind_of(config).fits_gpu(config, tensors)
