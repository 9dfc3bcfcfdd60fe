"""A tensor that nobody may read on the host: what runs on it could be captured in a CUDA graph."""

from __future__ import annotations

from typing import Any

import torch


class Sealed(torch.Tensor):
    """Refuses `.item()`, `float()`, `int()`, `bool()` and their like."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a value was read on the host: this could not be captured")

    item = tolist = numpy = _refuse
    __float__ = __int__ = __bool__ = __index__ = _refuse
