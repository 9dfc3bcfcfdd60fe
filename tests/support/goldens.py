"""Where the golden networks are: reference numbers that the public code made, too large for this repository."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(os.environ.get("GANZFELD_GOLDEN", Path(__file__).parents[3] / "shared" / "golden"))
