"""Gaussian noise as a function of a seed: the same seed gives the same noise, frame by frame, on any device.

A generator with a state cannot be replayed inside a captured graph or asked for frame 1000 alone. Here
every sample is a hash of (seed, stream, picture, position), so a seed may be a tensor on the device.

It is counter-based as Philox is (Salmon and others 2011), with a cheaper hash: a counter that steps through all 32-bit
numbers from a place and in steps that both depend on the key, 63 bits in all, so that no picture is another one moved;
then `mix`, among the least biased hashes of its size. That is plenty for pictures, and no source of secrets. The
integers are the same on every device; logarithm and cosine differ in the last bits between processors, and are the
same in every replay on one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

MASK = 0xFFFFFFFF
_OTHER = 0x9E3779B9
"""Makes a second hash of a seed."""
_ODD = 0x7FFFFFFF
"""Steps below 2³¹, so that their products with 32-bit counters fit a signed 64-bit integer."""


def gaussian(shape: tuple[int, int, int, int], seed: int | Tensor, stream: int = 0, device=None) -> Tensor:
    """Standard normal float32 noise [N, C, H, W].

    `seed`: an integer or a 0-d integer tensor (a frame number, say). `stream` tells apart the uses of
    one seed. Pictures of a batch differ; picture 0 does not depend on how many follow it.
    """
    pictures, samples = shape[0], math.prod(shape[1:])
    if isinstance(seed, Tensor):
        device = device or seed.device
        seed = seed.to(device=device, dtype=torch.int64)
    picture = torch.arange(pictures, device=device)
    start = mix(picture + mix(seed + mix(stream + 1)))[:, None]
    step = (mix(picture + mix(mix(seed + _OTHER) + stream)) & _ODD | 1)[:, None]
    counter = torch.arange(samples, device=device)[None] * 2
    first = mix(counter * step + start)
    second = mix((counter + 1) * step + start)
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
