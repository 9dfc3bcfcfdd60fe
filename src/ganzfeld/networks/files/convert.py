"""Turning another program's file into ours: `python -m ganzfeld.networks.files.convert SOURCE FOLDER STATEMENTS …`.

Runs in a process of its own, with limits on memory, time and the size of what it writes (`sandbox.py` starts it).
Its answer is one line of JSON: {"sha256", "path"} or {"what", "hint"}. Neither torch nor anything that the file
names is ever imported.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files import cache, native, sniff, stated
from ganzfeld.networks.files.containers import HEAD, content
from ganzfeld.networks.files.formats import formats
from ganzfeld.networks.files.machine import Reading
from ganzfeld.networks.files.refusal import refusal
from ganzfeld.networks.files.source import Converted, Source
from ganzfeld.networks.files.values import Budget
from ganzfeld.networks.files.vocabulary import VOCABULARY


def source(data: memoryview, statements: Mapping[str, Any] | None = None) -> Source:
    """The bytes of a file with what they hold as plain data, and what was stated about them. Raises NetworkFileError,
    and nothing else."""
    vocabulary = dict(VOCABULARY)
    for form in formats():
        vocabulary |= form.vocabulary
    return Source(data, content(data, Reading(vocabulary, Budget.of(len(data)))), statements or {})


def read(data: memoryview, statements: Mapping[str, Any] | None = None) -> Converted:
    """The network that the bytes of a file hold. Raises NetworkFileError, and nothing else."""
    return read_source(source(data, statements))


def read_source(source: Source) -> Converted:
    """The same, by the first format that reads it. Where none does, the first that took it for its own says why."""
    first: NetworkFileError | None = None
    with np.errstate(all="ignore"):  # whatever the numbers are: they are the file's
        for form in formats():
            try:
                network = form.read(source)
            except NetworkFileError as error:
                first = first or error
                continue
            if network is not None:
                stated.refuse_useless(source.stated, _STATABLE[network.config.kind == "stylegan2"])
                return network
        raise first or refusal(source, "; ".join(form.name for form in formats()))


_ALWAYS = ("conv_clamp", "mapping_lr_multiplier")
_STATABLE = {True: (*_ALWAYS, "resample_filter"), False: (*_ALWAYS, "output_scale", *stated.DESIGN)}
"""What may be stated of a StyleGAN2, and of a StyleGAN3."""


def convert(path: Path, folder: Path, statements: Mapping[str, Any] | None = None) -> tuple[str, Path]:
    """Convert the file at `path` into `folder`: (the SHA-256 of the original, the new file). Raises NetworkFileError.

    statements: what was stated about the file.

    The file is understood before it is hashed, so that a bad one is refused at once, however large.
    """
    file, facts = sniff.open_plain(path)
    with file:
        sniff.check_head(file.read(HEAD), path.suffix.lower())
        # Never closed by hand: tensors are views into it, and the process ends soon.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        network = read(memoryview(mapped), statements)
        sha256 = hashlib.sha256(mapped).hexdigest()
        target = cache.converted_path(folder, sha256, stated.digest(statements or {}))
        tensors = {name: native.Numbers.of(array) for name, array in network.weights.items()}
        about = native.About(network.origin, network.notes, network.warnings)
        native.write(target, network.config.to_json(), tensors, about)
        now = os.fstat(file.fileno())
        if (now.st_size, now.st_mtime_ns) != (facts.st_size, facts.st_mtime_ns):
            with suppress(OSError):
                target.unlink()
            raise NetworkFileError("the file changed while it was read", hint="Try again when it is finished.")
    return sha256, target


def main(arguments: list[str]) -> int:
    """Limit this process, convert, print the answer."""
    source, folder, statements, memory, seconds, size = arguments
    limit(int(memory), int(seconds), int(size))
    try:
        sha256, path = convert(Path(source), Path(folder), json.loads(statements))
        answer = {"sha256": sha256, "path": str(path)}
    except NetworkFileError as error:
        answer = {"what": error.what, "hint": error.hint}
    except MemoryError:
        answer = {
            "what": "reading the file takes more memory than a file of its size may take",
            "hint": "It is damaged, or somebody built it to exhaust memory.",
        }
    print(json.dumps(answer))
    return 0


def limit(memory: int, seconds: int, size: int) -> None:
    """Limit the process's addresses, processor time and the size of files it writes, where the system knows how."""
    try:
        import resource
    except ImportError:
        return
    for what, most in (("RLIMIT_AS", memory), ("RLIMIT_CPU", seconds), ("RLIMIT_FSIZE", size), ("RLIMIT_CORE", 0)):
        with suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, what), (most, most))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
