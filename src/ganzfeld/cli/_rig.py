"""The rig that a show plays with: the one of that name, what lies beside the patch, and what the command line says."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from ganzfeld.errors import GanzfeldError
from ganzfeld.outputs.doors.rig import (
    Rig,
    RigMidi,
    RigOsc,
    RigSound,
    RigSources,
    load_rig,
    overridden,
    read_rig,
    rig_beside,
    save_rig,
    with_doors,
)
from ganzfeld.outputs.doors.route import Route, parse_route

if TYPE_CHECKING:
    from ganzfeld.process.supervisor import Supervisor


@dataclass
class ShowRig:
    """rig: what holds for this show. name: of the rig that is kept, or None. asked: names of the doors that the command
    line asked for."""

    rig: Rig
    name: str | None
    asked: frozenset[str]

    def open_doors(self, show: Supervisor) -> list[GanzfeldError]:
        """Open the show's doors; what cannot be opened. Raises OutputError for a door that the command line asked for:
        whoever typed it is there to mend it."""
        problems: list[GanzfeldError] = []
        for name, route in self.rig.doors.items():
            try:
                show.doors.open(route)
            except GanzfeldError as error:
                if name in self.asked:
                    raise
                problems.append(GanzfeldError(f"door '{name}': {error.what}", hint=error.hint))
        show.doors.master.controls = {
            f"/midi/{control.replace(' ', '/')}": address for control, address in self.rig.midi.master.items()
        }
        show.doors.keep = self.keep
        return problems

    def keep(self, door: str, options: Mapping[str, Any]) -> None:
        """A hand changed options of a door at its far end: they are kept, if the rig has that door."""
        if self.name is None:
            return
        rig = load_rig(self.name)
        if door in rig.doors:
            route = rig.doors[door]
            changed = Route(route.type, route.picture, door, {**route.options, **options})
            save_rig(self.name, msgspec.structs.replace(rig, doors={**rig.doors, door: changed}))

    def keep_sound(self, device: str) -> None:
        """A hand chose another sound device: it is kept, if the show plays with a rig. Raises OutputError."""
        if self.name is not None:
            rig = load_rig(self.name)
            sound = msgspec.structs.replace(rig.sound, input=device, channel=None)
            save_rig(self.name, msgspec.structs.replace(rig, sound=sound))


def show_rig(
    patch: Path | None,
    *,
    name: str | None,
    save: str | None,
    to: Sequence[str],
    said: Rig,
    trust: bool,
    test_card: bool = False,
) -> ShowRig:
    """patch: the file that plays. name: of a rig; save: the name to keep the whole under. to: doors. said: the rest of
    what the command line says. trust: what lies beside the patch may open doors. test_card: windows show that. Raises
    OutputError."""
    rig = load_rig(name) if name else Rig()
    routes = [parse_route(text) for text in to]
    if patch is not None and (beside := rig_beside(patch)) is not None and _may_open(beside, trust=trust):
        rig = overridden(rig, read_rig(beside))
    before = frozenset(rig.doors)
    rig = Rig(
        doors=with_doors(rig.doors, routes),
        sound=_over(rig.sound, said.sound),
        midi=_over(rig.midi, said.midi),
        osc=_over(rig.osc, said.osc),
        sources=RigSources(allow=tuple(dict.fromkeys((*rig.sources.allow, *said.sources.allow)))),
    )
    if save:
        save_rig(save, rig)
    if test_card:
        from ganzfeld.cli._test_card import with_test_cards

        rig = msgspec.structs.replace(rig, doors=with_test_cards(rig.doors))
    return ShowRig(rig, save or name, frozenset(rig.doors) - before)


def said_of_sound(audio: str | None, channel: int | None, speaker: str | None) -> RigSound:
    """What the command line says of sound."""
    return RigSound(input=audio, channel=channel, speaker=speaker)


def said_of_midi(inputs: Sequence[str] | None, lights: bool) -> RigMidi:
    """What the command line says of MIDI."""
    return RigMidi(inputs=tuple(inputs or ()), lights=lights)


def said_of_osc(
    listen: int | None,
    host: str | None,
    to: Sequence[str] | None,
    send: str | None,
    rate: float | None,
    query: int | None,
) -> RigOsc:
    """What the command line says of OSC."""
    return RigOsc(listen=listen, host=host, to=tuple(to or ()), send=send, rate=rate, query=query)


def said_of_sources(allow: Sequence[str] | None) -> RigSources:
    """What the command line says of where streams may come from."""
    return RigSources(allow=tuple(allow or ()))


def _over(part: Any, said: Any) -> Any:
    """A section of a rig under what the command line says."""
    default = type(said)()
    changes = {name: getattr(said, name) for name in said.__struct_fields__}
    return msgspec.structs.replace(
        part, **{name: value for name, value in changes.items() if value != getattr(default, name)}
    )


def _may_open(beside: Path, *, trust: bool) -> bool:
    """Whether the file beside the patch may say where pictures go: it may come from a stranger, as the patch may."""
    from ganzfeld.patch.trust import TrustStore

    store = TrustStore()
    if trust or store.trusts(beside):
        return True
    question = f"{beside} says where pictures go on this machine. Have you looked at it, and may it?"
    if sys.stdin.isatty() and typer.confirm(question, default=False):
        store.trust(beside)
        return True
    from ganzfeld.cli._terminal import console

    console(stderr=True).print(f"{beside} opens no doors: it has not been allowed to. Look at it, then use --trust")
    return False
