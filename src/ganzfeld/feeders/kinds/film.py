"""Films from files: the frame at any second, exactly."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Answer, Feeder, Limits, answers
from ganzfeld.feeders.containers import open_container
from ganzfeld.feeders.film_pictures import FilmPictures

if TYPE_CHECKING:
    from av.codec.context import CodecContext
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MOST_PIXELS = 8192 * 8192
DECODER_THREADS = 4
MANY_PIXELS = 4096 * 4096
"""Above this, threads share each frame; below, each may have frames of its own, which take memory."""
EARLY = 0.1
"""A frame counts from this share of its duration before its time: files round times, some to whole milliseconds, and
a show's time is a sum of fractions."""
READ_ON = 2.0
"""Seconds ahead up to which it is quicker to decode what lies between than to look for the next key frame."""
KEPT_BYTES = 1 << 27
"""Decoded frames are kept up to this size, so that a film can run backwards: it can only be decoded forwards."""
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoders of these leave alpha out."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A decoded frame and the seconds of the film in which it is seen: start <= t < end."""

    start: float
    end: float
    frame: VideoFrame

    def covers(self, seconds: float) -> bool:
        return self.start <= seconds < self.end


class FilmFeeder(Feeder):
    """A film file. Times are seconds from its first frame.

    facts: seconds (how long it is), rate, width, height.
    """

    limits = Limits("films", memory=3 << 30, children=4, patience=30.0)

    def __init__(self, path: Path) -> None:
        """Opens the file and decodes its first frame. Raises FeederError."""
        self.path = path
        self.damaged = self._resting = False
        self._kept: deque[Decoded] = deque(maxlen=2)
        self._container, self._stream = _open(path)
        self.rate = float(self._stream.average_rate or self._stream.guessed_rate or 25)
        self._first: float | None = None
        self._frames = self._decode()
        self._coming = next(self._frames, None)
        if self._coming is None:
            raise FeederError(f"{path.name} holds no frame that can be decoded")
        frame = self._coming[1]
        self._check_size(frame)
        self._kept = deque(maxlen=max(2, min(256, KEPT_BYTES // (frame.width * frame.height * 2))))
        self._pictures = FilmPictures(frame, self._stream.sample_aspect_ratio)
        self.width, self.height = self._pictures.size
        self.nbytes = self.width * self.height * 4
        self.seconds = self._length()
        self.facts = {"seconds": self.seconds, "rate": self.rate, "width": self.width, "height": self.height}

    @answers
    def at(self, seconds: float) -> Answer:
        """The frame that is seen at this second, uint8 [H, W, 4]; facts: [start, end, whether anything was damaged]."""
        decoded = self.decoded(seconds)
        return Answer([decoded.start, decoded.end, self.damaged], self.rgba(decoded))

    @answers
    def rest(self) -> None:
        """Give back what decoding takes; the next question opens the file again."""
        self._kept.clear()
        self._frames, self._coming = iter(()), None
        self._container.close()
        self._resting = True

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def decoded(self, seconds: float) -> Decoded:
        """The frame that is seen at this second; the first before the film, the last after it. Raises FeederError."""
        for decoded in self._kept:
            if decoded.covers(seconds):
                return decoded
        reached = self._kept[-1].end if self._kept else -np.inf
        if self._resting:
            self._container, self._stream = _open(self.path)
            self._resting, reached = False, np.inf
        if not reached <= seconds <= max(reached, 0) + READ_ON:
            self._seek(seconds)
        while True:
            decoded = self._next()
            if decoded.covers(seconds):
                return decoded
            if decoded.start > seconds:  # what should be seen there is damaged
                return Decoded(seconds, decoded.end, decoded.frame)

    def rgba(self, decoded: Decoded) -> np.ndarray:
        """A frame as uint8 [H, W, 4], upright and with square pixels, sRGB-encoded, with its alpha."""
        return self._pictures.rgba(decoded.frame)

    def _check_size(self, frame: VideoFrame) -> None:
        if frame.width * frame.height > MOST_PIXELS:
            raise FeederError(f"{self.path.name} is {frame.width} × {frame.height} pixels, which is too large")

    def _length(self) -> float:
        stream, container = self._stream, self._container
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        if container.duration:
            return container.duration / 1e6
        # A recording that was cut off says nothing of its length: look at every packet once.
        last = 0.0
        for packet in container.demux(stream):
            if packet.pts is not None and packet.time_base is not None:
                last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        self._rewind(0.0)
        return max(last - (self._first or 0.0), 1 / self.rate)

    def _seek(self, seconds: float) -> None:
        """Go on decoding from a key frame at or before this second."""
        for back in (0.0, 1.0, 5.0, 25.0):
            if seconds - back <= 0:
                break
            self._rewind(seconds - back)
            # Some files' indices lead too far.
            if self._coming is not None and self._coming[0] <= seconds:
                return
        self._rewind(0.0)

    def _rewind(self, seconds: float) -> None:
        from av.error import FFmpegError

        base, first = self._stream.time_base, self._first or 0.0
        assert base is not None
        try:
            self._container.seek(int((seconds + first) / base), stream=self._stream, backward=True)
        except FFmpegError:
            # What cannot be searched is read again from the beginning.
            self._container.close()
            self._container, self._stream = _open(self.path)
        self._kept.clear()
        self._frames = self._decode()
        self._coming = next(self._frames, None)

    def _next(self) -> Decoded:
        """The next frame; the last one lasts for ever. Raises FeederError when there is none."""
        if self._coming is None:
            raise FeederError(f"{self.path.name} cannot be decoded there", hint="The file seems to be damaged")
        (start, frame), self._coming = self._coming, next(self._frames, None)
        if not self._kept and start <= 0:
            start = -np.inf
        decoded = Decoded(start, self._coming[0] if self._coming else np.inf, frame)
        self._kept.append(decoded)
        return decoded

    def _decode(self) -> Iterator[tuple[float, VideoFrame]]:
        """Frames from here to the end of the file, each with the second it starts at. Skips what is damaged."""
        from av.error import FFmpegError

        decoder: Any = _decoder_with_alpha(self._stream)
        last: float | None = None
        try:
            for packet in self._container.demux(self._stream):
                try:
                    frames: Any = (
                        packet.decode() if decoder is None else decoder.decode(packet if packet.size else None)
                    )
                except FFmpegError as error:
                    if error.errno == 12:
                        raise MemoryError from None
                    self.damaged = True
                    continue
                for frame in frames:
                    if frame.width * frame.height > MOST_PIXELS:
                        self.damaged = True
                        continue
                    time: float = frame.time if frame.time is not None else (last or 0.0) + 1 / self.rate
                    if self._first is None:
                        self._first = time
                    start = time - self._first - EARLY / self.rate
                    if last is None or start > last:
                        last = start
                        yield start, frame
        except FFmpegError:
            self.damaged = True


def _open(path: Path) -> tuple[InputContainer, VideoStream]:
    container = open_container(path)
    if not container.streams.video:
        container.close()
        raise FeederError(f"{path.name} has no pictures")
    stream = container.streams.video[0]
    if getattr(stream, "codec_context", None) is None:  # FFmpeg knows no decoder for it
        container.close()
        raise FeederError(f"{path.name} is a film of a kind that cannot be decoded here", hint="Convert it to H.264")
    if stream.width * stream.height > MOST_PIXELS:
        container.close()
        raise FeederError(f"{path.name} is {stream.width} × {stream.height} pixels, which is too large")
    # FFmpeg would take a thread for each core, each with a frame of its own: too much for the child's limits.
    stream.codec_context.thread_count = DECODER_THREADS
    stream.thread_type = "SLICE" if stream.width * stream.height > MANY_PIXELS else "AUTO"
    return container, stream


def _decoder_with_alpha(stream: VideoStream) -> CodecContext | None:
    """A decoder that keeps the alpha of a stream that says it has some, where its usual one does not."""
    import av

    name = _WITH_ALPHA.get(stream.codec_context.name.removeprefix("lib"))
    tags = {key.lower(): value for key, value in stream.metadata.items()}
    if name is None or tags.get("alpha_mode") != "1":
        return None
    try:
        return av.Codec(name, "r").create()
    except ValueError:  # FFmpeg was built without it
        return None
