"""The one-launch noise against the readable one, the kernel's own source run on the processor."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
import torch

import cuda_on_host
from ganzfeld.kernels import noise as plain
from ganzfeld.kernels.cuda import noise as cuda
from ganzfeld.kernels.noise import NOISE_TYPES, latent_noise, noise, noise_coefficients

LAUNCH = """
extern "C" void run(int pixels, int channels, const double *coefficients, const int *hashes, const float *gradients,
                    float *out, const Field *field) {
    blockDim.x = 64;
    for (blockIdx.y = 0; blockIdx.y < channels; blockIdx.y++)
        for (blockIdx.x = 0; blockIdx.x <= pixels / 64; blockIdx.x++)
            for (threadIdx.x = 0; threadIdx.x < 64; threadIdx.x++) noise(coefficients, hashes, gradients, out, *field);
}
"""


@pytest.fixture
def on_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """`noise` and `latent_noise` take the way of a GPU."""

    def launched(coefficients, tables, out, field, kind, pixels):
        text = cuda_on_host.PLACES + cuda.SOURCE.read_text(encoding="utf-8") + LAUNCH
        library = cuda_on_host.as_library(text, cuda.macros(kind), tmp_path)
        pointers = [ctypes.c_void_p(tensor.data_ptr()) for tensor in (coefficients, *tables, out)]
        library.run(pixels, coefficients.shape[1], *pointers, field)
        return out

    monkeypatch.setattr(cuda, "noise", launched)
    return lambda on: monkeypatch.setattr(plain, "available", lambda device: on)


@pytest.mark.parametrize("kind", NOISE_TYPES)
def test_it_agrees_with_the_reference(kind: str, on_host):
    amounts = {"harmonics": torch.tensor(2.5), "gain": -0.6, "amplitude": torch.tensor(0.9), "exponent": 1.3}
    coefficients = torch.from_numpy(
        noise_coefficients(kind, max_harmonics=4, channels=3, seed=2, translate=(0.3, -7.1, 2), rotate=(10, 20, 30))
    )
    made = []
    for on in (True, False):
        on_host(on)
        made.append(
            [
                noise(coefficients, kind, 13, 9, offset=-0.1, **amounts),
                noise(coefficients, kind, 13, 9, aspect_correct=False),
                latent_noise(coefficients, kind, 17, 3, **amounts),
                latent_noise(coefficients[:, :1], kind, 17, 2, **amounts),
                noise(coefficients, kind, 13, 9, amplitude=float("inf"), exponent=float("nan")),
            ]
        )
    for found, expected in zip(*made):
        assert found.shape == expected.shape
        assert (found - expected).abs().max() < 2e-5
