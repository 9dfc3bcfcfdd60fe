"""Packages that only other systems have, or that need devices: each behaves as its documentation says, and refuses what
it does not say. The pictures that are sent lie in a folder, and those to be received, too: NAME.npy, [height, width, 4]
RGBA.

`installed` puts them before all other packages, for this process and those that it starts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def installed(kind: str, folder: Path) -> Iterator[None]:
    """kind: "spout", "syphon" or "camera". folder: where its pictures lie."""
    here, word = str(Path(__file__).parent), f"GANZFELD_FAKE_{kind.upper()}"
    os.environ[word] = str(folder)
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)
        del os.environ[word]
