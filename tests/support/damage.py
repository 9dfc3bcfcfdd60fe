"""Files as they come out of a bad download or a bad hand, and what reading them may do.

GANZFELD_FUZZ=20000 tries that many instead of a few.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ganzfeld import NetworkFileError
from ganzfeld.networks.files import convert, native
from ganzfeld.networks.files.source import Source

EXAMPLES = int(os.environ.get("GANZFELD_FUZZ", "12"))
fuzzed = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
"""For a test of Hypothesis: so many examples, and no limit of time for one."""


def read(content: bytes | Source) -> None:
    """Read a network file to the last number, or be refused. Any other error is a mistake of the reader's."""
    try:
        source = content if isinstance(content, Source) else convert.source(memoryview(content))
        network = convert.read_source(source)
    except NetworkFileError as error:
        assert error.what
        return
    size = sum(native.Numbers.of(array).data.nbytes for array in network.weights.values())
    assert size <= 4 * len(source.data) + 40_000_000


INTERESTING = [
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x80",
    b"\xff",
    b"\x00",
    b"\x7f",
    b"\xff" * 8,
    b"R",
    b"b",
    b"0",
    b"(",
    b"2",
]


@st.composite
def damages(draw: st.DrawFn, content: bytes) -> bytes:
    """A few flips, overwrites, insertions, deletions, copies and cuts, more of them where the structure is."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.sampled_from([1, 1, 2, 4, 8, 50, 1000]))
        match draw(st.sampled_from(["flip", "overwrite", "insert", "delete", "copy", "cut"])):
            case "flip" if place < len(data):
                data[place] ^= 1 << draw(st.integers(0, 7))
            case "overwrite":
                piece = draw(st.sampled_from(INTERESTING))
                data[place : place + len(piece)] = piece
            case "insert":
                data[place:place] = draw(st.one_of(st.sampled_from(INTERESTING), st.binary(max_size=20)))
            case "delete":
                del data[place : place + length]
            case "copy":
                source = draw(st.integers(0, len(data)))
                data[place:place] = data[source : source + length]
            case "cut" if place > len(data) // 2:
                del data[place:]
    return bytes(data)
