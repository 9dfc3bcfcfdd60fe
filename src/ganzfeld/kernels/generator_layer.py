"""What a layer of StyleGAN2 on a GPU is given, whichever kernel makes it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class ActivationLayout:
    """The pixels of a picture in memory: `pitch` − `width` of every row are padding."""

    height: int
    width: int
    pitch: int

    def empty(self, channels: int, device: torch.device) -> Tensor:
        """Memory [height · pitch, channels] in half precision; whoever fills it writes the padding too."""
        return torch.empty(self.height * self.pitch, channels, dtype=torch.float16, device=device)


@dataclass(frozen=True, slots=True)
class Activation:
    """What follows a modulated convolution. Gains and biases are times √2, the leaky ReLU's gain.

    noise [H, W] of the size written, strengths [layers] × √2, layer: which of them; gain, bias [C]; clamp: a
    number; style [C]: the next layer's; styled: flat memory of the next layer's input, rows `styled_pitch` apart;
    plain: flat memory [H · W, C]. Either may be None.
    """

    noise: Tensor
    strengths: Tensor
    layer: int
    gain: Tensor
    bias: Tensor
    clamp: float
    style: Tensor | None = None
    styled: Tensor | None = None
    styled_pitch: int = 0
    plain: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Colours:
    """The way to RGB: weight [C, 16] float32 (columns past the colours are zeros), bias [colours], the picture
    so far [colours, H/2, W/2] or None, taps [4, 4] of its upsampling, picture [colours, H, W] to be written."""

    weight: Tensor
    bias: Tensor
    clamp: float
    before: Tensor | None
    taps: Tensor
    picture: Tensor
    scale: float = 1.0
