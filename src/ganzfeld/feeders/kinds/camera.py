"""Cameras, through FFmpeg."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Limits
from ganzfeld.feeders.live import LiveFeeder, filling

if TYPE_CHECKING:
    from av.container import InputContainer

TIMEOUT_SECONDS = 5.0
_HINT = "Is it plugged in, and does no other program use it? It is tried again and again"


class CameraFeeder(LiveFeeder):
    """A camera, at the nearest to a size and rate that it offers."""

    limits = Limits("cameras", memory=1 << 30, patience=20.0, children=8)

    def __init__(self, path: Path, *, device: str | int | None, width: int, height: int, fps: float) -> None:
        self._device, self._width, self._height, self._fps = device, width, height, fps
        super().__init__((height, width, 4))

    def watch(self) -> None:
        from av.error import FFmpegError

        container = self.opened()
        try:
            if not container.streams.video:
                raise FeederError(f"{spoken(self._device)} sends no pictures")
            for frame in container.decode(container.streams.video[0]):
                self.arrived(filling(frame, self._width, self._height, from_camera=True))
                if not self.goes_on:
                    return
        except (FFmpegError, OSError) as error:
            raise FeederError(f"{spoken(self._device)} stopped: {_reason(error)}", hint=_HINT) from None
        finally:
            container.close()
        raise FeederError(f"{spoken(self._device)} stopped sending pictures", hint=_HINT)

    def opened(self) -> InputContainer:
        """The camera, opened. Raises FeederError."""
        import av
        from av.error import FFmpegError

        name, format_name = source_of(self._device, sys.platform)
        wishes = {"video_size": f"{self._width}x{self._height}", "framerate": f"{self._fps:g}"}
        problem: BaseException | None = None
        for options in (wishes, {"framerate": wishes["framerate"]}, {}):
            try:
                return av.open(name, format=format_name, options=options, timeout=TIMEOUT_SECONDS)
            except (FFmpegError, OSError, ValueError) as error:
                problem = error
        hint = _HINT
        if isinstance(problem, PermissionError):
            hint = (
                "You may not use it: on Linux, add yourself to the group 'video'; on macOS, allow it in System Settings"
            )
        raise FeederError(f"{spoken(self._device)} cannot be opened: {_reason(problem)}", hint=hint)


def source_of(device: str | int | None, platform: str) -> tuple[str, str]:
    """What FFmpeg calls a camera, and by which of its formats it is read. Raises FeederError."""
    numbered = device is None or str(device).isdigit()
    if platform == "win32":
        if numbered:
            hint = 'Windows names its cameras: camera("Integrated Camera"), as the Device Manager shows it'
            raise FeederError("On Windows a camera has to be named", hint=hint)
        return f"video={device}", "dshow"
    if platform == "darwin":
        return f"{device or 0}:none", "avfoundation"
    return f"/dev/video{device or 0}" if numbered else str(device), "v4l2"


def spoken(device: str | int | None) -> str:
    """A camera, in words."""
    return "The camera" if device is None else f"The camera {device}"


def _reason(error: BaseException | None) -> str:
    return str(getattr(error, "strerror", None) or error)
