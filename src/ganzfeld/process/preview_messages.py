"""What the supervisor and the process that draws previews say to each other: msgspec structs as msgpack."""

from __future__ import annotations

from typing import Any

import msgspec

from ganzfeld.process.messages import (
    CheckpointSaved,
    OutsideHit,
    Ready,
    ReleaseParameter,
    SetOutside,
    SetParameter,
)

LONGEST_STEP = 10.0
"""Seconds of show time that are gone on from what was told; what is told then is told late, or a jump."""


class _PreviewMessage(msgspec.Struct, frozen=True, tag_field="kind", tag=True, omit_defaults=True):
    pass


class ShowTime(msgspec.Struct, frozen=True):
    """Where the show was `at` (perf_counter, which all processes of a machine share). speed: seconds of show time in a
    second, 0 while it is paused."""

    frame: int = 0
    t: float = 0.0
    beat: float = 0.0
    bpm: float = 120.0
    speed: float = 1.0
    fps: float = 0.0
    at: float = 0.0

    def later(self, now: float) -> ShowTime:
        """Where it is `now`, if nothing has changed since."""
        passed = min(max(0.0, now - self.at), LONGEST_STEP)
        shown = passed * self.speed
        return msgspec.structs.replace(
            self,
            frame=self.frame + int(passed * self.fps),
            t=self.t + shown,
            beat=self.beat + shown * self.bpm / 60,
            at=now,
        )


class PreviewText(msgspec.Struct, frozen=True):
    """The text of a patch, and what hands are to hold in it, by address."""

    text: str
    values: dict[str, float] = {}


# Supervisor → previewer


class DrawPreviews(_PreviewMessage, frozen=True):
    """Draw each of these texts once, `height` pixels high. number: of this order; what is drawn names it.

    texts: by what stands for them in the answers. playing: the text that plays, of the file `path`. saved: the show's
    last checkpoint: each text goes on from there, as if it were played now.
    """

    number: int
    height: int
    texts: dict[int, PreviewText]
    playing: str
    path: str | None = None
    saved: CheckpointSaved | None = None
    time: ShowTime = ShowTime()


class DrawAgain(_PreviewMessage, frozen=True):
    """Draw the texts of the last order once more, each from where it was."""

    number: int
    time: ShowTime


Overheard = SetOutside | OutsideHit | SetParameter | ReleaseParameter
"""What the render process is told of hands and of the world outside, and the previewer too."""


# Previewer → supervisor


class PictureMade(_PreviewMessage, frozen=True):
    """A picture of a text. problem: why there is none, or what is wrong with it."""

    number: int
    index: int
    width: int = 0
    height: int = 0
    jpeg: bytes = b""
    problem: str = ""


class RoundDrawn(_PreviewMessage, frozen=True):
    """All texts of this order have been drawn once."""

    number: int


class CannotDraw(_PreviewMessage, frozen=True):
    """Nothing can be drawn now, and the process ends."""

    what: str
    hint: str = ""


FromPreviewer = Ready | PictureMade | RoundDrawn | CannotDraw


def decode_from_previewer(data: bytes) -> list[Any]:
    """Raises msgspec.DecodeError."""
    return _from_previewer(data)


def decode_to_previewer(data: bytes) -> list[Any]:
    """Raises msgspec.DecodeError."""
    return _to_previewer(data)


_from_previewer = msgspec.msgpack.Decoder(list[FromPreviewer]).decode
_to_previewer = msgspec.msgpack.Decoder(list[DrawPreviews | DrawAgain | Overheard]).decode
