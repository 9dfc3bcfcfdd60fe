"""Films put together from films, packet by packet: nothing is encoded again but the sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ganzfeld.outputs.base import OutputPiece
from ganzfeld.outputs.sound_track import SOUND_RATE, SoundTrack

if TYPE_CHECKING:
    import numpy as np
    from av.container import OutputContainer

_LOSSLESS_SOUND = ("prores", "ffv1")
"""Pictures beside which sound is not compressed either."""


def join(
    container: OutputContainer, pieces: Sequence[OutputPiece], rate: Fraction, sound: Iterable[np.ndarray] | None = None
) -> None:
    """Write the packets of films of `rate` frames a second into a container, each film at its piece's number, and
    sound beside them: float32 [samples, 2] at 48000 a second, block by block."""
    import av

    with av.open(str(pieces[0].path)) as first:
        own = first.streams.video[0]
        pictures: Any = container.add_stream_from_template(own)
        codec = "pcm_s16le" if own.codec_context.name in _LOSSLESS_SOUND else "aac"
        if own.codec_context.name == "hevc":
            pictures.codec_context.codec_tag = "hvc1"
    heard = SoundTrack(container, codec) if sound is not None else None
    blocks: Iterator[np.ndarray] = iter(sound or ())
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
                    until = float(packet.pts * base) * SOUND_RATE
                    while heard.samples < until and (block := next(blocks, None)) is not None:
                        heard.write(block)
                packet.stream = pictures
                container.mux(packet)
    if heard is not None:
        for block in blocks:
            heard.write(block)
        heard.end()
