"""What other programs send over NDI."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Limits
from ganzfeld.feeders.live import LARGEST_SIDE, LiveFeeder, filling_rgba

LOOK_SECONDS = 0.5
PACE_SECONDS = 0.004
"""Between two looks at what came: the library keeps the newest picture."""
LOST_SECONDS = 1.0
"""A sender of which nothing came for so long, and that is connected no more, is lost."""


class NdiFeeder(LiveFeeder):
    """A sender by its name: "wall", or "MACHINE (wall)" where several machines have one of that name; "": the first one
    that is found."""

    limits = Limits("ndi", memory=1 << 30, patience=20.0, children=8, network=True)

    def __init__(self, path: Path, *, name: str, width: int, height: int) -> None:
        self._name, self._width, self._height = name, width, height
        self._finder: Any = None
        super().__init__((height, width, 4))

    def watch(self) -> None:
        try:
            from cyndilib.finder import Finder  # pyright: ignore[reportMissingImports]
            from cyndilib.receiver import Receiver  # pyright: ignore[reportMissingImports]
            from cyndilib.video_frame import VideoFrameSync  # pyright: ignore[reportMissingImports]
            from cyndilib.wrapper.ndi_recv import RecvBandwidth, RecvColorFormat  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise FeederError("NDI is not installed", hint='pip install "ganzfeld[ndi]"') from None
        if self._finder is None:
            self._finder = Finder()
            self._finder.open()
        source = self._found()
        receiver: Any = Receiver(
            color_format=RecvColorFormat.RGBX_RGBA,
            bandwidth=RecvBandwidth.highest,
            allow_video_fields=False,
            recv_name="Ganzfeld",
        )
        frame = VideoFrameSync()
        # This part of the library keeps the newest picture alone: nothing queues up.
        receiver.frame_sync.set_video_frame(frame)
        receiver.set_source(source)
        try:
            self._receive(receiver, frame)
        finally:
            receiver.set_source(None)

    def _receive(self, receiver: Any, frame: Any) -> None:
        last, came_at = None, time.monotonic()
        while self.goes_on:
            receiver.frame_sync.capture_video()
            width, height = frame.get_resolution()
            stamp = width, height, frame.get_timestamp_posix(), frame.get_timecode_posix()
            if width and stamp != last and frame.get_buffer_size():
                last, came_at = stamp, time.monotonic()
                self.arrived(self._picture(frame, width, height))
            elif time.monotonic() - came_at > LOST_SECONDS and not receiver.is_connected():
                raise FeederError(f"NDI: '{self._name}' sends no more", hint="It comes back when it is sent again")
            self.wait(PACE_SECONDS)

    def _found(self) -> Any:
        """The sender. Raises FeederError."""
        self._finder.wait_for_sources(LOOK_SECONDS)
        sources = list(self._finder.iter_sources())
        for source in sources:
            if source.valid and self._name in ("", source.name, source.stream_name):
                return source
        names = ", ".join(sorted(source.name for source in sources if source.valid)[:8])
        hint = f"There are {names}" if names else "No sender is seen on this network (without mDNS, NDI sees none)"
        what = f"NDI: there is no sender '{self._name}'" if self._name else "NDI: there is no sender"
        raise FeederError(what, hint=hint)

    def _picture(self, frame: Any, width: int, height: int) -> np.ndarray:
        if max(width, height) > LARGEST_SIDE:
            raise FeederError(f"NDI: '{self._name}' sends {width} × {height} pixels, which is too large")
        rows = frame.get_array().reshape(height, -1, 4)[:, :width]
        if "X" in frame.get_fourcc().name:  # there is no alpha, and what stands there means nothing
            rows[..., 3] = 255
        return filling_rgba(rows, self._width, self._height)
