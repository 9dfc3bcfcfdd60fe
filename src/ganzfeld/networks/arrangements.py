"""Which arrangement of a network's mathematics plays: the fastest that this network and this device can go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias, Union

import torch
from torch import Tensor

from ganzfeld.kernels.card import has_triton
from ganzfeld.kernels.lanes import Coming
from ganzfeld.networks.config import Config, StyleGAN3Config
from ganzfeld.networks.cpu.stylegan2 import FastStyleGAN2
from ganzfeld.networks.cpu.stylegan3 import FastStyleGAN3

if TYPE_CHECKING:
    from ganzfeld.networks.gpu.stylegan2 import GpuStyleGAN2
    from ganzfeld.networks.gpu.stylegan3 import GpuStyleGAN3

Precision = Literal["auto", "float32", "bfloat16"]
FastRoute: TypeAlias = Union[FastStyleGAN2, FastStyleGAN3, "GpuStyleGAN2", "GpuStyleGAN3"]


def fast_route(config: Config, tensors: Mapping[str, Tensor], precision: Precision, coming: Coming) -> FastRoute | None:
    """The fast path for these tensors on the device where they lie; None where only the reference will do. coming:
    those of the tensors that are being made; a path may wait for each when it needs it.

    "auto" is half precision on an NVIDIA card that Triton serves, float32 everywhere else.
    """
    on_gpu = gpu_route(config, tensors, precision)
    if on_gpu is not None:
        return on_gpu(config, tensors, coming)  # pyright: ignore[reportArgumentType]
    convolve_in = torch.bfloat16 if precision == "bfloat16" else torch.float32
    if isinstance(config, StyleGAN3Config):
        return FastStyleGAN3(config, tensors, convolve_in) if FastStyleGAN3.supports(config, tensors) else None
    return FastStyleGAN2(config, tensors, convolve_in) if FastStyleGAN2.supports(config, tensors) else None


def gpu_route(
    config: Config, tensors: Mapping[str, Tensor], precision: Precision
) -> type[GpuStyleGAN2] | type[GpuStyleGAN3] | None:
    """The half-precision path that these tensors would go where they lie, if any."""
    if precision != "auto" or not has_triton(tensors["mapping.w_avg"].device):
        return None
    from ganzfeld.networks.gpu.stylegan2 import GpuStyleGAN2
    from ganzfeld.networks.gpu.stylegan3 import GpuStyleGAN3

    if isinstance(config, StyleGAN3Config):
        return GpuStyleGAN3 if GpuStyleGAN3.supports(config, tensors) else None
    return GpuStyleGAN2 if GpuStyleGAN2.supports(config, tensors) else None
