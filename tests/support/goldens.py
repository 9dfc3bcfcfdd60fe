"""Where the golden numbers are: what other programs made, to hold ours against.

A few small files are in this repository (`tests/golden`). The complete set is too large for it; where it is there, it
is taken instead.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SMALL = Path(__file__).parents[1] / "golden"
FOLDER = Path(os.environ.get("GANZFELD_GOLDEN", Path(__file__).parents[3] / "shared" / "golden"))
"""The complete set, if it is there."""


def find(name: str) -> Path | None:
    """The file of a golden by its name without a suffix, or None if it is not here."""
    return next((path for folder in (FOLDER, SMALL) if (path := folder / f"{name}.npz").is_file()), None)


def wanted(name: str) -> Path:
    """The file of a golden. Skips the test that asks if it is not here."""
    path = find(name)
    if path is None:
        pytest.skip(f"the golden {name} is not in this repository; set GANZFELD_GOLDEN to the folder of all")
    return path
