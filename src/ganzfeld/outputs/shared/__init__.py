"""Files for other programs that read or write shared pictures: a C header, and Python files of which each
needs NumPy alone; `ganzfeld_cuda.py` reads pictures on an NVIDIA card.

They say the format of `values/frames.py`, `values/frame_slots.py` and `values/card_ring.py` once more, for programs
that have no Ganzfeld.
"""

from __future__ import annotations

import shutil
from pathlib import Path

FILES = ("ganzfeld_ring.h", "ganzfeld_ring.py", "ganzfeld_cuda.py")


def write_files(folder: Path) -> list[Path]:
    """Put the files into a folder; where they are. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copyfile(Path(__file__).with_name(name), folder / name)) for name in FILES]
