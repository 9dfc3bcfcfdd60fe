"""The noise against the measured formula (goldens), and its promises: periodic, smooth for ever, finite, capturable."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import goldens
from ganzfeld.kernels.noise import (
    NOISE_TYPES,
    coefficients_shape,
    latent_noise,
    noise,
    noise_coefficients,
    period_vectors,
)

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
LATTICE_TYPES = NOISE_TYPES[:-1]
ODD_PLACE = (0.1234567, 2.7182818, 0.5772157)  # no two coordinates tie, so no simplex boundary is met exactly


def coefficients(kind: str, **values) -> torch.Tensor:
    return torch.from_numpy(noise_coefficients(kind, **values))


def picture(kind: str, width: int = 24, height: int = 16, **values) -> torch.Tensor:
    on_device = {key: values.pop(key) for key in ("amplitude", "offset", "exponent", "gain") if key in values}
    return noise(coefficients(kind, **values), kind, width, height, **on_device)


def golden_cases() -> list[str]:
    path = goldens.find("td-noise")
    assert path is not None, "a few are in this repository"
    with np.load(path) as data:
        return [name for name in data.files if name != "meta"]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("case", golden_cases())
def test_every_golden_picture_is_met(case: str, device: str):
    with np.load(goldens.wanted("td-noise")) as data:
        expected, meta = data[case], json.loads(bytes(data["meta"]))
    kind, name = case.split("/")
    latent = {"amplitude": 0.9, "offset": 0, "tr": (1.25, 0, 0)}
    values = {**meta["defaults"], **meta["sets"].get(name, latent)}
    values = {{**meta["names"], "t4d": "translate4d"}.get(key, key).split()[0]: each for key, each in values.items()}
    on_device = {key: values.pop(key) for key in ("amplitude", "offset", "exponent", "gain")}
    prepared = coefficients(kind, max_harmonics=values.pop("harmonics"), **values).to(device)
    height, width = expected.shape
    made = noise(prepared, kind, width, height, **on_device)[0].flip(0).cpu().numpy()  # golden row 0 is the bottom
    assert np.abs(made - expected).max() < 1e-3
    if width == 1:
        as_latent = latent_noise(prepared, kind, height, **on_device)[0].cpu().numpy()
        assert np.abs(as_latent - expected[:, 0]).max() < 1e-3


@pytest.mark.parametrize("kind", LATTICE_TYPES)
@given(
    periods=st.lists(st.integers(-1000, 1000), min_size=4, max_size=4),
    place=st.tuples(*[st.floats(-3, 3)] * 3),
    spread=st.integers(1, 4),
)
@settings(max_examples=8, deadline=None)
def test_the_field_repeats_after_its_period(kind, periods, place, spread):
    place = np.append(np.add(place, ODD_PLACE), 0.3)
    further = place.copy()
    vectors = period_vectors(kind)
    further[: len(vectors)] += periods[: len(vectors)] @ vectors

    def at(where):
        # The fourth coordinate is added where the others are subtracted.
        return picture(kind, translate=where[:3], translate4d=-where[3], spread=spread, max_harmonics=3)

    # A whole period away every octave is the same up to float64's rounding of the far place.
    assert (at(place) - at(further)).abs().max() < 2e-3


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", LATTICE_TYPES)
def test_a_far_translation_is_as_smooth_as_a_near_one(kind, dtype):
    """A month of `tx = t*0.1` is 260,000; at ten million the field still moves by small, even steps."""

    def at(x):
        out = np.empty(coefficients_shape(2), dtype)
        prepared = noise_coefficients(kind, translate=(x, x * 0.7, 0.3), out=out)
        return noise(torch.from_numpy(prepared), kind, 24, 16)

    for start in (0.37, 1e7 + 0.37):
        steps = [at(start + k * 1e-4) for k in range(4)]
        moves = [(b - a).abs() for a, b in itertools.pairwise(steps)]
        # Simplex noise in 3-D and 4-D has tiny steps of its own where simplices meet, on few pixels.
        allowed = 0.02 if kind in ("simplex3d", "simplex4d") else 2e-3
        assert all(move.max() < allowed and move.median() < 5e-4 for move in moves)
        assert all(move.median() > 0 for move in moves), "it stands still"


def test_far_and_reduced_places_agree():
    """The period is found on the host: 1e9 periods away is the same picture, to float64's digits of the place."""
    near = picture("perlin3d", translate=(0.25, 0.5, 0.125), max_harmonics=4)
    far = picture("perlin3d", translate=(0.25 + 256e9, 0.5 - 256e9, 0.125), max_harmonics=4)
    assert torch.equal(near, far)


anything = st.floats(allow_nan=True, allow_infinity=True)
triple = st.tuples(anything, anything, anything)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@given(
    kind=st.sampled_from(NOISE_TYPES),
    host=st.fixed_dictionaries(
        {
            "seed": anything,
            "period": anything,
            "spread": anything,
            "translate": triple,
            "translate4d": anything,
            "rotate": triple,
            "scale": triple,
            "pivot": triple,
        }
    ),
    device=st.fixed_dictionaries(dict.fromkeys(("harmonics", "gain", "amplitude", "offset", "exponent"), anything)),
    as_tensors=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_no_value_makes_a_picture_that_is_not_finite(dtype, kind, host, device, as_tensors):
    prepared = noise_coefficients(kind, channels=2, out=np.empty(coefficients_shape(2, 2), dtype), **host)
    assert np.isfinite(prepared).all()
    if as_tensors:
        device = {key: torch.tensor(value, dtype=torch.float32) for key, value in device.items()}
    made = noise(torch.from_numpy(prepared), kind, 5, 4, **device)
    assert made.shape == (2, 4, 5) and made.dtype == torch.float32
    assert torch.isfinite(made).all()


@pytest.mark.parametrize("kind", NOISE_TYPES)
def test_the_device_half_never_asks_the_device(kind):
    """Tensors on `meta` hold no values: reading one raises."""
    prepared = coefficients(kind, channels=3).to("meta")
    value = torch.tensor(1.0, device="meta")
    names = ("harmonics", "gain", "amplitude", "offset", "exponent")
    made = noise(prepared, kind, 7, 5, **dict.fromkeys(names, value))
    assert made.shape == (3, 5, 7) and made.device.type == "meta"


@pytest.mark.parametrize("kind", LATTICE_TYPES)
def test_harmonics_below_the_maximum_are_masked_and_fade_in(kind):
    six = coefficients(kind, max_harmonics=6, translate=ODD_PLACE)
    at = {h: noise(six, kind, 16, 16, harmonics=torch.tensor(h)) for h in (1.0, 1.5, 2.0)}
    two = noise(coefficients(kind, max_harmonics=2, translate=ODD_PLACE), kind, 16, 16)
    assert torch.allclose(at[2.0], two, atol=1e-6)
    assert torch.allclose(at[1.5], (at[1.0] + at[2.0]) / 2, atol=1e-6)
    assert torch.equal(noise(six, kind, 16, 16, harmonics=-3), noise(six, kind, 16, 16, harmonics=0))


@pytest.mark.parametrize("kind", NOISE_TYPES)
def test_seeds_and_channels_are_different_fields(kind):
    fields = [picture(kind, seed=seed, channels=2) for seed in (0, 1, 2, 7, 7.5, 8, -1)]
    flat = torch.cat(fields).flatten(1)
    correlation = torch.corrcoef(flat) - torch.eye(len(flat))
    assert correlation.abs().max() < 0.9
    assert torch.equal(fields[0], picture(kind, seed=-0.0, channels=2))


@pytest.mark.parametrize("kind", LATTICE_TYPES)
def test_the_second_channel_starts_where_it_was_measured(kind):
    """Channel 1 starts at twice channel 0's place, less a half in x and y."""
    both = picture(kind, channels=2, translate=ODD_PLACE)
    moved = picture(kind, translate=np.add(ODD_PLACE, (-428.5 + 0.5, 184.5 + 0.5, -201)))
    assert torch.allclose(both[1], moved[0], atol=1e-5)


@pytest.mark.parametrize(("kind", "period"), [("random", 1), *((kind, 0) for kind in LATTICE_TYPES)])
def test_white_noise_is_flat_uncorrelated_and_still(kind, period):
    values = {"period": period, "channels": 2, "amplitude": 1, "offset": 0}
    white = picture(kind, 128, 128, **values)
    assert torch.equal(white, picture(kind, 128, 128, translate=(9, 9, 9), **values))
    counts = torch.histc(white, 16, -1, 1) / white.numel()
    assert (counts - 1 / 16).abs().max() < 0.005
    assert white.min() >= -1 and white.max() <= 1 and white.mean().abs() < 0.01
    for other in (white.roll(1, 2), white.roll(1, 1), white.roll((7, 7), (1, 2)), white.flip(0)):
        assert (white * other).mean().abs() < 0.01


def test_a_latent_of_no_numbers():
    assert latent_noise(coefficients("simplex2d"), "simplex2d", 0, 3).shape == (3, 0)


def test_latent_rows_are_neighbours_or_fields_of_their_own():
    neighbours = latent_noise(coefficients("simplex2d"), "simplex2d", 512, 3)
    own = latent_noise(coefficients("simplex2d", channels=3), "simplex2d", 512, 3)
    assert neighbours.shape == own.shape == (3, 512)
    assert (neighbours[0] - neighbours[1]).abs().max() < 0.2 < (own[0] - own[1]).abs().max()
    with pytest.raises(ValueError, match="4 latent vectors need"):
        latent_noise(coefficients("simplex2d", channels=3), "simplex2d", 512, 4)


def test_pictures_of_any_size_show_the_same_field():
    small, large = picture("simplex2d", 30, 20), picture("simplex2d", 90, 60)
    assert torch.allclose(small, large[:, 1::3, 1::3], atol=1e-4)
    stretched = noise(coefficients("simplex2d"), "simplex2d", 90, 30, aspect_correct=False)
    assert torch.allclose(stretched[:, :, 1::3], picture("simplex2d", 30, 30), atol=1e-4)


def test_wrong_calls_say_what_is_wrong():
    with pytest.raises(ValueError, match="no noise type is called 'simplex5d'"):
        noise_coefficients("simplex5d")
    with pytest.raises(ValueError, match="must have the shape"):
        noise_coefficients("random", out=np.empty((1, 2, 3)))
    with pytest.raises(ValueError, match="not noise coefficients"):
        noise(torch.zeros(4), "random", 2, 2)
