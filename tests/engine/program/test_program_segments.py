"""The order of steps: as few captured segments as possible, every result before its readers."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ganzfeld.engine.program.segments import StepPlacement, copied, fits, segments_of, tensors_of, written
from ganzfeld.patch.node import Latent

HERE, THERE = torch.device("cuda", 0), torch.device("cuda", 1)


def step(*inputs: int, captured: bool = True, device: torch.device = HERE) -> StepPlacement:
    return StepPlacement(inputs, device, captured)


def order(*steps: StepPlacement, outs: tuple[int, ...] | None = None) -> list[list[int]]:
    return [segment.steps for segment in segments_of(steps, outs or (len(steps) - 1,))]


def test_one_segment_without_scripts() -> None:
    assert order(step(), step(0), step(1), step(1, 2)) == [[0, 1, 2, 3]]


def test_a_script_splits_what_comes_before_from_what_comes_after() -> None:
    assert order(step(), step(0), step(1, captured=False), step(2)) == [[0, 1], [2], [3]]


def test_what_does_not_wait_for_a_script_joins_a_neighbour() -> None:
    # noise → network → script ┐
    # noise → network ─────────┴ mix: the second network needs no segment of its own
    assert order(step(), step(0), step(1, captured=False), step(), step(3), step(2, 4)) == [[0, 1, 3, 4], [2], [5]]


def test_scripts_that_wait_for_nothing_go_first() -> None:
    assert order(step(), step(captured=False), step(0, 1)) == [[1], [0, 2]]


def test_devices_work_side_by_side() -> None:
    # The other device's network is asked for first; this one's does not wait for it, only their mix does.
    steps = (step(), step(0, device=THERE), step(), step(2), step(1, 3))
    assert order(*steps) == [[0], [1], [2, 3], [4]]
    first, other, own, mix = segments_of(steps, (4,))
    assert (first.leaves, other.enters, other.leaves) == ([0], [0], [1])
    assert (own.leaves, mix.enters, mix.leaves) == ([3], [1, 3], [4])


@st.composite
def graphs(draw: st.DrawFn) -> list[StepPlacement]:
    steps: list[StepPlacement] = []
    for number in range(draw(st.integers(1, 12))):
        inputs = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else ()
        steps.append(step(*inputs, captured=draw(st.booleans()), device=draw(st.sampled_from((HERE, HERE, THERE)))))
    return steps


@given(graphs())
def test_every_order_is_whole_and_causal(steps: list[StepPlacement]) -> None:
    outs = (len(steps) - 1,)
    segments = segments_of(steps, outs)
    assert sorted(number for segment in segments for number in segment.steps) == list(range(len(steps)))
    done: set[int] = set()
    for segment in segments:
        for number in segment.steps:
            assert set(steps[number].inputs) <= done | set(segment.steps)
            assert all(read in done or segment.steps.index(read) < segment.steps.index(number)
                       for read in steps[number].inputs)  # fmt: skip
            assert (steps[number].captured, steps[number].device) == (segment.captured, segment.device)
            assert {read for read in steps[number].inputs if read in done} <= set(segment.enters)
        done |= set(segment.steps)
        later = {read for number in set(range(len(steps))) - set(segment.steps) for read in steps[number].inputs}
        assert set(segment.leaves) == set(segment.steps) & (later | set(outs))


def test_results_are_copied_with_everything_in_them() -> None:
    latent = Latent(torch.ones(2, 8), "w", torch.ones(2))
    other = copied(latent)
    assert fits(latent, other)
    assert other.space == "w"
    written(Latent(torch.zeros(2, 8), "w", torch.zeros(2)), other)
    assert [tensor.sum().item() for tensor in tensors_of(other)] == [0, 0]
    assert [tensor.sum().item() for tensor in tensors_of(latent)] == [16, 2]
    assert not fits(latent, Latent(torch.ones(2, 8), "z", torch.ones(2)))
    assert not fits(latent, Latent(torch.ones(2, 8), "w"))
    assert not fits(latent, torch.ones(2, 8))
    assert not fits(torch.ones(2), torch.ones(3))
    assert not fits(torch.ones(2), torch.ones(2, dtype=torch.uint8))
