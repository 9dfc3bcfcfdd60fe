"""Sound from a file, looped, in step with the show's time."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzfeld.errors import SignalError
from ganzfeld.signals.audio import Hearing
from ganzfeld.signals.follower import Follower
from ganzfeld.signals.mailbox import Mailbox
from ganzfeld.signals.pulse import Beat

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer

log = logging.getLogger(__name__)

RATE = 48000
"""Samples a second, whatever the file has."""
MOST_AHEAD_SECONDS = 1.0
"""Show time that jumps further than this is a seek."""
MOST_BACK_SECONDS = 0.25
"""So is time that goes back further than this; a clock that is merely corrected a little is waited for."""
_RUN_UP_SECONDS = 0.1  # for codecs whose sound depends on what was before


class SoundFile:
    """Reads the sound of a file (whatever FFmpeg reads, films too) as one endless loop of samples.

    stereo: for a loudspeaker, [n, 2]; else mono, for ears, [n]. rate: samples a second.
    Raises SignalError if there is no such file, or no sound in it.
    """

    def __init__(self, path: Path, *, stereo: bool = False, rate: int = RATE) -> None:
        self.path = path
        self.stereo, self.rate = stereo, rate
        self._container = self._open()
        self.samples: int | None = None
        """Of one round; known when the end was reached for the first time."""
        self._began = self._reached = 0  # samples of this round: where it was begun, how far it was decoded
        self._rest = self._nothing
        self._blocks = self._decode(0)

    @property
    def _nothing(self) -> np.ndarray:
        return np.zeros((0, 2) if self.stereo else 0, np.float32)

    def _open(self) -> InputContainer:
        import av
        from av.error import FFmpegError

        name = self.path.name
        if not self.path.is_file():  # and no address of the network, which FFmpeg would open as well
            raise SignalError(f"There is no file {self.path}", hint="Give a sound file or a film")
        try:
            container = av.open(str(self.path.resolve()))
        except (FFmpegError, OSError) as error:
            raise SignalError(f"{name} cannot be read as sound: {error}") from None
        if not container.streams.audio:
            container.close()
            raise SignalError(f"There is no sound in {name}")
        return container

    @property
    def seconds(self) -> float | None:
        """How long one round is; before the end was reached, what the file says of itself; None if it says nothing."""
        if self.samples is not None:
            return self.samples / self.rate
        return self._container.duration / 1e6 if self._container.duration else None

    def read(self, count: int) -> np.ndarray:
        """The next samples, float32 [count] or [count, 2] in −1..1, from the beginning again after the end."""
        parts = [self._rest[:count]]
        self._rest = self._rest[count:]
        missing = count - len(parts[0])
        while missing > 0:
            block = next(self._blocks, None)
            if block is None:
                self._begin_again()
                continue
            parts.append(block[:missing])
            self._rest = block[missing:]
            missing -= len(parts[-1])
        return np.concatenate(parts)

    def seek(self, seconds: float) -> None:
        """Go on from a second of the loop (any number; rounds are counted off)."""
        length = self.seconds
        if length:
            seconds %= length
        self._rest = self._nothing
        self._blocks = self._decode(max(round(seconds * self.rate), 0))

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _begin_again(self) -> None:
        if self._began == 0:
            if self._reached <= 0:
                raise SignalError(f"There is no sound in {self.path.name}")
            self.samples = self._reached
        self._blocks = self._decode(0)

    def _decode(self, start: int) -> Iterator[np.ndarray]:
        """Blocks from a sample on, to the end of the file; keeps count of them."""
        import av

        self._began, self._reached = start, 0

        # One channel for the two of a mono file: FFmpeg would make both 3 dB quieter.
        several = self.stereo and self._container.streams.audio[0].channels > 1
        resampler = av.AudioResampler(format="fltp", layout="stereo" if several else None, rate=self.rate)
        self._go(start / self.rate - _RUN_UP_SECONDS)
        stream = self._container.streams.audio[0]
        time_base, began = float(stream.time_base or 0), stream.start_time or 0
        at: int | None = None
        for frame in self._frames():
            if at is None:
                late = 0 if frame is None or frame.pts is None else (frame.pts - began) * time_base
                at = round(late * self.rate)
            if frame is not None:
                frame.pts = None  # the resampler fills gaps in time with nothing; one block after another instead
            for resampled in resampler.resample(frame):
                block = self._channels(resampled.to_ndarray())
                self._reached = at = at + len(block)
                skipped = len(block) - max(0, at - start)
                if skipped < len(block):
                    yield block[max(0, skipped) :]

    def _channels(self, block: np.ndarray) -> np.ndarray:
        if self.stereo:
            return np.ascontiguousarray(np.broadcast_to(block, (2, block.shape[1])).T)
        return block.mean(axis=0)  # FFmpeg's own way to mono is 3 dB louder

    def _go(self, seconds: float) -> None:
        """To a packet at or before that second."""
        from av.error import FFmpegError

        if seconds > 0:
            stream = self._container.streams.audio[0]
            with contextlib.suppress(FFmpegError):
                self._container.seek(round(seconds / float(stream.time_base or 1)), stream=stream)
                return
        # Opened anew: what a codec does before its first sample it does only then. So is a file without an index.
        self._container.close()
        self._container = self._open()

    def _frames(self) -> Iterator[AudioFrame | None]:
        """What can be decoded; a damaged part is left out. At last None, to fetch what the resampler holds."""
        from av.error import FFmpegError

        packets: Iterator[Any] = self._container.demux(self._container.streams.audio[0])
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                yield from packet.decode()
            except FFmpegError as error:
                log.debug("%s: %s", self.path.name, error)
        yield None


class AudioFile(Follower):
    """Hears a file as the show's time passes: `advance` for a renderer, `start` for a thread that follows a clock.

    The sound begins at t = 0 and is looped. Paused time hears nothing new; a jump of time is one of the file.
    clock: gives the show's time in seconds. options: those of `Hearing`. Raises SignalError as `SoundFile` does.
    """

    def __init__(self, outside: Mailbox, path: Path, clock: Callable[[], float] | None = None, **options: Any) -> None:
        super().__init__(clock, path.name)
        self.file = SoundFile(path)
        self.hearing = Hearing(outside, RATE, **options)
        self._heard = 0  # samples since t = 0

    def advance(self, t: float, now: float | None = None) -> None:
        """Hear everything up to second `t` of the show (see `Follower.advance`)."""
        until = round(t * RATE)
        if not -MOST_BACK_SECONDS * RATE <= until - self._heard <= MOST_AHEAD_SECONDS * RATE:
            self.file.seek(t)
            self._heard = until
            return
        if until > self._heard:
            self.hearing.feed(self.file.read(until - self._heard), t if now is None else now)
            self._heard = until

    def stop(self) -> None:
        """Follow no longer, and close the file."""
        super().stop()
        self.hearing.silence()
        self.file.close()

    def expect(self, bpm: float | None) -> None:
        """About how fast the sound may be (see `TempoTracker`'s `around`)."""
        self.hearing.tempo.around = bpm

    def beat(self, now: float) -> Beat | None:
        """As `Hearing.beat`."""
        return self.hearing.beat(now)
