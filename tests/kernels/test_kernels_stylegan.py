"""The plain kernels against slow sums written from their definitions."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.kernels.filtered_leaky_relu import filtered_leaky_relu
from ganzfeld.kernels.gaussian import gaussian, mix
from ganzfeld.kernels.modulated_convolution import modulated_convolution
from ganzfeld.kernels.upfirdn import binomial_filter, upfirdn, upsample2

torch.set_num_threads(1)


def slow_upfirdn(x, taps, up, down, padding, gain):
    """One output sample at a time: y[i] = gain · Σ_j taps[j] · u[i·down + k − 1 − j], in float64."""
    left, right, top, bottom = padding
    n, c, h, w = x.shape
    spread = torch.zeros(n, c, h * up, w * up, dtype=torch.float64)
    spread[:, :, ::up, ::up] = x
    big = torch.zeros(n, c, h * up + 200, w * up + 200, dtype=torch.float64)
    big[:, :, 100 : 100 + h * up, 100 : 100 + w * up] = spread
    u = big[:, :, 100 - top : 100 + h * up + bottom, 100 - left : 100 + w * up + right]
    square = (torch.outer(taps, taps) if taps.ndim == 1 else taps).double()
    k = len(square)
    rows = []
    for i in range(0, u.shape[2] - k + 1, down):
        rows.append(
            [
                (u[:, :, i : i + k, j : j + k] * square.flip(0, 1)).sum((2, 3))
                for j in range(0, u.shape[3] - k + 1, down)
            ]
        )
    return torch.stack([torch.stack(row, 2) for row in rows], 2) * gain


@settings(max_examples=25, deadline=None)
@given(
    up=st.integers(1, 4),
    down=st.integers(1, 3),
    taps=st.integers(1, 6),
    dimensions=st.integers(1, 2),
    padding=st.tuples(*[st.integers(-2, 7)] * 4),
    seed=st.integers(0, 99),
)
def test_upfirdn_is_its_definition(up, down, taps, dimensions, padding, seed):
    torch.manual_seed(seed)
    x, kernel = torch.randn(2, 2, 5, 6), torch.randn((taps,) * dimensions)
    if min(5 * up + padding[2] + padding[3], 6 * up + padding[0] + padding[1]) < taps:
        return
    answer = upfirdn(x, kernel, up=up, down=down, padding=padding, gain=2.5)
    right = slow_upfirdn(x, kernel, up, down, padding, 2.5)
    assert answer.shape == right.shape
    assert torch.allclose(answer.double(), right, atol=1e-4)


def test_upsampling_keeps_a_flat_picture_flat_and_a_ramp_straight():
    assert torch.allclose(upsample2(torch.ones(1, 1, 6, 6), binomial_filter())[..., 1:-1, 1:-1], torch.ones(10, 10))
    ramp = torch.arange(6.0).expand(1, 1, 6, 6)
    assert torch.allclose(upsample2(ramp, binomial_filter())[0, 0, 5, 1:-1], torch.arange(10) / 2 + 0.25)


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("kernel", [1, 3])
def test_modulated_convolution_is_a_convolution_with_scaled_weights(demodulate, kernel):
    torch.manual_seed(1)
    x, weight, style = torch.randn(2, 4, 6, 6), torch.randn(5, 4, kernel, kernel), torch.randn(2, 4)
    answer = modulated_convolution(x, weight, style, demodulate=demodulate, padding=1)
    for n in range(2):
        scaled = weight * style[n, None, :, None, None]
        if demodulate:
            scaled = scaled / scaled.square().sum((1, 2, 3), keepdim=True).sqrt()
        assert torch.allclose(answer[n], torch.conv2d(x[n : n + 1], scaled, padding=1)[0], atol=1e-5)


def test_an_upsampling_convolution_is_insertion_of_zeros_then_both_filters():
    torch.manual_seed(2)
    x, weight, style = torch.randn(1, 3, 5, 5), torch.randn(2, 3, 3, 3), torch.ones(1, 3)
    answer = modulated_convolution(x, weight, style, demodulate=False, up_filter=binomial_filter())
    spread = torch.zeros(1, 3, 9, 9)
    spread[..., ::2, ::2] = x
    whole = torch.conv2d(spread, weight.flip(2, 3), padding=2)
    right = upfirdn(whole, binomial_filter(), padding=(1, 1, 1, 1), gain=4)
    assert torch.allclose(answer, right, atol=1e-5)


def test_filtered_leaky_relu_keeps_a_flat_picture_and_its_clamp():
    taps = torch.tensor([0.25, 0.75, 0.75, 0.25]) / 2
    kept = {"up": 2, "down": 2, "padding": (6, 6, 6, 6)}
    bias = torch.tensor([0.5, -3.5])
    flat = filtered_leaky_relu(torch.ones(1, 2, 9, 9), bias, taps, taps, **kept, clamp=1.8)
    assert flat[0, 0, 4:-4, 4:-4].flatten().tolist() == pytest.approx([1.8] * flat[0, 0, 4:-4, 4:-4].numel())
    assert flat[0, 1, 4:-4, 4:-4].mean() == pytest.approx(-2.5 * 0.2 * 2**0.5, abs=1e-5)


@given(seed=st.integers(-(2**70), 2**70), stream=st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_gaussian_depends_on_seed_and_stream_alone(seed, stream):
    one = gaussian((1, 1, 8, 8), seed, stream)
    assert torch.isfinite(one).all()
    assert torch.equal(one[0], gaussian((3, 1, 8, 8), seed, stream)[0])
    assert not torch.equal(one, gaussian((1, 1, 8, 8), seed + 1, stream))
    assert not torch.equal(one, gaussian((1, 1, 8, 8), seed, stream + 1))
    if abs(seed) < 2**63:
        assert torch.equal(one, gaussian((1, 1, 8, 8), torch.tensor(seed), stream))


def test_no_gaussian_picture_is_another_one_moved():
    # Two seeds from whose counters' starts it is only a few positions: with steps alike they would draw the same.
    seeds = torch.arange(200_000)
    starts = mix(mix(seeds + mix(1)))
    order = starts.argsort()
    apart = starts[order].diff()
    near = int(torch.where((apart < 400) & (apart % 2 == 0), apart, 1 << 32).argmin())
    moved = int(apart[near]) // 2
    assert moved < 200
    one, other = (gaussian((1, 1, 1, 8192), int(seeds[order[near + k]])).flatten() for k in (0, 1))
    for shift in range(-400, 400):
        overlap = slice(max(0, shift), 8192 + min(0, shift)), slice(max(0, -shift), 8192 - max(0, shift))
        assert abs(float((one[overlap[0]] * other[overlap[1]]).mean())) < 0.06


def test_gaussian_is_normal_and_white():
    x = gaussian((4, 1, 256, 256), 12345).double()
    assert float(x.mean()) == pytest.approx(0, abs=0.01)
    assert float(x.square().mean()) == pytest.approx(1, abs=0.01)
    assert float((x**4).mean()) == pytest.approx(3, abs=0.06)
    spectrum = torch.fft.fft2(x).abs().square() / x[0].numel()
    rows, columns = spectrum.mean((0, 1, 3)), spectrum.mean((0, 1, 2))  # each averages 1024 bins
    assert float(min(rows.min(), columns.min())) > 0.8 and float(max(rows.max(), columns.max())) < 1.2
