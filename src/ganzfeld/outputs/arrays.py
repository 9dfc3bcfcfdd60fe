"""Arrays: every frame, exactly, in one NumPy file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ganzfeld.outputs.base import Output, OutputPiece

if TYPE_CHECKING:
    import numpy as np

HEADER_BYTES = 128


class ArrayFile(Output):
    """One .npy file, uint8 [frames, height, width, 4]: every value as it was.

    `np.load(name, mmap_mode="r")` opens it at once, also while it grows: the header is brought up to date after each
    frame, so the file is whole at any moment. It is not compressed; a minute of 1024×1024 at 60 fps takes 15 GB.
    """

    name = "array"
    suffixes = (".npy",)
    examples = ("frames.npy",)
    piece_suffix = ".npy"

    def __init__(self, target: Path, *, overwrite: bool = False) -> None:
        super().__init__(target, overwrite=overwrite)
        self._file: BinaryIO | None = None

    def _open(self) -> None:
        self.check()
        self._file = self.target.open("wb", buffering=0)
        self._write_all(self._header(0))

    def _write(self, converted: np.ndarray, t: float, number: int) -> None:
        assert self._file is not None
        self._file.seek(HEADER_BYTES + self.frames * converted.nbytes)
        self._write_all(converted.data.cast("B"))
        self._file.seek(0)
        self._write_all(self._header(self.frames + 1))

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with file:
                width, height = self.size
                file.truncate(HEADER_BYTES + self.frames * width * height * 4)  # half a frame, after an error
                os.fsync(file.fileno())

    @classmethod
    def join(
        cls,
        pieces: Sequence[OutputPiece],
        target: Path,
        fps: float,
        scratch: Path,
        *,
        sound: Iterable[np.ndarray] | None = None,
        overwrite: bool = False,
    ) -> None:
        import numpy as np

        whole = cls(target, overwrite=overwrite)
        with whole._reporting():
            whole._refuse_to_overwrite(target)
            height, width = np.load(pieces[0].path, mmap_mode="r").shape[1:3]
            whole.size = (width, height)
            unfinished = scratch / "whole.npy"
            with unfinished.open("wb") as file:
                file.write(whole._header(sum(piece.frames for piece in pieces)))
                for piece in pieces:
                    with piece.path.open("rb") as part:
                        part.seek(HEADER_BYTES)
                        shutil.copyfileobj(part, file, 1 << 22)
            unfinished.replace(target)

    def _header(self, frames: int) -> bytes:
        """NumPy's format 1.0: the magic number, the version, the length of the rest, a dictionary padded by blanks."""
        width, height = self.size
        text = str({"descr": "|u1", "fortran_order": False, "shape": (frames, height, width, 4)})
        padded = text.ljust(HEADER_BYTES - 11) + "\n"
        return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode("ascii")

    def _write_all(self, data: bytes | memoryview) -> None:
        assert self._file is not None
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
