"""What the command line asks of `ganzfeld render`, read and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzfeld.errors import GanzfeldError

LATEST_SECONDS = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions:
    """The options of `ganzfeld render`.

    source: a patch, a network or a take. fps: frames a second; None: what the patch says, or the frames of the take.
    live: whether "--fps live" was written. start, seconds: in seconds of the show. frames: how many. size: (width,
    height) in pixels. quality: of a film, 0 (lossless) to 51; codec: its encoder. floor: decibels below which sound is
    silence; None: what the patch says. cluster: the address of a Ray cluster.
    """

    source: Path
    out: Path
    fps: float | None = None
    live: bool = False
    start: float = 0.0
    seconds: float | None = None
    frames: int | None = None
    size: tuple[int, int] | None = None
    output: str | None = None
    snapshot: str | None = None
    quality: float | None = None
    codec: str | None = None
    device: str = "auto"
    trust: bool = False
    overwrite: bool = False
    supersample: int = 1
    sound: Path | None = None
    silent: bool = False
    audio: Path | None = None
    floor: float | None = None
    midi: tuple[Path, ...] = ()
    workers: int = 1
    cluster: str | None = None

    @property
    def of_the_output(self) -> dict[str, Any]:
        """The options that the output itself takes."""
        given = {"quality": self.quality, "codec": self.codec}
        return {name: value for name, value in given.items() if value is not None}


def parse_size(text: str) -> tuple[int, int]:
    """ "1920x1080" -> (1920, 1080), "1024" -> (1024, 1024). Raises GanzfeldError."""
    found = re.fullmatch(r"(\d{1,5})(?:[x×*,](\d{1,5}))?", text.strip())
    if not found or not int(found[1]) or (found[2] and not int(found[2])):
        raise GanzfeldError(f"'{text}' is not a size", hint="Write it as 1920x1080, or 1024 for a square")
    return int(found[1]), int(found[2] or found[1])


def parse_fps(text: str | None) -> float | None:
    """ "60" -> 60.0; None and "live" -> None. Raises GanzfeldError."""
    if text is None or text == "live":
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.01 <= rate <= 1000:
        raise GanzfeldError(f"'{text}' is not a rate", hint='Give frames a second, 0.01 to 1000; of a take also "live"')
    return rate


def check_length(seconds: float | None, frames: int | None, start: float = 0.0) -> None:
    """Raises GanzfeldError if a length is said twice, or is nothing, or if there is no such time."""
    for name, value in (("--start", start), ("--seconds", seconds)):
        if value is not None and not abs(value) <= LATEST_SECONDS:
            raise GanzfeldError(f"{name} {value:g} is no time of a show", hint="Give seconds, 1e12 at most")
    if seconds is not None and frames is not None:
        raise GanzfeldError("--seconds and --frames say the same thing twice", hint="Leave one of them out")
    if (seconds is not None and seconds <= 0) or (frames is not None and frames < 1):
        raise GanzfeldError("there is nothing to render", hint="Ask for at least one frame")
