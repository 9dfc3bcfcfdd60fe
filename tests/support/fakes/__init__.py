"""Packages that only other systems have, or that need devices: each behaves as its documentation says, and refuses what
it does not say. The pictures that are sent lie in the folder that GANZFELD_FAKE_HOST names, and those to be received,
too: NAME.npy, [height, width, 4] RGBA.

`installed` puts them before all other packages, for this process and those that it starts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

ENVIRONMENT = "GANZFELD_FAKE_HOST"


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """folder: where pictures lie."""
    with (
        patch.dict("os.environ", {ENVIRONMENT: str(folder)}),
        patch.object(sys, "path", [str(Path(__file__).parent), *sys.path]),
    ):
        yield
