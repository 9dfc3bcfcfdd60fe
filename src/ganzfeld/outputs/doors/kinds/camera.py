"""A virtual camera: pictures for programs that know cameras alone."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import Door, DoorOptions, DoorPicture, FinalDoorError, package_missing
from ganzfeld.outputs.doors.fitting import even, fitted
from ganzfeld.values.status import Problem

USUAL_RATE = 30.0
_INSTALL = {
    "linux": "Load the module v4l2loopback: sudo modprobe v4l2loopback exclusive_caps=1",
    "darwin": "Install OBS, and start and stop its virtual camera once",
    "win32": "Install OBS, which brings a camera",
}


class VirtualCamera(Door):
    """A camera for programs that know cameras alone: Zoom, Teams, browsers.

    The target is the device, the first one if left out: `camera:/dev/video4`, `camera:"OBS Virtual Camera"`. It needs a
    virtual camera: v4l2loopback on Linux, OBS's on macOS and Windows. It keeps the size of the first picture; others
    are shown whole, with black bars.
    """

    type = "camera"
    alphas = ("opaque",)
    repeats = True
    untried = "not yet run by us with a camera; NDI is tried (--to ndi)"

    class Options(DoorOptions, frozen=True):
        """rate: pictures a second, 30 unless asked."""

        def __post_init__(self) -> None:
            if self.rate is not None and not 1 <= self.rate <= 240:
                raise ValueError("a camera has 1 to 240 pictures a second")

    def __init__(self, options: Any, way: Any) -> None:
        import msgspec

        super().__init__(msgspec.structs.replace(options, rate=options.rate or USUAL_RATE), way)
        self._camera: Any = None
        self._size = (0, 0)

    def open(self) -> None:
        _package()
        self.way.note("begins with the first picture")

    def show(self, picture: DoorPicture) -> None:
        if self._camera is None:
            self._begin(even(picture.size))
        assert self._camera is not None
        self._camera.send(np.ascontiguousarray(fitted(picture.pixels, self._size)[..., :3]))

    def close(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()

    @classmethod
    def missing(cls) -> Problem | None:
        return package_missing("pyvirtualcam", "ganzfeld[camera]")

    def _begin(self, size: tuple[int, int]) -> None:
        package = _package()
        try:
            camera = package.Camera(
                size[0],
                size[1],
                self.options.rate,
                fmt=package.PixelFormat.RGB,
                device=self.options.target or None,
            )
        except (RuntimeError, ValueError, KeyError) as error:
            hint = _INSTALL.get(sys.platform, "Install a virtual camera")
            reason = " ".join(str(error).split())[:300]
            raise OutputError(f"no virtual camera can be opened: {reason}", hint=hint) from None
        self._camera, self._size = camera, size
        self.way.note(f"{camera.device}, {size[0]} × {size[1]} at {self.options.rate:g}")


def _package() -> Any:
    try:
        return importlib.import_module("pyvirtualcam")
    except ImportError as error:
        raise FinalDoorError(f"no virtual camera: {error}", hint='pip install "ganzfeld[camera]"') from None
