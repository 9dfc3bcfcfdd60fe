"""Many copies at once against one after the other, the kernel's own source run on the processor, or on a card."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
import torch
from torch import Tensor

import cuda_on_host
from ganzfeld.kernels.copies import PIECE, SOURCE, Copies, Copy, pieces, table

HOST = """
typedef unsigned short half_t;
F half_t half_from(float a) { _Float16 h = (_Float16)a; half_t bits; std::memcpy(&bits, &h, 2); return bits; }
"""
LAUNCH = """
extern "C" void run(int pieces, const Copy *all, const Piece *each, const float *amounts, int stride) {
    for (blockIdx.x = 0; blockIdx.x < pieces; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < THREADS; threadIdx.x++) copies(all, each, amounts, stride);
}
"""
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def copies() -> list[Copy]:
    torch.manual_seed(1)

    def some(*shape: int) -> Tensor:
        return torch.randn(shape).to(DEVICE)

    def room(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.full(shape, 7.0, dtype=dtype, device=DEVICE)

    stack = room(2, 40, 30, dtype=torch.float16)
    return [
        Copy(some(2 * PIECE + 5), room(2 * PIECE + 5), other=some(2 * PIECE + 5)),
        Copy(some(33, 30), stack[1, :33], 3e4, 6e4),
        Copy(some(), room(), 1.4),
        Copy(some(7, 3), room(7, 3), -2.0, None, some(7, 3), number=2),
    ]


@pytest.mark.parametrize("amount", [0.0, 0.3, 1.0, -2.0, [0.25, 9.0, -1.5]])
def test_all_at_once_is_one_after_the_other(amount: float | list[float], tmp_path: Path):
    expected, found = copies(), copies()
    assert all(copy.flat for copy in expected)
    share = torch.tensor(amount, device=DEVICE)
    for copy in expected:
        own = share[copy.number] if share.dim() else share
        x = copy.x if copy.other is None else torch.lerp(copy.x, copy.other, own)
        copy.out.copy_((x * copy.scale).clamp(-(copy.limit or 1e9), copy.limit or 1e9))
    Copies(found).make(share)
    for one, other in zip(found, expected):
        assert torch.allclose(one.out, other.out, rtol=1e-5, atol=1e-6)
    if DEVICE == "cpu":
        again = copies()
        text = cuda_on_host.PLACES + HOST + SOURCE.read_text(encoding="utf-8") + LAUNCH
        library = cuda_on_host.as_library(text, {"THREADS": 32}, tmp_path)
        rows, each = table(again), pieces(again)
        places = [ctypes.c_void_p(array.ctypes.data) for array in (rows, each)]
        library.run(len(each), *places, ctypes.c_void_p(share.data_ptr()), share.dim())
        for one, other in zip(again, expected):
            assert torch.allclose(one.out, other.out, rtol=1e-5, atol=1e-6)
        assert (again[1].out.untyped_storage().nbytes() > again[1].out.nbytes) and expected[0].out[-1] != 7


def test_what_does_not_lie_flat_is_not_taken():
    assert not Copy(torch.ones(3, 4).t(), torch.ones(4, 3)).flat
    assert not Copy(torch.ones(3).double(), torch.ones(3)).flat
