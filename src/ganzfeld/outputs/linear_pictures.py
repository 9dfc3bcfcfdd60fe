"""Linear pictures: one OpenEXR file a frame, from float."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ganzfeld.outputs.pictures import Pictures

if TYPE_CHECKING:
    import numpy as np


class LinearPictures(Pictures):
    """OpenEXR pictures from float, for compositing: `name-%05d.exr`.

    Linear light (Rec. 709 primaries), half floats, alpha premultiplied, as that format has it; what is above 1 or below
    0 stays. Needs the extra `exr`. Renders of patches alone: shows and takes have bytes.
    """

    name = "linear pictures"
    suffixes = (".exr",)
    examples = ("frame-%05d.exr",)
    dtype = "float32"

    def __init__(self, target: Path, *, overwrite: bool = False) -> None:
        super().__init__(target, overwrite=overwrite)

    def _open(self) -> None:
        try:
            import OpenEXR  # noqa: F401
        except ImportError:
            raise self._error("the package OpenEXR is missing", 'pip install "ganzfeld[exr]"') from None
        super()._open()

    def convert(self, image: np.ndarray, index: int) -> Callable[[Path], None]:
        import numpy as np
        import OpenEXR  # pyright: ignore[reportMissingImports]

        pixels = linear(image)
        pixels[..., :3] *= pixels[..., 3:]
        half = np.clip(pixels, -65504, 65504).astype(np.float16)
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        return lambda path: OpenEXR.File(header, {"RGBA": half}).write(str(path))


def linear(image: np.ndarray) -> np.ndarray:
    """float32 [H, W, 4] sRGB-encoded -> the same in linear light, alpha clamped to 0 to 1. IEC 61966-2-1, continued
    beyond 1, and mirrored below 0."""
    import numpy as np

    result = image.astype(np.float32)
    colours = np.abs(image[..., :3])
    curved = ((colours + 0.055) / 1.055) ** 2.4
    result[..., :3] = np.copysign(np.where(colours <= 0.04045, colours / 12.92, curved), image[..., :3])
    result[..., 3] = np.clip(image[..., 3], 0, 1)
    return result
