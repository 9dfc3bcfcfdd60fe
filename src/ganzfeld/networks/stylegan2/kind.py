"""StyleGAN2 as a kind of network: what it calls for, and what plays it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ganzfeld.networks.kinds import NetworkKind
from ganzfeld.networks.stylegan2 import layout
from ganzfeld.networks.stylegan2.config import StyleGAN2Config

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganzfeld.kernels.side_streams import PendingTensors
    from ganzfeld.networks.cpu.stylegan2 import CpuStyleGAN2
    from ganzfeld.networks.gpu.stylegan2 import GpuStyleGAN2
    from ganzfeld.networks.reference.stylegan2 import StyleGAN2


class StyleGAN2Kind(NetworkKind[StyleGAN2Config]):
    """Karras et al. 2020, in its architectures "skip", "orig" and "resnet"."""

    names = ("stylegan2",)
    config = StyleGAN2Config

    def shapes(self, config: StyleGAN2Config) -> Iterator[tuple[str, tuple[int, ...]]]:
        return layout.shapes(config)

    def check_values(self, config: StyleGAN2Config) -> None:
        layout.check_values(config)

    def check_chain(self, config: StyleGAN2Config) -> None:
        layout.check_chain(config)

    def made(self, config: StyleGAN2Config, name: str, like: Tensor) -> Tensor | None:
        """FIR filters; constant noise, made up; no noise for a network that was trained without."""
        import torch

        from ganzfeld.kernels.gaussian import gaussian
        from ganzfeld.kernels.upfirdn import binomial_filter

        if name.endswith(".resample_filter"):
            return binomial_filter(config.resample_filter)
        if name.endswith(".noise_const"):
            return gaussian((1, 1, like.shape[0], like.shape[1]), seed=zlib.crc32(name.encode()))[0, 0]
        return torch.zeros(()) if name.endswith(".noise_strength") else None

    def module(self, config: StyleGAN2Config) -> StyleGAN2:
        from ganzfeld.networks.reference.stylegan2 import StyleGAN2

        return StyleGAN2(config)

    def on_cpu(
        self, config: StyleGAN2Config, tensors: Mapping[str, Tensor], convolve_in: torch.dtype
    ) -> CpuStyleGAN2 | None:
        from ganzfeld.networks.cpu.stylegan2 import CpuStyleGAN2

        return CpuStyleGAN2(config, tensors, convolve_in) if CpuStyleGAN2.supports(config, tensors) else None

    def fits_gpu(self, config: StyleGAN2Config, tensors: Mapping[str, Tensor]) -> bool:
        from ganzfeld.networks.gpu.stylegan2 import GpuStyleGAN2

        return GpuStyleGAN2.supports(config, tensors)

    def on_gpu(self, config: StyleGAN2Config, tensors: Mapping[str, Tensor], pending: PendingTensors) -> GpuStyleGAN2:
        from ganzfeld.networks.gpu.stylegan2 import GpuStyleGAN2

        return GpuStyleGAN2(config, tensors, pending)
