"""Seeds: which number stands for what a person typed. Known to all rooms, as errors are.

One rule, wherever a seed is taken. A whole number counts modulo 2³²: 0 to 4294967295 mean what they mean to
`numpy.random.RandomState`, 4294967296 is 0 again, and -1 is 4294967295. Any other text is a word, and means the CRC-32
of its bytes in UTF-8.
"""

from __future__ import annotations

import operator
import re
import unicodedata
import zlib
from collections.abc import Sequence
from typing import SupportsIndex

from ganzfeld.errors import GanzfeldError
from ganzfeld.ranges import ranges

COUNT = 1 << 32
"""How many seeds there are."""
_WHOLE = re.compile(r"\s*[+-]?\d{1,40}\s*", re.ASCII)
_WORD = re.compile(r"[^\W\d]\w*(?:-\w+)*")


def seed_number(seed: SupportsIndex | float | str) -> int:
    """The number, 0 to 4294967295, that a seed stands for. Raises GanzfeldError for what is neither a whole number nor
    a word."""
    if isinstance(seed, str):
        if _WHOLE.fullmatch(seed):
            return int(seed) % COUNT
        word = unicodedata.normalize("NFC", seed.strip())
        if word:
            return zlib.crc32(word.encode("utf-8", "surrogatepass"))
    elif isinstance(seed, float):
        if seed.is_integer():  # as 2**32 in a patch
            return int(seed) % COUNT
    elif isinstance(seed, SupportsIndex):
        return operator.index(seed) % COUNT
    raise GanzfeldError(f"{seed!r} is no seed", hint="A seed is a whole number or a word.")


def listed_seeds(text: str) -> list[Sequence[int | str]]:
    """ "0-3,rain,-1" -> [range(0, 4), ("rain",), range(-1, 0)]: seeds as they were typed. Raises ValueError."""
    found: list[Sequence[int | str]] = []
    for part in re.split(r"\s*,\s*|\s+", text.strip()):
        found += [(part,)] if _WORD.fullmatch(part) else ranges(part, "seed", below_zero=True)
    return found
