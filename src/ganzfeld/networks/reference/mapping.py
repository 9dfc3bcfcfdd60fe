"""The mapping network: latents z and labels to w, and truncation towards the average w.

In all StyleGANs z goes through dense layers, together with what a label is embedded as. StyleGAN-XL (Sauer et al. 2022)
holds a table of features for each class, projects its row to the embedding, and has an average w for each class.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzfeld.networks.config import MappingConfig
from ganzfeld.networks.generator import MappingModule
from ganzfeld.networks.reference.layers import Dense, normal, normalized


class MappingNetwork(MappingModule):
    """z [N, z_dim] and label [N, c_dim] -> w [N, num_ws, w_dim]."""

    def __init__(self, config: MappingConfig) -> None:
        super().__init__()
        self.config = config
        self.num_ws = config.num_ws
        if config.class_features:
            self.embed = ClassTable(config.c_dim, config.class_features)
            self.embed_proj = Dense(config.class_features, config.embed_features, activation=True)
        elif config.c_dim:
            self.embed = Dense(config.c_dim, config.embed_features)
        width = config.z_dim + config.embed_features
        for i, features in enumerate(config.mapping_features):
            dense = Dense(width, features, activation=True, lr_multiplier=config.mapping_lr_multiplier)
            self.add_module(f"fc{i}", dense)
            width = features
        averages = (config.c_dim,) if config.class_averages else ()
        self.register_buffer("w_avg", torch.zeros(*averages, config.w_dim))

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        truncation_psi: float | Tensor = 1.0,
        truncation_cutoff: int | Tensor | None = None,
    ) -> Tensor:
        """`label` is one-hot or soft, and needed if the network has labels.

        `truncation_psi` may be a tensor that broadcasts to [N, num_ws, w_dim]. The first
        `truncation_cutoff` rows are truncated (None: all); it may be a 0-d tensor.
        """
        x = z.float()
        if self.config.c_dim:
            if label is None:
                raise ValueError("this network needs a label")
            embedded = self.embed(label.float())
            if self.config.class_features:
                embedded = self.embed_proj(embedded)
            if self.config.joint_normalization:
                x = normalized(torch.cat([x, embedded], 1))
            else:
                x = torch.cat([normalized(x), normalized(embedded)], 1)
        else:
            x = normalized(x)
        for i in range(len(self.config.mapping_features)):
            x = self.get_submodule(f"fc{i}")(x)
        w = x[:, None].expand(-1, self.num_ws, -1)
        return truncated(w, self.average(label), truncation_psi, truncation_cutoff)

    def average(self, label: Tensor | None = None) -> Tensor:
        """As `MappingModule.average`."""
        return averaged(self.w_avg, label)

    @torch.no_grad()
    def track_average(self, w: Tensor, beta: float = 0.998) -> None:
        """Training: move `w_avg` towards the mean of w [N, …, w_dim] (any rows). Averages of classes all move alike."""
        self.w_avg.lerp_(w.detach().float().reshape(-1, w.shape[-1]).mean(0), 1 - beta)


class ClassTable(nn.Module):
    """Features of each class. A label that is shared between classes gets a mixture of theirs."""

    def __init__(self, classes: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(normal(classes, features))

    def forward(self, label: Tensor) -> Tensor:
        """label [N, classes] -> [N, features]."""
        return label @ self.weight


def averaged(w_avg: Tensor, label: Tensor | None) -> Tensor:
    """The average w, to broadcast to [N, num_ws, w_dim]: w_avg [w_dim] itself, or of w_avg [c_dim, w_dim] that of the
    label [N, c_dim]."""
    if w_avg.dim() == 1:
        return w_avg
    if label is None:
        raise ValueError("this network has an average w for each class: it needs a label")
    return (label.float() @ w_avg)[:, None]


def truncated(w: Tensor, w_avg: Tensor, psi: float | Tensor, cutoff: int | Tensor | None = None) -> Tensor:
    """w_avg + psi · (w − w_avg) in the first `cutoff` rows (None: all) of w [N, num_ws, w_dim]."""
    if not isinstance(psi, Tensor) and psi == 1:
        return w
    pulled = torch.lerp(w_avg, w, psi.to(w) if isinstance(psi, Tensor) else psi)
    if cutoff is None:
        return pulled
    rows = torch.arange(w.shape[1], device=w.device)[:, None]
    return torch.where(rows < cutoff, pulled, w)
