"""Looking inside: colour maps, spectra, and how activations become light."""

from __future__ import annotations

import math

import pytest
import torch

from ganzfeld.kernels.colour_map import DIVERGING, MAPS, mapped
from ganzfeld.kernels.layer_view import VIEWS, chosen_channels, chosen_spectrum, lit
from ganzfeld.kernels.spectrum import QUIETEST, decades, power_spectrum

LUMA = torch.tensor([0.2126, 0.7152, 0.0722])
KNOWN = {  # the well-known maps' first, middle and last colours, 8 bits
    "viridis": ((68, 1, 84), (33, 145, 140), (253, 231, 37)),
    "magma": ((0, 0, 4), (183, 55, 121), (252, 253, 191)),
    "inferno": ((0, 0, 4), (188, 55, 84), (252, 255, 164)),
}


def ramp(count: int = 101) -> torch.Tensor:
    return torch.linspace(0, 1, count)[None, None, None]


@pytest.mark.parametrize("name", KNOWN)
def test_known_maps_look_as_known_and_grow_lighter(name: str) -> None:
    colours = mapped(ramp(), name)[0, :, 0]
    known = torch.tensor(KNOWN[name]).T / 255
    assert (colours[:, [0, 50, 100]] - known).abs().max() < 0.03
    assert ((LUMA @ colours).diff() > -2e-3).all()


@pytest.mark.parametrize("name", DIVERGING)
def test_diverging_maps_are_neutral_in_the_middle_and_tell_signs_apart(name: str) -> None:
    colours = mapped(ramp(), name)[0, :, 0]
    middle = colours[:, 50]
    assert middle.max() - middle.min() < 0.03
    below, above = colours[:, 30], colours[:, 70]
    assert above[0] > above[2] + 0.1 and below[2] > below[0] + 0.1
    away = (LUMA @ colours - LUMA @ middle).abs()
    assert (away[50:90].diff() > -2e-3).all() and (away[:50].flip(0)[:40].diff() > -2e-3).all()


@pytest.mark.parametrize("name", MAPS)
def test_every_map_takes_anything(name: str) -> None:
    colours = mapped(torch.tensor([-1e9, -0.1, 0.5, 1.1, 1e9]).view(1, 1, 1, 5), name)
    assert colours.shape == (1, 3, 1, 5)
    if name != "none":
        assert colours.min() >= 0 and colours.max() <= 1
        assert torch.equal(colours[..., 0], colours[..., 1])


@pytest.mark.parametrize("size", [(32, 48), (17, 9)])
def test_a_wave_is_two_points_about_the_middle(size: tuple[int, int]) -> None:
    h, w = size
    y, x = torch.arange(h)[:, None] / h, torch.arange(w)[None] / w
    power = power_spectrum(torch.sin(2 * math.pi * (3 * y + 2 * x))[None, None])[0, 0]
    assert power.shape == size
    top = power.flatten().topk(2).indices.tolist()
    assert {divmod(place, w) for place in top} == {(h // 2 + 3, w // 2 + 2), (h // 2 - 3, w // 2 - 2)}
    still = power_spectrum(torch.ones(1, 1, h, w))[0, 0]
    assert divmod(int(still.argmax()), w) == (h // 2, w // 2)


def test_white_noise_has_the_power_one() -> None:
    noise = torch.randn(1, 64, 32, 32, generator=torch.Generator().manual_seed(0))
    assert power_spectrum(noise).mean() == pytest.approx(1, rel=0.05)
    assert decades(torch.zeros(3)).tolist() == [pytest.approx(math.log10(QUIETEST))] * 3


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("choose", [chosen_channels, chosen_spectrum])
def test_views(view: str, choose) -> None:
    x = torch.randn(1, 5, 4, 6, generator=torch.Generator().manual_seed(0)).half().float()
    first = torch.tensor(4)
    seen = choose(x, view, first)
    single = [choose(x[:, i : i + 1], "one", torch.tensor(0)) for i in range(5)]
    if view == "rgb":
        assert torch.allclose(seen, torch.cat([single[4], single[0], single[1]], 1))
    elif view == "one":
        assert torch.allclose(seen, single[4])
    elif view == "grid":
        assert seen.shape == (1, 1, 8, 18)
        assert torch.allclose(seen[..., 4:, 6:12], single[4])
    else:
        assert seen.shape == (1, 1, 4, 6)


@pytest.mark.parametrize("normalise", ["running", "frame", "fixed"])
def test_signed_light_has_zero_in_its_middle(normalise: str) -> None:
    x = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)) + 3
    x[..., 0, 0] = 0
    light = lit(x, normalise, torch.tensor(1.0), torch.zeros(3), signed=True)
    assert light[0, 0, 0, 0] == 0.5
    if normalise != "fixed":
        assert lit(x, normalise, torch.tensor(1.0), torch.zeros(3)).mean() == pytest.approx(0.5, abs=1e-4)
