"""Where Ganzfeld keeps what it can make again, and what a person chose."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """GANZFELD_CACHE, or Ganzfeld's own in the user's cache folder. Whoever writes there makes it."""
    return Path(os.environ.get("GANZFELD_CACHE") or platformdirs.user_cache_dir("ganzfeld"))


def config_folder() -> Path:
    """Where a person's settings are: GANZFELD_CONFIG if set, else the system's place for them."""
    return Path(os.environ.get("GANZFELD_CONFIG") or platformdirs.user_config_dir("ganzfeld"))


def home_folder() -> Path:
    """Where a person's own patches are, unless they are elsewhere: GANZFELD_HOME if set, else the folder "Ganzfeld" in
    their documents. Whoever writes there makes it."""
    return Path(os.environ.get("GANZFELD_HOME") or Path(platformdirs.user_documents_dir()) / "Ganzfeld")
