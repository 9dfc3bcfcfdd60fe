"""Arrays: every frame, exactly, in one NumPy file."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ganzfeld.atomic_write import place_to_write, put_in_place
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
        self._change = threading.Condition()
        self._writing = 0
        """Threads that are just at it; the file is closed when there are none."""

    def _open(self) -> None:
        self.check()
        self._file = place_to_write(self.target).open("wb", buffering=0)
        self._put(0, self._header(0))

    def convert(self, image: np.ndarray, index: int) -> None:
        """Write the frame at its place already: a fast disk takes more frames at a time than one thread can copy."""
        self._put(HEADER_BYTES + index * image.nbytes, image.data.cast("B"))

    def _write(self, converted: None, t: float, number: int) -> None:
        # What lies beyond the frames that the header counts, nobody reads.
        self._put(0, self._header(self.frames + 1))

    def _close(self) -> None:
        with self._change:
            file, self._file = self._file, None
            self._change.wait_for(lambda: self._writing == 0)
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
            put_in_place(unfinished, target)

    def _header(self, frames: int) -> bytes:
        """NumPy's format 1.0: the magic number, the version, the length of the rest, a dictionary padded by blanks."""
        width, height = self.size
        text = str({"descr": "|u1", "fortran_order": False, "shape": (frames, height, width, 4)})
        padded = text.ljust(HEADER_BYTES - 11) + "\n"
        return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode("ascii")

    def _put(self, place: int, data: bytes | memoryview) -> None:
        """Write at a place, on any thread. What comes after the end is left out."""
        view = memoryview(data)
        with self._change:
            file = self._file
            if file is None:
                return
            if not hasattr(os, "pwrite"):
                file.seek(place)
                while view:
                    view = view[file.write(view) :]
                return
            self._writing += 1
        try:
            while view:
                count = os.pwrite(file.fileno(), view, place)
                place, view = place + count, view[count:]
        finally:
            with self._change:
                self._writing -= 1
                self._change.notify_all()
