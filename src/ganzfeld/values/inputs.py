"""What comes into a show from outside, as a person sees it: messages of OSC and MIDI, what is heard, the tempo.

Said once, like `values/status.py`: signals fill it in, the studio sends it to the page.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ganzfeld.values.status import Problem

ArrivalSource = Literal["osc", "midi"]


class Arrival(msgspec.Struct, frozen=True):
    """An address at which something arrived. value: the last one as text, "" if it had none. rate: messages in a
    second, over the last whole one. ago: seconds since the last."""

    source: ArrivalSource
    address: str
    value: str = ""
    rate: float = 0.0
    ago: float = 0.0


class SoundHeard(msgspec.Struct, frozen=True, kw_only=True):
    """What is heard just now. source: the device's name, or the file's. is_file: it is a file.

    decibels: of full scale, from -120 on. floor: decibels below which all is silence. level, bass, mid, high: 0 to 1,
    as a patch gets them; bands: the same of `audio.band(k)`. spectrum: decibels of equal steps in octaves, from
    `low_hz` to `high_hz` hertz. bpm: of its pulse, 0 if none is felt.
    """

    source: str = ""
    is_file: bool = False
    decibels: float = -120.0
    floor: float = -50.0
    level: float = 0.0
    bass: float = 0.0
    mid: float = 0.0
    high: float = 0.0
    bands: tuple[float, ...] = ()
    spectrum: tuple[float, ...] = ()
    low_hz: float = 40.0
    high_hz: float = 16000.0
    bpm: float = 0.0


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that comes in.

    osc: where it is listened for OSC ("127.0.0.1:9000"), "" if it is not. osc_to: who is sent OSC. midi: names of the
    inputs that are open. listens_to_midi: whether any were asked for. arrivals: the newest first. sound: None if
    nothing is listened to. problems: what does not work.
    """

    osc: str = ""
    osc_to: tuple[str, ...] = ()
    midi: tuple[str, ...] = ()
    listens_to_midi: bool = False
    arrivals: tuple[Arrival, ...] = ()
    sound: SoundHeard | None = None
    problems: tuple[Problem, ...] = ()
