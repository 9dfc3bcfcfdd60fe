"""What can be opened, a copy to take along, and what a page asks for."""

from __future__ import annotations

import json

import pytest

from ganzfeld.patch.library import ListedPatch
from ganzfeld.studio.patch_routes import attachment
from studio_client import get
from waiting import until


def test_examples_and_own_patches_are_listed(studio, show):
    show.own_patches = [ListedPatch("mine:a.ganz", "a", "mine", "It is a.", "/home/me")]
    examples = json.loads(get(studio, "/api/examples").body)
    assert {"what": "example:organ", "name": "organ", "place": "example"}.items() <= {
        each["name"]: each for each in examples
    }["organ"].items()
    assert json.loads(get(studio, "/api/patches").body) == [
        {"what": "mine:a.ganz", "name": "a", "place": "mine", "title": "It is a.", "folder": "/home/me"}
    ]


def test_a_copy_is_a_file_to_take_along(studio, show):
    answer = get(studio, "/patch.ganz")
    assert answer.body.decode() == show.now.patch_text
    assert answer.headers["content-disposition"].startswith('attachment; filename="organ.ganz"')
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ['a"b.ganz', "a\r\nX-Evil: 1", "Ü 1.ganz", "../../x.ganz", "", "x" * 500])
def test_no_name_breaks_the_header(name):
    header = attachment(name)
    header.encode("ascii")
    assert "\r" not in header and "\n" not in header and header.count('"') == 2 and len(header) < 900


def test_keep_and_open_reach_the_show(view, show):
    with view() as viewer:
        viewer.say(kind="keep_as", name="my-show")
        viewer.say(kind="open", what="example:organ")
        until(lambda: show.done == [("keep_as", "my-show"), ("open", "example:organ")], seconds=20)
