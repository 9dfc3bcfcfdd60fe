"""Checkpoints: what a new process needs to go on with a show, as msgpack."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import torch

from ganzfeld.engine.playing import PlayingPatch
from ganzfeld.engine.program.state import LARGEST_CHECKPOINTED_TENSOR, State
from ganzfeld.engine.snapshots.recalls import value_in, value_out
from ganzfeld.engine.snapshots.snapshots import LiveSnapshots
from ganzfeld.errors import PatchError
from ganzfeld.patch.mixing import Mix
from ganzfeld.values.outside import Outside

log = logging.getLogger(__name__)


class Checkpointed(msgspec.Struct, frozen=True):
    """What a checkpoint says of itself: whether it is exact (see `Engine.checkpoint`), how many tensors it holds."""

    exact: bool = False
    tensors: int = 0


def encode_checkpoint(
    playing: PlayingPatch | None,
    turned: Mapping[str, Any],
    snapshots: LiveSnapshots,
    outside: Outside,
    *,
    whole: bool,
    settled: bool,
) -> bytes:
    """A checkpoint of what plays, of values turned by hand, of snapshots and of values from outside.

    whole: also the large tensors of the state. settled: whether the next frame depends on nothing else; a cross-fade
    and a frame that failed do.
    """
    state = (playing.state if playing else State()).checkpoint(None if whole else LARGEST_CHECKPOINTED_TENSOR)
    exact = state.pop("exact") and settled and playing is not None
    return msgspec.msgpack.encode(
        {
            "about": Checkpointed(exact, len(state["tensors"])),
            "turned": {address: value_out(value) for address, value in turned.items()},
            "snapshots": snapshots.checkpoint(),
            "state": state,
            "outside": outside.values(),
            "held": playing.evaluator.held() if playing else {},
        }
    )


def take_up_checkpoint(
    data: bytes,
    playing: PlayingPatch | None,
    turned: dict[str, Any],
    snapshots: LiveSnapshots,
    outside: Outside,
    device: torch.device,
    turn: Callable[[str, Any], None],
) -> None:
    """Go on from what `encode_checkpoint` gave; what it is about is changed in place.

    device: where tensors go that were on a GPU. turn: turns a value as a hand does; raises PatchError for one that does
    not fit the patch, which is left out.
    """
    checkpoint = msgspec.msgpack.decode(data)
    for address, value in checkpoint["outside"].items():
        outside.set(address, value)
    if playing is None:
        snapshots.restore(checkpoint["snapshots"], {})
        return
    playing.state.restore(checkpoint["state"], device)
    playing.evaluator.hold(checkpoint.get("held", {}))
    for address, value in checkpoint["turned"].items():
        value = value_in(value)
        if isinstance(value, Mix):
            if address in playing.graph.slots:
                turned[address] = value
            continue
        try:
            turn(address, value)
        except PatchError as error:
            log.info("a value of the checkpoint no longer fits: %s", error)
    snapshots.restore(checkpoint["snapshots"], turned)
