"""Films from files: the frame at any second, exactly."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzfeld.errors import PatchError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MOST_PIXELS = 8192 * 8192
EARLY = 0.1
"""A frame counts from this share of its duration before its time: files round times, some to whole milliseconds, and
a show's time is a sum of fractions."""
READ_ON = 2.0
"""Seconds ahead up to which it is quicker to decode what lies between than to look for the next key frame."""
UNSPECIFIED = 2
"""FFmpeg's number for a colour space that a file does not name."""
KEPT_BYTES = 1 << 27
"""Decoded frames are kept up to this size, so that a film can run backwards: it can only be decoded forwards."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A decoded frame and the seconds of the film in which it is seen: start <= t < end."""

    start: float
    end: float
    frame: VideoFrame

    def covers(self, seconds: float) -> bool:
        return self.start <= seconds < self.end


class Film:
    """A film file. Times are seconds from its first frame. Belongs to one thread at a time.

    width, height: of what `rgba` makes. seconds: how long it is. damaged: whether something could not be decoded.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file and decodes its first frame. Raises PatchError."""
        self.path = path
        self.damaged = False
        self._kept: deque[Shot] = deque(maxlen=2)
        self._container, self._stream = _open(path)
        self.rate = float(self._stream.average_rate or self._stream.guessed_rate or 25)
        self._first: float | None = None
        self._frames = self._decode()
        self._coming = next(self._frames, None)
        if self._coming is None:
            raise PatchError(f"{path.name} holds no frame that can be decoded")
        frame = self._coming[1]
        if frame.width * frame.height > MOST_PIXELS:
            raise PatchError(f"{path.name} is {frame.width} × {frame.height} pixels, which is too large")
        self._kept = deque(maxlen=max(2, min(256, KEPT_BYTES // (frame.width * frame.height * 2))))
        self.height, self.width = self._rgba(frame).shape[:2]
        self.seconds = self._length()

    def at(self, seconds: float) -> Shot:
        """The frame that is seen at this second; the first before the film, the last after it. Raises PatchError."""
        for shot in self._kept:
            if shot.covers(seconds):
                return shot
        reached = self._kept[-1].end if self._kept else -np.inf
        if not reached <= seconds <= max(reached, 0) + READ_ON:
            self._seek(seconds)
        while True:
            shot = self._next()
            if shot.covers(seconds):
                return shot
            if shot.start > seconds:  # what should be seen there is damaged
                return Shot(seconds, shot.end, shot.frame)

    def rgba(self, shot: Shot) -> np.ndarray:
        """A frame as uint8 [H, W, 4], upright and with square pixels, sRGB-encoded, with its alpha."""
        return self._rgba(shot.frame)

    def _rgba(self, frame: VideoFrame) -> np.ndarray:
        from av.video.reformatter import ColorRange, Colorspace

        options: dict[str, Any] = {"format": "rgba", "dst_color_range": ColorRange.JPEG}
        if not frame.format.is_rgb and frame.colorspace == UNSPECIFIED:
            # What every player assumes of a file that does not say.
            options["src_colorspace"] = Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601
        shape = self._stream.sample_aspect_ratio
        if shape and shape != 1:
            options["width"] = max(1, round(frame.width * shape))
        array = frame.reformat(**options).to_ndarray()
        turns = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(array, turns)) if turns else array

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

    def _next(self) -> Shot:
        """The next frame; the last one lasts for ever. Raises PatchError when there is none."""
        if self._coming is None:
            raise PatchError(f"{self.path.name} cannot be decoded there", hint="The file seems to be damaged")
        (start, frame), self._coming = self._coming, next(self._frames, None)
        if not self._kept and start <= 0:
            start = -np.inf
        shot = Shot(start, self._coming[0] if self._coming else np.inf, frame)
        self._kept.append(shot)
        return shot

    def _decode(self) -> Iterator[tuple[float, VideoFrame]]:
        """Frames from here to the end of the file, each with the second it starts at. Skips what is damaged."""
        from av.error import FFmpegError

        last: float | None = None
        try:
            for packet in self._container.demux(self._stream):
                try:
                    frames = packet.decode()
                except FFmpegError:
                    self.damaged = True
                    continue
                for frame in frames:
                    time = frame.time if frame.time is not None else (last or 0.0) + 1 / self.rate
                    if self._first is None:
                        self._first = time
                    start = time - self._first - EARLY / self.rate
                    if last is None or start > last:
                        last = start
                        yield start, frame  # type: ignore[misc]
        except FFmpegError:
            self.damaged = True


def _open(path: Path) -> tuple[InputContainer, VideoStream]:
    import av
    from av.error import FFmpegError

    try:
        # Playlists may name other files and servers: nothing but files is followed.
        container = av.open(str(path), options={"protocol_whitelist": "file"})
    except FileNotFoundError:
        raise PatchError(f"There is no file {path}", hint="Paths start at the patch's own folder") from None
    except (FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PatchError(f"{path.name} is not a film that can be read: {reason}") from None
    if not container.streams.video:
        raise PatchError(f"{path.name} has no pictures")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return container, stream
