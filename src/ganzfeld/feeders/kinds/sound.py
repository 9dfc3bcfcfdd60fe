"""Sound of files and films, as one endless loop of samples on two sides."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Answer, Feeder, Limits, answers, check_file
from ganzfeld.feeders.containers import LARGEST_FILE, open_container

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.layout import AudioLayout
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

RATE = 48000
"""Samples a second, unless others are asked for."""
MOST_CHANNELS = 64
SLOWEST, FASTEST = 1000, 768_000
"""Samples a second that a file may have."""
MOST_SAMPLES = 1 << 16
"""Of one answer."""
KEPT_SECONDS = 10.0
"""A round up to this length is kept decoded: it would be opened anew all the time."""
HELD_BYTES, HOLDING_SECONDS = 1 << 26, 4.0
"""A file up to this size is read whole at first, if that takes no longer: it plays on when somebody writes over it."""
KEPT_BYTES = 1 << 28
"""Of the packets of a file without an index."""
_RUN_UP_SECONDS = 0.1  # for codecs whose sound depends on what was before
_LONG_RUN_UP_SECONDS = 1.0  # an MP3 of few bits has its sound in many frames
_PADDED_SECONDS = 0.12
_WITHOUT_INDEX = {"mp3", "aac", "ac3", "eac3", "dts", "amr", "truehd"}
"""FFmpeg guesses how long these are, and where a second lies, by their bytes; wrong where the bit rate varies."""
_MIDDLE, _LOW = 0.7071, 0.5


class SoundFeeder(Feeder):
    """The sound of a file. facts: seconds (how long one round is said to be, or None), channels.

    Sides are left and right; one channel is on both, more than two are folded (see `sides_of`).
    """

    limits = Limits("sounds", memory=1 << 30, cpu_seconds=60, patience=20.0, children=2)

    def __init__(self, path: Path, rate: int = RATE) -> None:
        """rate: samples a second. Raises FeederError."""
        self.path, self.rate = path, rate
        self._held = _held(path)
        self._container, self._stream = self._open()
        self._samples: int | None = None  # of one round, known when one was decoded from its beginning to its end
        self._round: np.ndarray | None = None  # all of it, if it is short
        self._packets: list[Packet] | None = None
        self._packet_begins: list[float] = []
        self._first: float | None = None  # the second at which the file's first sample is said to be
        self._next = 0  # the sample that comes next, counted since the loop began
        self._began = self._reached = 0  # samples of this round: where it was begun, how far it was decoded
        self._heard: list[np.ndarray] | None = None
        if self._container.format.name in _WITHOUT_INDEX:
            self._read_packets()
        self._blocks = self._decode(0)
        self._rest = next(self._blocks, self._nothing)  # nothing to decode is a reason to refuse
        if not len(self._rest) and self._reached <= 0:
            raise FeederError(f"There is no sound in {path.name} that can be decoded")
        self.nbytes = MOST_SAMPLES * 2 * 4
        self.facts = {"seconds": self._length(), "channels": self._stream.channels}

    @answers
    def read(self, start: int, count: int) -> Answer:
        """`count` samples from `start` on, counted since the loop began: float32 [count, 2]. facts: the samples of one
        round, as soon as they are known, else None."""
        count = min(max(count, 0), MOST_SAMPLES)
        start = max(start, 0)
        if start != self._next and self._round is None:
            self._seek(start)
        parts, end = [], start + count
        while start < end:
            if self._round is not None:
                parts.append(self._round[np.arange(start, end) % len(self._round)])
                break
            part, self._rest = self._rest[: end - start], self._rest[end - start :]
            parts.append(part)
            start += len(part)
            if start < end and (block := next(self._blocks, None)) is not None:
                self._rest = block
            elif start < end:
                self._begin_again()
        self._next = end
        return Answer(self._samples, np.concatenate([*parts, self._nothing]))

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    @property
    def _nothing(self) -> np.ndarray:
        return np.zeros((0, 2), np.float32)

    def _open(self) -> tuple[InputContainer, AudioStream]:
        container, name = open_container(self.path, pictures=False, held=self._held), self.path.name
        if not container.streams.audio:
            container.close()
            raise FeederError(f"There is no sound in {name}")
        stream = container.streams.audio[0]
        if getattr(stream, "codec_context", None) is None:  # its type says that it cannot be None
            container.close()
            raise FeederError(f"The sound of {name} is of a kind that cannot be decoded here")
        channels, rate = stream.channels, stream.rate or 0
        if not 1 <= channels <= MOST_CHANNELS or not SLOWEST <= rate <= FASTEST:
            container.close()
            what = f"{name} has {channels} channels of {rate} samples a second"
            raise FeederError(what, hint=f"Up to {MOST_CHANNELS} channels of {SLOWEST} to {FASTEST} are played")
        return container, stream

    def _length(self) -> float | None:
        """The seconds of one round: as decoded, as the packets say, or as the file says of itself."""
        if self._samples is not None:
            return self._samples / self.rate
        stream = self._stream
        said = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
        if self._packets is not None:
            counted = self._packet_begins[-1]
            # What the file says leaves out what codecs put before and behind the sound.
            return counted if said is None or abs(said - counted) > _PADDED_SECONDS else said
        return said if said or not self._container.duration else self._container.duration / 1e6

    def _seek(self, start: int) -> None:
        """Go on from a sample of the loop; rounds are counted off."""
        if self._samples is None and start > ((self._length() or 0.0) - 1) * self.rate:
            self._measure()
        self._rest = self._nothing
        if self._round is None:
            self._blocks = self._decode(start % self._samples if self._samples else start)

    def _measure(self) -> None:
        """Find out how many samples a round has: decode its end, which files tell only nearly."""
        start = max(0, round(((self._length() or 0.0) - 1) * self.rate))
        for _ in self._decode(start):
            pass
        if self._reached <= 0 < start:  # it ends before: then only decoding all of it tells
            for _ in self._decode(0):
                pass
        self._ended()

    def _ended(self) -> None:
        """The end of a round was reached."""
        if self._reached > 0:
            self._samples = self._reached
            if self._heard is not None:
                self._round = np.concatenate(self._heard)

    def _begin_again(self) -> None:
        if self._began == 0:
            if self._reached <= 0:
                raise FeederError(f"There is no sound in {self.path.name} that can be decoded")
            self._ended()
        self._blocks = self._decode(0)

    def _decode(self, start: int) -> Iterator[np.ndarray]:
        """Blocks from a sample on, to the end of the file; keeps count of them."""
        self._began, self._reached = start, 0
        self._heard = [] if start == 0 else None
        run_up = _RUN_UP_SECONDS if self._packets is None else _LONG_RUN_UP_SECONDS
        frames = self._frames(start / self.rate - run_up)
        at: int | None = None
        for block, second in _resampled(frames, self.rate):
            if at is None:
                if self._first is None:
                    self._first = second
                at = round((second - self._first) * self.rate)
            self._reached = at = at + len(block)
            skipped = min(max(0, len(block) - max(0, at - start)), len(block))
            if skipped < len(block):
                self._keep(block)
                yield block[skipped:]

    def _keep(self, block: np.ndarray) -> None:
        if self._heard is not None:
            self._heard.append(block)
            if self._reached > KEPT_SECONDS * self.rate:
                self._heard = None

    def _frames(self, second: float) -> Iterator[AudioFrame]:
        """What can be decoded from a packet at or before that second on; a damaged part is left out."""
        from av.error import FFmpegError

        if self._packets is not None:
            yield from self._frames_of_packets(second)
            return
        self._go(second)
        packets: Iterator[Any] = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                yield from packet.decode()
            except FFmpegError as error:
                _raise_if_memory(error)

    def _go(self, second: float) -> None:
        from av.error import FFmpegError

        if second > 0:
            try:
                place = round((second + (self._first or 0.0)) / float(self._stream.time_base or 1))
                self._container.seek(place, stream=self._stream)
                return
            except FFmpegError as error:
                _raise_if_memory(error)
        # Opened anew: what a codec does before its first sample it does only then. So is a file without an index.
        self._container.close()
        self._container, self._stream = self._open()

    def _read_packets(self) -> None:
        """Keep all packets of a file that has no index, unless it is too large."""
        from av.error import FFmpegError

        self._go(0)
        base, size, kept = float(self._stream.time_base or 1), 0, []
        try:
            for packet in self._container.demux(self._stream):
                size += packet.size
                if size > KEPT_BYTES:
                    self._go(0)
                    return
                if packet.size:
                    kept.append(packet)
        except FFmpegError as error:
            _raise_if_memory(error)
        if kept:
            self._packet_begins = [0.0, *accumulate((packet.duration or 0) * base for packet in kept)]
            self._packets = kept

    def _frames_of_packets(self, second: float) -> Iterator[AudioFrame]:
        from av.error import FFmpegError

        assert self._packets is not None
        first = max(bisect_right(self._packet_begins, max(second, 0.0)) - 1, 0)
        self._stream.codec_context.flush_buffers()
        for packet in (*self._packets[first:], None):
            try:
                yield from self._stream.codec_context.decode(packet)
            except FFmpegError as error:
                _raise_if_memory(error)


def _raise_if_memory(error: Exception) -> None:
    if getattr(error, "errno", None) == 12:
        raise MemoryError from None


def _resampled(frames: Iterator[AudioFrame], rate: int) -> Iterator[tuple[np.ndarray, float]]:
    """Blocks float32 [n, 2] at a rate, each with the second of the frame that it begins in.

    Samples stay beside each other in one plane: PyAV 15 reads beyond the eighth plane's pointer, and FFmpeg cannot fold
    an arrangement of channels that has no name.
    """
    import av

    resampler: Any = None
    setup: tuple[Any, ...] = ()
    sides: np.ndarray | None = None
    second = 0.0
    for frame in frames:
        channels = frame.layout.nb_channels
        if not 1 <= channels <= MOST_CHANNELS or not SLOWEST <= frame.sample_rate <= FASTEST:
            continue
        now = (frame.format.name, frame.layout.name, channels, frame.sample_rate)
        if now != setup:
            if resampler is not None:
                yield from ((_folded(block, sides), second) for block in resampler.resample(None))
            resampler, setup = av.AudioResampler(format="flt", layout=None, rate=rate), now
            sides = sides_of(frame.layout)
        second = float(frame.time) if frame.time is not None else second
        frame.pts = None  # the resampler fills gaps in time with nothing; one block after another instead
        yield from ((_folded(block, sides), second) for block in resampler.resample(frame))
    if resampler is not None:
        yield from ((_folded(block, sides), second) for block in resampler.resample(None))


def _folded(block: AudioFrame, sides: np.ndarray | None) -> np.ndarray:
    samples = block.to_ndarray().reshape(-1, block.layout.nb_channels)
    if sides is None:
        return np.ascontiguousarray(samples if samples.shape[1] == 2 else np.repeat(samples, 2, axis=1))
    return samples @ sides


def sides_of(layout: AudioLayout) -> np.ndarray | None:
    """How channels become two sides, float32 [channels, 2]: none is louder than it was, and all of them together are no
    louder than one. Front, side and back to their own side, what is in the middle to both; channels without a name in
    turn. None: there are one or two."""
    count = layout.nb_channels
    if count <= 2:
        return None
    names = [channel.name for channel in layout.channels]
    sides = np.zeros((count, 2), np.float32)
    for place in range(count):
        name = names[place] if place < len(names) else ""
        if name.startswith("LFE"):
            sides[place] = _LOW
        elif name in ("FC", "BC", "TFC", "TBC", "TC", "BFC"):
            sides[place] = _MIDDLE
        elif name.rstrip("C").endswith(("L", "R")):
            sides[place, int(name.rstrip("C").endswith("R"))] = 1.0 if name in ("FL", "FR") else _MIDDLE
        else:
            sides[place, place % 2] = 1.0
    return sides / sides.sum(axis=0).max()


def _held(path: Path) -> bytes | None:
    """What a file holds; None if it is large, or its disk slow. Raises FeederError for what is no file."""
    check_file(path, LARGEST_FILE)
    until, held = time.monotonic() + HOLDING_SECONDS, bytearray()
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                held += piece
                if len(held) > HELD_BYTES or time.monotonic() > until:
                    return None
    except OSError as error:
        raise FeederError(f"{path.name} cannot be read: {error.strerror or error}") from None
    return bytes(held)
