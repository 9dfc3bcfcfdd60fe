"""Cameras: the newest picture, from a thread of their own."""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzfeld.errors import PatchError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

log = logging.getLogger(__name__)

IDLE_SECONDS = 3.0
TRY_AGAIN_SECONDS = 2.0
TIMEOUT_SECONDS = 5.0
UNSPECIFIED = 2

Device = str | int | None


class Camera:
    """A camera, shared by every node that shows it. It is opened by the first call of `picture`, and closed
    IDLE_SECONDS after the last one. While it cannot be opened, or is gone, it is tried again every two seconds."""

    def __init__(self, device: Device, width: int, height: int, fps: float) -> None:
        self._device, self._width, self._height, self._fps = device, width, height, fps
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked = 0.0
        self._picture = np.zeros((height, width, 4), np.uint8)
        self._picture[..., 3] = 255
        self.problem: PatchError | None = None

    def picture(self) -> np.ndarray:
        """The newest picture, uint8 [height, width, 4]; black until the first comes. Never waits."""
        with self._lock:
            self._asked = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ganzfeld-camera", daemon=True)
                self._thread.start()
            return self._picture

    def _run(self) -> None:
        while not self._left():
            try:
                self._watch()
            except PatchError as error:
                self.problem = error
            except Exception as error:
                log.exception("a camera failed")
                self.problem = PatchError(f"{_spoken(self._device)} failed: {type(error).__name__}: {error}")
            again = time.monotonic() + TRY_AGAIN_SECONDS
            while time.monotonic() < again and not self._left():
                time.sleep(0.05)

    def _left(self) -> bool:
        """Whether no picture has been asked for in the last IDLE_SECONDS; this thread has to end then."""
        with self._lock:
            if time.monotonic() - self._asked <= IDLE_SECONDS:
                return False
            if self._thread is threading.current_thread():
                self._thread = None
            return True

    def _watch(self) -> None:
        """Take pictures until none is asked for any more, or the camera is gone. Raises PatchError."""
        from av.error import FFmpegError

        container = open_camera(self._device, self._width, self._height, self._fps)
        try:
            if not container.streams.video:
                raise PatchError(f"{_spoken(self._device)} sends no pictures")
            for frame in container.decode(container.streams.video[0]):
                self._picture = filling(frame, self._width, self._height)
                self.problem = None
                if time.monotonic() - self._asked > IDLE_SECONDS:
                    return
        except (FFmpegError, OSError) as error:
            raise PatchError(f"{_spoken(self._device)} stopped: {_reason(error)}", hint=_HINT) from None
        finally:
            container.close()
        raise PatchError(f"{_spoken(self._device)} stopped sending pictures", hint=_HINT)


_HINT = "Is it plugged in, and does no other program use it? It is tried again every two seconds"


def open_camera(device: Device, width: int, height: int, fps: float) -> InputContainer:
    """Open a camera, at the nearest to this size and rate that it offers. Raises PatchError."""
    import av
    from av.error import FFmpegError

    name, format_name = source_of(device, sys.platform)
    wishes: dict[str, str] = {"video_size": f"{width}x{height}", "framerate": f"{fps:g}"}
    problem: BaseException | None = None
    for options in (wishes, {"framerate": wishes["framerate"]}, {}):
        try:
            return av.open(name, format=format_name, options=options, timeout=TIMEOUT_SECONDS)
        except (FFmpegError, OSError, ValueError) as error:
            problem = error
    hint = _HINT
    if isinstance(problem, PermissionError):
        hint = "You may not use it: on Linux, add yourself to the group 'video'; on macOS, allow it in System Settings"
    raise PatchError(f"{_spoken(device)} cannot be opened: {_reason(problem)}", hint=hint)


def source_of(device: Device, platform: str) -> tuple[str, str]:
    """What FFmpeg calls a camera, and by which of its formats it is read. Raises PatchError."""
    numbered = device is None or str(device).isdigit()
    if platform == "win32":
        if numbered:
            hint = 'Windows names its cameras: camera("Integrated Camera"), as the Device Manager shows it'
            raise PatchError("On Windows a camera has to be named", hint=hint)
        return f"video={device}", "dshow"
    if platform == "darwin":
        return f"{device or 0}:none", "avfoundation"
    return f"/dev/video{device or 0}" if numbered else str(device), "v4l2"


def filling(frame: VideoFrame, width: int, height: int) -> np.ndarray:
    """A frame as uint8 [height, width, 4], filling that size, cropped in the middle."""
    from av.video.reformatter import ColorRange, Colorspace

    scale = max(width / frame.width, height / frame.height)
    across, down = max(width, round(frame.width * scale)), max(height, round(frame.height * scale))
    options: dict[str, Any] = {"format": "rgba", "dst_color_range": ColorRange.JPEG}
    if not frame.format.is_rgb and frame.colorspace == UNSPECIFIED:
        options["src_colorspace"] = Colorspace.ITU601  # what webcams send and rarely say
    array = frame.reformat(width=across, height=down, **options).to_ndarray()
    left, top = (across - width) // 2, (down - height) // 2
    return np.ascontiguousarray(array[top : top + height, left : left + width])


def _spoken(device: Device) -> str:
    return "The camera" if device is None else f"The camera {device}"


def _reason(error: BaseException | None) -> str:
    return str(getattr(error, "strerror", None) or error)
