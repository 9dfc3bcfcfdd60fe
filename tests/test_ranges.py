"""Lists of numbers as one types them."""

from __future__ import annotations

import pytest

from ganzfeld.ranges import numbers, ranges


def test_ranges_as_typed():
    assert ranges("7") == [range(7, 8)]
    assert numbers("0-3, 7 9..8 3-1") == (0, 1, 2, 3, 7, 9, 8, 3, 2, 1)
    assert ranges("0-4294967295") == [range(2**32)]
    for wrong in ("", "a", "1-", "-1", "1,,2", "1.5", "٣-", "9" * 13):
        with pytest.raises(ValueError, match='is not a seed or a range such as "0-15"'):
            ranges(wrong, "seed")
    with pytest.raises(ValueError, match="at most"):
        numbers("0-999999999999")
