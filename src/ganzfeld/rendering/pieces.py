"""A render cut into parts that can be made anywhere, in any order, and by somebody else after a kill.

A *chain* begins where the state is known: where a render process began, or at a state that the take holds. Chains are
independent. Within a chain *pieces* of some seconds are made one after the other, each from the state that the one
before it left. The cuts depend on the take and on what is asked for, never on who works: one process and ten machines
make the same frames.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.outputs.base import Piece, open_output, output_for
from ganzfeld.takes.replay import Position, Replay, View
from ganzfeld.takes.take import Take
from ganzfeld.takes.timeline import Start, Timeline
from ganzfeld.values.status import Problem

PIECE_SECONDS = 5.0
MOST_PROBLEMS = 20
CHAIN_SECONDS = 20.0


class Job(msgspec.Struct, frozen=True):
    """What is to be made of a take, as plain data.

    fps: None for the frames of the night. rate: frames a second of a film. first, last: which frames of the timeline;
    picture: (width, height) of all. trust: whether the scripts that the take carries may run. options: the output's.
    device, threads: where, and on how many threads of the CPU.
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


class Made(msgspec.Struct, frozen=True):
    """A finished piece: its first frame, how many, its place in the film, and how to go on; None: the chain's end.
    problems: what went wrong on its frames."""

    first: int
    count: int
    number: int
    position: Position | None = None
    problems: list[Problem] = []


def chains(job: Job, timeline: Timeline) -> list[Chain]:
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


class Maker:
    """Makes pieces of one job, in this process. Keeps what it has open for the next piece."""

    def __init__(self, job: Job) -> None:
        import torch

        if job.threads:
            torch.set_num_threads(job.threads)
        self.job = job
        self.take = Take(Path(job.take))
        self.timeline = Timeline(self.take, job.fps)
        self.chains = chains(job, self.timeline)
        self._kind = output_for(job.target)
        self._numbers = self.timeline.numbers(job.rate) if self._kind.timed else range(len(self.timeline))
        self._replay: Replay | None = None
        self._stands: tuple[int, int] | None = None

    def piece(
        self,
        chain: int,
        before: Made | None,
        target: Path,
        report: Callable[[int, list[GanzfeldError]], None] = lambda made, problems: None,
    ) -> Made:
        """Make the chain's next piece into a file of its own. before: the piece before it, None for the first.
        report: is told how many frames were made, and what went wrong on them. Raises GanzfeldError."""
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
                    written = open_output(target, size, self.job.rate, **self.job.options, overwrite=True)
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
        return Made(first, count, int(self._numbers[first]) - zero, position, list(met)[:MOST_PROBLEMS])

    def _at(self, chain: int, before: Made | None, first: int) -> Replay:
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
        """Let everything go."""
        if self._replay is not None:
            self._replay.close()


class Shelf:
    """The folder beside a render's target where its finished pieces wait for the rest. What lies there is whole."""

    def __init__(self, job: Job, folder: Path | None = None) -> None:
        """folder: another one than beside the target."""
        target = Path(job.target)
        self.job, self.target = job, target
        self.folder = folder or target.with_name(f"{target.name}.parts")
        self._kind = output_for(job.target)

    @property
    def many_files(self) -> bool:
        """Whether a piece is a folder of files."""
        return self._kind.many_files

    def open(self, *, anew: bool = False) -> None:
        """Make the folder, or go on with what lies in it. Raises GanzfeldError if that is of another render."""
        if anew:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        mark = self._mark()
        file = self.folder / "job"
        if not file.exists():
            _write(file, mark)
        elif file.read_bytes() != mark:
            raise GanzfeldError(
                f"{self.folder} holds the beginning of another render",
                hint="Finish that one, choose another name, or begin anew with --overwrite",
            )

    def _mark(self) -> bytes:
        """What tells a render from another one."""
        same = msgspec.structs.replace(self.job, take="", target="", trust=False)
        take = hashlib.sha256(Path(self.job.take).read_bytes()).hexdigest()
        return msgspec.json.encode({"take": take, "job": same})

    def unfinished(self, chain: int, number: int) -> Path:
        """Where to make a piece."""
        path = self.folder / f"{chain:04d}-{number:04d}.part"
        return path / self.target.name if self._kind.many_files else path.with_suffix(f".part{self._kind.piece_suffix}")

    def finished(self, chain: int, number: int) -> Path:
        """Where a piece lies that is whole."""
        path = self.folder / f"{chain:04d}-{number:04d}"
        return path / self.target.name if self._kind.many_files else path.with_suffix(self._kind.piece_suffix)

    def put(self, chain: int, number: int, made: Made) -> None:
        """The piece at `unfinished` is whole."""
        source, target = self.unfinished(chain, number), self.finished(chain, number)
        if self._kind.many_files:
            source, target = source.parent, target.parent
            shutil.rmtree(target, ignore_errors=True)
        source.replace(target)
        _write(self._note(chain, number), msgspec.msgpack.encode(made))
        if number:  # its state is of no use any more, and may be large
            before = msgspec.msgpack.decode(self._note(chain, number - 1).read_bytes(), type=Made)
            _write(
                self._note(chain, number - 1), msgspec.msgpack.encode(msgspec.structs.replace(before, position=None))
            )

    def made(self, chain: int) -> list[Made]:
        """The chain's pieces that are finished, from the first without a gap."""
        found: list[Made] = []
        while (note := self._note(chain, len(found))).exists():
            found.append(msgspec.msgpack.decode(note.read_bytes(), type=Made))
        return found

    def _note(self, chain: int, number: int) -> Path:
        return self.folder / f"{chain:04d}-{number:04d}.made"

    def join(self, count: int, **options: Any) -> None:
        """Put the pieces of all chains together into the target, and clear the folder. Raises OutputError."""
        pieces = [
            Piece(self.finished(chain, number), made.number, made.count)
            for chain in range(count)
            for number, made in enumerate(self.made(chain))
        ]
        self._kind.join(pieces, self.target, self.job.rate, self.folder, **options)
        shutil.rmtree(self.folder, ignore_errors=True)


def is_whole(chain: Chain, made: list[Made]) -> bool:
    """Whether all frames of a chain are there."""
    return bool(made) and made[-1].first + made[-1].count >= chain.last


def make_chain(
    maker: Maker,
    shelf: Shelf,
    chain: int,
    report: Callable[[int, list[GanzfeldError]], None] = lambda made, problems: None,
) -> None:
    """Make all pieces of a chain that are not made yet."""
    made = shelf.made(chain)
    while not is_whole(maker.chains[chain], made):
        number = len(made)
        target = shelf.unfinished(chain, number)
        if shelf.many_files:
            shutil.rmtree(target.parent, ignore_errors=True)
        made.append(maker.piece(chain, made[-1] if made else None, target, report))
        shelf.put(chain, number, made[-1])


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_bytes(data)
    unfinished.replace(path)
