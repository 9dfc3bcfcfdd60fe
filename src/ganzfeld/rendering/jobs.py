"""What is rendered of a take, and how that is cut into parts that can be rendered anywhere and in any order.

A *chain* begins where the state is known: where a render process began, or at a state that the take holds. Chains are
independent. Within a chain *pieces* of some seconds are rendered one after the other, each from the state that the one
before it left. The cuts depend on the take and on what is asked for, never on who works: one process and ten machines
make the same frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ganzfeld.takes.replay import Position, View
from ganzfeld.takes.timeline import Start, Timeline
from ganzfeld.values.status import Problem

PIECE_SECONDS = 5.0
CHAIN_SECONDS = 20.0


class RenderJob(msgspec.Struct, frozen=True):
    """What is to be made of a take, as plain data.

    take, target: paths. fps: frames a second; None: the frames of the take. rate: frames a second of a film. first,
    last: which frames of the timeline, `last` exclusive. size: (width, height); None: as it was. supersample: so many
    times larger in each direction, then averaged. output: which of several. picture: (width, height) of all pictures.
    device, threads: where, and on how many threads of the CPU; 0: as many as torch likes. trust: whether the scripts
    that the take carries may run. options: the output's own. piece_seconds, chain_seconds: how it is cut.
    """

    take: str
    target: str
    rate: float
    first: int
    last: int
    fps: float | None = None
    size: tuple[int, int] | None = None
    supersample: int = 1
    output: str | None = None
    picture: tuple[int, int] | None = None
    device: str = "auto"
    threads: int = 0
    trust: bool = False
    options: dict[str, Any] = {}
    piece_seconds: float = PIECE_SECONDS
    chain_seconds: float = CHAIN_SECONDS

    @property
    def view(self) -> View:
        """What is looked at."""
        return View(self.size, self.supersample, self.output)


@dataclass(frozen=True, slots=True)
class Chain:
    """Frames `first` to `last` (exclusive), played from `start`."""

    start: Start
    first: int
    last: int


class FinishedPiece(msgspec.Struct, frozen=True):
    """A finished piece: its first frame, how many, its place in the film, and how to go on; None: the chain's end.
    problems: what went wrong on its frames."""

    first: int
    count: int
    number: int
    position: Position | None = None
    problems: list[Problem] = []


def chains(job: RenderJob, timeline: Timeline) -> list[Chain]:
    """The chains of a job, in their order."""
    as_it_was = job.fps is None and job.view.as_it_was
    starts = timeline.starts(tensors=as_it_was)
    begin = max((start for start in starts if start.first <= job.first), key=lambda start: start.first)
    chosen = [begin]
    for start in starts:
        if not job.first < start.first < job.last:
            continue
        far = timeline.at[start.first] - timeline.at[max(chosen[-1].first, job.first)] >= job.chain_seconds
        if start.checkpoint is None or far:
            chosen.append(start)
    ends = [start.first for start in chosen[1:]] + [job.last]
    return [Chain(start, max(start.first, job.first), end) for start, end in zip(chosen, ends)]


def is_whole(chain: Chain, pieces: Sequence[FinishedPiece]) -> bool:
    """Whether all frames of a chain are there."""
    return bool(pieces) and pieces[-1].first + pieces[-1].count >= chain.last
