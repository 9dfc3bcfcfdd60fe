"""Films put together from films, packet by packet: nothing is encoded again but the sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ganzfeld.outputs.base import OutputPiece

if TYPE_CHECKING:
    import numpy as np
    from av.container import OutputContainer

SOUND_RATE = 48000
SOUND_BITS = 192_000  # a second


def join(
    container: OutputContainer, pieces: Sequence[OutputPiece], rate: Fraction, sound: Iterable[np.ndarray] | None = None
) -> None:
    """Write the packets of films of `rate` frames a second into a container, each film at its piece's number, and
    sound beside them: float32 [samples, 2] at 48000 a second, block by block."""
    import av

    with av.open(str(pieces[0].path)) as first:
        pictures: Any = container.add_stream_from_template(first.streams.video[0])
    heard = _Sound(container, sound) if sound is not None else None
    container.start_encoding()
    for piece in pieces:
        with av.open(str(piece.path)) as film:
            stream = film.streams.video[0]
            base = stream.time_base
            assert base is not None
            shift = round(piece.number / rate / base)
            for packet in film.demux(stream):
                if packet.dts is None or packet.pts is None:
                    continue
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                if heard is not None:
                    heard.until(float(packet.pts * base))
                packet.stream = pictures
                container.mux(packet)
    if heard is not None:
        heard.end()


class _Sound:
    """A track of sound that is written as far as the pictures are."""

    def __init__(self, container: OutputContainer, blocks: Iterable[np.ndarray]) -> None:
        self._container = container
        self._stream: Any = container.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        self._stream.bit_rate = SOUND_BITS
        self._blocks: Iterator[np.ndarray] = iter(blocks)
        self._samples = 0

    def until(self, seconds: float) -> None:
        """Write the sound up to that second, and a little more."""
        while self._samples < seconds * SOUND_RATE and (block := next(self._blocks, None)) is not None:
            self._write(block)

    def end(self) -> None:
        """Write what is left."""
        for block in self._blocks:
            self._write(block)
        self._mux(None)

    def _write(self, block: np.ndarray) -> None:
        import av
        import numpy as np

        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T, np.float32), format="fltp", layout="stereo")
        frame.sample_rate = SOUND_RATE
        frame.pts = self._samples
        frame.time_base = Fraction(1, SOUND_RATE)
        self._samples += len(block)
        self._mux(frame)

    def _mux(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            # AAC begins with a packet of what is before the sound. An MP4 in fragments cannot say so and would have all
            # of it 21 ms late.
            if packet.pts is None or packet.pts >= 0:
                self._container.mux(packet)
