"""Pictures as files: JPEG for the page, PNG for programs that want every bit."""

from __future__ import annotations

import io

import numpy as np
import simplejpeg

QUALITY = 85
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
