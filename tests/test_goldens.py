"""The small goldens of this repository are parts of the large ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import goldens

MOST_BYTES = 600_000


@pytest.mark.parametrize("small", sorted(goldens.SMALL.glob("*.npz")), ids=lambda path: path.stem)
def test_every_number_is_that_of_the_complete_set(small: Path) -> None:
    complete = goldens.FOLDER / small.name
    if not complete.is_file():
        pytest.skip("the complete goldens are not here")
    with np.load(small) as ours, np.load(complete) as theirs:
        assert len(ours.files) > 10
        for name in ours.files:
            assert ours[name].dtype == theirs[name].dtype and np.array_equal(ours[name], theirs[name]), name


def test_they_are_small() -> None:
    assert sum(path.stat().st_size for path in goldens.SMALL.iterdir()) < MOST_BYTES
