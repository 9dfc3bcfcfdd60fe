"""MIDI, Ableton Link and OSC."""

from __future__ import annotations

import socket

from ganzfeld.cli._doctor.finding import Result
from ganzfeld.errors import SignalError


def check_midi() -> Result:
    """Which MIDI inputs there are."""
    from ganzfeld.signals import midi

    try:
        ports, _ = midi.port_names(midi.backend())
    except SignalError as error:
        return "missing", error.what, error.hint
    return ("works", ", ".join(ports), "") if ports else ("missing", "no MIDI input", "Plug a controller in")


def check_link() -> Result:
    """Whether the tempo of an Ableton Link session can be followed."""
    from ganzfeld.signals.link import LinkSession

    try:
        LinkSession().start().stop()
    except SignalError as error:
        return "missing", error.what, error.hint
    return "works", "the tempo of a session can be followed", ""


def check_osc() -> Result:
    """Whether UDP packets arrive on this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"/ping", receiver.getsockname())
        if receiver.recv(16) != b"/ping":
            return "missing", "UDP packets do not arrive on this machine", "Look at the firewall"
    return "works", "UDP arrives", ""
