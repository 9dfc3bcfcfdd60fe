"""The fused bends of activations against the readable ones: in Triton's interpreter, or on a card."""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganzfeld.bending.activations.feedback import LOUDEST, FeedbackActivation
from ganzfeld.bending.base import BendContext
from ganzfeld.kernels import card
from ganzfeld.kernels.affine import affine
from ganzfeld.kernels.blur import gaussian_blur
from ganzfeld.kernels.edges import sobel
from ganzfeld.kernels.morphology import dilate, erode
from ganzfeld.kernels.scaling import added, multiplied
from ganzfeld.kernels.sharpen import sharpen

pytest.importorskip("triton")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
AROUND = {"sobel": sobel, "sharpen": sharpen, "erode": erode, "dilate": dilate}
ULP = 2.0**-10
"""Between neighbouring numbers in half precision, relative to them."""

# (channels, of how many that the memory has, height, width)
SIZES = [(3, 3, 4, 4), (6, 8, 5, 9), (8, 8, 5, 35), (43, 48, 7, 5), (16, 24, 1, 3), (75, 80, 3, 2)]


@pytest.fixture(autouse=True)
def no_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "has_triton", lambda device: True)


def field(size: tuple[int, int, int, int], loudness: float = 2.0, seed: int = 0) -> Tensor:
    """[1, C, h, w] in half precision, channels last, in memory of more channels, which hold no numbers."""
    channels, padded, height, width = size
    generator = torch.Generator().manual_seed(seed)
    memory = torch.full((height, width, padded), float("nan"))
    memory[..., :channels] = torch.randn(height, width, channels, generator=generator) * loudness
    memory = memory.clamp(-60000, 60000)
    return memory.half().to(DEVICE)[..., :channels].permute(2, 0, 1)[None]


def numbers(*values: float) -> list[Tensor]:
    return [torch.tensor(float(value), device=DEVICE) for value in values]


def close(found: Tensor, expected: Tensor, slack: float = 2e-3) -> bool:
    """slack: what float32 may differ by, of the largest number."""
    assert found.dtype == torch.float16 and found.shape == expected.shape
    return bool(((found - expected).abs() <= ULP * expected.abs() + slack * expected.abs().max() + 1e-6).all())


@pytest.mark.parametrize("name", AROUND)
def test_neighbours(name: str) -> None:
    bend = AROUND[name]
    for size, amount in zip(SIZES, (1.0, 0.3, -1.5, 1.0, 0.3, 0.3), strict=True):
        x = field(size)
        exact = amount == 1 and name in ("erode", "dilate")
        assert close(bend(x, *numbers(amount)), bend(x.float(), *numbers(amount)), 0 if exact else 1e-3), size
    x = field(SIZES[1])
    assert torch.equal(bend(x, *numbers(0)), x), "neutral"
    assert torch.isfinite(bend(field(SIZES[1], 1e5), *numbers(100))).all()


@pytest.mark.parametrize(("bend", "neutral"), [(multiplied, 1.0), (added, 0.0)])
def test_scaling(bend: Callable[[Tensor, Tensor], Tensor], neutral: float) -> None:
    for size, amount in zip(SIZES, (0.5, -3.0, 0.0, 1.7, 40.0, 1e4), strict=True):
        x = field(size)
        assert close(bend(x, *numbers(amount)), bend(x.float(), *numbers(amount)).clamp(-65504, 65504), 1e-3), size
    assert torch.equal(bend(x, *numbers(neutral)), x), "neutral"
    assert torch.isfinite(bend(field(SIZES[1], 1e5), *numbers(1e4))).all()


def test_blur() -> None:
    for size, radius in zip(SIZES, (0.25, 0.02, 0.09, 0.2, 1e4, 0.1), strict=True):
        x = field(size)
        assert close(gaussian_blur(x, *numbers(radius)), gaussian_blur(x.float(), *numbers(radius))), size
    x = field((8, 8, 140, 3))
    assert torch.equal(gaussian_blur(x, *numbers(0)), x), "neutral"
    assert close(gaussian_blur(x, *numbers(0.2)), gaussian_blur(x.float(), *numbers(0.2))), "all taps"
    assert torch.isfinite(gaussian_blur(field(SIZES[1], 1e5), *numbers(0.2))).all()
    flat = torch.full_like(x, 59904.0)
    assert torch.equal(gaussian_blur(flat, *numbers(0.1)), flat), "taps add up to one"


def test_affine() -> None:
    amounts = [
        (0.3, -0.2, 30, 1), (0, 0, 90, 1), (-1.7, 4.2, -725, 0.4), (0.1, 0, 0, -3), (0, 0, 5, 100), (0.5, 0, 0, 1),
    ]  # fmt: skip
    for size, chosen in zip(SIZES, amounts, strict=True):
        x = field(size)
        assert close(affine(x, *numbers(*chosen)), affine(x.float(), *numbers(*chosen))), size


def bits(x: Tensor) -> Tensor:
    return x.contiguous().view(torch.int16)


def test_affine_neutral() -> None:
    x = field((6, 8, 5, 9))
    x[:, :, ::2] = -0.0
    x[0, 0, 0, 0] = float("inf")
    assert torch.equal(bits(affine(x, *numbers(0, 0, 0, 1))), bits(x))
    assert torch.equal(bits(affine(x.contiguous(), *numbers(0, 0, 0, 1))), bits(x)), "channels not last"


EXTREMES = st.sampled_from([0.0, -0.0, 1.0, 1e-30, 1e4, -1e4, 1e12, -3e38, 3e38, float("inf"), float("nan")])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the interpreter's, of what is infinite
@given(amounts=st.lists(EXTREMES, min_size=4, max_size=4))
@settings(max_examples=15, deadline=None)
def test_affine_extremes(amounts: list[float]) -> None:
    x = field((3, 8, 4, 5), 1e5)
    found = affine(x, *numbers(*amounts))
    assert torch.isfinite(found).all()
    assert found.abs().max() <= x.abs().max()


def test_only_what_they_are_made_for() -> None:
    """Float32, several pictures and numbers for each channel go the readable way."""
    x, (half,) = field((8, 8, 5, 4)), numbers(0.5)
    each = torch.full((1, 8, 1, 1), 0.5, device=DEVICE)
    for name, bend in AROUND.items():
        assert bend(x.float(), half).dtype == torch.float32
        assert close(bend(x.float(), each).half(), bend(x.float(), half)), name
        assert bend(torch.cat([x, x]).float(), half).shape == (2, 8, 5, 4)
    assert not card.has_fused_bends(x, half, each)


# Feedback

DEFAULTS = {name: amount.default for name, amount in FeedbackActivation.amounts.items()}


def played(frames: list[Tensor], longest: int, **amounts: float) -> list[Tensor]:
    """What comes out when these activations come in, one a frame."""
    memories: dict[str, Tensor] = {}
    values = dict(zip(DEFAULTS, numbers(*{**DEFAULTS, **amounts}.values()), strict=True))
    one = torch.ones((), device=DEVICE)
    out = []
    for number, x in enumerate(frames):
        place = BendContext(
            "here", lambda: one, lambda: one, one, torch.tensor(number, device=DEVICE),
            lambda name, shape: memories.setdefault(name, torch.zeros(shape, device=DEVICE)),
            {"feedback_longest": longest},
        )  # fmt: skip
        out.append(FeedbackActivation().apply(x, values, place).clone())
    _, channels, height, width = frames[0].shape
    padded = (1, -(-channels // 8) * 8, height, width)
    assert memories["feedback"].nbytes <= FeedbackActivation().held(padded, {"feedback_longest": longest})
    return out


@pytest.mark.parametrize(
    ("size", "longest", "delay"),
    [(SIZES[0], 1, 1), (SIZES[1], 3, 2.25), (SIZES[2], 2, 1), (SIZES[3], 3, 3), (SIZES[4], 2, 7), (SIZES[5], 2, -1)],
)
def test_feedback(size: tuple[int, int, int, int], longest: int, delay: float) -> None:
    frames = [field(size, seed=seed) for seed in range(5)]
    amounts = {"feedback": 0.8, "feedback_x": 0.05, "feedback_rotate": -7, "feedback_scale": 1.1}
    found = played(frames, longest, feedback_delay=delay, **amounts)
    expected = played([x.float() for x in frames], longest, feedback_delay=delay, **amounts)
    assert all(starmap(close, zip(found, expected, strict=True)))


def test_feedback_is_exact_where_numbers_are() -> None:
    frames = [field((43, 48, 7, 5), seed=seed) for seed in range(5)]
    assert all(map(torch.equal, played(frames, 2), frames)), "neutral"
    echo = played(frames, 3, feedback=1, feedback_delay=3)
    assert not any(x.any() for x in echo), "nothing but a past in which there was nothing"
    loud = played([field((6, 8, 5, 9), 1e5)] * 6, 2, feedback=-2, feedback_delay=1.5, feedback_scale=0)
    assert all(torch.isfinite(x).all() and x.abs().max() <= LOUDEST for x in loud)


def test_a_slow_past_arrives() -> None:
    """Each frame changes it by less than half of half precision's last digit; together they must not be lost."""
    feedback = pytest.importorskip("ganzfeld.kernels.triton.feedback")
    x = torch.ones(1, 8, 4, 6, dtype=torch.float16, device=DEVICE)
    memory = torch.full((2, 4, 6, 8), 0.98, dtype=torch.float16, device=DEVICE).view(torch.float32)
    amounts = numbers(0.99, 0, 0, 0, 1, 1)
    out = [feedback.feedback(x, memory, torch.tensor(frame, device=DEVICE), amounts, LOUDEST) for frame in range(60)]
    assert abs(out[-1].float().mean() - (1 - 0.02 * 0.99**60)) < 1e-3
