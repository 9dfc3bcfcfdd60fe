"""Where Ganzfeld keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """GANZFELD_CACHE, or Ganzfeld's own in the user's cache folder. Whoever writes there makes it."""
    return Path(os.environ.get("GANZFELD_CACHE") or platformdirs.user_cache_dir("ganzfeld"))
