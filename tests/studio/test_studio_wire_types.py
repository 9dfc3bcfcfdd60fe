"""The page's types are those of the structs that the studio sends and takes."""

from __future__ import annotations

import pytest

from ganzfeld.studio.wire_types import WIRE_TS, typescript, wire_ts
from ganzfeld.values.desk import Desk
from ganzfeld.values.status import Status


@pytest.mark.skipif(not WIRE_TS.exists(), reason="an installed Ganzfeld has the built page only")
def test_the_committed_file_is_what_would_be_written():
    assert WIRE_TS.read_text("utf-8") == wire_ts(), "run: python -m ganzfeld.studio.wire_types"


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (int | None, "number | null"),
        (tuple[int | str, ...], "(number | string)[]"),
        (tuple[float, str], "[number, string]"),
        (dict[str, Status], "Record<string, Status>"),
        (list[bytes], "Uint8Array<ArrayBuffer>[]"),
    ],
)
def test_python_types_have_counterparts(hint, expected):
    assert typescript(hint) == expected


def test_a_type_without_a_counterpart_is_refused():
    with pytest.raises(TypeError, match="complex"):
        typescript(tuple[complex, ...])


def test_what_a_page_is_told_leaves_nothing_out():
    """The page's types promise every field: no struct may omit those that have their defaults."""
    for struct in (Status, Desk):
        assert not struct.__struct_config__.omit_defaults
