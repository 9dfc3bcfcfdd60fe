"""What outlives programs: feedback pictures, integrated phases, walks, a script's own state.

Keyed by a node's path (its name) and the shape, so that state survives a save, a swap and the renaming of
something else. Warm-ups run on a `fork`.
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import torch

LARGEST_CHECKPOINTED_TENSOR = 1 << 20
LARGEST_CHECKPOINTED_VALUE = 1 << 20
"""Bytes of one value of a script's state, as msgpack. A larger one is left out once a second, and kept when all is."""


class State:
    """Host state of expressions and nodes, and tensors on the device."""

    def __init__(self) -> None:
        self.expressions: dict[str, Any] = {}
        self.memory: dict[str, dict[str, Any]] = {}
        self.tensors: dict[tuple, torch.Tensor] = {}

    def of(self, path: str) -> dict[str, Any]:
        """The host state of one node."""
        return self.memory.setdefault(path, {})

    def tensor(
        self, path: str, device: torch.device, name: str, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
    ) -> torch.Tensor:
        """A node's own tensor: zero at first, then whatever the node left in it."""
        key = (path, name, tuple(shape), str(dtype).removeprefix("torch."), str(device))
        found = self.tensors.get(key)
        return self.tensors.setdefault(key, torch.zeros(shape, dtype=dtype, device=device)) if found is None else found

    def fork(self) -> State:
        """An independent copy: what is written to it leaves this one as it is."""
        copied = State()
        copied.expressions = copy.deepcopy(self.expressions)
        copied.memory = {path: _copied(memory) for path, memory in self.memory.items()}
        copied.tensors = {key: tensor.clone() for key, tensor in self.tensors.copy().items()}
        return copied

    def keep_only(self, paths: set[str]) -> None:
        """Drop the state of nodes that are gone."""
        self.memory = {path: memory for path, memory in self.memory.items() if path in paths}
        # One by one: the thread that builds the next patch may add some meanwhile.
        for key in [key for key in self.tensors.copy() if key[0] not in paths]:
            del self.tensors[key]

    @torch.inference_mode()
    def clear(self) -> None:
        """All is as it was before the first frame; tensors stay where captured programs know them."""
        self.expressions.clear()
        self.memory.clear()
        for tensor in self.tensors.values():
            tensor.zero_()

    def checkpoint(self, largest: int | None = LARGEST_CHECKPOINTED_TENSOR) -> dict[str, Any]:
        """All plain host state and the tensors of up to `largest` bytes (None: all), ready for msgpack. Big pictures
        are left to form anew. "exact": nothing was left out, and nothing comes back as something else."""
        tensors = [
            (list(key), tensor.detach().to("cpu", copy=True).contiguous().view(torch.uint8).numpy().tobytes())
            for key, tensor in self.tensors.copy().items()
            if largest is None or tensor.numel() * tensor.element_size() <= largest
        ]
        most = None if largest is None else LARGEST_CHECKPOINTED_VALUE
        memory = {path: _plain(memory, most) for path, memory in self.memory.items()}
        expressions = _plain(self.expressions)
        exact = len(tensors) == len(self.tensors) and _returns(expressions, self.expressions)
        exact = exact and _returns(memory, self.memory)
        return {"expressions": expressions, "memory": memory, "tensors": tensors, "exact": exact}

    @torch.inference_mode()
    def restore(self, checkpoint: dict[str, Any], device: torch.device) -> None:
        """Take up a checkpoint. Tensors that were on a GPU come back on `device`."""
        self.expressions = dict(checkpoint["expressions"])
        self.memory = {path: dict(memory) for path, memory in checkpoint["memory"].items()}
        for (path, name, shape, kind, _), data in checkpoint["tensors"]:
            dtype = getattr(torch, kind)
            flat = torch.frombuffer(bytearray(data), dtype=torch.uint8)
            # In place: captured programs know the addresses of those that are there.
            self.tensor(path, device, name, tuple(shape), dtype).copy_(flat.view(dtype).reshape(shape))


def _copied(memory: dict[str, Any]) -> dict[str, Any]:
    # A script may keep anything in its state; what cannot be copied is shared rather than lost.
    copied = {}
    for key, value in memory.items():
        try:
            copied[key] = copy.deepcopy(value)
        except Exception:
            copied[key] = value
    return copied


def _plain(memory: dict[str, Any], most: int | None = None) -> dict[str, Any]:
    plain = {}
    for key, value in memory.items():
        try:
            size = len(msgspec.msgpack.encode(value))
        except (TypeError, ValueError, OverflowError, RecursionError):
            continue
        if most is not None and size > most:
            continue
        plain[key] = value
    return plain


def _returns(plain: dict[str, Any], memory: dict[str, Any]) -> bool:
    """Whether all of a memory is kept, and comes back from msgpack as what it was."""
    try:
        return len(plain) == len(memory) and msgspec.msgpack.decode(msgspec.msgpack.encode(plain)) == memory
    except Exception:  # things that refuse to be compared
        return False
