"""The sound of a film."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from av.container import OutputContainer

SOUND_RATE = 48000
SOUND_BITS = 192_000  # a second


class SoundTrack:
    """A track of sound in a container that is written; codec: "aac" or "pcm_s16le"."""

    def __init__(self, container: OutputContainer, codec: str = "aac") -> None:
        self._container, self._is_whole = container, codec == "aac"
        self._stream: Any = container.add_stream(codec, rate=SOUND_RATE, layout="stereo")
        if codec == "aac":
            self._stream.bit_rate = SOUND_BITS
        self._tells_delay = container.format.name == "matroska"
        self.samples = 0
        """Written so far."""

    def write(self, block: np.ndarray) -> None:
        """float32 [samples, 2] at 48000 a second."""
        import av
        import numpy as np

        if not len(block):
            return
        if self._is_whole:
            samples, form = np.ascontiguousarray(block.T, np.float32), "fltp"
        else:
            whole = np.clip(np.rint(block * 32767), -32768, 32767).astype(np.int16)
            samples, form = np.ascontiguousarray(whole).reshape(1, -1), "s16"
        frame = av.AudioFrame.from_ndarray(samples, format=form, layout="stereo")
        frame.sample_rate = SOUND_RATE
        frame.pts = self.samples
        frame.time_base = Fraction(1, SOUND_RATE)
        self.samples += len(block)
        self._mux(frame)

    def end(self) -> None:
        """Write what the encoder holds."""
        self._mux(None)

    def _mux(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            # AAC begins with a packet of what is before the sound. Matroska says so; an MP4 in fragments cannot, and
            # would have all of it 21 ms late.
            if self._tells_delay or packet.pts is None or packet.pts >= 0:
                self._container.mux(packet)
