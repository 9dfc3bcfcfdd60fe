"""The folder of finished pieces: what is in it is whole, and belongs to one render."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ganzfeld.errors import GanzfeldError
from ganzfeld.outputs.base import open_output, output_for
from ganzfeld.rendering.jobs import FinishedPiece, RenderJob
from ganzfeld.rendering.piece_folder import PieceFolder
from ganzfeld.takes.replay import Position

POSITION = Position(index=2, session=0, applied=2, text=None, engine=b"state", exact=True)


@pytest.fixture(params=["a.npy", "a.mp4", "a/", "still-%d.png"])
def job(request: pytest.FixtureRequest, tmp_path: Path) -> RenderJob:
    (tmp_path / "a.ganztake").write_bytes(b"a take")
    return RenderJob(take=f"{tmp_path}/a.ganztake", target=f"{tmp_path}/{request.param}", rate=30.0, first=0, last=4)


def _write(folder: PieceFolder, chain: int, number: int) -> None:
    folder.unfinished(chain, number).parent.mkdir(exist_ok=True)
    options = output_for(folder.target).piece_options(folder.target)
    with open_output(folder.unfinished(chain, number), (4, 2), 30.0, overwrite=True, **options) as output:
        for frame in (2 * number, 2 * number + 1):
            output.write(np.full((2, 4, 4), 255, np.uint8), 0.0, frame)


def test_pieces_are_found_in_their_order_until_a_gap(job: RenderJob) -> None:
    folder = PieceFolder(job)
    folder.open()
    pieces = [FinishedPiece(0, 2, 0, POSITION), FinishedPiece(2, 2, 2, POSITION)]
    _write(folder, 0, 0)
    assert folder.finished_pieces(0) == [], "only begun"
    folder.put(0, 0, pieces[0])
    assert folder.finished_pieces(0) == pieces[:1]
    _write(folder, 0, 1)
    folder.put(0, 1, pieces[1])
    first, second = folder.finished_pieces(0)
    assert first.position is None, "only the last piece's state is kept"
    assert second == pieces[1]
    assert folder.finished_pieces(1) == [], "of another chain"
    folder.join(1, overwrite=True)
    assert not folder.path.exists()
    assert Path(job.target).parent.exists()


def test_a_folder_of_another_render_is_refused_and_cleared_only_when_asked(job: RenderJob) -> None:
    folder = PieceFolder(job)
    folder.open()
    other = PieceFolder(msgspec.structs.replace(job, fps=25.0))
    other.open()  # nothing was finished: a word that was mistyped, say
    folder.open()
    _write(folder, 0, 0)
    folder.put(0, 0, FinishedPiece(0, 2, 0, POSITION))
    with pytest.raises(GanzfeldError, match="another render"):
        other.open()
    folder.open(anew=True)
    assert len(folder.finished_pieces(0)) == 1, "it is this render's own: it goes on"
    other.open(anew=True)
    assert folder.finished_pieces(0) == []
    _write(other, 0, 0)
    other.put(0, 0, FinishedPiece(0, 2, 0, POSITION))
    with pytest.raises(GanzfeldError, match="another render"):
        PieceFolder(job).open()
    Path(job.take).write_bytes(b"another take")
    with pytest.raises(GanzfeldError, match="another render"):
        PieceFolder(msgspec.structs.replace(job, fps=25.0)).open()


@pytest.mark.parametrize("spoil", ["cut", "emptied", "removed", "no note"])
def test_a_piece_that_is_not_as_it_was_finished_is_rendered_again(job: RenderJob, spoil: str, caplog) -> None:
    folder = PieceFolder(job)
    folder.open()
    for number in range(2):
        _write(folder, 0, number)
        folder.put(0, number, FinishedPiece(2 * number, 2, 2 * number, POSITION))
    PieceFolder(job).open()
    assert len(folder.finished_pieces(0)) == 2 and not caplog.text
    piece = folder.finished(0, 1)
    file = next(each for each in piece.parent.rglob("*") if each.is_file()) if folder.many_files else piece
    match spoil:
        case "cut":
            os.truncate(file, file.stat().st_size - 1)
        case "emptied":
            os.truncate(file, 0)
        case "removed":
            file.unlink()
        case _:
            (folder.path / "0000-0001.made").write_bytes(b"")
    PieceFolder(job).open()
    assert len(folder.finished_pieces(0)) == 1
    assert "0000-0001 is not as it was finished" in caplog.text
