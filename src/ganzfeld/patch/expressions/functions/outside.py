"""What comes from outside: OSC, MIDI and sound, read from the frame's inbox. All are 0 while nothing has arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ganzfeld.patch.expressions.frame import FrameContext
from ganzfeld.patch.expressions.plain import plain
from ganzfeld.patch.expressions.vocabulary import Kind, Result, UsageError, function
from ganzfeld.values.arrivals import LONGEST_ADDRESS, wrong_in_address
from ganzfeld.values.outside import Hit


def address(text: str) -> str:
    """An OSC address, checked while the patch is compiled."""
    if not text.startswith("/"):
        raise UsageError(f"'{text}' is not an address", 'Addresses start with a slash: "/drum/kick"')
    wrong = wrong_in_address(text)
    if wrong is not None:
        what = f"an address cannot hold {text[wrong]!r}" if wrong < LONGEST_ADDRESS else "this address is too long"
        raise UsageError(what, f"Name one address exactly, in up to {LONGEST_ADDRESS} characters", wrong)
    return text


@function(
    example='osc("/accel/x", 0)', prepare={"address": address}, result=Result(Kind.ANY), reads=lambda where, *_: where
)
def osc(frame: FrameContext, address: str, default: Any = 0) -> Any:
    """The newest value at an OSC address, or the default until one has come. Several arguments: a list of them."""
    value = frame.inbox.values.get(address)
    if value is None:
        return default
    if value.__class__ is float and value - value == 0:
        return value
    try:
        return plain(value)
    except UsageError:
        # A sender's blob or NaN is no fault of the patch's.
        return default


@function(example='hit("/dirt/play", s="bd")', prepare={"address": address}, reads=lambda where: where, hits="address")
def hit(frame: FrameContext, address: str, /, **named: Any) -> int:
    """How many events came in at an address since the last frame.

    Keywords let through only those that carry these values, by name or as name–value pairs of OSC arguments.
    """
    hits = frame.inbox.hits
    if not hits:
        return 0
    return sum(event.address == address and (not named or _carries(event, named)) for event in hits)


def _carries(event: Hit, wanted: Mapping[str, Any]) -> bool:
    arguments = event.arguments
    pairs = {name: value for name, value in zip(arguments[::2], arguments[1::2]) if name.__class__ is str}
    return all(event.named.get(name, pairs.get(name)) == value for name, value in wanted.items())


def _number(frame: FrameContext, address: str) -> float:
    value = frame.inbox.values.get(address, 0.0)
    if isinstance(value, int | float) and value - value == 0:
        return value
    return 0.0


def _midi(frame: FrameContext, kind: str, channel: float, number: float) -> float:
    channel, number = int(channel), int(number)
    if not 1 <= channel <= 16:
        raise UsageError(f"there is no MIDI channel {channel}", "Channels are 1 to 16")
    if not 0 <= number <= 127:
        raise UsageError(f"there is no MIDI {kind} {number}", "They are 0 to 127")
    return _number(frame, _controller(kind, channel, number))


def _controller(kind: str, channel: float, number: float) -> str:
    return f"/midi/{kind}/{int(channel)}/{int(number)}"


@function(example="cc(1, 74)", reads=lambda channel, number: _controller("cc", channel, number))
def cc(frame: FrameContext, channel: float, number: float) -> float:
    """Where a MIDI controller stands, 0 to 1. Channels are 1 to 16, numbers 0 to 127."""
    return _midi(frame, "cc", channel, number)


@function(example="note(1, 60)", reads=lambda channel, number: _controller("note", channel, number))
def note(frame: FrameContext, channel: float, number: float) -> float:
    """How hard a MIDI note is held, 0 to 1; 0 when it is released. Channels are 1 to 16, numbers 0 to 127."""
    return _midi(frame, "note", channel, number)


@function(name="audio.level", called=False, example="audio.level", reads=lambda: "/audio/level")
def audio_level(frame: FrameContext) -> float:
    """How loud the sound is, 0 to 1."""
    return _number(frame, "/audio/level")


@function(name="audio.bass", called=False, example="audio.bass", reads=lambda: "/audio/bass")
def audio_bass(frame: FrameContext) -> float:
    """How loud the low part of the sound is, 0 to 1."""
    return _number(frame, "/audio/bass")


@function(name="audio.mid", called=False, example="audio.mid", reads=lambda: "/audio/mid")
def audio_mid(frame: FrameContext) -> float:
    """How loud the middle part of the sound is, 0 to 1."""
    return _number(frame, "/audio/mid")


@function(name="audio.high", called=False, example="audio.high", reads=lambda: "/audio/high")
def audio_high(frame: FrameContext) -> float:
    """How loud the high part of the sound is, 0 to 1."""
    return _number(frame, "/audio/high")


@function(name="audio.centroid", called=False, example="audio.centroid", reads=lambda: "/audio/centroid")
def audio_centroid(frame: FrameContext) -> float:
    """How bright the sound is: the centre of its spectrum, 0 (low) to 1 (high)."""
    return _number(frame, "/audio/centroid")


@function(name="audio.onset", called=False, example="env(audio.onset, 0, 0.3)", reads=lambda: "/audio/onset")
def audio_onset(frame: FrameContext) -> int:
    """How many sounds began since the last frame: an event."""
    return sum(event.address == "/audio/onset" for event in frame.inbox.hits)


def _bands(frame: FrameContext, k: np.ndarray) -> np.ndarray:
    known = np.isfinite(k)
    each, where = np.unique(np.where(known, np.trunc(k), 0), return_inverse=True)
    levels = np.array([audio_band(frame, band) for band in each.tolist()])
    return np.where(known, levels[where], np.nan)


@function(name="audio.band", example="audio.band(3)", channels=_bands, reads=lambda k: f"/audio/band/{int(k)}")
def audio_band(frame: FrameContext, k: float) -> float:
    """How loud band k of the spectrum is, 0 to 1. Band 0 is the lowest."""
    return _number(frame, f"/audio/band/{int(k)}")
