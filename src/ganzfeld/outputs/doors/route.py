"""Which picture goes to which door, as a person writes it: `wall=window:DELL[0,0,1920,1080],fit=fill`.

    [PICTURE=]KIND[:TARGET][[x,y,width,height]][,option=value…]

The picture is the name of an output of the patch; left out, it is the main one, whichever that is. An option without a
value is switched on: `window:2,lead`. A target or a value that holds a comma, a bracket or a quote is written in double
quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import Door
from ganzfeld.outputs.doors.registry import checked_options, kind_named

LONGEST_ROUTE = 4000
LONGEST_NAME = 60
LONGEST_PICTURE = 200
RESERVED = frozenset({"level", "black", "freeze"})
"""Names that no door has, because `/master/level` stands for all doors."""

_HEAD = re.compile(r'(?:(?P<picture>[^=:,\[\]"]+)=)?(?P<kind>[a-z][a-z0-9_-]*)(?=[:,\[]|$)')
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_TARGET = re.compile(rf":({_QUOTED}|[^,\[\"]*)")
_REGION = re.compile(r"\[\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\]")
_OPTION = re.compile(rf",\s*([a-z_]+)\s*(?:=\s*({_QUOTED}|[^,\"]*)|(?=,|$))")


@dataclass(frozen=True, slots=True)
class Route:
    """A door that is to be opened. type: its kind. picture: an output's name; "" is the main one. name: what the person
    calls the door, "" to be found. options: of the kind, target and region among them."""

    type: str
    picture: str = ""
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def to(self) -> str:
        """Kind, target and region, as `parse_route` reads them."""
        text = self.type
        if target := self.options.get("target"):
            text += f":{_quoted(target)}"
        if region := self.options.get("region"):
            text += f"[{','.join(map(str, region))}]"
        return text


def parse_route(text: str, kinds: Mapping[str, type[Door]] | None = None) -> Route:
    """What a person wrote. Raises OutputError, also for a kind or an option that there is not."""
    found = _HEAD.match(text) if len(text) <= LONGEST_ROUTE else None
    if found is None:
        raise OutputError(f"'{text[:80]}' is no door", hint="Write it as window:2 or wall=window:DELL")
    kind, place = kind_named(found["kind"], kinds), found.end()
    options: dict[str, Any] = {}
    if target := _TARGET.match(text, place):
        options["target"], place = _plain(target[1]), target.end()
    if region := _REGION.match(text, place):
        options["region"], place = [int(number) for number in region.groups()], region.end()
    while option := _OPTION.match(text, place):
        options[option[1]] = True if option[2] is None else _plain(option[2])
        place = option.end()
    if place != len(text):
        hint = "After kind, target and region come options: window:2[0,0,1920,1080],rate=30"
        raise OutputError(f"'{text[place : place + 40]}' of the door '{text[:80]}' cannot be read", hint=hint)
    return checked_route(Route(kind.type, (found["picture"] or "").strip(), options=options), kinds)


def checked_route(route: Route, kinds: Mapping[str, type[Door]] | None = None) -> Route:
    """The same with options of the right types. Raises OutputError."""
    kind = kind_named(route.type, kinds)
    if len(route.picture.encode()) > LONGEST_PICTURE:
        raise OutputError(
            f"an output's name has at most {LONGEST_PICTURE} bytes", hint=f"This one: {route.picture[:40]}…"
        )
    chosen = checked_options(kind, route.options)
    return replace(route, options={name: getattr(chosen, name) for name in route.options})


def door_name(route: Route, taken: set[str] | frozenset[str]) -> str:
    """What to call a door: as asked, else like its picture, else like its kind; never like another one."""
    wanted = re.sub(r"[^\w.-]+", "-", route.name or route.picture or route.type)[:LONGEST_NAME].strip("-") or "door"
    name, count = wanted, 1
    while name in taken or name in RESERVED:
        count += 1
        name = f"{wanted}-{count}"
    return name


def _plain(text: str) -> str:
    if not text.startswith('"'):
        return text.strip()
    try:
        return json.loads(text)
    except ValueError:
        return text[1:-1]  # a path of Windows: its backslashes are no escapes


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if re.search(r'[,\[\]"\\]', text) or text != text.strip() else text
