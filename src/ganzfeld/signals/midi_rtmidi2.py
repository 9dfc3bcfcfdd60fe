"""RtMidi for mido, through rtmidi2: its wheels reach Pythons that python-rtmidi's do not.

`mido.Backend("ganzfeld.signals.midi_rtmidi2")` opens ports with this module, by mido's rules for backends. Importing
it raises ImportError without rtmidi2; opening raises OSError on a machine without MIDI.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import rtmidi2  # pyright: ignore[reportMissingImports]
from mido.ports import BaseInput, BaseOutput

from ganzfeld.signals.midi import message_of


def get_devices(**_: Any) -> list[dict[str, Any]]:
    """The ports there are now, as mido wants them listed. Raises OSError if the system has no MIDI."""
    inputs, outputs = _names(rtmidi2.get_in_ports), _names(rtmidi2.get_out_ports)
    return [
        {"name": name, "is_input": name in inputs, "is_output": name in outputs}
        for name in dict.fromkeys([*inputs, *outputs])
    ]


def _need_sequencer() -> None:
    # ALSA would say so itself, on the terminal, at each look for ports.
    if sys.platform == "linux" and not Path("/dev/snd/seq").exists():
        raise OSError("there is no /dev/snd/seq")


def _names(get: Any) -> list[str]:
    _need_sequencer()
    try:
        return list(get())
    except RuntimeError as error:
        raise OSError(str(error)) from None


class _Port:
    """What an input and an output have in common."""

    name: str | None
    _locking = False  # RtMidi does its own
    _maker: Any

    def _open(self, virtual: bool = False, callback: Any = None, **_: Any) -> None:
        _need_sequencer()
        try:
            self._rt = self._maker()
            if virtual:
                if not self.name:
                    raise OSError("a virtual port must have a name")
                self._rt.open_virtual_port(self.name)
            else:
                names = list(self._rt.ports)
                if self.name is None and names:
                    self.name = names[0]
                if self.name not in names:
                    raise OSError(f"there is no port {self.name!r}")
                self._rt.open_port(names.index(self.name))
        except RuntimeError as error:
            raise OSError(str(error)) from None
        self._callback = callback

    def _close(self) -> None:
        self._rt.close_port()


class Input(_Port, BaseInput):  # pyright: ignore[reportIncompatibleVariableOverride]
    """A port that messages come from: to `callback(message)`, in RtMidi's thread, or to be polled."""

    _maker = rtmidi2.MidiIn

    def _open(self, virtual: bool = False, callback: Any = None, **options: Any) -> None:
        super()._open(virtual, callback, **options)
        self._rt.ignore_types(True, False, True)  # clock yes; system exclusive and active sensing no
        if self._callback is not None:
            self._rt.callback = self._on_message

    def _on_message(self, data: list[int], _: float) -> None:
        message = message_of(data)
        if message is not None:
            self._callback(message)

    def _receive(self, block: bool = True) -> None:
        while self._callback is None and (data := self._rt.get_message()):
            self._parser.feed(data)

    def _close(self) -> None:
        self._rt.callback = None
        super()._close()


class Output(_Port, BaseOutput):  # pyright: ignore[reportIncompatibleVariableOverride]
    """A port that messages go to."""

    _maker = rtmidi2.MidiOut

    def _send(self, msg: Any) -> None:
        self._rt.send_raw(*msg.bytes())
