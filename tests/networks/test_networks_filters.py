"""StyleGAN3's filters against scipy's window design and Bessel function."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import scipy.special

from ganzfeld.networks.filters import bessel_j1, low_pass

BANDS = [(2.0, 6.0, 16.0), (11.3, 4.2, 64.0), (50.8, 13.4, 256.0), (3.0, 0.05, 16.0), (40.0, 40.0, 256.0)]
"""Cutoff, half width, sampling rate: attenuations on all three branches of Kaiser's formula."""


@pytest.mark.parametrize(("cutoff", "half_width", "rate"), BANDS)
@pytest.mark.parametrize("taps", [6, 12, 13, 24])
def test_a_line_is_scipys(taps: int, cutoff: float, half_width: float, rate: float) -> None:
    ours = low_pass((taps,), cutoff, half_width, rate).numpy()
    theirs = scipy.signal.firwin(taps, cutoff=cutoff, width=2 * half_width, fs=rate)
    assert np.abs(ours - theirs).max() < 1e-7


def test_the_bessel_function_is_scipys() -> None:
    x = np.linspace(0, 200, 20001)
    assert np.abs(bessel_j1(x) - scipy.special.j1(x)).max() < 1e-14


@pytest.mark.parametrize("taps", [12, 13])
def test_a_radial_filter_is_round_and_sums_to_one(taps: int) -> None:
    square = low_pass((taps, taps), 11.3, 4.2, 64.0).numpy()
    assert square.sum() == pytest.approx(1, abs=1e-5)
    for turned in (np.rot90(square), square.T, square[::-1]):
        assert np.abs(square - turned).max() < 1e-7
    spectrum = np.abs(np.fft.fft2(square, (64, 64)))
    assert spectrum[2, 0] > 0.9 > 0.1 > spectrum[25, 0]
