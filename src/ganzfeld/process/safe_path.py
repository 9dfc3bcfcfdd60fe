"""Where Python looks for modules in the processes of a show."""

from __future__ import annotations

SAFE_PATH = "PYTHONSAFEPATH"
"""The environment variable that keeps Python from looking into the folder that it was started in."""
OURS = "ganzfeld"
"""Its value where we set it, and no person."""
