"""Pictures from files."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ganzfeld.errors import PatchError

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_SIDE = 4096
"""Pixels along a picture's longer side; what is larger is shrunk when it is read."""
MOST_PIXELS = 128_000_000
"""A file that claims more is not decoded: a few kilobytes can claim to be a picture that fills the memory."""
LARGEST_FILE = 1 << 30
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "AVIF", "GIF", "BMP", "JPEG2000", "PPM", "PSD", "QOI", "TGA")
"""What Pillow may decode. It knows formats that are programs, too: for an EPS under any name it starts Ghostscript."""


def read_picture(path: Path) -> torch.Tensor:
    """A file as float32 [1, 4, H, W], RGBA, sRGB, straight alpha, 0..1, turned as its EXIF data say.

    An embedded colour profile is converted to sRGB; of an animation the first picture is taken. Raises PatchError.
    """
    from PIL import Image

    try:
        if path.stat().st_size > LARGEST_FILE:
            raise PatchError(f"{path.name} is larger than {LARGEST_FILE >> 30} GB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the limit below is ours
            with Image.open(path, formats=FORMATS) as image:
                return _decoded(image, path)
    except FileNotFoundError:
        raise PatchError(f"There is no file {path}", hint="Paths start at the patch's own folder") from None
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    except Image.UnidentifiedImageError:
        hint = "PNG, JPEG, WebP, TIFF, AVIF, GIF, BMP and PSD are understood; films belong into movie()"
        raise PatchError(f"{path.name} is not a picture that can be read", hint=hint) from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise PatchError(f"{path.name} cannot be read: {error}") from None


def _too_large(path: Path) -> PatchError:
    hint = "Make it smaller: networks and screens show a hundredth of that"
    return PatchError(f"{path.name} has more than {MOST_PIXELS // 1_000_000} million pixels", hint=hint)


def _decoded(image: Image, path: Path) -> torch.Tensor:
    from PIL import Image as Images
    from PIL import ImageOps

    if image.width * image.height > MOST_PIXELS:
        raise _too_large(path)
    if image.format == "JPEG":
        image.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))  # decodes a huge photograph at a fraction of its size
    profile = image.info.get("icc_profile")
    turned = _with_depth(ImageOps.exif_transpose(image))
    if max(turned.size) > LARGEST_SIDE:
        scale = LARGEST_SIDE / max(turned.size)
        size = (max(1, round(turned.width * scale)), max(1, round(turned.height * scale)))
        turned = turned.resize(size, Images.Resampling.LANCZOS)
    if profile:
        turned = _in_srgb(turned, profile)
    array = np.array(turned.convert("RGBA"), np.float32) / 255
    return torch.from_numpy(array).permute(2, 0, 1)[None].contiguous()


def _with_depth(image: Image) -> Image:
    """Grey of 16 or 32 bits as 8 bits (Pillow would cut it off at 255 instead)."""
    from PIL import Image as Images

    if not image.mode.startswith(("I", "F")):
        return image.convert("RGBA") if image.mode in ("P", "LA", "PA", "La", "RGBa") else image
    array = np.nan_to_num(np.asarray(image, np.float64))
    white = 65535.0 if image.mode.startswith("I") else 1.0
    return Images.fromarray((array / white * 255).clip(0, 255).round().astype(np.uint8))


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
