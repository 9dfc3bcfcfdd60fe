"""The node `camera`."""

from __future__ import annotations

from typing import Any

from ganzfeld.patch.media.live_picture import LivePicture, checked_size
from ganzfeld.patch.node import SetupContext, Structure


def _device(value: Any) -> str | int | None:
    numbered = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if value is not None and not numbered and not (isinstance(value, str) and value):
        raise ValueError('a number (0, 1, …) or a name, such as "/dev/video2"')
    return value


def _fps(value: Any) -> float:
    if not isinstance(value, int | float) or not 1 <= value <= 1000:
        raise ValueError("pictures per second, from 1 to 1000")
    return float(value)


class CameraNode(LivePicture):
    """The newest picture of a camera. Black until one comes; a camera that is gone is looked for again and again.

    A camera knows no exact time: renders take whatever it shows, as shows do.
    """

    word = "camera"
    examples = ("shown = camera(0, size=(64, 36))",)
    needs = "a camera"

    device = Structure(None, "Which one: 0, 1, … or a name (on Windows always a name); left out, the first.",
                       check=_device)  # fmt: skip
    size = Structure((1280, 720), "(width, height) in pixels; a camera that has no such size is cropped.",
                     check=checked_size)  # fmt: skip
    fps = Structure(30.0, "Pictures a second to ask it for.", check=_fps)

    def source(self, context: SetupContext) -> tuple[str, dict[str, Any]]:
        chosen = context.structure
        return "camera", {"device": chosen.device, "fps": chosen.fps}
