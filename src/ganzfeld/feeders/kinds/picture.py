"""Pictures from files."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganzfeld.errors import FeederError
from ganzfeld.feeders.base import Answer, Feeder, Limits, answers, check_file

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_SIDE = 4096
"""Pixels along a picture's longer side; what is larger is shrunk when it is read."""
MOST_DECODED = 1 << 28
"""Bytes of a whole picture as it is decoded: 67 million pixels in colour. A few kilobytes can claim to be more than the
memory holds."""
LARGEST_FILE = 1 << 30
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "AVIF", "GIF", "BMP", "JPEG2000", "PPM", "PSD", "QOI", "TGA")
"""What Pillow may decode. It knows formats that are programs, too: for an EPS under any name it starts Ghostscript."""
_ROWS = 256
_ONE_BYTE, _TWO_BYTES = ("1", "L"), ("I;16", "I;16B", "I;16L", "I;16N")


class PictureFeeder(Feeder):
    """A picture, its profile converted to sRGB, turned as its EXIF data say; of an animation the first.

    facts: width and height of what `read` gives.
    """

    limits = Limits("files", memory=1 << 30, patience=30.0, answer_bytes=LARGEST_SIDE * LARGEST_SIDE * 4)

    def __init__(self, path: Path) -> None:
        """Reads the file's head. Raises FeederError."""
        from PIL import Image

        self._path = path
        Image.MAX_IMAGE_PIXELS = None  # the limit here is ours
        check_file(path, LARGEST_FILE)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._image = Image.open(path, formats=FORMATS)
                self._check_size()
                turned = self._turned()
        except Image.UnidentifiedImageError:
            hint = "PNG, JPEG, WebP, TIFF, AVIF, GIF, BMP and PSD are understood; films belong into movie()"
            raise FeederError(f"{path.name} is not a picture that can be read", hint=hint) from None
        except (MemoryError, FeederError):
            raise
        except Exception as error:  # whatever a dozen decoders raise at a damaged file
            raise _unreadable(path, error) from None
        width, height = _reduced(*self._image.size)
        if turned:
            width, height = height, width
        self.facts = {"width": width, "height": height}
        self.nbytes = width * height * 4

    def close(self) -> None:
        """Close the file."""
        self._image.close()

    @answers
    def read(self) -> Answer:
        """uint8 [H, W, 4], RGBA, sRGB, straight alpha."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return Answer(None, _decoded(self._image))
        except MemoryError:
            raise
        except Exception as error:
            raise _unreadable(self._path, error) from None

    def _check_size(self) -> None:
        image = self._image
        claimed = image.width * image.height
        if image.format == "JPEG":
            image.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))  # decodes a huge photograph at a fraction of its size
        bytes_each = 1 if image.mode in _ONE_BYTE else 2 if image.mode in _TWO_BYTES else 4
        if image.width * image.height * bytes_each > MOST_DECODED:
            most = MOST_DECODED // bytes_each // 1_000_000
            hint = "Make it smaller: networks and screens show a hundredth of that"
            what = f"{self._path.name} has {claimed / 1e6:.0f} million pixels, and at most {most} million are read"
            raise FeederError(what, hint=hint)

    def _turned(self) -> bool:
        """Whether its EXIF data lay it on its side."""
        return self._image.getexif().get(0x0112, 1) in (5, 6, 7, 8)


def _unreadable(path: Path, error: Exception) -> FeederError:
    return FeederError(f"{path.name} cannot be read: {str(error) or type(error).__name__}")


def _reduced(width: int, height: int) -> tuple[int, int]:
    if max(width, height) <= LARGEST_SIDE:
        return width, height
    scale = LARGEST_SIDE / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _decoded(image: Image) -> np.ndarray:
    from PIL import Image as Images
    from PIL import ImageOps

    profile = image.info.get("icc_profile")
    ImageOps.exif_transpose(image, in_place=True)  # without a copy of what stands upright
    turned = _with_depth(image)
    size = _reduced(*turned.size)
    if size != turned.size:
        turned = turned.resize(size, Images.Resampling.LANCZOS)
    if profile:
        turned = _in_srgb(turned, profile)
    return np.array(turned.convert("RGBA"), np.uint8)


def _with_depth(image: Image) -> Image:
    """Grey of 16 or 32 bits as 8 bits (Pillow would cut it off at 255 instead)."""
    from PIL import Image as Images

    if not image.mode.startswith(("I", "F")):
        return image.convert("RGBA") if image.mode in ("P", "LA", "PA", "La", "RGBa") else image
    array = np.asarray(image)
    white = 65535.0 if image.mode.startswith("I") else 1.0
    grey = np.empty(array.shape, np.uint8)
    for row in range(0, len(array), _ROWS):  # in pieces: a number takes eight times the memory meanwhile
        piece = np.nan_to_num(array[row : row + _ROWS].astype(np.float64))
        grey[row : row + _ROWS] = (piece / white * 255).clip(0, 255).round()
    return Images.fromarray(grey)


def _in_srgb(image: Image, profile: bytes) -> Image:
    from PIL import ImageCms

    if image.mode not in ("RGB", "RGBA", "L", "CMYK"):
        return image
    try:
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        colour = image.convert("RGB") if alpha is not None else image
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(colour, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a broken profile says nothing
    if converted is None:
        return image
    if alpha is not None:
        converted.putalpha(alpha)
    return converted
