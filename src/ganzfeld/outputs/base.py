"""What an output is, and how the right one is found.

An output takes finished frames, one after the other, and puts them somewhere. To add one, write a module in this
folder with a subclass of `Output`: give it `name`, `suffixes`, `examples` and a docstring, implement `_open`, `_write`
and `_close` (and `convert`, if there is work that several threads can share), and it is found: by its suffixes, in the
help of the commands, in the reference, and by the tests that every output has to pass. Keep heavy imports (NumPy too)
inside the methods: the command line's help reads this folder.

The rules an output keeps:

- A frame is a uint8 array [height, width, 4]: sRGB-encoded RGBA, straight alpha, row 0 at the top. It belongs to the
  caller and is only valid during the call.
- A frame comes with its show time `t` in seconds and its `number`. Numbers count frames at the output's `fps`; one that
  is left out was dropped.
- What is written can be used even if the program is killed at that moment.
- Whatever goes wrong is an `OutputError`. After one, the output is closed, what was written before it is kept, and
  further frames are ignored: the caller shows the error and plays on.
"""

from __future__ import annotations

import abc
import contextlib
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import ganzfeld.outputs
from ganzfeld.atomic_write import is_taken
from ganzfeld.errors import OutputError, Where, explained, nearest

if TYPE_CHECKING:
    import numpy as np

MAX_SIDE = 16384  # pixels; what video encoders and picture viewers take


@dataclass(frozen=True, slots=True)
class OutputPiece:
    """A part of what an output writes, in a file of its own. number: of its first frame; frames: how many it holds."""

    path: Path
    number: int
    frames: int


class Output(abc.ABC):
    """A place where frames go. Subclasses say in their docstring what they make; keyword arguments are its options.

    name: what people call it. suffixes: of the files that it writes, with their dot; "" is a folder. examples: names
    of files that one may ask for, at least one for each suffix; the commands' help shows them and the tests try them.
    timed: whether a frame's number is its time, as in a film, and not just its place in a row. has_sound: whether
    `join` takes sound. many_files: whether it writes several files. piece_suffix: the suffix of a piece that can be
    put together with others; "": the suffix of the whole. dtype: of the frames that it takes: "uint8", or
    "float32" for values of about 0 to 1.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    examples: ClassVar[tuple[str, ...]]
    timed: ClassVar[bool] = False
    has_sound: ClassVar[bool] = False
    many_files: ClassVar[bool] = False
    piece_suffix: ClassVar[str] = ""
    dtype: ClassVar[str] = "uint8"

    def __init__(self, target: Path, *, overwrite: bool = False) -> None:
        self.target = target
        self.overwrite = overwrite
        self.size = (0, 0)
        self.fps = 0.0
        self.frames = 0
        self.error: OutputError | None = None
        self._is_open = False

    @classmethod
    def size_of(cls, size: tuple[int, int]) -> tuple[int, int]:
        """The size of what is written when pictures of (width, height) come."""
        return size

    @classmethod
    def said_of(cls, target: Path, size: tuple[int, int], **options: Any) -> str:
        """What a person should know beforehand of such a file of pictures of that size; "" if nothing. options: of the
        output."""
        return ""

    @classmethod
    def piece_options(cls, target: Path) -> dict[str, Any]:
        """Options of an output that writes a piece of `target`, beside those that were asked for."""
        return {}

    @classmethod
    def hurried_options(cls, size: tuple[int, int], fps: float) -> dict[str, Any]:
        """Options of an output to which frames come as fast as it takes them, beside those that were asked for."""
        return {}

    def open(self, size: tuple[int, int], fps: float) -> None:
        """Begin. `size` is (width, height) in pixels, `fps` frames a second.

        Raises OutputError where the target cannot be written, where its folder is missing, or where it is there already
        and `overwrite` is off.
        """
        if not all(isinstance(side, int) and 1 <= side <= MAX_SIDE for side in size):
            raise self._error(f"a picture of {size[0]}×{size[1]} cannot be written", f"Each side is 1 to {MAX_SIDE}")
        if not 0.01 <= fps <= 1000:
            raise self._error(f"{fps} frames a second cannot be written", "Give 0.01 to 1000")
        self.size, self.fps = size, float(fps)
        with self._reporting():
            self._open()
        self._is_open = True

    def write(self, image: np.ndarray, t: float, number: int) -> None:
        """Take one frame (see the rules above). Raises OutputError once; an output that failed ignores frames."""
        self.write_converted(lambda: self.converted(image, self.frames), t, number)

    def converted(self, image: np.ndarray, index: int) -> Any:
        """A frame as `write_converted` takes it; index: how many frames come before it. Any thread may call, several at
        a time. Raises OutputError."""
        import numpy as np

        width, height = self.size
        if image.shape != (height, width, 4) or image.dtype != self.dtype:
            raise self._error(
                f"a frame of {width}×{height} RGBA was expected, and {image.dtype} {list(image.shape)} came",
                "Open a new output for the new size",
            )
        return self.convert(np.ascontiguousarray(image), index)

    def write_converted(self, converted: Callable[[], Any], t: float, number: int) -> None:
        """As `write`, for a frame that another thread converts: `converted` waits for it. Raises OutputError once."""
        if self.error is not None:
            return
        if not self._is_open:
            raise self._error("a frame came before the output was opened")
        with self._reporting():
            self._write(converted(), t, number)
        self.frames += 1

    def close(self) -> None:
        """End, and finish the file. May be called again, and after an error."""
        if self._is_open:
            self._is_open = False
            with self._reporting():
                self._close()

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
        """Put pieces that outputs of this kind wrote, with the same options, together as if one had written all.

        scratch: a folder on the same disk, to work in. sound: float32 [samples, 2] at 48000 a second, block by block,
        for outputs that have sound. The pieces may be gone afterwards. Raises OutputError.
        """
        cls.check_joins(target)

    @classmethod
    def target_for(cls, target: Path, count: int) -> Path:
        """The target under which each of `count` frames is kept."""
        return target

    @property
    def first(self) -> Path:
        """The first file that it writes, or the only one."""
        return self.target

    def others(self, count: int) -> list[str]:
        """Names of files at the target that look like pictures of it and are none of `count` frames: another render
        left them. Raises OSError."""
        return []

    @classmethod
    def check_joins(cls, target: Path) -> None:
        """Raises OutputError if this kind of output has no `join`, which a render of a take needs."""
        if cls.join.__func__ is Output.join.__func__ or cls.dtype != "uint8":
            raise OutputError(
                f"the output '{cls.name}' cannot be put together from pieces",
                where=Where(file=str(target)),
                hint="Render the take as a film, and make this from the film",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @abc.abstractmethod
    def _open(self) -> None:
        """Open `self.target` for `self.size` and `self.fps`. OSErrors become OutputErrors."""

    def convert(self, image: np.ndarray, index: int) -> Any:
        """The work on one contiguous frame of the right size that needs no other frame, on any of several threads. What
        comes back may be the frame itself. index: how many frames come before it, if none of them fails."""
        return image

    @abc.abstractmethod
    def _write(self, converted: Any, t: float, number: int) -> None:
        """Write one frame, as `convert` made it."""

    @abc.abstractmethod
    def _close(self) -> None:
        """Finish; also called after an error, when it should save what it can."""

    def check(self) -> None:
        """Raises OutputError if the target's folder is missing, or the target is there already and may not be
        overwritten. Writes nothing."""
        self._need_folder(self.target.absolute().parent)
        self._refuse_to_overwrite(self.target)

    def _need_folder(self, folder: Path) -> None:
        if not folder.exists():
            raise self._error(f"there is no folder {folder}", "Make it first, or choose a place that is there")

    def _refuse_to_overwrite(self, path: Path) -> None:
        if is_taken(path) and not self.overwrite:
            raise self._error("there is such a file already", "Choose another name, or allow overwriting (--overwrite)")

    def _error(self, what: str, hint: str = "") -> OutputError:
        return OutputError(what, where=Where(file=str(self.target)), hint=hint)

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        """Turn what goes wrong into an OutputError, remember it, and close what is open.

        Everything, because encoders raise what they like and no recording is worth a show; the cause is kept.
        """
        try:
            yield
        except Exception as problem:
            self.error = problem if isinstance(problem, OutputError) else self._error(*explained(problem))
            if self._is_open:
                self._is_open = False
                with contextlib.suppress(Exception):
                    self._close()
            raise self.error from problem


def is_folder(path: Path) -> bool:
    """Whether there is such a folder, as far as one may look."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


@functools.cache
def output_types() -> dict[str, type[Output]]:
    """Every output in this folder, by name."""
    found: dict[str, type[Output]] = {}
    for module in pkgutil.iter_modules(ganzfeld.outputs.__path__, ganzfeld.outputs.__name__ + "."):
        for _, member in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(member, Output) and not inspect.isabstract(member) and member.__module__ == module.name:
                found[member.name] = member
    return found


def known_suffixes() -> dict[str, type[Output]]:
    """Which output writes which kind of file: suffix with its dot -> output. "" is a folder."""
    return {suffix: kind for kind in output_types().values() for suffix in kind.suffixes}


def example_targets(*, floats: bool = True) -> str:
    """Names that one may give as a target, as a list in words: "film.mp4, folder/ or frames.npy". floats: also those of
    outputs that take no bytes, which are all that a show has."""
    kinds = [kind for kind in output_types().values() if floats or kind.dtype == "uint8"]
    *most, last = [example for kind in kinds for example in kind.examples]
    return f"{', '.join(most)} or {last}"


def output_for(target: str | Path) -> type[Output]:
    """The output that a name's suffix asks for. Raises OutputError."""
    path = Path(target).expanduser()
    suffix = "" if str(target).endswith(("/", "\\")) or is_folder(path) else path.suffix.lower()
    suffixes = known_suffixes()
    kind = suffixes.get(suffix)
    if kind is None:
        endings = sorted(each for each in suffixes if each)
        close = nearest(suffix, endings) if suffix else ""
        hint = close if close.startswith("Did you mean") else f"Known: {', '.join(endings)}, or a folder for pictures"
        raise OutputError(
            f"no output writes '{suffix}' files",
            where=Where(file=str(target)),
            hint=hint,
        )
    return kind


def check_target(target: str | Path, *, overwrite: bool = False) -> None:
    """Raises OutputError if something lies where an output would write (unless it may be overwritten), or if there is
    no such folder. For commands, before they begin to work."""
    output_for(target)(Path(target).expanduser(), overwrite=overwrite).check()


def open_output(target: str | Path, size: tuple[int, int], fps: float, **options: Any) -> Output:
    """Open the output that `target`'s suffix asks for: a film, pictures, an array.

    `size` is (width, height); `options` are the output's own (`overwrite` for all of them). A name without a suffix,
    or one that ends in a slash, is a folder of pictures. Raises OutputError.
    """
    path, kind = Path(target).expanduser(), output_for(target)
    allowed = {"overwrite", *inspect.signature(kind).parameters} - {"target"}
    for option in options:
        if option not in allowed:
            raise OutputError(
                f"the output '{kind.name}' has no option '{option}'",
                where=Where(file=str(target)),
                hint=nearest(option, allowed),
            )
    output = kind(path, **options)
    output.open(size, fps)
    return output
