"""Renders pieces of a take in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ganzfeld.errors import GanzfeldError
from ganzfeld.outputs.base import open_output, output_for
from ganzfeld.rendering.jobs import FinishedPiece, RenderJob, chains
from ganzfeld.takes.replay import Position, Replay
from ganzfeld.takes.take import Take
from ganzfeld.takes.timeline import Timeline
from ganzfeld.values.status import Problem

MOST_PROBLEMS = 20
"""Different errors that a finished piece remembers."""
Report = Callable[[int, list[GanzfeldError]], None]
"""Is told how many more frames were rendered, and what went wrong on them."""


class PieceRenderer:
    """Renders pieces of one job. Keeps the take and the networks open for the next piece."""

    def __init__(self, job: RenderJob) -> None:
        import torch

        if job.threads:
            torch.set_num_threads(job.threads)
        self.job = job
        self.take = Take(Path(job.take))
        self.timeline = Timeline(self.take, job.fps)
        self.chains = chains(job, self.timeline)
        self._kind = output_for(job.target)
        self._options = {**job.options, **self._kind.piece_options(Path(job.target))}
        self._numbers = self.timeline.numbers(job.rate) if self._kind.timed else range(len(self.timeline))
        self._replay: Replay | None = None
        self._stands: tuple[int, int] | None = None

    def piece(
        self,
        chain: int,
        before: FinishedPiece | None,
        target: Path,
        report: Report = lambda count, problems: None,
    ) -> FinishedPiece:
        """Render the chain's next piece into a file of its own. before: the piece before it, None for the first.

        report: is told how many frames were rendered, and what went wrong on them. Raises GanzfeldError.
        """
        place = self.chains[chain]
        first = place.first if before is None else before.first + before.count
        replay = self._at(chain, before, first)
        self._stands = None
        count, most = 0, max(1, round(self.job.piece_seconds * (self.job.fps or self.job.rate)))
        position: Position | None = None
        zero = int(self._numbers[self.job.first])
        written = None
        met: dict[Problem, None] = {}
        try:
            for index in range(first, place.last):
                image = replay.frame().cpu().numpy()
                if written is None:
                    size = (image.shape[1], image.shape[0])
                    written = open_output(target, size, self.job.rate, **self._options, overwrite=True)
                written.write(image, float(self.timeline.at[index]), int(self._numbers[index]) - zero)
                count += 1
                report(1, replay.problems)
                if replay.problems and len(met) < MOST_PROBLEMS:
                    met |= dict.fromkeys(map(Problem.of, replay.problems))
                # Where the state cannot be kept (while two texts cross-fade), the piece goes on.
                if count >= most and count % max(1, most // 8) == 0 and index + 1 < place.last:
                    position = replay.position()
                    if position.exact:
                        break
                    position = None
        finally:
            if written is not None:
                written.close()
        if position is not None:
            self._stands = (chain, first + count)
        return FinishedPiece(first, count, int(self._numbers[first]) - zero, position, list(met)[:MOST_PROBLEMS])

    def _at(self, chain: int, before: FinishedPiece | None, first: int) -> Replay:
        """A replay whose next frame is that one."""
        if self._replay is not None and self._stands == (chain, first):
            return self._replay
        if self._replay is None:
            job = self.job
            self._replay = Replay(
                self.take,
                self.timeline,
                job.view,
                job.device,
                lambda path: job.trust,
                job.picture,
            )
        replay, start = self._replay, self.chains[chain].start
        if before is not None and before.position is not None:
            replay.resume(before.position)
        else:
            replay.start(start)
            for _ in range(start.first, first):
                replay.frame()
        return replay

    def close(self) -> None:
        """Close the engine and its files."""
        if self._replay is not None:
            self._replay.close()
