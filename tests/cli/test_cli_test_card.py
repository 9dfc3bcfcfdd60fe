"""`ganzfeld play --test-card`: which doors there are then."""

from __future__ import annotations

import pytest

from fake_desktop import DELL, LAPTOP
from ganzfeld.cli._rig import Rig, show_rig
from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.kinds.window import Window
from ganzfeld.outputs.doors.rig import load_rig


@pytest.fixture(autouse=True)
def displays(monkeypatch, tmp_path):
    monkeypatch.setenv("GANZFELD_CONFIG", str(tmp_path))
    monkeypatch.setattr(Window, "missing", classmethod(lambda cls: None))
    displays = [LAPTOP, DELL]
    monkeypatch.setattr(Window, "displays", classmethod(lambda cls: displays))
    return displays


def doors(*to: str, save: str | None = None):
    return show_rig(None, name=None, save=save, to=to, said=Rig(), trust=False, test_card=True).rig.doors


def test_windows_show_it_and_other_doors_do_not():
    opened = doors("window:1", "wall=window:DELL,fit=fill", "shared:td", save="club")
    assert [route.options.get("test_card") for route in opened.values()] == [True, True, None]
    assert opened["wall"].options["fit"] == "fill"
    kept = load_rig("club").doors
    assert list(kept) == ["window", "wall", "shared"]
    assert not any("test_card" in route.options for route in kept.values())


def test_without_a_window_every_display_shows_it():
    opened = doors("shared:td")
    assert {name: route.options.get("target") for name, route in opened.items()} == {
        "shared": "td",
        "display-1": "1",
        "display-2": "2",
    }


def test_without_a_display_it_says_so(displays):
    displays.clear()
    with pytest.raises(OutputError, match="no display is found"):
        doors()
