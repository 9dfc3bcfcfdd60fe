"""The folder beside a render's target where finished pieces wait for the rest, so that a killed render goes on."""

from __future__ import annotations

import hashlib
import logging
import shutil
from pathlib import Path
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.outputs.base import OutputPiece, output_for
from ganzfeld.rendering.jobs import FinishedPiece, RenderJob, is_whole
from ganzfeld.rendering.piece_renderer import PieceRenderer, Report

log = logging.getLogger(__name__)


class _Note(msgspec.Struct, frozen=True):
    """What is written down of a finished piece. size: of its file or files, in bytes."""

    piece: FinishedPiece
    size: int


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
        """Make the folder, or go on with what lies in it. anew: what another render has finished is removed. Raises
        GanzfeldError if there is such, and it may not be."""
        mark, file = self._mark(), self.path / "job"
        known = file.read_bytes() if file.exists() else None
        if known is not None and known != mark:
            if not anew and any(self.path.glob("*.made")):
                raise GanzfeldError(
                    f"{self.path} holds the beginning of another render",
                    hint="Finish that one, choose another name, or begin anew with --overwrite",
                )
            shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True, exist_ok=True)
        if known != mark:
            _write(file, mark)
        self._drop_spoilt()

    def _drop_spoilt(self) -> None:
        """Forget pieces that are not as they were finished: cut, removed, or lost with the power."""
        for note in sorted(self.path.glob("*-*.made")):
            chain, _, number = note.stem.partition("-")
            try:
                finished = msgspec.msgpack.decode(note.read_bytes(), type=_Note)
                is_sound = finished.size == self._size(int(chain), int(number))
            except (OSError, ValueError):  # msgspec's own are ValueErrors
                is_sound = False
            if not is_sound:
                log.warning("The piece %s is not as it was finished; it is rendered again", note.stem)
                note.unlink()

    def _size(self, chain: int, number: int) -> int:
        """Of a finished piece, in bytes. Raises OSError."""
        path = self.finished(chain, number)
        if not self._kind.many_files:
            return path.stat().st_size
        return sum(each.stat().st_size for each in path.parent.rglob("*") if each.is_file())

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
        _write(self._note(chain, number), msgspec.msgpack.encode(_Note(piece, self._size(chain, number))))
        if number:  # the state that the piece before it left is of no use any more, and may be large
            note = self._note(chain, number - 1)
            before = msgspec.msgpack.decode(note.read_bytes(), type=_Note)
            bare = _Note(msgspec.structs.replace(before.piece, position=None), before.size)
            _write(note, msgspec.msgpack.encode(bare))

    def finished_pieces(self, chain: int) -> list[FinishedPiece]:
        """The chain's pieces that are finished, from the first without a gap."""
        found: list[FinishedPiece] = []
        while (note := self._note(chain, len(found))).exists():
            found.append(msgspec.msgpack.decode(note.read_bytes(), type=_Note).piece)
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
