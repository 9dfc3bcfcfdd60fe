"""Pictures as files: JPEG for the page, PNG for programs that want every bit."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import simplejpeg

QUALITY = 85
ALPHA_QUALITY = 92
"""Edges show more than colours do."""
WHOLE_CHROMA_UP_TO = 512 * 512
"""Pictures of at most this many pixels keep full colour resolution: they are shown enlarged, and it costs little."""

_OPAQUE = 0xFF000000


def jpeg(image: np.ndarray) -> bytes:
    """An uint8 [height, width, 4] RGBA picture as JPEG. What is transparent shows black, as on the page."""
    image = np.ascontiguousarray(image)
    if not _is_opaque(image):
        image = _over_black(image)
    height, width = image.shape[:2]
    chroma = "444" if height * width <= WHOLE_CHROMA_UP_TO else "420"
    return simplejpeg.encode_jpeg(image, QUALITY, "RGBA", chroma)


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture as two JPEGs: its colours over black, and its alpha in grey, b"" if it is opaque or not asked for."""

    width: int
    height: int
    jpeg: bytes
    alpha: bytes


def pair(image: np.ndarray, height: int | None = None, alpha: bool = False) -> Pair:
    """An uint8 [h, w, 4] RGBA picture, at most `height` pixels high. alpha: whether its transparency is asked for."""
    image = np.ascontiguousarray(image)
    is_opaque = _is_opaque(image)
    seen = _shrunk(image if is_opaque else _over_black(image), height)
    grey = b""
    if alpha and not is_opaque:
        matte = _shrunk(image[..., 3], height)
        grey = simplejpeg.encode_jpeg(matte[..., None], ALPHA_QUALITY, "GRAY", "Gray")
    return Pair(seen.shape[1], seen.shape[0], jpeg(seen), grey)


def _shrunk(image: np.ndarray, height: int | None) -> np.ndarray:
    h, w = image.shape[:2]
    if height is None or h <= height:
        return np.ascontiguousarray(image)
    from PIL import Image

    # Four channels that know nothing of each other: colours are multiplied with alpha already.
    mode = "L" if image.ndim == 2 else "RGBX"
    whole = Image.fromarray(np.ascontiguousarray(image), mode)
    return np.array(whole.resize((max(1, round(w * height / h)), height), Image.Resampling.BOX))


def png(image: np.ndarray) -> bytes:
    """An uint8 [height, width, 4] RGBA picture as PNG, lossless, with its alpha."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _is_opaque(image: np.ndarray) -> bool:
    # One pass over whole pixels: 0.15 ms for 1920×1080, where image[..., 3].min() takes four times that.
    pixels = image.view("<u4")
    return int(np.bitwise_and.reduce(pixels, axis=None)) >= _OPAQUE


def _over_black(image: np.ndarray) -> np.ndarray:
    seen = np.empty_like(image)
    product = image[..., :3].astype(np.uint16) * image[..., 3:]
    seen[..., :3] = (product + 127) // 255
    seen[..., 3] = 255
    return seen
