"""What the command line says of the world outside: where OSC goes, what the tempo follows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ganzfeld.errors import GanzfeldError, nearest

if TYPE_CHECKING:
    from ganzfeld.outputs.doors.rig import Rig
    from ganzfeld.signals.signals import Wanted


def wanted(rig: Rig, audio_options: Mapping[str, Any]) -> Wanted:
    """The signals that a rig asks for. Raises GanzfeldError."""
    to = tuple(host_and_port(place) for place in rig.osc.to)
    send = addresses("*" if rig.osc.send is None else rig.osc.send)
    from ganzfeld.signals.signals import Wanted

    return Wanted(
        # Who asks what can be reached is told a port that it can be reached at.
        osc=0 if rig.osc.listen is None and rig.osc.query is not None else rig.osc.listen,
        osc_host=rig.osc.host or "127.0.0.1",
        osc_to=to,
        osc_choose=send,
        osc_rate=rig.osc.rate,
        midi=rig.midi.inputs,
        midi_lights=rig.midi.inputs if rig.midi.lights else (),
        audio=rig.sound.input,
        channel=rig.sound.channel,
        speaker=None if rig.sound.speaker == "none" else rig.sound.speaker or "",
        audio_options=audio_options,
    )


def host_and_port(text: str) -> tuple[str, int]:
    """ "192.168.1.20:9000", "[::1]:9000" or "9000" (this machine) → host and port. Raises GanzfeldError."""
    found = re.fullmatch(r"(?:(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]+)):)?(?P<port>\d{1,5})", text.strip())
    if not found or not 0 < int(found["port"]) <= 65535:
        raise GanzfeldError(f"'{text}' is no place to send OSC to", hint="Write it as 192.168.1.20:9000")
    return found["six"] or found["host"] or "127.0.0.1", int(found["port"])


def addresses(text: str) -> tuple[str, ...]:
    """ "/face/psi,/audio/*" → its addresses and patterns. Raises GanzfeldError."""
    chosen = tuple(word for word in re.split(r"[,\s]+", text) if word)
    for word in chosen:
        if not word.startswith(("/", "*")):
            raise GanzfeldError(f"'{word}' is no address", hint=f"Addresses begin with a slash: /{word}")
    return chosen


def tempo(text: str) -> float | str:
    """A number of beats a minute, or what the tempo follows. Raises GanzfeldError."""
    from ganzfeld.patch.models import TEMPO_SOURCES
    from ganzfeld.values.time import FASTEST_BPM

    if text in TEMPO_SOURCES:
        return text
    try:
        number = float(text)
    except ValueError:
        raise GanzfeldError(f"the tempo cannot follow '{text}'", hint=nearest(text, TEMPO_SOURCES)) from None
    if not 0 < number <= FASTEST_BPM:
        raise GanzfeldError(f"{text} is no tempo", hint=f"A tempo is up to {FASTEST_BPM:g} beats a minute")
    return number
