"""Classes as a conditional network reads them: numbers for each, which sum to one."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzfeld.errors import NetworkError

Label = int | float | Tensor | None


def labels(label: Label, count: int, batch: int, device: torch.device) -> Tensor | None:
    """`label`, as `Network.mapping` takes it, of `count` classes -> [batch, count]; None for networks without classes.

    Raises `NetworkError` for classes that there are not, and shapes that mean nothing.
    """
    if not count:
        return None
    classes = torch.arange(count, device=device)
    label = 0 if label is None else label
    if not isinstance(label, Tensor):
        if not 0 <= label <= count - 1:
            raise NetworkError(f"this network has no class {label:g}", hint=f"Its classes are 0 to {count - 1}.")
        # A whole number is one-hot, a fraction shared between the classes on both sides.
        return (1 - (classes - label).abs()).clamp(0, 1)[None].expand(batch, -1)
    label = label.to(device)
    if label.ndim == 0 or (label.ndim == 1 and not label.is_floating_point()):
        label = label.clamp(0, count - 1)[..., None]
        return (1 - (classes - label).abs()).clamp(0, 1).expand(batch, -1)
    if label.shape[-1] != count or label.ndim > 2:
        raise NetworkError(
            f"a label of shape {list(label.shape)} for a network that reads [N, {count}]",
            hint=f"Give it a class from 0 to {count - 1}, or {count} numbers a picture.",
        )
    return label.expand(batch, -1)
