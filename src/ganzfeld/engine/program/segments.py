"""Which steps of a program run together.

A segment is a run of steps on one device that are all captured in one graph, or all run from Python. Steps are put in
an order in which there are as few captured segments as their dependencies allow: what runs from Python goes first, as
soon as it can, and a captured segment takes everything that is ready.

With several devices, what another device waits for goes before all else, and a step that reads from another device
begins a new segment: so one device works on its own part of the frame while another makes what it will read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ganzfeld.patch.node import Latent


@dataclass(frozen=True, slots=True)
class StepPlacement:
    """What the order depends on. inputs: the steps whose results it reads; they have smaller numbers."""

    inputs: tuple[int, ...]
    device: torch.device
    captured: bool


@dataclass(slots=True)
class ProgramSegment:
    """steps: their numbers, in order. enters: results of others that it reads. leaves: results that others read, or
    that are the program's outputs."""

    device: torch.device
    captured: bool
    steps: list[int] = field(default_factory=list)
    enters: list[int] = field(default_factory=list)
    leaves: list[int] = field(default_factory=list)


def segments_of(steps: Sequence[StepPlacement], outs: Sequence[int]) -> list[ProgramSegment]:
    """The segments, in the order in which they run."""
    early = _needed_elsewhere(steps)
    waiting, done, segments = list(range(len(steps))), set[int](), list[ProgramSegment]()
    while waiting:
        ready = [number for number in waiting if done.issuperset(steps[number].inputs)]
        first = min(ready, key=lambda number: (steps[number].captured, not early[number], number))
        like, foreign = steps[first], _foreign(steps, first)
        segment = ProgramSegment(like.device, like.captured)
        for number in waiting:
            step = steps[number]
            if (
                (step.captured, step.device, early[number]) == (like.captured, like.device, early[first])
                and done.issuperset(step.inputs)
                and _foreign(steps, number) <= foreign
            ):
                segment.steps.append(number)
                done.add(number)
        waiting = [number for number in waiting if number not in done]
        segments.append(segment)
    for segment in segments:
        own = set(segment.steps)
        segment.enters = sorted({read for number in own for read in steps[number].inputs} - own)
        read = {read for number, step in enumerate(steps) if number not in own for read in step.inputs}
        segment.leaves = sorted(own & (read | set(outs)))
    return segments


def _needed_elsewhere(steps: Sequence[StepPlacement]) -> list[bool]:
    """Whether another device waits for a step, or for what is made of it."""
    early = [False] * len(steps)
    for number in reversed(range(len(steps))):
        for read in steps[number].inputs:
            early[read] = early[read] or early[number] or steps[read].device != steps[number].device
    return early


def _foreign(steps: Sequence[StepPlacement], number: int) -> set[int]:
    return {read for read in steps[number].inputs if steps[read].device != steps[number].device}


# Results: a picture's tensor, or a latent


def with_tensors(result: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """The same result with each of its tensors changed."""
    if isinstance(result, torch.Tensor):
        return change(result)
    if isinstance(result, Latent):
        points = change(result.points)
        return Latent(points, result.space, None if result.weights is None else change(result.weights))
    return result


def tensors_of(result: Any) -> list[torch.Tensor]:
    """The tensors of a result."""
    found: list[torch.Tensor] = []
    with_tensors(result, lambda tensor: found.append(tensor) or tensor)
    return found


def fits(result: Any, other: Any) -> bool:
    """Whether two results are alike in everything but their numbers and their device."""
    if type(result) is not type(other) or (isinstance(result, Latent) and result.space != other.space):
        return False
    ours, theirs = tensors_of(result), tensors_of(other)
    return len(ours) == len(theirs) and all(
        one.shape == two.shape and one.dtype == two.dtype for one, two in zip(ours, theirs)
    )


def copied(result: Any, device: torch.device | None = None) -> Any:
    """The same numbers in memory of their own."""
    return with_tensors(result, lambda tensor: tensor.clone() if device is None else tensor.to(device, copy=True))


def moved(result: Any, device: torch.device) -> Any:
    """The same result on a device; itself if it is there."""
    return with_tensors(result, lambda tensor: tensor.to(device, non_blocking=True))


def written(result: Any, into: Any) -> None:
    """Copy a result's numbers into another that `fits`."""
    for source, target in zip(tensors_of(result), tensors_of(into)):
        target.copy_(source, non_blocking=True)
