"""Gaussian noise as a function of a seed: the same seed gives the same noise, frame by frame, on any device.

A generator with a state cannot be replayed inside a captured graph or asked for frame 1000 alone. Here
every sample is a hash of (seed, stream, picture, position), so a seed may be a tensor on the device.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

MASK = 0xFFFFFFFF


def gaussian(shape: tuple[int, int, int, int], seed: int | Tensor, stream: int = 0, device=None) -> Tensor:
    """Standard normal float32 noise [N, C, H, W].

    `seed`: an integer or a 0-d integer tensor (a frame number, say). `stream` tells apart the uses of
    one seed. Pictures of a batch differ; picture 0 does not depend on how many follow it.
    """
    pictures, samples = shape[0], math.prod(shape[1:])
    if isinstance(seed, Tensor):
        device = device or seed.device
        seed = seed.to(device=device, dtype=torch.int64)
    key = mix((torch.arange(pictures, device=device) + mix(seed + mix(stream + 1))) & MASK)
    position = torch.arange(samples, device=device)
    first = mix(position[None] * 2 + key[:, None])
    second = mix(position[None] * 2 + 1 + key[:, None])
    # Box and Muller 1958. 24 bits, moved off zero, are all that float32 holds between 0 and 1.
    radius = torch.sqrt(-2 * torch.log(((first >> 8).float() + 0.5) * 2**-24))
    angle = (second >> 8).float() * (2 * math.pi * 2**-24)
    return (radius * torch.cos(angle)).reshape(shape)


def mix(x):
    """A bijective hash of 32 bits: xor-shift and multiply, constants from Wellons' hash prospector.

    Both multipliers are below 2³¹, so that the products fit a signed 64-bit integer.
    """
    x = x & MASK
    x = ((x >> 15) ^ x) * 0x2C1B3C6D & MASK
    x = ((x >> 12) ^ x) * 0x297A2D39 & MASK
    return (x >> 15) ^ x
