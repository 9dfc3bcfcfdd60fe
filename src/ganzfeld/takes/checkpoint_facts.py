"""What a checkpoint of the engine's says of itself, read without an engine."""

from __future__ import annotations

import msgspec


class CheckpointFacts(msgspec.Struct, frozen=True):
    """exact: whether it is all of the state (see `Engine.checkpoint`). tensors: how many it holds."""

    exact: bool = False
    tensors: int = 0


class _Checkpoint(msgspec.Struct, frozen=True):
    about: CheckpointFacts = CheckpointFacts()


_decode = msgspec.msgpack.Decoder(_Checkpoint).decode


def facts_of(checkpoint: bytes) -> CheckpointFacts:
    """What it says; of something that is no checkpoint, that it is not exact and holds nothing."""
    try:
        return _decode(checkpoint).about
    except msgspec.DecodeError:
        return CheckpointFacts()


def is_exact(checkpoint: bytes | None) -> bool:
    """Whether a state is all there is to know; None stands for the state in which every show begins."""
    return checkpoint is None or facts_of(checkpoint).exact
