"""One rule for seeds, wherever they are taken."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganzfeld import GanzfeldError
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan2.config import StyleGAN2Config
from ganzfeld.seeds import COUNT, listed_seeds, seed_number


@given(st.integers(-(10**30), 10**30))
def test_whole_numbers_count_modulo_their_number(number):
    assert seed_number(number) == seed_number(str(number)) == number % COUNT == seed_number(number + COUNT)


@given(st.text())
def test_a_word_is_always_the_same_seed_and_nothing_else_raises(word):
    if word.strip():
        assert 0 <= seed_number(word) < COUNT
        assert seed_number(word) == seed_number(f"  {word}\n")
    else:
        with pytest.raises(GanzfeldError, match="no seed"):
            seed_number(word)


def test_what_words_mean_stays():
    assert seed_number("rain") == 0xB7528AAD
    assert seed_number("e\u0301") == seed_number("\u00e9"), "as it looks, not as it is typed"
    assert seed_number(np.int64(-1)) == COUNT - 1
    for wrong in (1.5, None, [1], float("nan")):
        with pytest.raises(GanzfeldError, match="no seed"):
            seed_number(wrong)  # type: ignore[arg-type]


def test_lists_as_typed():
    assert listed_seeds("0-3, rain -1 -3..-1 über-all 5-3") == [
        range(4), ("rain",), range(-1, 0), range(-3, 0), ("über-all",), range(5, 2, -1)
    ]  # fmt: skip
    assert listed_seeds("4294967296") == [range(2**32, 2**32 + 1)]
    for wrong in ("", "1.5", "a.npy", "-", "3-rain", "1,,2", "rain!"):
        with pytest.raises(ValueError, match="is not a seed"):
            listed_seeds(wrong)


def test_a_network_takes_them():
    network = Network.random(StyleGAN2Config.design(8, channel_base=32, channel_max=4, z_dim=5, w_dim=4))
    for seed, same in ((-1, COUNT - 1), (COUNT + 7, 7), ("rain", seed_number("rain")), ("7", 7)):
        assert torch.equal(network.latent(seed), network.latent(same))
        w = network.mapping(network.latent(seed))
        first, second = (network.synthesis(w, "random", seed=each) for each in (seed, same))
        assert torch.equal(first, second)
