"""The zip archive of `torch.save`.

torch itself is not used, not even with `weights_only=True`: our own machine is stricter (it bounds sizes and
counts), needs no C++ parser on a stranger's bytes, and starts in a tenth of the time. Storages are views into the
file.

Layout, from torch's public documentation and files it wrote: `<root>/data.pkl` refers by persistent id to
`<root>/data/<key>`, entries stored and never compressed.
"""

from __future__ import annotations

from collections.abc import Mapping

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files import zipped
from ganzfeld.networks.files.containers import Container, a_network_is, endings, suffixes
from ganzfeld.networks.files.machine import Reading
from ganzfeld.networks.files.storages import Storages
from ganzfeld.networks.files.unpickler import Unpickler
from ganzfeld.networks.files.values import refuse_damaged


def _read(data: memoryview, reading: Reading) -> object:
    entries = zipped.directory(data, reading.budget)
    root = _root(entries)
    byte_order = entries.get(f"{root}/byteorder")
    if byte_order is not None and bytes(byte_order.contents(data)[:8]).strip() != b"little":
        raise NetworkFileError("the file was saved on a big-endian machine, which Ganzfeld cannot read")

    def numbers(key: str) -> memoryview:
        entry = entries.get(f"{root}/data/{key}")
        if entry is None:
            raise refuse_damaged(f"the archive has no '{root}/data/{key[:40]}', which its contents refer to")
        return entry.contents(data)

    content = entries[f"{root}/data.pkl"].contents(data)
    return Unpickler(content, reading, persistent=Storages(numbers).of).load()


def _root(entries: Mapping[str, zipped.Entry]) -> str:
    """The folder that everything in a torch.save archive lies in."""
    for name in entries:
        root, _, rest = name.partition("/")
        if rest == "data.pkl":
            if f"{root}/constants.pkl" in entries:
                raise NetworkFileError(
                    "the file is a TorchScript archive, which is a program and not only numbers",
                    hint="Look for the checkpoint it was made from (.pkl or .pt).",
                )
            return root
    inside = next((name for name in entries if name.endswith(suffixes())), "")
    if inside:
        raise NetworkFileError(
            f"the file is a zip archive that holds '{inside[-60:]}'", hint="Unpack it and open that file."
        )
    if all(name.endswith(".npy") for name in entries) and entries:
        raise NetworkFileError(
            "the file is a NumPy archive (.npz) of plain arrays, not a network",
            hint=f"A latent is given to a 'latent' node; a network is a {endings()} file.",
        )
    listed = ", ".join(name[:40] for name in list(entries)[:3]) or "nothing"
    raise NetworkFileError(
        f"the file is a zip archive without a network in it (it holds {listed})",
        hint=a_network_is(),
    )


CONTAINER = Container(
    suffixes=(".pt", ".pth"), recognises=lambda head: head.startswith(b"PK"), read=_read, general=True
)
