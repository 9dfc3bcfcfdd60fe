"""From a take and what is asked for to a job: which frames, at what rate, how large."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ganzfeld.errors import GanzfeldError
from ganzfeld.outputs.base import output_for
from ganzfeld.rendering import jobs
from ganzfeld.takes.replay import View, check_output, first_size
from ganzfeld.takes.take import Take
from ganzfeld.takes.timeline import Timeline

USUAL_RATE = 60.0
"""Frames a second of a film of a take whose frames tell no rate."""


def plan(
    take: Take,
    target: Path,
    view: View,
    *,
    fps: float | None = None,
    start: float = 0.0,
    seconds: float | None = None,
    frames: int | None = None,
    device: str = "auto",
    trusted: Callable[[], bool] = lambda: False,
    output_options: dict[str, Any] | None = None,
) -> jobs.RenderJob:
    """What is to be rendered, as plain data.

    fps: frames a second; None: the frames of the take. start, seconds: in seconds of real time since the take began;
    frames: at most so many. trusted: whether the scripts of the take may run; asked last. Raises GanzfeldError.
    """
    check_output(take, view.output)
    output_for(target).check_joins(target)
    timeline = Timeline(take, fps)
    first = int(np.searchsorted(timeline.at, start - 1e-6))
    last = len(timeline)
    if frames is not None:
        last = min(last, first + frames)
    elif seconds is not None:
        last = min(last, int(np.searchsorted(timeline.at, start + seconds - 1e-6)))
    if first >= last:
        raise GanzfeldError(
            f"there is nothing to render at second {start:g}", hint=f"The take is {take.seconds:.1f} s long"
        )
    return jobs.RenderJob(
        take=str(take.path.absolute()),
        target=str(output_for(target).target_for(target, last - first).absolute()),
        rate=fps or recorded_rate(take),
        first=first,
        last=last,
        fps=fps,
        size=view.size,
        supersample=view.supersample,
        output=view.output,
        picture=first_size(take, view),
        device=device,
        threads=take.header.threads,
        trust=trusted(),
        options=output_options or {},
        piece_seconds=jobs.PIECE_SECONDS,
        chain_seconds=jobs.CHAIN_SECONDS,
    )


def recorded_rate(take: Take) -> float:
    """Frames a second at which the take was played: what the patch asked for, or more, if somebody asked for more while
    it was recorded; or else the median of what was played."""
    if aimed := max(session.opened.fps for session in take.sessions):
        busiest = max((_busiest_second(session.times.at) for session in take.sessions), default=0)
        return float(busiest) if busiest > 1 + 1.05 * aimed else aimed
    steps = np.concatenate([np.diff(session.times.at) for session in take.sessions])
    steps = steps[steps > 1e-4]
    if not len(steps):
        return USUAL_RATE
    rate = 1 / float(np.median(steps))
    return round(rate) if abs(rate - round(rate)) < 0.02 * rate and rate > 1 else min(max(rate, 0.01), 1000.0)


def _busiest_second(at: np.ndarray) -> int:
    """The most frames within a second of each other. Frames that come late never come more often than they were asked
    for, so this is the highest rate that was aimed at."""
    return int(np.max(np.searchsorted(at, at + (1 - 1e-3)) - np.arange(len(at)), initial=0))
