"""What a take holds: msgspec structs, one after the other, in the order in which things happened.

A `Header`; then for each render process that played (one, unless it died and was replaced) `Opened`, and `Frames` with
`Checkpoint`s and `Fingerprint`s between them. Unknown records of later versions are passed over.
"""

from __future__ import annotations

from typing import Any

import msgspec

FORMAT = 1
"""Version of all this. Raise it when older readers would replay something else."""


class _Record(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    pass


class Header(_Record, frozen=True):
    """Where and when the take was made.

    began: seconds since 1970. device: as torch names it; device_name: what it is. threads: of torch on the CPU, which
    may decide the last bit of a sum. name: what played, in words. sound: the file that drove the show. libraries: those
    that choose kernels, with their versions. code: a fingerprint of Ganzfeld's own code that makes pictures.
    """

    format: int = FORMAT
    ganzfeld: str = ""
    torch: str = ""
    python: str = ""
    system: str = ""
    device: str = "cpu"
    device_name: str = ""
    threads: int = 0
    began: float = 0.0
    name: str = ""
    sound: str = ""
    libraries: str = ""
    code: str = ""


class Opened(_Record, frozen=True):
    """A render process begins to play, or a recording goes on after it could not be written for a while.

    text: of the patch that plays; None: none yet. path: the patch's file; folder: where its files are looked for.
    checkpoint: the state it takes up; None: afresh. at: the time of that state (a steady clock's seconds, the same for
    the whole take). t, beat, bpm: the show's time in that state. exact: whether the checkpoint is all of the state.
    fps: the rate that is aimed at. resumed: it is the same process, and what was played before could not be written.
    """

    text: str | None = None
    path: str | None = None
    folder: str = ""
    checkpoint: bytes | None = None
    at: float = 0.0
    t: float = 0.0
    beat: float = 0.0
    bpm: float = 120.0
    exact: bool = True
    fps: float = 0.0
    resumed: bool = False


class Frames(_Record, frozen=True):
    """About a second of frames, packed by `packing`: their times, and what happened before each."""

    count: int
    times: bytes
    happenings: bytes


class Checkpoint(_Record, frozen=True):
    """The engine's state after all frames so far, compressed by zlib. exact, tensors: what it says of itself."""

    data: bytes
    exact: bool
    tensors: int


class Fingerprint(_Record, frozen=True):
    """The SHA-256 of a file that the show reads. name: from the patch's folder, or absolute, or "shipped:…"."""

    name: str
    sha256: str


class CameraFilm(_Record, frozen=True):
    """What a camera node showed, as a film beside the take. file: its name; size: (width, height)."""

    node: str
    file: str
    size: tuple[int, int]


# What happens before a frame


class Swapped(_Record, frozen=True):
    """A text plays from this frame on. anew: because a file changed."""

    text: str
    anew: bool = False


class Did(_Record, frozen=True):
    """A hand called this method of the engine."""

    name: str
    arguments: list[Any] = []


class Sizes(_Record, frozen=True):
    """The outputs and their sizes (width, height), from this frame on."""

    sizes: dict[str, tuple[int, int]]


class Took(_Record, frozen=True):
    """What a node took from outside for this frame and those that follow (see `Node.taken`)."""

    node: str
    what: Any = None


class Saw(_Record, frozen=True):
    """A node shows a camera's picture, by its number in a film beside the take; −1: it was not kept. size: (width,
    height)."""

    node: str
    picture: int = -1
    size: tuple[int, int] = (0, 0)


class Halved(_Record, frozen=True):
    """Networks are drawn so many times halved from this frame on."""

    times: int


Deed = Swapped | Did | Sizes | Took | Saw | Halved


class Last(_Record, frozen=True):
    """What came to be known after the last frame of a session."""

    deeds: list[Deed] = []


Record = Header | Opened | Frames | Checkpoint | Fingerprint | CameraFilm | Last


def _plain(value: Any) -> Any:
    """Numbers of numpy as Python's, anything strange as its text: a recording is never refused."""
    item = getattr(value, "item", None)
    if callable(item):
        try:
            return item()
        except Exception:
            return str(value)
    return str(value)


encode = msgspec.msgpack.Encoder(enc_hook=_plain).encode
_decode = msgspec.msgpack.Decoder(Record).decode
_KNOWN = {kind.__name__ for kind in (Header, Opened, Frames, Checkpoint, Fingerprint, CameraFilm, Last)}


def decode(data: bytes) -> Record | None:
    """A record again; None if it is of a kind that this version does not know. Raises msgspec.DecodeError."""
    try:
        return _decode(data)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(str(error)) from None
    except msgspec.ValidationError:
        kind = _kind_of(data)
        if kind is None or kind in _KNOWN:
            raise
        return None


def _kind_of(data: bytes) -> str | None:
    try:
        kind = msgspec.msgpack.decode(data).get("type")
    except (AttributeError, UnicodeDecodeError, TypeError):  # no map, or keys that are none
        return None
    return kind if isinstance(kind, str) else None
