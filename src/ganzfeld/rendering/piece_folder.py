"""The folder beside a render's target where finished pieces wait for the rest, so that a killed render goes on."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.outputs.base import OutputPiece, output_for
from ganzfeld.rendering.jobs import FinishedPiece, RenderJob, is_whole
from ganzfeld.rendering.piece_renderer import PieceRenderer, Report


class PieceFolder:
    """Finished pieces and a note about each, named by chain and number. A piece gets its name when it is whole."""

    def __init__(self, job: RenderJob, path: Path | None = None) -> None:
        """path: another folder than TARGET.parts beside the target."""
        target = Path(job.target)
        self.job, self.target = job, target
        self.path = path or target.with_name(f"{target.name}.parts")
        self._kind = output_for(job.target)
        self._suffix = self._kind.piece_suffix or target.suffix

    @property
    def many_files(self) -> bool:
        """Whether a piece is a folder of files."""
        return self._kind.many_files

    def open(self, *, anew: bool = False) -> None:
        """Make the folder, or go on with what lies in it. Raises GanzfeldError if that is of another render."""
        if anew:
            shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True, exist_ok=True)
        mark = self._mark()
        file = self.path / "job"
        if not file.exists():
            _write(file, mark)
        elif file.read_bytes() != mark:
            raise GanzfeldError(
                f"{self.path} holds the beginning of another render",
                hint="Finish that one, choose another name, or begin anew with --overwrite",
            )

    def _mark(self) -> bytes:
        """What tells this render from another one: the take's contents and the job, but not where they lie."""
        same = msgspec.structs.replace(self.job, take="", target="", trust=False)
        take = hashlib.sha256(Path(self.job.take).read_bytes()).hexdigest()
        return msgspec.json.encode({"take": take, "job": same})

    def unfinished(self, chain: int, number: int) -> Path:
        """Where a piece is written while it is rendered."""
        path = self.path / f"{chain:04d}-{number:04d}.part"
        return path / self.target.name if self._kind.many_files else path.with_suffix(f".part{self._suffix}")

    def finished(self, chain: int, number: int) -> Path:
        """Where a finished piece lies."""
        path = self.path / f"{chain:04d}-{number:04d}"
        return path / self.target.name if self._kind.many_files else path.with_suffix(self._suffix)

    def put(self, chain: int, number: int, piece: FinishedPiece) -> None:
        """Give the piece at `unfinished` the name of a finished one, and write the note about it."""
        source, target = self.unfinished(chain, number), self.finished(chain, number)
        if self._kind.many_files:
            source, target = source.parent, target.parent
            shutil.rmtree(target, ignore_errors=True)
        source.replace(target)
        _write(self._note(chain, number), msgspec.msgpack.encode(piece))
        if number:  # the state that the piece before it left is of no use any more, and may be large
            before = msgspec.msgpack.decode(self._note(chain, number - 1).read_bytes(), type=FinishedPiece)
            _write(
                self._note(chain, number - 1), msgspec.msgpack.encode(msgspec.structs.replace(before, position=None))
            )

    def finished_pieces(self, chain: int) -> list[FinishedPiece]:
        """The chain's pieces that are finished, from the first without a gap."""
        found: list[FinishedPiece] = []
        while (note := self._note(chain, len(found))).exists():
            found.append(msgspec.msgpack.decode(note.read_bytes(), type=FinishedPiece))
        return found

    def _note(self, chain: int, number: int) -> Path:
        return self.path / f"{chain:04d}-{number:04d}.made"

    def join(self, count: int, **options: Any) -> None:
        """Put the pieces of all chains together into the target, and clear the folder. Raises OutputError."""
        pieces = [
            OutputPiece(self.finished(chain, number), piece.number, piece.count)
            for chain in range(count)
            for number, piece in enumerate(self.finished_pieces(chain))
        ]
        self._kind.join(pieces, self.target, self.job.rate, self.path, **options)
        shutil.rmtree(self.path, ignore_errors=True)


def render_chain(
    renderer: PieceRenderer, folder: PieceFolder, chain: int, report: Report = lambda count, problems: None
) -> None:
    """Render all pieces of a chain that are not there yet."""
    pieces = folder.finished_pieces(chain)
    while not is_whole(renderer.chains[chain], pieces):
        number = len(pieces)
        target = folder.unfinished(chain, number)
        if folder.many_files:
            shutil.rmtree(target.parent, ignore_errors=True)
            target.parent.mkdir()
        pieces.append(renderer.piece(chain, pieces[-1] if pieces else None, target, report))
        folder.put(chain, number, pieces[-1])


def _write(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_bytes(data)
    unfinished.replace(path)
