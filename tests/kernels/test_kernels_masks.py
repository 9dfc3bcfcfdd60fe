"""Masks: how pictures are read as such, and bends that keep to one, in Triton's interpreter or on a card."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganzfeld.bending.activations.feedback import FeedbackActivation
from ganzfeld.bending.base import BendContext
from ganzfeld.kernels import card
from ganzfeld.kernels.affine import affine
from ganzfeld.kernels.edges import sobel
from ganzfeld.kernels.masks import luminous, masked, reading, resampled
from ganzfeld.kernels.morphology import dilate, erode
from ganzfeld.kernels.scaling import added, multiplied
from ganzfeld.kernels.sharpen import sharpen

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
BY_ONE = {"sobel": sobel, "sharpen": sharpen, "erode": erode, "dilate": dilate, "multiply": multiplied, "add": added}
# (channels, of how many that the memory has, height, width)
SIZES = [(3, 3, 4, 4), (6, 8, 5, 9), (8, 8, 5, 35), (43, 48, 7, 5), (16, 24, 1, 3), (75, 80, 3, 2)]


@pytest.fixture
def fused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton")
    monkeypatch.setattr(card, "has_triton", lambda device: True)
    monkeypatch.setattr("ganzfeld.kernels.masks.has_triton", lambda device: True)


def field(size: tuple[int, int, int, int], seed: int = 0) -> Tensor:
    """[1, C, h, w] in half precision, channels last, in memory of more channels, which hold no numbers."""
    channels, padded, height, width = size
    generator = torch.Generator().manual_seed(seed)
    memory = torch.full((height, width, padded), float("nan"))
    memory[..., :channels] = torch.randn(height, width, channels, generator=generator) * 2
    return memory.half().to(DEVICE)[..., :channels].permute(2, 0, 1)[None]


def some_mask(x: Tensor) -> Tensor:
    """[h, w] with zeros, ones and what lies between."""
    generator = torch.Generator().manual_seed(5)
    return (torch.rand(x.shape[2:], generator=generator) * 3 - 1).clamp(0, 1).half().to(DEVICE)


def kept(bend: Callable[[Tensor, Tensor | None], Tensor], x: Tensor, slack: float = 2e-3) -> None:
    """A mask lets through what it says: nothing where it is 0, all where it is 1, to the bit."""
    mask = some_mask(x)
    whole, part = bend(x, None), bend(x, mask)
    assert part.dtype == torch.float16 and part.shape == x.shape
    assert torch.equal(part[:, :, mask == 0], x[:, :, mask == 0])
    assert torch.equal(part[:, :, mask == 1], whole[:, :, mask == 1])
    assert torch.equal(bend(x, torch.ones_like(mask)), whole) and torch.equal(bend(x, torch.zeros_like(mask)), x)
    expected = torch.lerp(x.float(), whole.float(), mask.float())
    assert ((part - expected).abs() <= slack * expected.abs().max() + 1e-6).all()


@pytest.mark.parametrize("name", BY_ONE)
def test_fused_bends_of_one_number(name: str, fused: None) -> None:
    amount = torch.tensor(0.7, device=DEVICE)
    for size in SIZES:
        kept(lambda x, mask: BY_ONE[name](x, amount, mask), field(size))


def test_fused_affine(fused: None) -> None:
    moved = [torch.tensor(value, device=DEVICE) for value in (0.3, -0.2, 30.0, 1.2)]
    neutral = [torch.tensor(value, device=DEVICE) for value in (0.0, 0.0, 0.0, 1.0)]
    for size in SIZES:
        kept(lambda x, mask: affine(x, *moved, mask), field(size))
        x = field(size)
        assert torch.equal(affine(x, *neutral, some_mask(x)), x)


class Past:
    """The bend `feedback`, and what it remembers."""

    def __init__(self) -> None:
        self.memory: dict[str, Tensor] = {}
        amounts = FeedbackActivation.amounts.items()
        self.values = {name: torch.tensor(amount.default, device=DEVICE) for name, amount in amounts}
        self.values["feedback"].fill_(0.5)

    def played(self, x: Tensor, number: int, mask: Tensor | None) -> Tensor:
        frame = torch.tensor(number, device=DEVICE)
        return FeedbackActivation().apply(
            x, self.values, BendContext("here", frame.clone, frame.clone, frame, frame, self._remember, {}, mask)
        )

    def _remember(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return self.memory.setdefault(name, torch.zeros(shape, device=DEVICE))


def test_what_is_fed_back_goes_on_beneath_a_mask(fused: None) -> None:
    """It remembers the whole, so that what is unveiled has a past."""
    for size in SIZES:
        bare, veiled = Past(), Past()
        mask = some_mask(field(size))
        for number in range(3):
            x = field(size, seed=number)
            whole, part = bare.played(x, number, None), veiled.played(x, number, mask)
            assert torch.equal(part[:, :, mask == 0], x[:, :, mask == 0])
            assert torch.equal(part[:, :, mask == 1], whole[:, :, mask == 1])
        assert torch.equal(*(past.memory["feedback"].view(torch.int32) for past in (bare, veiled)))


@pytest.mark.parametrize("channels_last", [True, False])
def test_mixed_after_any_bends(fused: None, channels_last: bool) -> None:
    for size in SIZES:
        x, mask = field(size), some_mask(field(size))
        y = field(size, seed=1) if channels_last else field(size, seed=1).contiguous()
        kept(lambda x, mask, y=y: masked(x, y, mask), x)
        each = torch.rand(size[0], generator=torch.Generator().manual_seed(2)).to(DEVICE)
        found = masked(x, y, mask, each)
        expected = torch.lerp(x.float(), y.float(), mask.float() * each[:, None, None])
        assert ((found - expected).abs() <= 2e-3 * expected.abs().max()).all()
        assert torch.equal(masked(x, y, None), y)
        loud = y.float() * 1e5
        kept(lambda x, mask, y=loud: masked(x, y, torch.ones_like(some_mask(x)) if mask is None else mask), x)
        assert masked(x, loud, torch.ones_like(mask)).abs().max() == 65504


def bright(picture: Tensor) -> Tensor:
    """Said once more, number by number."""
    colour, alpha = picture[0, :3].double(), picture[0, 3].double().nan_to_num(nan=0.0).clamp(0, 1)
    weights = torch.tensor([0.2126, 0.7152, 0.0722], dtype=torch.float64)
    return ((colour * weights[:, None, None]).sum(0) * alpha).nan_to_num(nan=0.0).clamp(0, 1).float()


def some_picture() -> Tensor:
    picture = torch.rand(1, 4, 37, 53, generator=torch.Generator().manual_seed(0)) * 1.5 - 0.25
    odd = torch.tensor([[1.0, 1, 0, float("nan")], [1, 1, 0, 1], [1, 1, 0, 1], [1, 0, 1, 1]])
    picture[0, :, 0, :4] = odd
    picture[0, 0, 1, :3] = torch.tensor([float("inf"), float("-inf"), 1e30])
    picture[0, 3, 1, :4] = torch.tensor([1, 1, 1, float("nan")])
    return picture


@pytest.mark.parametrize("way", ["kernel", "readable"])
def test_a_picture_as_bright_and_as_opaque_as_it_is(way: str, request: pytest.FixtureRequest) -> None:
    if way == "kernel":
        request.getfixturevalue("fused")
    picture = some_picture()
    device = DEVICE if way == "kernel" else "cpu"
    found = luminous(picture.to(device)).cpu().float()
    assert found[0, :4].tolist() == [1, 0, 0, 0] and found[1, :4].tolist() == [1, 0, 1, 0]
    assert (found - bright(picture)).abs().max() < (1e-3 if way == "kernel" else 1e-6)
    turned = luminous(picture.to(device).transpose(2, 3)).cpu().float()
    assert torch.equal(turned, found.t()), "however it lies in memory"


counts = st.integers(1, 70)


@given(count=counts, pixels=counts, begin=st.floats(-20, 20), length=st.floats(0.5, 90))
@settings(max_examples=60, deadline=None)
def test_any_reading_adds_up_and_keeps_what_is_flat(count: int, pixels: int, begin: float, length: float) -> None:
    weights = reading(count, begin, length, pixels, torch.device("cpu"))
    assert weights.shape == (count, pixels)
    assert (weights >= 0).all() and torch.allclose(weights.sum(1), torch.ones(count), atol=1e-5)
    places = weights @ torch.arange(pixels, dtype=torch.float32)
    assert (places.diff() >= -1e-3).all(), "from left to right"
    across = reading(count, begin, length, pixels, torch.device("cpu"))
    for dtype in (torch.float32, torch.float16):
        for value in (0.0, 1.0):
            flat = resampled(torch.full((pixels, pixels), value).to(dtype), weights.to(dtype), across.to(dtype))
            assert (flat == value).all(), "to the bit"


def test_a_reading_is_where_the_picture_is() -> None:
    # Pixel for sample, one and a half samples from the field's corner: half way between the pixels.
    weights = reading(6, 1.5, 3.0, 3, torch.device("cpu"))
    ramp = weights @ torch.tensor([0.0, 1.0, 2.0])
    assert torch.allclose(ramp, torch.tensor([0, 0, 0.5, 1.5, 2, 2])[[0, 1, 2, 3, 4, 5]], atol=0.5)
    assert torch.allclose(ramp[2:4], torch.tensor([0.5, 1.5]))
    assert torch.equal(reading(4, 0.0, 4.0, 4, torch.device("cpu")), torch.eye(4))
    smaller = reading(2, 0.0, 2.0, 8, torch.device("cpu")) @ torch.arange(8.0)
    assert smaller[0] < 2.3 and smaller[1] > 4.7, "each sees its own half, and little more"
