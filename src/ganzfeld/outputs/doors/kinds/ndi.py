"""NDI: pictures for every program of the network that speaks it."""

from __future__ import annotations

import re
import time
from fractions import Fraction
from typing import Any

import numpy as np

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import Door, DoorOptions, DoorPicture, FinalDoorError, package_missing
from ganzfeld.values.status import Problem

USUAL_NAME = "Ganzfeld"
LONGEST_NAME = 100
SAID_RATE = 60.0
"""Pictures a second that a receiver is told of where the door has no rate of its own."""
STILL_SECONDS = 0.5
"""While nothing new is shown, the last picture is sent again so often: for a receiver that has just come."""
LOOK_SECONDS = 0.5
"""How often the receivers are counted."""


class Ndi(Door):
    """Pictures over NDI, for programs of this machine and of its network: Resolume, OBS, TouchDesigner, vMix.

    The target is the name that receivers show, "Ganzfeld" if left out: `ndi:wall` is "MACHINE (wall)". Transparency
    arrives, straight. NDI halves the resolution of colours across and compresses: numbers come within 5 of 255.
    Receivers come and go; a slow one misses pictures and holds up nobody.
    """

    type = "ndi"
    alphas = ("straight", "premultiplied", "opaque")

    class Options(DoorOptions, frozen=True):
        """rate: pictures a second at most; receivers are told 60 if it is left out."""

        def __post_init__(self) -> None:
            if not re.fullmatch(rf"[^()\x00-\x1f]{{0,{LONGEST_NAME}}}", self.target):
                raise ValueError(f"a name for NDI has up to {LONGEST_NAME} characters and no brackets")

    def open(self) -> None:
        self._sender: Any = None
        self._size = (0, 0)
        self._last: DoorPicture | None = None
        self._sent_at = self._looked_at = 0.0
        self._said = ""
        _library()
        self.way.note(f"'{self.options.target or USUAL_NAME}' appears with the first picture")

    def show(self, picture: DoorPicture) -> None:
        if self._sender is None or self._size != picture.size:
            self._announce(picture.size)
        assert self._sender is not None
        self._pixels[:] = picture.pixels.reshape(-1)  # the library asks for memory that may be written
        # It holds one picture while it compresses it, and waits here until that has left: never more.
        self._sender.write_video_async(self._pixels)
        self._last, self._sent_at = picture, time.perf_counter()

    def idle(self) -> None:
        now = time.perf_counter()
        if self._sender is None:
            return
        if self._last is not None and now - self._sent_at > STILL_SECONDS:
            self.show(self._last)
        if now - self._looked_at > LOOK_SECONDS:
            self._looked_at = now
            count = self._sender.get_num_connections(0)
            said = f"'{self._sender.name}', {count} receiver{'' if count == 1 else 's'}"
            if said != self._said:
                self._said = said
                self.way.note(said)

    def close(self) -> None:
        sender, self._sender = getattr(self, "_sender", None), None
        if sender is not None:
            sender.close()

    @classmethod
    def missing(cls) -> Problem | None:
        return package_missing("cyndilib", "ganzfeld[ndi]")

    @classmethod
    def found(cls) -> list[str]:
        from cyndilib.finder import Finder  # pyright: ignore[reportMissingImports]

        with Finder() as finder:
            finder.wait_for_sources(1.0)
            names = sorted(finder.get_source_names())
        return [f"senders here: {', '.join(names)}"] if names else []

    def _announce(self, size: tuple[int, int]) -> None:
        """Begin to send pictures of this size: the library cannot change the size of a sender. Receivers find the new
        one by its name."""
        sender_kind, frame_kind, fourcc = _library()
        self.close()
        frame = frame_kind()
        frame.set_resolution(*size)
        frame.set_fourcc(fourcc.RGBA)
        frame.set_frame_rate(Fraction(self.options.rate or SAID_RATE).limit_denominator(1001))
        sender = sender_kind(self.options.target or USUAL_NAME, clock_video=False, clock_audio=False)
        sender.set_video_frame(frame)
        try:
            sender.open()
        except Exception as error:
            raise OutputError(f"NDI cannot send: {error}", hint="Does this machine have a network?") from None
        self._sender, self._size = sender, size
        self._pixels = np.empty(size[0] * size[1] * 4, np.uint8)


def _library() -> tuple[Any, Any, Any]:
    try:
        from cyndilib.sender import Sender  # pyright: ignore[reportMissingImports]
        from cyndilib.video_frame import VideoSendFrame  # pyright: ignore[reportMissingImports]
        from cyndilib.wrapper.ndi_structs import FourCC  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise FinalDoorError(f"NDI cannot be used: {error}", hint='pip install "ganzfeld[ndi]"') from None
    return Sender, VideoSendFrame, FourCC
