"""Reading trained-network files without ever executing a byte of them.

Our own .safetensors is read as it is. Every other format is understood by a pickle machine that builds plain data
only (`unpickler.py`), in a process of its own with limits (`sandbox.py`, `convert.py`), once. Either way the result
lies in a cache under the hash of the file's content (`cache.py`) and is mapped from there from then on: never from the
file itself, because a mapped file that somebody else rewrites or shortens kills the process that reads it (SIGBUS).
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ganzfeld.errors import NetworkFileError, Where
from ganzfeld.networks.files import cache, native, sniff, stated
from ganzfeld.networks.files.containers import HEAD
from ganzfeld.networks.files.layout import described
from ganzfeld.plain_file import real_path

if TYPE_CHECKING:
    import numpy as np
    import torch

__all__ = [
    "NetworkFile",
    "glance",
    "open_network_file",
    "read_config",
    "read_network_file",
    "save_network_file",
    "state_facts",
]

_log = logging.getLogger(__name__)

LARGEST_WEIGHT = 1e6
"""Of either sign, among the numbers of a network; those that were trained are of the order of 1."""


@dataclass(frozen=True)
class NetworkFile:
    """A network as it lies on disk.

    config: what `ganzfeld.networks.config.config_from_json` reads; sizes agree with the tensors.
    weights: parameters and buffers by official name, float32 or float16, on the CPU. They are mapped from a copy in
        our cache, privately: writing to one copies the page and never reaches the disk.
    sha256: of the content of the file at `path`, and of what was stated beside it.
    origin: the program that made the network, in words for people.
    notes: remarks for the person, such as that the average w had to be estimated.
    warnings: those of them that say that its picture may be wrong.
    kept: the copy in the cache, which stays when somebody changes or removes the file; None if there is none.
    stated: facts that were stated beside it.
    broken: those of the warnings that speak of numbers no network plays with.
    """

    config: dict[str, Any]
    weights: dict[str, torch.Tensor]
    sha256: str
    path: Path
    origin: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    kept: Path | None = None
    stated: Mapping[str, Any] = field(default_factory=dict)
    broken: tuple[str, ...] = ()


def open_network_file(path: str | os.PathLike[str]) -> NetworkFile:
    """Open a network file of any known format; see `formats/` for which there are. Its warnings are logged, and its
    notes when it is opened for the first time.

    Raises NetworkFileError, which says what was found and what to do. Bad files are refused before torch is
    imported; a file that is opened for the first time is converted, which takes a second for every 100 MB or so.
    """
    network, is_new = read_network_file(path)
    for text in (*network.warnings, *(network.notes if is_new else ())):
        _log.warning("%s: %s", network.path.name, text)
    return network


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a network file says of its layers (`NetworkFile.config`), without looking at its numbers where it is our own
    or has been converted before. Raises NetworkFileError."""
    path, folder = Path(path), cache.folder()
    file, facts = sniff.open_plain(path)
    with file:
        if _is_ours(file.read(HEAD), file, facts.st_size):
            return native.read_header(file, facts.st_size).config.to_json()
    sha256 = cache.recall(folder, path, facts)
    if sha256 is not None:
        with suppress(NetworkFileError):
            return read_config(cache.converted_path(folder, sha256, stated.digest(stated.read(path))))
    return _open(path)[0].config


def read_network_file(path: str | os.PathLike[str]) -> tuple[NetworkFile, bool]:
    """The same without a word in the log, and whether the file was converted now."""
    path = Path(path)
    try:
        return _open(path)
    except NetworkFileError as error:
        raise NetworkFileError(_clean(error.what), where=Where(file=str(path)), hint=_clean(error.hint)) from None


def state_facts(path: str | os.PathLike[str], facts: Mapping[str, Any]) -> None:
    """State what the network file at `path` cannot say, by the names of `stated.FACTS`; remembered beside it.

    What was stated before stays, but for names whose value is `stated.FORGET`. Raises NetworkFileError where a fact
    does not exist, or is of no use to this network, or cannot be written; then nothing is remembered.
    """
    path = Path(path)
    try:
        file, about = sniff.open_plain(path)
        with file:
            ours = _is_ours(file.read(HEAD), file, about.st_size)
        if ours:
            raise NetworkFileError(
                "this is a file of Ganzfeld's own, which says everything about its network",
                hint="State facts about the file that it was converted from, and convert that again.",
            )
        before = stated.read(path)
        known = {**before, **{name: value for name, value in facts.items() if value is not stated.FORGET}}
        forgotten = [name for name, value in facts.items() if value is stated.FORGET]
        stated.write(path, {name: stated.checked(name, known[name]) for name in known if name not in forgotten})
        try:
            _open(path)
        except NetworkFileError:
            stated.write(path, before)
            raise
    except NetworkFileError as error:
        raise NetworkFileError(_clean(error.what), where=Where(file=str(path)), hint=_clean(error.hint)) from None


def glance(path: str | os.PathLike[str]) -> None:
    """Refuse at once what cannot be a network file, by its first bytes, without torch. Raises NetworkFileError."""
    path = Path(path)
    try:
        file, _ = sniff.open_plain(path)
        with file:
            head = file.read(HEAD)
        sniff.check_head(head, path.suffix.lower())
    except NetworkFileError as error:
        raise NetworkFileError(_clean(error.what), where=Where(file=str(path)), hint=_clean(error.hint)) from None


def save_network_file(
    path: str | os.PathLike[str],
    config: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    about: native.About | None = None,
) -> None:
    """Write a network as our .safetensors, whole or not at all.

    `weights` by official names, as in NetworkFile; float16 stays, every other type becomes float32. `about` is what the
    file tells people. Raises NetworkFileError when configuration and tensors do not agree, or it cannot be written.
    """
    path = Path(path)
    try:
        checked = described(config, weights)
        tensors = {name: native.Numbers.of(_array(tensor)) for name, tensor in weights.items()}
        native.write(path, checked.to_json(), tensors, about or native.About())
    except NetworkFileError as error:
        raise NetworkFileError(error.what, where=Where(file=str(path)), hint=error.hint) from None


def _open(path: Path) -> tuple[NetworkFile, bool]:
    folder = cache.folder()
    looked = time.time()
    file, facts = sniff.open_plain(path)
    with file:
        head = file.read(HEAD)
        if _is_ours(head, file, facts.st_size):
            return _own(path, file, facts, folder, looked), False
    sniff.check_head(head, path.suffix.lower())
    statements = stated.read(path)

    sha256 = cache.recall(folder, path, facts)
    if sha256 is not None:
        kept = cache.converted_path(folder, sha256, stated.digest(statements))
        with suppress(NetworkFileError):  # missing, or damaged: convert it again
            return _from_cache(path, kept, sha256, folder, statements), False
        _log.info("the converted network %s is missing or damaged; converting %s again", kept, path)
    from ganzfeld.networks.files import sandbox  # the converter's own process imports this package too

    cache.make(folder)
    sha256, kept = sandbox.convert(path, facts.st_size, folder, statements)
    cache.remember(folder, path, facts, sha256, looked)
    cache.tidy(folder, sha256)
    try:
        return _from_cache(path, kept, sha256, folder, statements), True
    except NetworkFileError as error:
        raise NetworkFileError(
            f"the converted network ({kept}) cannot be read: {error.what}",
            hint="Is something cleaning up or damaging that folder? GANZFELD_CACHE chooses another.",
        ) from None


def _own(path: Path, file: BinaryIO, facts: os.stat_result, folder: Path, looked: float) -> NetworkFile:
    """The network in a file of our own: mapped from its copy in the cache, which is made if it is not there; read into
    memory where there is no room for one."""
    sha256, header = _verified(path, file, facts, folder, looked)
    if real_path(path).parent == real_path(folder):
        return _mapped(path, path, header, sha256)
    kept = cache.converted_path(folder, sha256)
    with suppress(NetworkFileError):  # missing, or damaged: copy it again
        return _from_cache(path, kept, sha256, folder, {})
    try:
        cache.make(folder)
        native.copy(file, kept, sha256)
        return _from_cache(path, kept, sha256, folder, {})
    except NetworkFileError as error:
        _log.info("%s is read into memory: %s", path, error.what)
    return _network_of(path, header, sha256, native.read_tensors(file, header, sha256))


def _from_cache(path: Path, kept: Path, sha256: str, folder: Path, statements: Mapping[str, Any]) -> NetworkFile:
    looked = time.time()
    file, facts = sniff.open_plain(kept)
    with file:
        _, header = _verified(kept, file, facts, folder, looked)
    if statements:  # another network than without them
        sha256 = hashlib.sha256(f"{sha256} {stated.digest(statements)}".encode()).hexdigest()
    return replace(_mapped(path, kept, header, sha256), stated=statements)


def _verified(
    path: Path, file: BinaryIO, facts: os.stat_result, folder: Path, looked: float
) -> tuple[str, native.Header]:
    """(SHA-256, checked header) of a file of ours. Its numbers are read and summed the first time only."""
    header = native.read_header(file, facts.st_size)
    sha256 = cache.recall(folder, path, facts)
    if sha256 is None:
        if header.crc32 is not None and native.checksum(file, header.start) != header.crc32:
            raise NetworkFileError(
                "the file's numbers are not those that were written into it",
                hint="It was damaged on its way: get it again, or convert the original again.",
            )
        file.seek(0)
        sha256 = _sha256(file)
        cache.remember(folder, path, facts, sha256, looked)
    return sha256, header


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def _mapped(path: Path, mapped: Path, header: native.Header, sha256: str) -> NetworkFile:
    """The network with its tensors mapped from the file `mapped`, which is in our cache."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(mapped, framework="pt") as tensors:
            weights = {name: tensors.get_tensor(name) for name in header.tensors}
    except (SafetensorError, OSError) as error:
        raise NetworkFileError(f"the file changed while it was opened ({error})", hint="Try again.") from None
    return _network_of(path, header, sha256, weights, mapped)


def _network_of(
    path: Path, header: native.Header, sha256: str, weights: dict[str, torch.Tensor], kept: Path | None = None
) -> NetworkFile:
    about = header.about
    notes, warnings = tuple(map(_clean, about.notes)), tuple(map(_clean, about.warnings))
    broken = _broken(weights)
    told = dict.fromkeys((*warnings, *broken))  # one that was converted may have been told before
    origin = _clean(about.origin) or "Ganzfeld's own"
    return NetworkFile(header.config.to_json(), weights, sha256, path, origin, notes, tuple(told), kept, broken=broken)


def _broken(weights: Mapping[str, torch.Tensor]) -> tuple[str, ...]:
    """What to say about weights that are no numbers, or larger than any that were trained."""
    broken = [name for name, tensor in weights.items() if tensor.numel() and not _is_sane(tensor)]
    if not broken:
        return ()
    place, number = _first_odd(weights[broken[0]])
    others = f", and {len(broken) - 1} more of its tensors hold such numbers" if len(broken) > 1 else ""
    return (
        f"number {place} of '{broken[0]}' is {number:.3g}{others}: the network broke in training, or the file is "
        "damaged, and its pictures may be black or worse; an earlier snapshot may be sound",
    )


def _is_sane(tensor: torch.Tensor) -> bool:
    least, most = (float(end) for end in tensor.aminmax())  # NaN if any is; takes no memory
    return least >= -LARGEST_WEIGHT and most <= LARGEST_WEIGHT


def _first_odd(tensor: torch.Tensor) -> tuple[list[int], float]:
    """The place of the first number that is odd, and the number."""
    flat = tensor.reshape(-1)
    rest = at = int((~(flat.abs() <= LARGEST_WEIGHT)).nonzero()[0])
    place: list[int] = []
    for length in reversed(tensor.shape):
        rest, index = divmod(rest, length)
        place.insert(0, index)
    return place, float(flat[at])


def _is_ours(head: bytes, file: BinaryIO, size: int) -> bool:
    """Whether a file that begins so is our own, to be read as it is. The file is left at its start."""
    file.seek(0)
    if not native.looks_like_safetensors(head):
        return False
    ours = native.is_ours(file, size)
    file.seek(0)
    return ours


def _array(tensor: torch.Tensor) -> np.ndarray:
    import torch

    half = tensor.dtype == torch.float16
    return tensor.detach().to("cpu", torch.float16 if half else torch.float32).numpy()


def _clean(text: str) -> str:
    """Text with a file's words in it, without what could confuse a terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)
