"""What runs on these could be captured in a CUDA graph: tensors that nobody may read on the host, and an end to numbers
that come from there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

FROM_HOST = (torch.tensor, torch.as_tensor, torch.from_numpy, torch.scalar_tensor)


class NothingFromHost(TorchFunctionMode):
    """Refuses to make tensors from numbers of the host, and to take elements by a list of them: on a card these are
    copies from the host, which no capture may hold."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        by_list = func in (torch.Tensor.__getitem__, torch.Tensor.__setitem__) and any(
            isinstance(each, list) for each in (args[1] if isinstance(args[1], tuple) else (args[1],))
        )
        if func in FROM_HOST or by_list:
            raise AssertionError("numbers of the host were copied to the device: this could not be captured")
        return func(*args, **(kwargs or {}))


class Sealed(torch.Tensor):
    """Refuses `.item()`, `float()`, `int()`, `bool()` and their like."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a value was read on the host: this could not be captured")

    item = tolist = numpy = _refuse
    __float__ = __int__ = __bool__ = __index__ = _refuse
