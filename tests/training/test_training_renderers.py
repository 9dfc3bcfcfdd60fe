"""The renderers: what they promise to the trainer."""

from __future__ import annotations

import colorsys
import math

import pytest
import torch
from training.colour import hsv_to_rgb, palettes, rotate_hue, soft_shoulder, through_palette
from training.flames import Flames, Garden, grow_flames, is_worth_keeping
from training.planets import Planets


@pytest.fixture(scope="module")
def planets() -> torch.Tensor:
    torch.manual_seed(1)
    return Planets(32).draw(24)


@pytest.fixture(scope="module")
def garden() -> Garden:
    torch.manual_seed(2)
    return Garden.grow(12, 64, walkers=1024, steps=48, batch=32)


def test_hsv_is_the_standard_librarys() -> None:
    hsv = torch.rand(50, 3)
    ours = hsv_to_rgb(*hsv.unbind(1))
    theirs = torch.tensor([colorsys.hsv_to_rgb(*map(float, row)) for row in hsv])
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_a_palette_passes_through_its_stops() -> None:
    palette = palettes(3, 5, torch.device("cpu"))
    ramp = torch.linspace(0, 1, 5).view(1, 1, 1, 5).expand(3, 1, 1, 5)
    assert torch.allclose(through_palette(ramp, palette)[:, :, 0].transpose(1, 2), palette, atol=1e-6)


def test_turning_the_hue_a_full_turn_changes_nothing() -> None:
    picture = torch.rand(2, 3, 4, 4)
    turned = rotate_hue(picture, torch.ones(2, 1, 1, 1), torch.ones(2, 1, 1, 1))
    assert torch.allclose(turned, picture, atol=5e-3)
    assert not torch.allclose(
        rotate_hue(picture, torch.full((2, 1, 1, 1), 0.5), torch.ones(2, 1, 1, 1)), picture, atol=0.1
    )


def test_the_shoulder_keeps_the_dark_and_never_clips() -> None:
    light = torch.linspace(0, 50, 1000)
    shown = soft_shoulder(light)
    assert float(shown.max()) <= 1 and bool((shown.diff() > -1e-6).all())
    assert torch.allclose(shown[light < 0.3], light[light < 0.3], atol=2e-3)


def test_planets_are_discs_on_a_dark_sky(planets: torch.Tensor) -> None:
    assert planets.shape == (24, 3, 32, 32) and bool(torch.isfinite(planets).all())
    assert float(planets.min()) >= -1 and float(planets.max()) <= 1
    middle, corner = planets[..., 12:20, 12:20].mean(), planets[..., :4, :4].mean()
    assert float(middle - corner) > 0.2


def test_no_two_planets_are_alike(planets: torch.Tensor) -> None:
    distance = torch.cdist(planets.flatten(1), planets.flatten(1)) + 1e9 * torch.eye(len(planets))
    assert float(distance.min()) > 3


def test_a_seed_repeats_the_pictures() -> None:
    source = Planets(16)
    first, again = [torch.manual_seed(5) and source.draw(2) for _ in range(2)]
    assert torch.equal(first, again)


def test_flames_have_the_symmetry_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = torch.randint

    def four_petals(low: int, high: object, *rest: object, **named: object) -> torch.Tensor:
        made = draw(low, high, *rest, **named)  # pyright: ignore[reportCallIssue, reportArgumentType]
        return torch.full_like(made, 4) if (low, high) == (3, 10) else made

    monkeypatch.setattr(torch, "randint", four_petals)
    torch.manual_seed(4)
    density, _ = grow_flames(16, 64, torch.device("cpu"), walkers=2048, steps=96)
    rich = density[density.std((1, 2, 3)) > 0.1]
    assert len(rich) > 4
    turned, other = rich.rot90(1, (2, 3)), rich.roll(1, 0)
    assert float((turned - rich).abs().mean()) < 0.25 * float((other - rich).abs().mean())


def test_dull_flames_are_thrown_away() -> None:
    line = torch.linspace(-1, 1, 256)
    radius = (line[:, None] ** 2 + line[None] ** 2).sqrt()
    angle = torch.atan2(line[:, None], line[None].expand(256, 256))
    dot, fog, noise = (radius < 0.05).float(), torch.full((256, 256), 0.6), torch.rand(256, 256) * (radius < 0.9)
    petals = torch.exp(-(((radius - 0.8 * (2.5 * angle).cos().abs()) / 0.1) ** 2))
    verdict = is_worth_keeping(torch.stack([dot, fog, noise, petals])[:, None])
    assert verdict.tolist() == [False, False, False, True]


def test_a_garden_survives_its_file(garden: Garden, tmp_path) -> None:
    garden.save(tmp_path / "garden.pt")
    read = Garden.load(tmp_path / "garden.pt")
    assert torch.allclose(read.density.float(), garden.density.float(), atol=1 / 250)


def test_one_flame_is_drawn_in_many_ways(garden: Garden) -> None:
    single = Garden(garden.density[:1], garden.hue[:1])
    flowers = Flames(single, 32).draw(16)
    assert flowers.shape == (16, 3, 32, 32) and bool(torch.isfinite(flowers).all())
    assert float(flowers.min()) >= -1 and float(flowers.max()) <= 1
    assert float(flowers.std(0).mean()) > 0.05
    assert math.isclose(float(flowers[..., 0, 0].mean()), -1, abs_tol=0.35)
