"""The mapping network with every gain multiplied into its weights beforehand."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzfeld.kernels.leaky_relu import GAIN, SLOPE
from ganzfeld.networks.config import MappingConfig
from ganzfeld.networks.derived import DerivedTensors
from ganzfeld.networks.reference.layers import normalized
from ganzfeld.networks.reference.mapping import averaged, truncated


class CpuMapping:
    """As `mapping.Mapping`, from derived tensors."""

    def __init__(self, config: MappingConfig, derived: DerivedTensors) -> None:
        self.c_dim, self.num_ws = config.c_dim, config.num_ws
        self.joint = config.joint_normalization
        self.w_avg = derived.tensors["mapping.w_avg"]
        self.table = derived.tensors["mapping.embed.weight"] if config.class_features else None
        self.embed: tuple[Tensor, Tensor] | None = None
        if self.table is not None:
            self.embed = _scaled(derived, "mapping.embed_proj", GAIN, GAIN)
        elif config.c_dim:
            self.embed = _scaled(derived, "mapping.embed", 1, 1)
        gain = config.mapping_lr_multiplier * GAIN
        names = [f"mapping.fc{i}" for i in range(len(config.mapping_features))]
        self.dense = [_scaled(derived, name, gain, gain) for name in names]

    def __call__(
        self,
        z: Tensor,
        label: Tensor | None = None,
        truncation_psi: float | Tensor = 1.0,
        truncation_cutoff: int | Tensor | None = None,
    ) -> Tensor:
        """As `Mapping.forward`."""
        x = z.float()
        if self.embed is not None:
            if label is None:
                raise ValueError("this network needs a label")
            embedded = self._embedded(label.float())
            x = torch.cat([x, embedded] if self.joint else [normalized(x), normalized(embedded)], 1)
        normalise = self.embed is None or self.joint
        return self.through(x, averaged(self.w_avg, label), truncation_psi, truncation_cutoff, normalise=normalise)

    def _embedded(self, label: Tensor) -> Tensor:
        assert self.embed is not None
        if self.table is None:
            return F.linear(label, *self.embed)
        return F.leaky_relu_(F.linear(label @ self.table, *self.embed), SLOPE)

    def through(
        self, x: Tensor, average: Tensor, psi: float | Tensor, cutoff: int | Tensor | None, *, normalise: bool
    ) -> Tensor:
        """The dense layers and truncation: x [N, z_dim] -> [N, num_ws, w_dim]. average: what truncation leads to, as
        `averaged` gives it. normalise: x to unit second moment."""
        x = normalized(x) if normalise else x
        for weight, bias in self.dense:
            x = F.leaky_relu_(F.linear(x, weight, bias), SLOPE)
        return truncated(x[:, None].expand(-1, self.num_ws, -1), average, psi, cutoff)


def _scaled(derived: DerivedTensors, name: str, weight_gain: float, bias_gain: float) -> tuple[Tensor, Tensor]:
    weight_gain /= math.sqrt(derived.tensors[f"{name}.weight"].shape[1])
    return (
        derived.scale(f"{name}.weight", weight_gain),
        derived.scale(f"{name}.bias", bias_gain),
    )
