from __future__ import annotations

import numpy as np
from fake_host import exactly

from syphon import Texture


def copy_image_to_mtl_texture(image: np.ndarray, texture: Texture) -> None:
    exactly(texture, Texture)
    if image.dtype != np.uint8 or image.shape != texture.pixels.shape or not image.flags.c_contiguous:
        raise ValueError(f"{image.shape} does not fit into {texture.pixels.shape}")
    texture.pixels[:] = image


def copy_mtl_texture_to_image(texture: Texture) -> np.ndarray:
    return exactly(texture, Texture).pixels.copy()
