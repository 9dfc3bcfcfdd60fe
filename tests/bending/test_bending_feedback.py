"""The bend `feedback`: what comes back, and from how long ago."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganzfeld.bending.activations.feedback import FeedbackActivation, _past
from ganzfeld.bending.base import BendContext
from ganzfeld.engine.player import Player
from ganzfeld.errors import PatchError
from ganzfeld.patch.language.parser import parse
from sealed import Sealed

torch.set_num_threads(1)
BEND = FeedbackActivation()


def played(frames: list[torch.Tensor], longest: int, sealed: bool = False, **amounts) -> list[torch.Tensor]:
    """What comes out when these activations come in, one a frame."""
    memories: dict[str, torch.Tensor] = {}
    one = torch.ones(())
    values = {name: torch.as_tensor(float(amount.default)) for name, amount in BEND.amounts.items()}
    values |= {name: torch.as_tensor(value, dtype=torch.float32) for name, value in amounts.items()}
    if sealed:
        values = {name: value.as_subclass(Sealed) for name, value in values.items()}
    out = []
    for number, x in enumerate(frames):
        place = BendContext(
            "here",
            lambda: one,
            lambda: one,
            one,
            torch.tensor(number),
            lambda name, shape: memories.setdefault(name, torch.zeros(shape)),
            {"feedback_longest": longest},
        )
        out.append(BEND.apply(x, values, place).clone())
    assert not frames or memories["feedback"].shape == (longest, *frames[0].shape)
    return out


def marks(count: int) -> list[torch.Tensor]:
    """Frames that are each a number of their own."""
    return [torch.full((1, 3, 2, 4), 1.0 + number) for number in range(count)]


@pytest.mark.parametrize(("delay", "longest"), [(1, 1), (1, 4), (3, 4), (4, 4)])
def test_a_delay_of_so_many_frames(delay: int, longest: int) -> None:
    frames = marks(11)
    out = played(frames, longest, feedback=0.5, feedback_delay=delay)
    remembered = [torch.zeros_like(frames[0])] * delay
    for number, x in enumerate(frames):
        expected = torch.lerp(x, remembered[number], torch.tensor(0.5))
        assert torch.equal(out[number], expected)
        remembered.append(expected)


def test_fractions_mix_and_the_longest_is_the_longest() -> None:
    frames = marks(9)
    both = played(frames, 4, feedback=1.0, feedback_delay=1000.0), played(frames, 4, feedback=1.0, feedback_delay=4.0)
    assert all(map(torch.equal, *both))
    ring = torch.arange(4.0).view(4, 1, 1, 1, 1).expand(4, 1, 3, 2, 4)
    now = torch.tensor(0)
    assert _past(ring, now, torch.tensor(1.0)).unique().tolist() == [3]
    assert _past(ring, now, torch.tensor(2.25)).unique().tolist() == [1.75]
    assert _past(ring, now, torch.tensor(4.0)).unique().tolist() == [0]
    assert _past(ring, now, torch.tensor(float(-7))).unique().tolist() == [3]
    each = _past(ring, now, torch.tensor([1.0, 2.0, 2.5]).view(1, 3, 1, 1))
    assert each.shape == (1, 3, 2, 4)
    assert each[0, :, 0, 0].tolist() == [3, 2, 1.5]


def test_nothing_is_read_on_the_host() -> None:
    played(marks(3), 4, sealed=True, feedback=0.5, feedback_delay=2.5)
    each = torch.tensor([1.0, 2.0, 2.5]).view(1, 3, 1, 1)
    played(marks(3), 4, sealed=True, feedback=0.5, feedback_delay=each)


def film(text: str, count: int = 8) -> list[torch.Tensor]:
    with Player(parse(text)) as player:
        pictures = [player.frame(0.1).image.clone() for _ in range(count)]
        assert not player.problems
        return pictures


def test_in_a_patch(small_network: Path) -> None:
    face = f"face = network({str(small_network)!r}, latent=seeds(speed=2))\nout(face)\n"
    bend = "face.bend('b16', feedback=0.7, {}, name='echo')\n"
    plain, near, far = (
        film(face + line) for line in ("", bend.format("feedback_x=0"), bend.format("feedback_delay=5"))
    )
    longer = film(face + bend.format("feedback_delay=5, feedback_longest=60"))
    assert all(map(torch.equal, far, longer)), "memory beyond the delay changes nothing"
    assert torch.equal(near[0], far[0])
    assert not torch.equal(near[6], far[6]) and not torch.equal(plain[6], far[6])
    driven = film(face + bend.format("feedback_delay=1 + 3*tri(t) + c/16"))
    assert not torch.equal(driven[6], far[6])


def test_what_is_refused(small_network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    face = f"face = network({str(small_network)!r})\nout(face)\nface.bend('b16', feedback=1, feedback_longest=%s)"
    for wrong in ("0", "1.5", "601", "'long'"):
        with pytest.raises(PatchError, match="frames, from 1 to 600"):
            film(face % wrong)
    monkeypatch.setenv("GANZFELD_LIMITS", "memory=0.003")
    with pytest.raises(PatchError, match="lower feedback_longest") as caught:
        film(face % "600")
    assert caught.value.where.line == 3
