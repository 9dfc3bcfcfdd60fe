"""A take, read: what was played, second by second."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError, Where
from ganzfeld.plain_file import read_plain, real_path
from ganzfeld.takes import fingerprints
from ganzfeld.takes.file import read_records
from ganzfeld.takes.packing import Played, Times, deeds_of, unpack_happenings, unpack_times
from ganzfeld.takes.records import (
    FORMAT,
    CameraFilm,
    Checkpoint,
    Deed,
    Fingerprint,
    Frames,
    Halved,
    Header,
    Last,
    Opened,
    Saw,
    Sizes,
    Swapped,
    Took,
)


def _are_texts(modules: dict[Any, Any]) -> bool:
    return all(isinstance(name, str) and isinstance(text, bytes) for name, text in modules.items())


@dataclass(frozen=True, slots=True)
class Ran:
    """A version of a script that ran: its text, and the texts of the modules beside it, by their paths from there."""

    source: bytes
    modules: tuple[tuple[str, bytes], ...] = ()

    @classmethod
    def of(cls, what: Any) -> Ran | None:
        """From what a script node took (`scripts.Witnessed`); None of what another node took, and of what makes no
        sense."""
        match what:
            case bytes():
                return cls(what)
            case {"": bytes() as source, **modules} if _are_texts(modules):
                return cls(source, tuple(sorted(modules.items())))
        return None

    def is_at(self, path: Path) -> bool:
        """Whether this file holds the very same text now, and those beside it hold those of the modules."""
        expected = [(path, self.source)]
        for name, text in self.modules:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                return False
            expected.append((real_path(path).parent / name, text))
        try:
            return all(read_plain(file, len(text)) == text for file, text in expected)
        except OSError:
            return False


@dataclass(slots=True)
class Session:
    """What one render process played. times: of its frames. kept: states after so many of its frames, in order."""

    opened: Opened
    blocks: list[Frames] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    parts: list[Times] = field(default_factory=list)
    kept: list[tuple[int, Checkpoint]] = field(default_factory=list)
    deeds: list[tuple[int, Deed]] = field(default_factory=list)
    taken: dict[int, list[Took | Saw]] = field(default_factory=dict)
    """What nodes took from outside, by the frame from which on they did."""
    count: int = 0
    times: Times = field(init=False)

    def add(self, block: Frames) -> None:
        """The next second. Raises ValueError or msgspec.DecodeError if it is damaged."""
        times = unpack_times(block.times, block.count)
        deeds = [(self.count + index, deed) for index, deed in deeds_of(block.happenings)]
        self.blocks.append(block)
        self.starts.append(self.count)
        self.parts.append(times)
        self.deeds += deeds
        self.count += block.count

    def close(self) -> None:
        """There is no more of it."""
        self.times = Times.joined(self.parts)
        for index, deed in self.deeds:
            # It is known when a frame is made, and so was told with the next one.
            if isinstance(deed, Took | Saw):
                self.taken.setdefault(max(index - 1, 0), []).append(deed)

    def frames(self, first: int = 0) -> Iterator[Played]:
        """Its frames from that one on, unpacked as they are asked for."""
        place = max(0, bisect_right(self.starts, first) - 1)
        for start, times, block in zip(self.starts[place:], self.parts[place:], self.blocks[place:]):
            yield from unpack_happenings(block.happenings, times)[max(0, first - start) :]

    def text_before(self, frame: int) -> Swapped | None:
        """The text that plays before that frame's own deeds."""
        opened = Swapped(self.opened.text) if self.opened.text is not None else None
        texts = [deed for index, deed in self.deeds if index < frame and isinstance(deed, Swapped)]
        return texts[-1] if texts else opened

    def taken_before(self, frame: int) -> list[Took | Saw]:
        """What nodes go on taking when that frame is made, as far as it is not told for that frame itself."""
        last: dict[str, Took | Saw] = {}
        for index in sorted(self.taken):
            if index < frame:
                last |= {deed.node: deed for deed in self.taken[index]}
        return list(last.values())

    def halved_before(self, frame: int) -> int:
        """How many times networks were halved then."""
        return next((deed.times for i, deed in reversed(self.deeds) if i < frame and isinstance(deed, Halved)), 0)

    def sizes(self) -> list[tuple[int, dict[str, tuple[int, int]]]]:
        """From which frame on the outputs had which sizes."""
        # They are known when a frame is made, and so are told with the next one.
        return [(max(index - 1, 0), deed.sizes) for index, deed in self.deeds if isinstance(deed, Sizes)]


class Take:
    """A take file, read. Raises GanzfeldError if it is not one, or holds no frames.

    torn: bytes at its end that a kill left behind, which are not used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header = Header()
        self.sessions: list[Session] = []
        self.fingerprints: list[Fingerprint] = []
        self.cameras: list[CameraFilm] = []
        self._films: dict[tuple[int, str], CameraFilm] = {}
        records, self.torn = read_records(path)
        try:
            for record in records:
                self._take_up(record)
        except (ValueError, KeyError, msgspec.DecodeError) as error:
            raise self._error(f"the take is damaged: {error}") from None
        self.sessions = [session for session in self.sessions if session.count]
        if not self.sessions:
            raise self._error("the take holds no frame", "It ended before the show's first picture")
        for session in self.sessions:
            session.close()

    def _take_up(self, record: Any) -> None:
        match record:
            case Header():
                if record.format > FORMAT:
                    hint = f"It was made by Ganzfeld {record.ganzfeld}; this one is older"
                    raise self._error("the take is of a newer kind", hint)
                self.header = record
            case Opened():
                self.sessions.append(Session(record))
            case Frames() if self.sessions:
                self.sessions[-1].add(record)
            case Checkpoint() if self.sessions:
                self.sessions[-1].kept.append((self.sessions[-1].count, record))
            case Fingerprint():
                self.fingerprints.append(record)
            case CameraFilm():
                self.cameras.append(record)
                if self.sessions:
                    self._films[len(self.sessions) - 1, record.node] = record
            case Last() if self.sessions:
                self.sessions[-1].deeds += [(self.sessions[-1].count, deed) for deed in record.deeds]

    def _error(self, what: str, hint: str = "") -> GanzfeldError:
        return GanzfeldError(what, where=Where(str(self.path)), hint=hint)

    @property
    def count(self) -> int:
        """How many frames were played."""
        return sum(session.count for session in self.sessions)

    @property
    def seconds(self) -> float:
        """How long it is, in seconds of real time."""
        return float(self.sessions[-1].times.at[-1] - self.sessions[0].times.at[0])

    @property
    def replacements(self) -> int:
        """How many times another render process went on."""
        return sum(not session.opened.resumed for session in self.sessions[1:])

    @property
    def holes(self) -> list[tuple[float, float]]:
        """Where nothing could be written, because the disk was full, say: when it began (seconds from the take's first
        frame), and how many seconds it lasted."""
        began = self.sessions[0].times.at[0]
        ends = [(before.times.at[-1], session) for before, session in pairwise(self.sessions)]
        return [
            (float(end - began), float(session.times.at[0] - end)) for end, session in ends if session.opened.resumed
        ]

    def folder(self, session: Session) -> Path:
        """Where the patch's files are: where they were, or beside the take."""
        there = Path(session.opened.folder)
        return there if session.opened.folder and there.is_dir() else self.path.absolute().parent

    def film(self, session: int, node: str) -> CameraFilm | None:
        """What a camera node showed in a session, if it was kept."""
        # A recording that was interrupted goes on in the same film.
        return next((self._films[s, node] for s in range(session, -1, -1) if (s, node) in self._films), None)

    @cached_property
    def scripts(self) -> dict[str, list[Ran]]:
        """What script nodes ran, by their names."""
        found: dict[str, dict[Ran, None]] = {}
        for session in self.sessions:
            for _, deed in session.deeds:
                if isinstance(deed, Took) and (ran := Ran.of(deed.what)) is not None:
                    found.setdefault(deed.node, {})[ran] = None
        return {node: list(all_of) for node, all_of in found.items()}

    @cached_property
    def texts(self) -> list[str]:
        """Every text that was played, in order."""
        found = []
        for session in self.sessions:
            if session.opened.text is not None:
                found.append(session.opened.text)
            found += [deed.text for _, deed in session.deeds if isinstance(deed, Swapped)]
        return found

    def differences(self, device: Any) -> list[str]:
        """What is not as it was, so that frames may differ: versions, the device, files. Sentences."""
        from ganzfeld.takes.recorder import header

        here, then = header(device, ""), self.header
        said = []
        for name, was, now in (
            ("Ganzfeld", then.ganzfeld, here.ganzfeld),
            ("torch", then.torch, here.torch),
            ("what chooses kernels", then.libraries, here.libraries),
            ("the device", then.device_name or then.device, here.device_name or here.device),
        ):
            if was and was != now:
                said.append(f"{name} was {was} and is {now}")
        if then.code and then.ganzfeld == here.ganzfeld and then.code != here.code:
            said.append("Ganzfeld's own code has changed since, though its version has not")
        if then.device.split(":")[0] != here.device.split(":")[0]:
            said.append(f"it was played on {then.device.split(':')[0]} and is rendered on {here.device.split(':')[0]}")
        said += fingerprints.differing(self.fingerprints, self.folder(self.sessions[0]))
        unkept = sorted(
            {deed.node for s in self.sessions for _, deed in s.deeds if isinstance(deed, Saw) and deed.picture < 0}
        )
        said += [
            f"what {node} showed was not kept (--take-camera keeps cameras, NDI, streams, …): it is inexact there"
            for node in unkept
        ]
        return said


def unpacked(checkpoint: Checkpoint) -> bytes:
    """The engine's state. Raises zlib.error."""
    return zlib.decompress(checkpoint.data)
