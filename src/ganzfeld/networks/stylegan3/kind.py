"""StyleGAN3 as a kind of network: what it calls for, and what plays it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ganzfeld.networks.kinds import NetworkKind
from ganzfeld.networks.stylegan3 import layout
from ganzfeld.networks.stylegan3.config import StyleGAN3Config

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganzfeld.kernels.side_streams import PendingTensors
    from ganzfeld.networks.cpu.stylegan3 import CpuStyleGAN3
    from ganzfeld.networks.gpu.stylegan3 import GpuStyleGAN3
    from ganzfeld.networks.reference.stylegan3 import StyleGAN3


class StyleGAN3Kind(NetworkKind[StyleGAN3Config]):
    """Karras et al. 2021: translation-equivariant (t), or rotation-equivariant too (r)."""

    names = ("stylegan3-t", "stylegan3-r")
    config = StyleGAN3Config

    def shapes(self, config: StyleGAN3Config) -> Iterator[tuple[str, tuple[int, ...]]]:
        return layout.shapes(config)

    def check_values(self, config: StyleGAN3Config) -> None:
        layout.check_values(config)

    def check_chain(self, config: StyleGAN3Config) -> None:
        layout.check_chain(config)

    def made(self, config: StyleGAN3Config, name: str, like: Tensor) -> Tensor | None:
        """The transform, which leaves the picture where it is."""
        import torch

        return torch.eye(3) if name == config.transform else None

    def module(self, config: StyleGAN3Config) -> StyleGAN3:
        from ganzfeld.networks.reference.stylegan3 import StyleGAN3

        return StyleGAN3(config)

    def on_cpu(
        self, config: StyleGAN3Config, tensors: Mapping[str, Tensor], convolve_in: torch.dtype
    ) -> CpuStyleGAN3 | None:
        from ganzfeld.networks.cpu.stylegan3 import CpuStyleGAN3

        return CpuStyleGAN3(config, tensors, convolve_in) if CpuStyleGAN3.supports(config, tensors) else None

    def fits_gpu(self, config: StyleGAN3Config, tensors: Mapping[str, Tensor]) -> bool:
        from ganzfeld.networks.gpu.stylegan3 import GpuStyleGAN3

        return GpuStyleGAN3.supports(config, tensors)

    def on_gpu(self, config: StyleGAN3Config, tensors: Mapping[str, Tensor], pending: PendingTensors) -> GpuStyleGAN3:
        from ganzfeld.networks.gpu.stylegan3 import GpuStyleGAN3

        return GpuStyleGAN3(config, tensors, pending)
