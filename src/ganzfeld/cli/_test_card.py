"""`ganzfeld play --test-card`: windows show a card that says which display is which, instead of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.kinds.window import Window
from ganzfeld.outputs.doors.rig import with_doors
from ganzfeld.outputs.doors.route import Route


def with_test_cards(doors: Mapping[str, Route]) -> dict[str, Route]:
    """The doors, their windows with a test card; where none of them is a window, one more on every display. Raises
    OutputError where there is no display."""
    cards = {
        name: replace(route, options={**route.options, "test_card": True}) if route.type == Window.type else route
        for name, route in doors.items()
    }
    if any(route.type == Window.type for route in cards.values()):
        return cards
    missing = Window.missing()
    if missing is not None:
        raise OutputError(f"no test card can be shown: {missing.what}", hint=missing.hint)
    displays = Window.displays()
    if not displays:
        raise OutputError("no test card can be shown: no display is found", hint="Start it on the desktop")
    return with_doors(
        cards,
        [
            Route(Window.type, "", f"display-{one.number}", {"target": str(one.number), "test_card": True})
            for one in displays
        ],
    )
