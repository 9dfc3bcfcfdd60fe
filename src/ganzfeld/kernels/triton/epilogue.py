"""What StyleGAN2 does to a tile of a convolution's results before they go to memory (Triton device functions).

A tile is [positions, outputs] in float32. Positions are pixels of a picture whose rows are `pitch` apart; those at
columns ≥ width belong to the padding between rows and are dropped.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def activate(
    acc, phase, row, column, channel, inside, noise_at, noise_width, strength_at, layer, gain_at, bias_at, clamp
):
    """Demodulation, noise, bias, leaky ReLU, clamp. acc [M, P, C]; row and column of the picture written, [M, P]."""
    gain = tl.load(gain_at + channel)
    bias = tl.load(bias_at + channel)
    strength = tl.load(strength_at + layer)
    noise = tl.load(noise_at + row * noise_width + column, mask=inside, other=0.0) * strength
    y = acc * gain[None, None, :] + (noise[:, :, None] + bias[None, None, :])
    y = tl.where(y > 0, y, 0.2 * y)
    # Not clamp(): what is not a number must not pass either.
    y = tl.where(y > -clamp, y, -clamp)
    return tl.where(y < clamp, y, clamp)


@triton.jit
def finish(
    acc, m0, n0, height, width, pitch,
    noise_at, strength_at, layer, gain_at, bias_at, clamp,
    style_at, styled_at, styled_pitch, plain_at,
    CHANNELS: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, UP: tl.constexpr,
    STYLED: tl.constexpr, PLAIN: tl.constexpr,
):  # fmt: skip
    """Activate a tile and store it: times the next layer's style (STYLED), as it is (PLAIN), or both.

    UP 2: outputs are the four phases of a picture of twice the size, [phase, channel]; the pixels are shuffled.
    Returns the activated tile [BM, BN].
    """
    PHASES: tl.constexpr = BN // CHANNELS if BN > CHANNELS else 1
    WIDTH: tl.constexpr = CHANNELS if BN > CHANNELS else BN
    m = m0 + tl.arange(0, BM)
    y, x = m // pitch, m % pitch
    phase = n0 // CHANNELS + tl.arange(0, PHASES)
    # Said aloud, because Triton does not see it and would store one number at a time.
    channel = tl.multiple_of(n0 % CHANNELS, WIDTH) + tl.arange(0, WIDTH)
    row = UP * y[:, None] + (phase // 2)[None, :]
    column = UP * x[:, None] + (phase % 2)[None, :]
    inside = ((x < width) & (y < height))[:, None] & (phase >= 0)[None, :]
    out_width = UP * width
    tile = activate(
        tl.reshape(acc, (BM, PHASES, WIDTH)), phase, row, column, channel, inside,
        noise_at, out_width, strength_at, layer, gain_at, bias_at, clamp,
    )  # fmt: skip
    mask = inside[:, :, None] & (channel >= 0)[None, None, :]
    if STYLED:
        style = tl.load(style_at + channel).to(tl.float32)
        place = (row * styled_pitch + column)[:, :, None] * CHANNELS + channel[None, None, :]
        # The position past the end of a row is where the padding of what is written lies: zeros.
        known = ((x <= width) & (y < height))[:, None] & (column < styled_pitch)
        styled = tl.where(inside[:, :, None], tile * style[None, None, :], 0.0).to(tl.float16)
        tl.store(styled_at + place, styled, mask=known[:, :, None] & (channel >= 0)[None, None, :])
    if PLAIN:
        place = (row * out_width + column)[:, :, None] * CHANNELS + channel[None, None, :]
        tl.store(plain_at + place, tile.to(tl.float16), mask=mask)
    return tl.reshape(tile, (BM, BN))


@triton.jit
def coloured(
    rgb, m0, height, width, pitch, rgb_bias_at, rgb_clamp, before_at, taps_at, picture_at, scale,
    COLOURS: tl.constexpr, FIRST: tl.constexpr, BM: tl.constexpr,
):  # fmt: skip
    """Bias, clamp, sum with the picture so far at twice its size, scale: [BM, 16] of a tile -> [colours, H, W]."""
    m = m0 + tl.arange(0, BM)
    y, x = (m // pitch)[:, None], (m % pitch)[:, None]
    colour = tl.arange(0, 16)[None, :]
    mask = (x < width) & (y < height) & (colour < COLOURS)
    rgb += tl.load(rgb_bias_at + colour, mask=colour < COLOURS, other=0.0)
    rgb = tl.where(rgb > -rgb_clamp, rgb, -rgb_clamp)
    rgb = tl.where(rgb < rgb_clamp, rgb, rgb_clamp)
    if not FIRST:
        half_height, half_width = height // 2, width // 2
        # Twice the size by four taps: two of them, every other one, fall on samples of each axis.
        for dy in tl.static_range(2):
            for dx in tl.static_range(2):
                from_y, from_x = (y + 1) // 2 - 1 + dy, (x + 1) // 2 - 1 + dx
                tap = tl.load(taps_at + (1 + y - 2 * from_y) * 4 + 1 + x - 2 * from_x)
                there = mask & (from_y >= 0) & (from_y < half_height) & (from_x >= 0) & (from_x < half_width)
                place = (colour * half_height + from_y) * half_width + from_x
                rgb += 4 * tap * tl.load(before_at + place, mask=there, other=0.0)
    tl.store(picture_at + (colour * height + y) * width + x, rgb * scale, mask=mask)
