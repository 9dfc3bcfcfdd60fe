"""Rigs: what a machine on a stage is connected to, kept as a short text in the person's own folder.

    [doors.wall]                    # a door's name
    picture = "wall"                # an output of the patch; left out: the main one
    to = "window:DELL"
    fit = "fill"

    [sound]
    input = "Scarlett"              # part of a device's name, or a file
    channel = 2
    speaker = "none"

    [midi]
    inputs = ["*"]
    lights = true
    master = { "cc 1/7" = "/master/level", "note 1/60" = "/master/black" }

    [osc]
    listen = 9000
    host = "127.0.0.1"
    to = ["192.168.1.20:9000"]
    send = "/face,/clock"
    rate = 30
    query = 9001

    [sources]
    allow = ["192.168.1.30"]        # machines that streams may come from

A patch opens no door; a rig does. A file `organ.rig` beside `organ.ganz` has doors only, and only where a person
allowed it: for each output that it names, its doors take the place of the rig's.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ganzfeld.atomic_write import write_whole
from ganzfeld.errors import GanzfeldError, OutputError, Where, explained, nearest
from ganzfeld.folders import config_folder
from ganzfeld.outputs.doors.base import Door
from ganzfeld.outputs.doors.route import Route, checked_route, door_name, parse_route
from ganzfeld.values.master import MOST_DOORS

SUFFIX = ".rig"
LARGEST_RIG = 65536
"""Bytes."""

_Name = Annotated[str, Meta(max_length=300)]


class _Part(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class RigSound(_Part, frozen=True):
    """input: a sound file, or part of a device's name, "" for the system's own; None: no sound. channel: of the device,
    from 1; None: all of them together. speaker: what plays a file aloud, "none" for nothing."""

    input: _Name | None = None
    channel: Annotated[int, Meta(ge=1, le=256)] | None = None
    speaker: _Name | None = None


class RigMidi(_Part, frozen=True):
    """inputs: ports, patterns of them, or MIDI files. lights: show values on controllers. master: what of the master
    (`/master/level`) a control ("cc 1/7", "note 1/60") moves."""

    inputs: Annotated[tuple[_Name, ...], Meta(max_length=64)] = ()
    lights: bool = False
    master: Annotated[dict[str, str], Meta(max_length=64)] = {}


class RigOsc(_Part, frozen=True):
    """listen: the UDP port; host: at which of this machine's addresses. to: "host:port" of those who are sent values;
    send: which ("/face,/clock"); rate: all of them so often a second, None: what changes. query: the TCP port where
    other programs ask, by OSCQuery, what there is."""

    listen: Annotated[int, Meta(ge=0, le=65535)] | None = None
    host: _Name | None = None
    to: Annotated[tuple[_Name, ...], Meta(max_length=64)] = ()
    send: Annotated[str, Meta(max_length=4000)] | None = None
    rate: Annotated[float, Meta(ge=0.1, le=1000)] | None = None
    query: Annotated[int, Meta(ge=0, le=65535)] | None = None


class RigSources(_Part, frozen=True):
    """allow: machines that the streams of patches may come from, as their addresses name them."""

    allow: Annotated[tuple[_Name, ...], Meta(max_length=64)] = ()


class Rig(msgspec.Struct, kw_only=True, frozen=True):
    """doors: by name, in the order in which they are opened."""

    doors: Mapping[str, Route] = {}
    sound: RigSound = RigSound()
    midi: RigMidi = RigMidi()
    osc: RigOsc = RigOsc()
    sources: RigSources = RigSources()


def rig_path(name: str) -> Path:
    """Where the rig of that name is kept. Raises OutputError for what is no name."""
    if not re.fullmatch(r"[\w-]{1,60}", name):
        raise OutputError(f"'{name[:80]}' is no name of a rig", hint="Use letters, digits, - and _")
    return config_folder() / "rigs" / f"{name}{SUFFIX}"


def rig_names() -> list[str]:
    """Every rig there is."""
    return sorted(file.stem for file in (config_folder() / "rigs").glob(f"*{SUFFIX}"))


def load_rig(name: str) -> Rig:
    """The rig of that name. Raises OutputError if there is none, or for what in it makes no sense."""
    path = rig_path(name)
    if not path.is_file():
        hint = nearest(name, rig_names()) or f"Make one: ganzfeld play … --to window:2 --save-rig {name}"
        raise OutputError(f"there is no rig '{name}'", hint=hint)
    return read_rig(path)


def read_rig(path: Path, kinds: Mapping[str, type[Door]] | None = None) -> Rig:
    """A rig from its file. Raises OutputError."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_RIG + 1)
        if len(data) > LARGEST_RIG:
            raise OutputError(f"a rig has at most {LARGEST_RIG} bytes")
        return parse_rig(tomllib.loads(data.decode("utf-8")), kinds)
    except OSError as error:
        raise OutputError(f"the rig cannot be read: {error.strerror}", where=Where(str(path))) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        hint = 'It is TOML: name = "text" under a [section]'
        raise OutputError(f"the rig cannot be read: {error}", where=Where(str(path)), hint=hint) from None
    except GanzfeldError as error:
        raise OutputError(error.what, where=Where(str(path), address=error.where.address), hint=error.hint) from None


def parse_rig(said: Mapping[str, Any], kinds: Mapping[str, type[Door]] | None = None) -> Rig:
    """A rig from what its TOML says. Raises OutputError."""
    known = {field.name: field for field in msgspec.structs.fields(Rig)}
    parts: dict[str, Any] = {}
    for name, part in said.items():
        if name not in known:
            raise OutputError(f"a rig has no section [{name}]", hint=nearest(name, known))
        if not isinstance(part, dict):
            raise OutputError(f"[{name}] is a section of a rig", hint=f"Write [{name}] on a line of its own")
        parts[name] = _doors(part, kinds) if name == "doors" else _section(name, part, known[name].type)
    rig = Rig(**parts)
    for control, address in rig.midi.master.items():
        if not re.fullmatch(r"(cc|note) \d{1,2}/\d{1,3}", control) or not address.startswith("/master/"):
            what = f'[midi] master: "{control}" = "{address}" cannot be read'
            raise OutputError(what, hint='Write "cc 1/7" = "/master/level" or "note 1/60" = "/master/wall/black"')
    return rig


def _section(name: str, part: dict[str, Any], kind: Any) -> Any:
    fields = {field.name for field in msgspec.structs.fields(kind)}
    for word in part:
        if word not in fields:
            raise OutputError(f"[{name}] of a rig knows no '{word}'", hint=nearest(word, fields))
    try:
        return msgspec.convert(part, kind)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        raise OutputError(f"'{place.rstrip('`')}' in [{name}] of a rig cannot be that: {what}") from None


def _doors(said: dict[str, Any], kinds: Mapping[str, type[Door]] | None) -> dict[str, Route]:
    if len(said) > MOST_DOORS:
        raise OutputError(f"a rig has at most {MOST_DOORS} doors")
    doors: dict[str, Route] = {}
    for name, door in said.items():
        where = Where(address=f"[doors.{name}]"[:100])
        if not isinstance(door, dict) or not isinstance(door.get("to"), str):
            raise OutputError("a door says where it leads", where=where, hint='to = "window:2"')
        picture = door.get("picture", "")
        if not isinstance(picture, str) or door_name(Route("", "", name), frozenset()) != name:
            raise OutputError("that is no name of a door or an output", where=where, hint="Names are short texts")
        try:
            route = parse_route(door["to"], kinds)
            options = {**route.options, **{word: door[word] for word in door.keys() - {"to", "picture"}}}
            doors[name] = checked_route(Route(route.type, picture or route.picture, name, options), kinds)
        except GanzfeldError as error:
            raise OutputError(error.what, where=where, hint=error.hint) from None
    return doors


def rig_beside(patch: Path) -> Path | None:
    """The file that lies beside a patch for its doors, or None."""
    path = patch.with_suffix(SUFFIX)
    return path if path.is_file() else None


def overridden(rig: Rig, beside: Rig) -> Rig:
    """A rig with the doors of a file beside the patch: for each output it names they take the place of the rig's.
    Raises OutputError if that file says more than doors."""
    if msgspec.structs.replace(beside, doors={}) != Rig():
        hint = "Sound, MIDI, OSC and sources are the machine's: put them into a rig of your own (--save-rig)"
        raise OutputError("a rig beside a patch has doors only", hint=hint)
    named = {route.picture for route in beside.doors.values()}
    doors = {name: route for name, route in rig.doors.items() if route.picture not in named}
    return msgspec.structs.replace(rig, doors=with_doors(doors, beside.doors.values()))


def with_doors(doors: Mapping[str, Route], more: Any) -> dict[str, Route]:
    """Doors and more of them, each under a name of its own. Raises OutputError if they are too many."""
    result = dict(doors)
    for route in more:
        name = door_name(route, frozenset(result))
        result[name] = Route(route.type, route.picture, name, route.options)
    if len(result) > MOST_DOORS:
        raise OutputError(f"a show has at most {MOST_DOORS} doors")
    return result


def save_rig(name: str, rig: Rig) -> Path:
    """Write a rig down; its file. Raises OutputError."""
    path = rig_path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, rig_text(rig).encode())
    except OSError as error:
        raise OutputError(*explained(error)[:1], where=Where(str(path)), hint=explained(error)[1]) from None
    return path


def rig_text(rig: Rig) -> str:
    """A rig as TOML, which `parse_rig` reads again."""
    parts = []
    for name, route in rig.doors.items():
        own = {word: value for word, value in route.options.items() if word not in ("target", "region")}
        head = {"picture": route.picture} if route.picture else {}
        key = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
        parts.append(_table(f"doors.{key}", {**head, "to": route.to, **own}))
    for name in ("sound", "midi", "osc", "sources"):
        if said := msgspec.to_builtins(getattr(rig, name)):
            parts.append(_table(name, said))
    return "\n".join(parts)


def _table(name: str, said: Mapping[str, Any]) -> str:
    lines = [f"{word} = {_toml(value)}" for word, value in said.items() if value is not None]
    return "\n".join([f"[{name}]", *lines, ""])


def _toml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case dict():
            return "{ " + ", ".join(f"{_toml(str(key))} = {_toml(each)}" for key, each in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
    raise TypeError(f"{type(value).__name__} cannot be written into a rig")
