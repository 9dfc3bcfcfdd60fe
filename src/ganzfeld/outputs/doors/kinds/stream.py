"""Live streams: Twitch and YouTube (RTMP), a machine of the network (UDP, SRT)."""

from __future__ import annotations

import contextlib
import time
from typing import Annotated

import numpy as np
from msgspec import Meta

from ganzfeld.outputs.doors.base import IDLE_SECONDS, Door, DoorOptions, DoorPicture
from ganzfeld.outputs.doors.keys import KEY_PLACES, is_key_place, read_key
from ganzfeld.outputs.doors.live_stream import LiveStream, ffmpeg_program, parse_address
from ganzfeld.outputs.doors.stream_thread import StreamThread
from ganzfeld.outputs.encoders import Preset
from ganzfeld.outputs.sound_track import SOUND_RATE
from ganzfeld.values.sound_ring import SoundReader

USUAL_RATE = 30.0
SOUND_LATE_SECONDS = 0.3
"""Sound that is not there after so long is silence: a connection must not wait for it."""
SOUND_BLOCK = 12000
"""Samples that are written at once, at most."""


class Stream(Door):
    """A live stream with the sound that the show hears, as H.264 and AAC, a key frame every two seconds.

    The target is an address: rtmp://live.twitch.tv/app,key=env:TWITCH_KEY (and rtmps://), udp://192.168.1.20:5000
    (MPEG-TS), srt://192.168.1.20:9000 (through the program ffmpeg). A key never stands in the address: `key=` says
    where it is. All pictures of a stream have the size of its first one; others are shown whole, with black bars. A
    lost connection is made again, after pauses that grow.
    """

    type = "stream"
    alphas = ("opaque",)

    class Options(DoorOptions, frozen=True):
        """rate: pictures a second, 30 unless asked. bitrate: kilobits a second for the pictures. preset: x264's trade
        of time for quality. sound: whether it has sound. key: where the key is: env:NAME, keyring:NAME (of "ganzfeld")
        or file:PATH (which you alone may read). For RTMP it is the stream key, for SRT the passphrase; or it stands
        where the address says {key}."""

        bitrate: Annotated[int, Meta(ge=50, le=100_000)] = 6000
        preset: Preset = "veryfast"
        sound: bool = True
        key: Annotated[str, Meta(max_length=1000)] = ""

        def __post_init__(self) -> None:
            if self.key and not is_key_place(self.key):
                raise ValueError(f"a key does not stand in the open; say where it is: key={KEY_PLACES}")
            if self.rate is not None and not 1 <= self.rate <= 120:
                raise ValueError("a stream has 1 to 120 pictures a second")
            parse_address(self.target, bool(self.key))

    def open(self) -> None:
        self._address = parse_address(self.options.target, bool(self.options.key))
        self._rate = self.options.rate or USUAL_RATE
        self._live: StreamThread | None = None
        self._sound: SoundReader | None = None
        self._key = read_key(self.options.key)
        self._is_said = False
        self.way.note(f"{self._address.host}, from the first picture on")

    def run(self) -> None:
        while self.way.attend():
            live = self._live
            picture = self.way.feed.newest() if live is not None else self.way.feed.wait(IDLE_SECONDS)
            if picture is None:
                continue
            if live is None:
                live = self._live = self._connected(picture.size)
                self.way.wait_for(f"an answer of {self._address.host}")
            live.check()
            if live.began is None:
                time.sleep(IDLE_SECONDS)
                continue
            self._say(live)
            elapsed = (time.perf_counter_ns() - live.began) / 1e9
            ahead = (live.place + 1) / self._rate - elapsed
            if ahead > 0:
                time.sleep(min(ahead, IDLE_SECONDS))
                continue
            self._listen(live, elapsed)
            self.show(picture)

    def show(self, picture: DoorPicture) -> None:
        live = self._live
        if live is None or live.began is None:
            return
        # What the far end or this machine was too slow for is left out: the picture goes where it belongs.
        place = int((time.perf_counter_ns() - live.began) / 1e9 * self._rate)
        if live.offer(picture.pixels, max(place, live.place + 1)):
            self.way.shown(picture)
        else:
            time.sleep(IDLE_SECONDS)

    def close(self) -> None:
        live, self._live = getattr(self, "_live", None), None
        if live is not None:
            live.close()
        sound, self._sound = getattr(self, "_sound", None), None
        if sound is not None:
            sound.close()

    @classmethod
    def found(cls) -> list[str]:
        srt = "srt through ffmpeg" if ffmpeg_program() else "no srt: install an ffmpeg that has it"
        return [f"rtmp, rtmps, udp; {srt}"]

    def _connected(self, size: tuple[int, int]) -> StreamThread:
        chosen = self.options
        if chosen.sound:
            # A show that hears nothing has none; services still want a track of sound.
            with contextlib.suppress(FileNotFoundError):
                self._sound = SoundReader(self.way.session)

        def connect() -> LiveStream:
            return LiveStream(
                self._address,
                self._key,
                size,
                self._rate,
                chosen.bitrate * 1000,
                chosen.preset,
                sound=chosen.sound,
            )

        return StreamThread(connect, self._address.host)

    def _say(self, live: StreamThread) -> None:
        if not self._is_said:
            self._is_said = True
            width, height = live.size
            rate, bits = f"{self._rate:g}", f"{self.options.bitrate} kbit/s"
            self.way.note(f"{self._address.host}, {width} × {height} at {rate}, {bits}")

    def _listen(self, live: StreamThread, elapsed: float) -> None:
        """Offer what was heard by this second of the stream; what is late, as silence."""
        ring = self._sound
        if not live.has_sound or live.began is None:
            return
        first = ring.sample_at(live.began) if ring is not None else 0
        end = int((elapsed - SOUND_LATE_SECONDS) * SOUND_RATE)
        if ring is not None:
            end = max(end, min(ring.written - first, int(elapsed * SOUND_RATE)))
        while (count := min(end - live.samples, SOUND_BLOCK)) > 0:
            block = np.zeros((count, 2), np.float32)
            if ring is not None:
                place = first + live.samples
                there = min(max(ring.written - place, 0), count)
                heard = ring.read(place, there) if there else None
                if heard is not None:
                    block[:there] = heard
            if not live.offer_sound(block):
                return
