"""Arrays: every frame, exactly, in one NumPy file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ganzfeld.outputs.base import Output, OutputPiece

if TYPE_CHECKING:
    import numpy as np

HEADER_BYTES = 128
WRITERS = 4
"""Threads that write parts of one frame: a fast disk takes more than one can copy."""
LEAST_SHARED = 1 << 20
"""Bytes of a frame from which on they pay."""


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
        self._writers: ThreadPoolExecutor | None = None

    def _open(self) -> None:
        self.check()
        self._file = self.target.open("wb", buffering=0)
        self._write_all(self._header(0))
        if hasattr(os, "pwrite"):
            self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="ganzfeld-array")

    def _write(self, converted: np.ndarray, t: float, number: int) -> None:
        assert self._file is not None
        place, data = HEADER_BYTES + self.frames * converted.nbytes, converted.data.cast("B")
        if len(data) >= LEAST_SHARED and self._writers is not None:
            part = -(-len(data) // WRITERS)
            parts = [(begin, data[begin : begin + part]) for begin in range(0, len(data), part)]
            list(self._writers.map(lambda each: self._put(place + each[0], each[1]), parts))
        else:
            self._file.seek(place)
            self._write_all(data)
        self._file.seek(0)
        self._write_all(self._header(self.frames + 1))

    def _close(self) -> None:
        writers, self._writers = self._writers, None
        if writers is not None:
            writers.shutdown()
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

    def _put(self, place: int, data: memoryview) -> None:
        """Write at a place, on any thread."""
        assert self._file is not None
        while data:
            count = os.pwrite(self._file.fileno(), data, place)
            place, data = place + count, data[count:]

    def _write_all(self, data: bytes | memoryview) -> None:
        assert self._file is not None
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
