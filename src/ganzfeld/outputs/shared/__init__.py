"""Files for other programs that read or write shared pictures: a C header and one Python file that needs NumPy alone.

Both say the format of `values/frames.py` and `values/frame_slots.py` once more, for programs that have no Ganzfeld.
"""

from __future__ import annotations

import shutil
from pathlib import Path

FILES = ("ganzfeld_ring.h", "ganzfeld_ring.py")


def write_files(folder: Path) -> list[Path]:
    """Put the files into a folder; where they are. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copyfile(Path(__file__).with_name(name), folder / name)) for name in FILES]
