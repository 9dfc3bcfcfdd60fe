"""Pictures brought to the size of a far end that keeps one."""

from __future__ import annotations

import numpy as np


def fitted(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 [h, w, 4] as [height, width, 4], opaque, for a size (width, height): the whole picture, with black bars.
    The same array if it has that size."""
    width, height = size
    if pixels.shape[:2] == (height, width):
        return pixels
    import av

    scale = min(width / pixels.shape[1], height / pixels.shape[0])
    across, down = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    small = av.VideoFrame.from_numpy_buffer(pixels, format="rgba").reformat(width=across, height=down)
    whole = np.zeros((height, width, 4), np.uint8)
    whole[..., 3] = 255
    top, left = (height - down) // 2, (width - across) // 2
    whole[top : top + down, left : left + across] = small.to_ndarray()
    return whole


def even(size: tuple[int, int]) -> tuple[int, int]:
    """A size with even sides, as cameras and streams have."""
    return size[0] + size[0] % 2, size[1] + size[1] % 2
