"""Fit a picture into an output: resize with a filter, letterbox or crop."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

FITS = ("fit", "fill", "stretch")
FILTERS = ("cubic", "linear", "nearest")


def resize(image: Tensor, width: int, height: int, filter: str = "cubic") -> Tensor:
    """[N, C, h, w] -> [N, C, height, width]; "linear" and "cubic" are antialiased when they shrink."""
    if image.shape[2:] == (height, width):
        return image
    if filter == "nearest":
        return F.interpolate(image, (height, width), mode="nearest-exact")
    mode = {"cubic": "bicubic", "linear": "bilinear"}[filter]
    shrinks = width < image.shape[3] or height < image.shape[2]
    return F.interpolate(image, (height, width), mode=mode, align_corners=False, antialias=shrinks)


def fit_into(image: Tensor, width: int, height: int, fit: str = "fit", filter: str = "cubic") -> Tensor:
    """A picture [N, 4, h, w] in a frame of width × height: "fit" whole, with black bars; "fill" the frame, cropped in
    the middle; "stretch" without regard to its shape."""
    h, w = image.shape[2:]
    if fit == "stretch" or (w * height == h * width):
        return resize(image, width, height, filter)
    scale = (min if fit == "fit" else max)(width / w, height / h)
    inner_width, inner_height = max(1, round(w * scale)), max(1, round(h * scale))
    image = resize(image, inner_width, inner_height, filter)
    if fit == "fill":
        left, top = (inner_width - width) // 2, (inner_height - height) // 2
        return image[:, :, top : top + height, left : left + width]
    frame = torch.zeros(image.shape[0], 4, height, width, dtype=image.dtype, device=image.device)
    frame[:, 3] = 1
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    frame[:, :, top : top + inner_height, left : left + inner_width] = image
    return frame
