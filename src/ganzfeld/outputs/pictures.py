"""Pictures: one PNG a frame."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganzfeld.atomic_write import place_to_write, put_in_place
from ganzfeld.outputs.base import Output, OutputPiece, is_folder

if TYPE_CHECKING:
    import numpy as np

_NUMBER = re.compile(r"%(0\d+)?d")


class Pictures(Output):
    """PNG pictures with alpha: a folder of them, `name-%05d.png`, or one `name.png`.

    compression  0 (fast, large) to 9 (slow, small)

    A folder gets 00000.png, 00001.png, …; in a name, `%05d` stands for the frame's number in five digits. A name
    without a number holds the newest frame; a render of several frames gives them numbers: name_0000.png, … A folder is
    made where its own folder is there. Pictures appear whole or not at all.
    """

    name = "pictures"
    suffixes = (".png", "")
    examples = ("frame-%05d.png", "folder/")
    many_files = True

    def __init__(self, target: Path, *, compression: int = 1, overwrite: bool = False) -> None:
        super().__init__(target, overwrite=overwrite)
        if not 0 <= compression <= 9:
            raise self._error(f"a picture's compression cannot be {compression}", "Give 0 (fast) to 9 (small)")
        self.compression = compression
        is_file = target.suffix.lower() == self.suffixes[0] and not is_folder(target)
        self._folder = target.parent if is_file else target
        self._makes_folder = not is_file
        self._pattern = target.name if is_file else f"%05d{self.suffixes[0]}"

    @classmethod
    def target_for(cls, target: Path, count: int) -> Path:
        if count < 2 or target.suffix.lower() != cls.suffixes[0] or is_folder(target) or _NUMBER.search(target.name):
            return target
        digits = max(4, len(str(count - 1)))
        return target.with_name(f"{target.stem}_%0{digits}d{target.suffix}")

    def path(self, number: int) -> Path:
        """The file of a frame."""
        return self._folder / _NUMBER.sub(lambda match: f"{number:{match[1] or ''}d}", self._pattern)

    def check(self) -> None:
        self._need_folder(self._folder.absolute().parent if self._makes_folder else self._folder.absolute())
        if self.overwrite or not is_folder(self._folder):
            return
        if self._there():
            raise self._error(
                "there are such pictures already", "Choose another name, or allow overwriting (--overwrite)"
            )

    def _there(self) -> list[str]:
        """Names of pictures that the folder has already."""
        numbered = re.compile(re.escape(_NUMBER.sub("\0", self._pattern)).replace("\0", r"-?\d+"))
        found = (each.name for each in self._folder.iterdir() if numbered.fullmatch(each.name))
        return sorted(found, key=lambda name: (len(name), name))

    @property
    def first(self) -> Path:
        return self.path(0)

    def others(self, count: int) -> list[str]:
        made = {self.path(number).name for number in range(count)}
        return [name for name in self._there() if name not in made]

    def _open(self) -> None:
        self.check()
        if self._makes_folder:
            self._folder.mkdir(exist_ok=True)
        # Found out now rather than at the first frame.
        probe = self._folder / f".{os.getpid()}.ganzfeld"
        probe.touch()
        probe.unlink()

    def convert(self, image: np.ndarray, index: int) -> Callable[[Path], None]:
        """Pack it; what comes back writes it."""
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        says_srgb = PngInfo()
        says_srgb.add(b"sRGB", b"\0")
        packed = io.BytesIO()
        Image.fromarray(image, "RGBA").save(packed, "PNG", compress_level=self.compression, pnginfo=says_srgb)
        return lambda path: _keep(path, packed.getvalue())

    def _write(self, converted: Callable[[Path], None], t: float, number: int) -> None:
        path = place_to_write(self.path(number))
        unfinished = path.with_name(f".{os.getpid()}.{path.name}")
        unfinished.unlink(missing_ok=True)
        try:
            converted(unfinished)
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise

    def _close(self) -> None:
        pass

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
        whole = cls(target, overwrite=overwrite)
        with whole._reporting():
            whole._open()
            for piece in pieces:
                part = cls(piece.path)
                for number in range(piece.number, piece.number + piece.frames):
                    if (made := part.path(number)).exists():  # a name without a number holds the last alone
                        put_in_place(made, whole.path(number))


def _keep(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
