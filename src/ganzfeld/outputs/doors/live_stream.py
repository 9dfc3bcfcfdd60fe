"""A live stream: H.264 and AAC into a connection, at a constant rate."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import FinalDoorError
from ganzfeld.outputs.doors.fitting import even, fitted
from ganzfeld.outputs.doors.keys import StreamKey
from ganzfeld.outputs.encoders import Preset
from ganzfeld.outputs.sound_track import SoundTrack

SCHEMES = ("rtmp", "rtmps", "udp", "srt")
KEY_FRAME_SECONDS = 2
PACKET_BYTES = 1316
"""Seven packets of MPEG-TS: what fits into one of a network."""
_KEY = "{key}"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a stream goes. text: as the person wrote it, without any key. host: for people."""

    text: str
    scheme: str
    host: str

    @property
    def container(self) -> str:
        """What FFmpeg calls the format that goes there."""
        return "flv" if self.scheme.startswith("rtmp") else "mpegts"


def parse_address(text: str, has_key: bool) -> Address:
    """An address that a person wrote. Raises ValueError, whose words do not repeat it: it may hold a key."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("this is no address") from None
    if parts.scheme not in SCHEMES or not host:
        raise ValueError("an address begins with rtmp://, rtmps://, udp:// or srt://, then says which machine")
    if parts.username or parts.password:
        raise ValueError("names and passwords do not belong into an address; say where the key is: key=env:NAME")
    if parts.scheme in ("udp", "srt") and port is None:
        raise ValueError("this address lacks its port")
    if parts.scheme == "udp" and (has_key or parts.path.strip("/")):
        raise ValueError("an address of UDP is udp://machine:port, and there is no key")
    said = dict(parse_qsl(parts.query, keep_blank_values=True))
    if "passphrase" in said or "key" in said:
        raise ValueError("a passphrase does not belong into an address; say where it is: key=env:NAME")
    if parts.scheme.startswith("rtmp"):
        if not has_key and len(parts.path.strip("/").split("/")) > 1:
            raise ValueError("the key does not belong into the address; say where it is: key=env:NAME")
        if not parts.path.strip("/"):
            raise ValueError("an address of RTMP names the application: rtmp://machine/live")
    return Address(text, parts.scheme, f"{host}:{port}" if port else host)


class LiveStream:
    """A connection that pictures and sound go into. For one thread.

    size: (width, height) of every picture. rate: of pictures a second. bits: of pictures a second. Raises OutputError,
    without the key, in every method.
    """

    def __init__(
        self,
        address: Address,
        key: StreamKey,
        size: tuple[int, int],
        rate: float,
        bits: int,
        preset: Preset,
        *,
        sound: bool,
    ) -> None:
        self.address, self._key = address, key
        self.size = even(size)
        self._program: _Ffmpeg | None = None
        self._container: Any = None
        self._track: SoundTrack | None = None
        self._reformatter: Any = None
        with self._spoken("cannot be reached"):
            self._open(Fraction(rate).limit_denominator(1001), bits, preset, sound)

    @property
    def has_sound(self) -> bool:
        """Whether it takes sound."""
        return self._track is not None

    def write(self, pixels: np.ndarray, place: int) -> None:
        """A picture, uint8 [h, w, 4], opaque, at a place that is larger than the last one's. One of another size is
        shown whole, with black bars."""
        import av
        from av.video.reformatter import ColorRange, Colorspace

        with self._spoken("took no more"):
            frame = av.VideoFrame.from_numpy_buffer(fitted(pixels, self.size), format="rgba")
            converted: Any = self._reformatter.reformat(
                frame,
                format="yuv420p",
                src_color_range=ColorRange.JPEG,
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
            )
            converted.pts, converted.time_base = place, self._stream.codec_context.time_base
            for packet in self._stream.encode(converted):
                self._container.mux(packet)

    def write_sound(self, samples: np.ndarray) -> None:
        """float32 [n, 2] at 48000 a second; the first sample is heard with place 0."""
        if self._track is not None:
            with self._spoken("took no more"):
                self._track.write(samples)

    def close(self) -> None:
        """Say goodbye, as far as that works."""
        container, self._container = self._container, None
        with contextlib.suppress(Exception):
            if container is not None:
                container.close()
        if self._program is not None:
            self._program.close()

    def _open(self, rate: Fraction, bits: int, preset: str, sound: bool) -> None:
        import av
        from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

        target: Any
        if self.address.scheme == "srt":
            self._program = _Ffmpeg(self.address, self._key)
            target = self._program.input
        else:
            target = _whole(self.address, self._key)
        container_options = {"flush_packets": "1"}
        if self.address.container == "flv":
            container_options["flvflags"] = "no_duration_filesize"
        container: Any = av.open(target, "w", format=self.address.container, container_options=container_options)
        self._container = container
        stream: Any = container.add_stream("libx264", rate=rate)
        stream.width, stream.height = self.size
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = bits
        context = stream.codec_context
        context.time_base = 1 / rate
        context.color_primaries, context.colorspace = ColorPrimaries.BT709, Colorspace.ITU709
        context.color_trc, context.color_range = ColorTrc.BT709, ColorRange.MPEG
        frames = max(1, round(KEY_FRAME_SECONDS * rate))
        context.gop_size = frames
        stream.options = {
            "preset": preset,
            "tune": "zerolatency",
            "x264-params": f"keyint={frames}:min-keyint={frames}:scenecut=0:bframes=0:nal-hrd=cbr:force-cfr=1"
            f":vbv-maxrate={bits // 1000}:vbv-bufsize={bits // 1000}",
        }
        self._stream = stream
        if sound:
            self._track = SoundTrack(container)
        self._reformatter = VideoReformatter()
        container.start_encoding()

    @contextlib.contextmanager
    def _spoken(self, what: str) -> Iterator[None]:
        """Errors of libraries, which may repeat the address with its key, in words without it."""
        try:
            yield
        except OutputError:
            raise
        except Exception as error:
            said = self._program.last_words() if self._program is not None else ""
            reason = said or str(getattr(error, "strerror", None) or type(error).__name__)
        else:
            return
        # Outside of the handler: what is raised here does not carry the library's error along into a log.
        hint = "Is the address right, and does the far end listen? It is tried again"
        raise OutputError(f"{self.address.host} {what}: {self._key.hidden(reason)}", hint=hint)


def _whole(address: Address, key: StreamKey) -> str:
    """The address with its key, for the library alone."""
    text = address.text
    if address.scheme == "udp" and "pkt_size" not in text:
        text += f"{'&' if '?' in text else '?'}pkt_size={PACKET_BYTES}"
    if not key.reveal():
        return text
    if _KEY in text:
        return text.replace(_KEY, key.reveal())
    head, mark, query = text.partition("?")
    return f"{head.rstrip('/')}/{key.reveal()}{mark}{query}"


def ffmpeg_program() -> str | None:
    """The system's `ffmpeg`, if it speaks SRT; PyAV's library does not."""
    program = shutil.which("ffmpeg")
    if program is None:
        return None
    try:
        asked = subprocess.run([program, "-hide_banner", "-protocols"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    outputs = asked.stdout.decode("utf-8", "replace").partition("Output:")[2]
    return program if "srt" in outputs.split() else None


class _Ffmpeg:
    """The system's `ffmpeg`, which takes MPEG-TS from a pipe and speaks SRT. The key comes by a pipe of its own, so
    that it stands neither among the process's arguments nor on a disk."""

    def __init__(self, address: Address, key: StreamKey) -> None:
        program = ffmpeg_program()
        if program is None:
            hint = "Install an ffmpeg with SRT (apt install ffmpeg; brew install ffmpeg)"
            raise FinalDoorError("SRT needs the program ffmpeg, with SRT in it", hint=hint)
        text, option = _without_key(address.text)
        said, reads = ([], ()) if not key.reveal() else _said_by_pipe(program, option, key)
        command = [program, "-hide_banner", "-nostdin", "-loglevel", "error", "-f", "mpegts", "-i", "pipe:0"]
        command += ["-c", "copy", *said, "-flush_packets", "1", "-f", "mpegts", text]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=reads
        )
        for read in reads:
            os.close(read)
        self._words: list[str] = []
        self.input = cast(BinaryIO, self._process.stdin)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def last_words(self) -> str:
        """What it said last; "" if it lives or said nothing."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
            self._listener.join(1)
        return self._words[-1] if self._words else ""

    def close(self) -> None:
        """Let it send what it has, for a moment."""
        with contextlib.suppress(OSError, ValueError):
            self.input.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(2)

    def _listen(self) -> None:
        errors = cast(BinaryIO, self._process.stderr)
        with errors:
            while line := errors.readline(2000):
                self._words = [*self._words[-4:], line.decode("utf-8", "replace").strip()]


def _without_key(text: str) -> tuple[str, str]:
    """The address without the place of its key, and as which of SRT's options the key is meant."""
    parts = urlsplit(text)
    said = parse_qsl(parts.query, keep_blank_values=True)
    option = next((name for name, value in said if value == _KEY), "passphrase")
    query = urlencode([(name, value) for name, value in said if value != _KEY], safe="#!:,=/")
    return parts._replace(query=query).geturl(), option


def _said_by_pipe(program: str, option: str, key: StreamKey) -> tuple[list[str], tuple[int, ...]]:
    """How `ffmpeg` is told the key: arguments, and the descriptors that it inherits."""
    if sys.platform == "win32":
        raise FinalDoorError("on Windows a key cannot yet be handed to ffmpeg unseen", hint="Leave the key out")
    version = subprocess.run([program, "-version"], capture_output=True, timeout=10, check=False).stdout
    found = re.match(rb"ffmpeg version n?(\d+)", version)
    reading, writing = os.pipe()
    # Before version 7, a file of options; since then, a file with one option's value.
    is_old = found is not None and int(found[1]) < 7
    data = f"{option}={key.reveal()}\n" if is_old else key.reveal()
    with os.fdopen(writing, "wb") as file:
        file.write(data.encode())
    return (["-fpre"] if is_old else [f"-/{option}"]) + [f"/dev/fd/{reading}"], (reading,)
