"""A stand-in for CUDA graphs that works on a CPU, and is as unforgiving: capturing executes nothing that can be seen,
a replay repeats the same operations on the same memory, reading a value on the host while capturing is an error, and
what one replay leaves in its memory is gone at the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ganzfeld.engine.program.capture import Captured, NoGraphs


class GraphsOnHost(NoGraphs):
    """Captures on the CPU. captured: how many captures succeeded; replayed: how many replays there were."""

    def __init__(self) -> None:
        super().__init__()
        self.captured = self.replayed = 0
        self.refuse: Exception | None = None
        """Raised by every capture, if set."""
        self.given_back = 0

    def captures(self, device: torch.device) -> bool:
        return device.type == "cpu"

    def capture(self, device: torch.device, pool: Any, work: Callable[[], Any]) -> Captured:
        if self.refuse is not None:
            raise self.refuse
        recording = Recording()
        with recording:
            result = work()
        recording.spoil()
        self.captured += 1

        def replay() -> None:
            self.replayed += 1
            recording.replay()

        return Captured(replay, result)

    def give_back(self) -> None:
        self.given_back += 1


def is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def memory_of(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


class Recording(TorchDispatchMode):
    """Records operations. What changes a tensor in place is not executed; the rest is, for its shapes alone."""

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[tuple[Any, tuple, dict, Any]] = []
        self._own: list[torch.Tensor] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.overloadpacket.__name__ in ("item", "_local_scalar_dense", "equal", "is_nonzero"):
            raise RuntimeError("operation not permitted when stream is capturing")
        schema = func._schema
        if schema.is_mutable:
            self._steps.append((func, args, kwargs, None))
            written = [
                kwargs[argument.name] if argument.name in kwargs else args[place]
                for place, argument in enumerate(schema.arguments)
                if argument.alias_info is not None and argument.alias_info.is_write
            ]
            if len(schema.returns) == 0:
                return None
            return written[0] if len(schema.returns) == 1 else tuple(written)
        made = func(*args, **kwargs)
        given = {memory_of(tensor) for tensor in tree_leaves((args, kwargs)) if is_tensor(tensor)}
        fresh = [tensor for tensor in tree_leaves(made) if is_tensor(tensor) and memory_of(tensor) not in given]
        if fresh:  # a view needs no repeating
            self._steps.append((func, args, kwargs, made))
            self._own += fresh
        return made

    def spoil(self) -> None:
        """Nothing that was computed while capturing may be relied on."""
        for tensor in self._own:
            if tensor.is_floating_point():
                tensor.fill_(math.nan)

    def replay(self) -> None:
        with torch.inference_mode():
            self.spoil()
            for func, args, kwargs, made in self._steps:
                again = func(*args, **kwargs)
                if made is None:
                    continue
                if isinstance(made, torch.Tensor):
                    made.copy_(again)
                else:
                    for target, source in zip(made, again, strict=True):
                        if isinstance(target, torch.Tensor):
                            target.copy_(source)
