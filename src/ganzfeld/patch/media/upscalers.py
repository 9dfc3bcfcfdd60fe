"""Upscaling networks from files, read by spandrel (an extra)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzfeld.errors import PatchError
from ganzfeld.kernels.lanczos import lanczos


@dataclass(frozen=True, slots=True)
class Upscaler:
    """A network that makes RGB pictures [1, 3, H, W] `scale` times larger."""

    network: Callable[[Tensor], Tensor]
    scale: int

    def __call__(self, image: Tensor) -> Tensor:
        """[1, 4, H, W] -> [1, 4, scale·H, scale·W]; alpha is enlarged with Lanczos' filter."""
        colour = self.network(image[:, :3].clamp(0, 1))
        alpha = image[:, 3:].expand(-1, 4, -1, -1)
        return torch.cat([colour, lanczos(alpha, colour.shape[3], colour.shape[2])[:, 3:]], 1)


def open_upscaler(path: Path, device: torch.device) -> Upscaler:
    """An upscaling network's file. spandrel unpickles nothing but tensors. Raises PatchError."""
    try:
        import spandrel  # type: ignore[import-not-found]
    except ImportError:
        hint = 'Install it with: pip install "spandrel>=0.4"; or leave out model= for Lanczos\' filter'
        raise PatchError("Upscaling with a network needs the package spandrel, which is not here", hint=hint) from None
    if not path.is_file():
        raise PatchError(f"There is no file {path}", hint="Paths start at the patch's own folder")
    try:
        model: Any = spandrel.ModelLoader(device=device).load_from_file(path)
    except Exception as error:  # whatever a reader of thirty architectures may raise
        hint = "spandrel reads ESRGAN, SPAN, SwinIR, … (.pth, .safetensors)"
        raise PatchError(f"{path.name} is no upscaling network that can be read: {error}", hint=hint) from None
    if not isinstance(model, spandrel.ImageModelDescriptor) or model.input_channels != 3 or model.output_channels != 3:
        raise PatchError(f"{path.name} does not make a picture from a picture", hint="Take an upscaling network")
    model.to(device).eval()
    return Upscaler(model, model.scale)
