from __future__ import annotations

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ganzfeld.kernels.banded_filter import Axis, Matrices, banded_filtered_leaky_relu
from ganzfeld.kernels.filtered_leaky_relu import filtered_leaky_relu
from ganzfeld.kernels.leaky_relu import GAIN

torch.set_num_threads(1)


@st.composite
def geometries(draw):
    """Up, down, the numbers of taps, and for both axes the size and the padding before and after."""
    up, down = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    taps = draw(st.integers(up, 4 * up)), draw(st.integers(1, 8))
    axes = [(draw(st.integers(4, 20)), draw(st.integers(-9, 11)), draw(st.integers(-9, 11))) for _ in range(2)]
    for size, low, high in axes:
        assume(size * up + low + high >= sum(taps))
        assume(size * up + min(low, 0) + min(high, 0) > 0)  # something of the input is left
    return up, down, taps, axes


@settings(max_examples=60, deadline=None)
@given(geometry=geometries(), batch=st.integers(1, 2), clamp=st.sampled_from([None, 0.7]), seed=st.integers(0, 9))
def test_it_is_the_plain_filtered_leaky_relu(geometry, batch, clamp, seed):
    up, down, (up_taps, down_taps), axes = geometry
    torch.manual_seed(seed)
    (width, left, right), (height, top, bottom) = axes
    x, bias, gain = torch.randn(batch, 3, height, width), torch.randn(3), torch.rand(batch, 3) + 0.5
    up_filter, down_filter = torch.randn(up_taps), torch.randn(down_taps)
    expected = filtered_leaky_relu(
        x * gain[:, :, None, None],
        bias,
        up_filter,
        down_filter,
        up=up,
        down=down,
        padding=(left, right, top, bottom),
        clamp=clamp,
    )
    rows, columns = (
        Axis(size, out_size, up, down, low, up_taps, down_taps)
        for size, out_size, low in ((height, expected.shape[2], top), (width, expected.shape[3], left))
    )
    answer = banded_filtered_leaky_relu(
        x.contiguous(memory_format=torch.channels_last),
        bias,
        gain,
        rows,
        columns,
        Matrices(
            rows.up_matrix(up_filter, up * GAIN),
            columns.up_matrix(up_filter, up),
            rows.down_matrix(down_filter),
            columns.down_matrix(down_filter),
        ),
        clamp,
    )
    assert answer.shape == expected.shape
    assert float((answer - expected).norm()) < 1e-4 * max(1.0, float(expected.norm()))
