"""Arrays of numbers: .npy, .npz, .safetensors and .pt. What they unpack to is read from their heads first."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Answer, Feeder, Limits, answers, check_file, size

LARGEST_FILE = 1 << 29
MOST_NUMBERS = 1 << 27
"""In one array."""
MOST_ARRAYS = 4096
LARGEST_NUMBER = 1e4
"""Of either sign. A latent's numbers are of the order of 1, a direction's for an amount of 1 rarely above 10."""
_AT_ONCE = 1 << 20
_MOST_HEADER = 10_000
_LONGEST_NAME = 200

Described = tuple[np.dtype, tuple[int, ...]]


class ArrayFeeder(Feeder):
    """A file of arrays. Nothing in it is run.

    facts: [[name, type, shape], …]; a .npy's one array has no name (""). Arrays that cannot be read (text, objects, too
    large ones) cost the others nothing: they come last, and `read` says why.
    """

    limits = Limits("arrays", memory=3 << 29, patience=30.0, answer_bytes=MOST_NUMBERS * 4)

    def __init__(self, path: Path) -> None:
        """Reads the heads of all arrays. Raises FeederError."""
        self._path = path
        check_file(path, LARGEST_FILE)
        openers = {".npy": _npy, ".npz": _npz, ".safetensors": _safetensors, ".pt": _torch, ".pth": _torch}
        opener = openers.get(path.suffix.lower())
        if opener is None:
            raise FeederError(f"{path.name}: '{path.suffix}' is none of .npy, .npz, .safetensors and .pt")
        self._arrays: dict[str, tuple[Described, Callable[[], np.ndarray]]] = self._tried(lambda: opener(path))
        if not 0 < len(self._arrays) <= MOST_ARRAYS:
            raise FeederError(f"{path.name} holds {len(self._arrays)} arrays; 1 to {MOST_ARRAYS} are expected")
        self._bad: dict[str, FeederError] = {}
        for name, ((kind, shape), _) in self._arrays.items():
            try:
                self._check(name, kind, shape)
            except FeederError as error:
                self._bad[name] = error
        if len(self._bad) == len(self._arrays):
            raise next(iter(self._bad.values()))
        self._arrays = dict(sorted(self._arrays.items(), key=lambda each: each[0] in self._bad))
        self.facts = [[name, kind.str, list(shape)] for name, ((kind, shape), _) in self._arrays.items()]
        self.nbytes = max(_count(shape) * 4 for name, ((_, shape), _) in self._arrays.items() if name not in self._bad)

    @answers
    def read(self, name: str) -> Answer:
        """One array's numbers as float32."""
        if name not in self._arrays:
            raise FeederError(f"There is no array '{name}' in {self._path.name}")
        if name in self._bad:
            raise self._bad[name]
        (kind, shape), read = self._arrays[name]
        array = self._tried(read)
        if (array.dtype, array.shape) != (kind, shape):
            raise FeederError(f"{self._path.name} is not what its head says", hint="Copy or save it again")
        self._check_numbers(name, array)
        return Answer(None, np.asarray(array, np.float32, order="C"))

    def _check_numbers(self, name: str, array: np.ndarray) -> None:
        """Refuse what is no number, and what no latent and no direction is as large as: its picture would be black."""
        flat = array.reshape(-1)
        for start in range(0, flat.size, _AT_ONCE):
            piece = flat[start : start + _AT_ONCE].astype(np.float64)
            wrong = ~(np.abs(piece) <= LARGEST_NUMBER)  # NaN compares as false
            if wrong.any():
                at = start + int(wrong.argmax())
                place = ", ".join(map(str, np.unravel_index(at, array.shape)))
                which = f" of '{name[:40]}'" if name else ""
                what = f"number [{place}]{which} in {self._path.name} is {float(flat[at]):.3g}"
                raise FeederError(what, hint=f"Numbers from −{LARGEST_NUMBER:,.0f} to {LARGEST_NUMBER:,.0f} are read")

    def _tried(self, read: Callable):
        try:
            return read()
        except FeederError as error:
            known = self._path.name in error.what
            what = (
                error.what if known else f"{self._path.name} cannot be read: {error.what[:1].lower()}{error.what[1:]}"
            )
            raise FeederError(what, hint=error.hint) from None
        except MemoryError:
            raise
        except Exception:  # whatever zip, zlib, pickle, JSON and NumPy's headers raise at a damaged file
            hint = "Copy or save it again"
            raise FeederError(f"{self._path.name} is damaged, or no file of numbers", hint=hint) from None

    def _check(self, name: str, kind: np.dtype, shape: tuple[int, ...]) -> None:
        where = f"{self._path.name}'s '{name[:40]}'" if name else self._path.name
        if len(name) > _LONGEST_NAME:
            raise FeederError(f"{self._path.name} holds an array with a name of {len(name)} letters")
        if kind.kind not in "fiu":
            raise FeederError(f"{where} holds {_spoken(kind)}, not numbers")
        count = _count(shape)
        if count > MOST_NUMBERS or count * kind.itemsize > MOST_NUMBERS * 4:
            unpacked = size(count * kind.itemsize)
            raise FeederError(f"{where} unpacks to {unpacked}; at most {size(MOST_NUMBERS * 4)} are read")


def _spoken(kind: np.dtype) -> str:
    return "Python objects" if kind.hasobject else f"'{str(kind)[:40]}'"


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


def _npy(path: Path) -> dict[str, tuple[Described, Callable[[], np.ndarray]]]:
    with path.open("rb") as file:
        kind, shape, fortran, begin = _header(file)
    total = path.stat().st_size

    def read() -> np.ndarray:
        with path.open("rb") as file:
            file.seek(begin)
            return _numbers(file, kind, shape, fortran)

    _check_length(kind, shape, total - begin)
    return {"": ((kind, shape), read)}


def _npz(path: Path) -> dict[str, tuple[Described, Callable[[], np.ndarray]]]:
    found = {}
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        if len(infos) > MOST_ARRAYS:
            raise FeederError(f"It holds {len(infos)} arrays; at most {MOST_ARRAYS} are read")
        for info in infos:
            if not info.filename.endswith(".npy"):
                continue
            with archive.open(info) as file:
                kind, shape, fortran, begin = _header(file)  # type: ignore[arg-type]
            _check_length(kind, shape, info.file_size - begin)
            name = info.filename.removesuffix(".npy")
            found[name] = ((kind, shape), _member(path, info.filename, kind, shape, fortran))
    return found


def _member(path: Path, name: str, kind: np.dtype, shape: tuple[int, ...], fortran: bool) -> Callable[[], np.ndarray]:
    def read() -> np.ndarray:
        with zipfile.ZipFile(path) as archive, archive.open(name) as file:
            _header(file)  # type: ignore[arg-type]
            return _numbers(file, kind, shape, fortran)  # type: ignore[arg-type]

    return read


def _header(file: BinaryIO) -> tuple[np.dtype, tuple[int, ...], bool, int]:
    """(type, shape, whether columns come first, where the numbers begin)."""
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    reader = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if reader is None:
        raise FeederError("It is written in a version of .npy that is not read here", hint="Save it with numpy.save")
    shape, fortran, kind = reader(file, max_header_size=_MOST_HEADER)
    if min(shape, default=0) < 0:
        raise FeederError("Its head is damaged")
    return kind, shape, fortran, file.tell()


def _check_length(kind: np.dtype, shape: tuple[int, ...], room: int) -> None:
    wanted = _count(shape) * kind.itemsize
    if not kind.hasobject and wanted > room:
        raise FeederError(f"Its head speaks of {size(wanted)}, and {size(max(room, 0))} follow")


def _numbers(file: BinaryIO, kind: np.dtype, shape: tuple[int, ...], fortran: bool) -> np.ndarray:
    data = file.read(_count(shape) * kind.itemsize)
    array = np.frombuffer(data, kind)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)


def _safetensors(path: Path) -> dict[str, tuple[Described, Callable[[], np.ndarray]]]:
    from safetensors.numpy import load

    arrays = load(path.read_bytes())  # not mapped: somebody may write to the file
    # In the order of names: the reader gives them in another one each time.
    return {name: ((array.dtype, array.shape), lambda array=array: array) for name, array in sorted(arrays.items())}


def _torch(path: Path) -> dict[str, tuple[Described, Callable[[], np.ndarray]]]:
    from ganzfeld.feeders.torch_tensors import stored_tensors

    found = {}
    for name, tensor in stored_tensors(path, LARGEST_FILE).items():
        element = tensor.storage.element
        kind = np.dtype(np.float32 if element == "bf16" else element)
        found[name] = ((kind, tensor.shape), tensor.array)
    return found
