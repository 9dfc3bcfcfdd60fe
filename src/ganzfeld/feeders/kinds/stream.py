"""Streams from other machines: MPEG-TS over UDP, RTMP, RTSP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Limits
from ganzfeld.feeders.live import LiveFeeder, filling

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

CONNECT_SECONDS, QUIET_SECONDS = 8.0, 5.0
"""How long a connection is waited for; how long nothing may come before it counts as lost."""
FIRST_PICTURE_SECONDS, NO_PICTURE_SECONDS = 20.0, 3.0
"""How long what comes may hold no picture: at first, as senders may be seconds from the next whole one; and later."""
_DECODER_THREADS = 2
_HINT = "Is somebody sending there? It is tried again and again"

_FORMATS = {"udp": "mpegts", "rtmp": "flv", "rtmps": "flv", "rtsp": "rtsp"}
"""What FFmpeg is to read there, and nothing else: no playlists, which name other machines."""
_PROTOCOLS = {"udp": "udp", "rtmp": "rtmp,tcp", "rtmps": "rtmps,rtmp,tls,tcp", "rtsp": "rtsp,rtp,udp,tcp"}


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """Where a stream comes from. host: the machine, which a person has to allow."""

    text: str
    scheme: str
    host: str


def stream_address(text: str) -> StreamAddress:
    """An address from a patch. Raises ValueError."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("this is no address") from None
    if parts.scheme not in (*_FORMATS, "srt") or not host or not text.isprintable() or len(text) > 1000:
        raise ValueError("an address begins with srt://, udp://, rtmp:// or rtsp://, then says which machine")
    if parts.scheme in ("udp", "srt") and port is None:
        raise ValueError("this address lacks its port: srt://192.168.1.20:9000")
    said = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.username or parts.password or "passphrase" in said:
        raise ValueError("a patch holds no passwords: they would be shown to all who read it")
    return StreamAddress(text, parts.scheme, host)


def _pictures(container: Any, stream: Any, host: str) -> Iterator[VideoFrame]:
    """The pictures of a stream. Raises FeederError when none are in what comes: a sender that was started again may
    send with another codec, or sound alone, and has to be opened anew."""
    last, patience = time.monotonic(), FIRST_PICTURE_SECONDS
    for packet in container.demux():
        if packet.stream.index == stream.index:
            for frame in packet.decode():
                last, patience = time.monotonic(), NO_PICTURE_SECONDS
                yield frame
        if time.monotonic() - last > patience:
            raise FeederError(f"{host} sends, but no pictures", hint=_HINT)


class StreamFeeder(LiveFeeder):
    """The pictures of a stream. (SRT comes by the program ffmpeg, as MPEG-TS over UDP within this machine.)"""

    limits = Limits("streams", memory=2 << 30, patience=20.0, children=8, network=True)

    def __init__(self, path: Path, *, address: str, width: int, height: int) -> None:
        try:
            self._address = stream_address(address)
        except ValueError as error:
            raise FeederError(str(error)) from None
        if self._address.scheme not in _FORMATS:
            raise FeederError(f"a stream of {self._address.scheme} cannot be received here")
        self._width, self._height = width, height
        super().__init__((height, width, 4))

    def watch(self) -> None:
        import av
        from av.error import FFmpegError

        address = self._address
        options = {
            "protocol_whitelist": _PROTOCOLS[address.scheme],
            "fflags": "nobuffer",
            "flags": "low_delay",
            "probesize": "500000",
            "analyzeduration": "1000000",
        }
        container: Any = None
        try:
            container = av.open(
                address.text,
                format=_FORMATS[address.scheme],
                options=options,
                timeout=(CONNECT_SECONDS, QUIET_SECONDS),
            )
            if not container.streams.video or container.streams.video[0].codec_context is None:
                raise FeederError(f"{address.host} sends no pictures that can be decoded")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = _DECODER_THREADS
            stream.thread_type = "SLICE"  # threads for whole frames would hold some back
            for frame in _pictures(container, stream, address.host):
                self.arrived(filling(frame, self._width, self._height))
                if not self.goes_on:
                    return
        except (FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise FeederError(f"{address.host} sends no stream: {reason}", hint=_HINT) from None
        finally:
            if container is not None:
                container.close()
        raise FeederError(f"{address.host} has ended its stream", hint=_HINT)
