"""Live streams: Twitch and YouTube (RTMP), a machine of the network (UDP, SRT)."""

from __future__ import annotations

import time
from typing import Annotated

import numpy as np
from msgspec import Meta

from ganzfeld.outputs.doors.base import IDLE_SECONDS, Door, DoorOptions, DoorPicture
from ganzfeld.outputs.doors.keys import KEY_PLACES, is_key_place, read_key
from ganzfeld.outputs.doors.live_stream import LiveStream, ffmpeg_program, parse_address
from ganzfeld.outputs.encoders import Preset
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
    opening_patience = 60.0
    patience = 25.0

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
        self._live: LiveStream | None = None
        self._sound: SoundReader | None = None
        self._began = 0
        self._key = read_key(self.options.key)
        self.way.note(f"{self._address.host}, from the first picture on")

    def run(self) -> None:
        while self.way.attend():
            picture = self.way.feed.newest() if self._live is not None else self.way.feed.wait(IDLE_SECONDS)
            if picture is None:
                continue
            if self._live is None:
                self._connect(picture)
            assert self._live is not None
            elapsed = (time.perf_counter_ns() - self._began) / 1e9
            ahead = (self._live.place + 1) / self._rate - elapsed
            if ahead > 0:
                time.sleep(min(ahead, IDLE_SECONDS))
                continue
            self._listen(elapsed)
            self.show(picture)
            self.way.shown(picture)

    def show(self, picture: DoorPicture) -> None:
        if self._live is None:
            self._connect(picture)
        live = self._live
        assert live is not None
        # What the far end or this machine was too slow for is left out: the picture goes where it belongs.
        place = int((time.perf_counter_ns() - self._began) / 1e9 * self._rate)
        live.write(picture.pixels, max(place, live.place + 1))

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

    def _connect(self, picture: DoorPicture) -> None:
        if self.options.sound and self._sound is None:
            try:
                self._sound = SoundReader(self.way.session)
            except FileNotFoundError:  # a show that hears nothing: services still want a track of sound
                self._sound = None
        chosen = self.options
        live = LiveStream(
            self._address,
            self._key,
            picture.size,
            self._rate,
            chosen.bitrate * 1000,
            chosen.preset,
            sound=chosen.sound,
        )
        self._live, self._began = live, time.perf_counter_ns()
        width, height = live.size
        self.way.note(f"{self._address.host}, {width} × {height} at {self._rate:g}, {chosen.bitrate} kbit/s")

    def _listen(self, elapsed: float) -> None:
        """Write what was heard by this second of the stream; what is late, as silence."""
        live, ring = self._live, self._sound
        if live is None or not live.has_sound:
            return
        rate = 48000
        first = ring.sample_at(self._began) if ring is not None else 0
        end = int((elapsed - SOUND_LATE_SECONDS) * rate)
        if ring is not None:
            end = max(end, min(ring.written - first, int(elapsed * rate)))
        while (count := min(end - live.samples, SOUND_BLOCK)) > 0:
            block = np.zeros((count, 2), np.float32)
            if ring is not None:
                place = first + live.samples
                there = min(max(ring.written - place, 0), count)
                heard = ring.read(place, there) if there else None
                if heard is not None:
                    block[:there] = heard
            live.write_sound(block)
