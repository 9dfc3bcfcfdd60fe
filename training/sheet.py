"""Contact sheets: many small pictures as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_bytes(pictures: Tensor) -> np.ndarray:
    """Pictures ``[n, 3, h, w]``, -1..1, as ``uint8 [n, h, w, 3]``."""
    return (pictures.float() * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def contact_sheet(pictures: Tensor, columns: int = 8) -> Image.Image:
    """``pictures`` ``[n, 3, h, w]`` in rows of ``columns``; n must be a multiple of it."""
    data = to_bytes(pictures)
    n, height, width, _ = data.shape
    rows = n // columns
    grid = data[: rows * columns].reshape(rows, columns, height, width, 3).transpose(0, 2, 1, 3, 4)
    return Image.fromarray(grid.reshape(rows * height, columns * width, 3))


def save_sheet(pictures: Tensor, path: Path | str, columns: int = 8, quality: int = 85) -> None:
    """Writes a contact sheet; the file's ending chooses its format."""
    contact_sheet(pictures, columns).save(path, quality=quality)
