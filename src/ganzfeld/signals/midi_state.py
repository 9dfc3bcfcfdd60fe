"""What MIDI messages mean for a show: addresses, values and hits. No ports and no threads in here."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ganzfeld.signals.mailbox import Mailbox
from ganzfeld.signals.midi_clock import MidiClock
from ganzfeld.signals.pulse import Beat

if TYPE_CHECKING:
    from mido import Message

_PAIR_SECONDS = 0.005  # the two halves of a 14-bit controller leave it in one go
_PAIRS_TO_BELIEVE = 3
MOST_ECHOES = 16
_NEAR = 2.5 / 127  # so close to the held value a control may take over
_CLOCK_SILENCE_SECONDS = 2.0
_MODE_MESSAGES = 120  # controllers from here on are commands, not knobs
_ALL_SOUND_OFF, _ALL_NOTES_OFF = 120, 123
_DATA, _DATA_FINE, _NRPN_FINE, _NRPN, _RPN_FINE, _RPN = 6, 38, 98, 99, 100, 101


@dataclass(frozen=True, slots=True)
class Control:
    """A control that a hand touched. kind: "cc" or "note"; channel: 1 to 16; number: 0 to 127; port: the name
    of its port."""

    kind: str
    channel: int
    number: int
    port: str = ""

    @property
    def address(self) -> str:
        """Where its value is in the mailbox."""
        return f"/midi/{self.kind}/{self.channel}/{self.number}"

    @property
    def binding(self) -> str:
        """As a patch writes it: `knob(0, 1, midi="1/74")`."""
        return f"{self.channel}/{self.number}"


@dataclass(slots=True)
class _Channel:
    """What has to be remembered of one channel of one port."""

    last: tuple[int, float] = (-1, 0.0)  # the last coarse controller and when
    coarse: dict[int, int] = field(default_factory=dict)
    pairs: dict[int, int] = field(default_factory=dict)
    parameter: int | None = None  # the NRPN that data entry goes to
    parameter_halves: list[int] = field(default_factory=lambda: [0, 0])
    notes: set[int] = field(default_factory=set)


class MidiState:
    """Takes messages (mido's), writes the mailbox. Channels count from 1 here, as on the controllers.

    | message | value | hit |
    |---|---|---|
    | note | `/midi/note/CHANNEL/NUMBER`: velocity 0 to 1, 0 when released | when struck, with the velocity |
    | controller | `/midi/cc/CHANNEL/NUMBER`: 0 to 1 | – |
    | NRPN | `/midi/nrpn/CHANNEL/NUMBER`: 0 to 1 | – |
    | pitch bend | `/midi/bend/CHANNEL`: −1 to 1 | – |
    | pressure | `/midi/pressure/CHANNEL`, of one key `/midi/pressure/CHANNEL/NUMBER`: 0 to 1 | – |
    | program | `/midi/program/CHANNEL`: 0 to 127 | each |
    | clock | `/midi/clock/bpm`, `/midi/clock/beat`, `/midi/clock/running` | `/midi/clock/beat` on each beat |
    | start, continue, stop | `/midi/clock/running`: 1 or 0 | `/midi/start`, `/midi/continue`, `/midi/stop` |

    14-bit controllers (n with n + 32) are recognised by their two halves coming together, three times in a row;
    a button that merely has a number from 32 to 63 stays a button. From then on n has the full resolution.

    Soft take-over: after `place` (a knob was moved on screen, a snapshot was recalled), the control does nothing
    until it comes by the value that was placed, so that no value jumps under a hand.

    listener: is told (address, value) of every value that a hand moved. May be used from several threads.
    """

    def __init__(self, outside: Mailbox, listener: Callable[[str, float], None] | None = None) -> None:
        self.outside = outside
        self.listener = listener
        self.clock = MidiClock()
        self.received = 0
        self._clock_port: tuple[str, float] | None = None
        self._channels: dict[tuple[str, int], _Channel] = {}
        self._stands: dict[str, float] = {}  # where the hardware stands
        self._held: dict[str, float] = {}  # placed, and not yet taken over
        self._shown: dict[str, int] = {}  # what the controller's lights or motors show
        self._sent: dict[str, deque[int]] = {}  # what was sent to them, and may come back
        self._learning: Callable[[Control], None] | None = None
        self._spans: dict[Control, tuple[int, int]] = {}
        self._lock = threading.RLock()

    def beat(self, now: float) -> Beat | None:
        """Where the clock's beat is at `now`, of the same clock as the messages' times."""
        with self._lock:
            return self.clock.beat_at(now)

    # Messages

    def feed(self, message: Any, t: float, port: str = "") -> None:
        """A message (mido's) came in at `t` (seconds of a clock that does not jump) from a port."""
        with self._lock:
            self.received += 1
            handler = _HANDLERS.get(message.type)
            if handler is not None:
                handler(self, message, t, port)

    def unplugged(self, port: str) -> None:
        """A port is gone: let its notes go, or they would sound for ever."""
        with self._lock:
            for (name, number), channel in self._channels.items():
                if name == port:
                    self._silence(number, channel)
            if self._clock_port is not None and self._clock_port[0] == port:
                self._clock_port = None

    def _channel(self, message: Any, port: str) -> tuple[int, _Channel]:
        number = message.channel + 1
        return number, self._channels.setdefault((port, number), _Channel())

    def _note(self, message: Any, t: float, port: str) -> None:
        number, channel = self._channel(message, port)
        control = Control("note", number, message.note, port)
        velocity = message.velocity if message.type == "note_on" else 0
        if velocity:
            channel.notes.add(message.note)
            self._put(control.address, velocity / 127)
            self.outside.hit(control.address, velocity / 127)
            self._learned(control)
        else:
            channel.notes.discard(message.note)
            self._put(control.address, 0.0)

    def _silence(self, number: int, channel: _Channel) -> None:
        for note in channel.notes:
            self._put(f"/midi/note/{number}/{note}", 0.0)
        channel.notes.clear()

    def _control_change(self, message: Any, t: float, port: str) -> None:
        number, channel = self._channel(message, port)
        control, value = message.control, message.value
        if control in (_ALL_SOUND_OFF, _ALL_NOTES_OFF):
            self._silence(number, channel)
        if control >= _MODE_MESSAGES:
            return
        coarse = control - 32
        together = channel.last[0] == coarse and 0 <= t - channel.last[1] <= _PAIR_SECONDS
        channel.last = (control, t)
        self._parameter(number, channel, control, value)
        if not together:
            self._touched(Control("cc", number, control, port), value)
        if control < 32 and channel.pairs.get(control, 0) >= _PAIRS_TO_BELIEVE:
            before = channel.coarse.get(control, value)
            channel.coarse[control] = value
            if value != before:  # the near end of the new step, until its other half comes
                self._move(Control("cc", number, control), value << 7 | (0 if value > before else 127), 16383)
            return
        channel.coarse[control] = value
        self._move(Control("cc", number, control), value, 127)
        if 32 <= control < 64 and coarse in channel.coarse:
            pairs = channel.pairs.get(coarse, 0)
            if pairs < _PAIRS_TO_BELIEVE:
                pairs = channel.pairs[coarse] = pairs + 1 if together else 0
            if pairs >= _PAIRS_TO_BELIEVE:
                self._move(Control("cc", number, coarse), channel.coarse[coarse] << 7 | value, 16383)

    def _parameter(self, number: int, channel: _Channel, control: int, value: int) -> None:
        """NRPN: 99 and 98 choose a parameter, 6 and 38 give its value; 101 and 100 choose one of the other kind."""
        if control in (_NRPN, _NRPN_FINE):
            self._halve(channel, control == _NRPN_FINE, value)
        elif control in (_RPN, _RPN_FINE):
            channel.parameter = None
        elif channel.parameter is not None and control in (_DATA, _DATA_FINE):
            address = f"/midi/nrpn/{number}/{channel.parameter}"
            if control == _DATA:
                self._put(address, value / 127)
            else:
                self._put(address, (channel.coarse.get(_DATA, 0) << 7 | value) / 16383)

    @staticmethod
    def _halve(channel: _Channel, fine: bool, value: int) -> None:
        channel.parameter_halves[fine] = value
        coarse, low = channel.parameter_halves
        channel.parameter = coarse << 7 | low
        if channel.parameter == 16383:  # "no parameter"
            channel.parameter = None

    def _bend(self, message: Any, t: float, port: str) -> None:
        self._put(f"/midi/bend/{message.channel + 1}", message.pitch / (8191 if message.pitch > 0 else 8192))

    def _pressure(self, message: Any, t: float, port: str) -> None:
        key = f"/{message.note}" if message.type == "polytouch" else ""
        self._put(f"/midi/pressure/{message.channel + 1}{key}", message.value / 127)

    def _program(self, message: Any, t: float, port: str) -> None:
        address = f"/midi/program/{message.channel + 1}"
        self._put(address, message.program)
        self.outside.hit(address, message.program)

    # The clock

    def _transport(self, message: Any, t: float, port: str) -> None:
        # Of several clocks the first is followed, until it has been silent for a while.
        if self._clock_port is not None:
            followed, heard = self._clock_port
            if followed != port and 0 <= t - heard < _CLOCK_SILENCE_SECONDS:
                return
        self._clock_port = (port, t)
        if message.type == "clock":
            if self.clock.tick(t):
                self.outside.hit("/midi/clock/beat")
            self.outside.set("/midi/clock/beat", self.clock.beat)
            if self.clock.bpm is not None:
                self.outside.set("/midi/clock/bpm", self.clock.bpm)
            return
        if message.type == "songpos":
            self.clock.move(message.pos)
            return
        {"start": self.clock.start, "continue": self.clock.resume, "stop": self.clock.stop}[message.type]()
        self.outside.set("/midi/clock/running", int(bool(self.clock.running)))
        self.outside.hit(f"/midi/{message.type}")

    # Hands

    def _move(self, control: Control, value: int, most: int) -> None:
        """A controller moved: its value, unless another one was placed that it has not come by yet."""
        address, now = control.address, value / most
        before = self._stands.get(address)
        self._stands[address] = now
        step = self._shown[address] = round(now * 127)
        sent = self._sent.get(address)
        if sent and step in sent:  # a motor that reports where it was sent to: no hand did that
            while sent.popleft() != step:
                pass
            return
        if sent:  # a hand is at it: what comes now is its own
            sent.clear()
        held = self._held.get(address)
        if held is not None:
            passed = before is not None and min(before, now) <= held <= max(before, now)
            if not passed and abs(now - held) > _NEAR:
                return
            del self._held[address]
        self._put(address, now)

    def _put(self, address: str, value: float) -> None:
        self.outside.set(address, value)
        if self.listener is not None:
            self.listener(address, value)

    def place(self, address: str, value: float) -> None:
        """A controller's value was changed elsewhere. value: 0 to 1. Its hardware takes over when it comes by."""
        with self._lock:
            self.outside.set(address, value)
            self.hold(address, value)

    def hold(self, address: str, value: float) -> None:
        """As `place`, for a controller of a knob: what the knob is turned to is not the mailbox's business."""
        with self._lock:
            stands = self._stands.get(address)
            if stands is not None and abs(stands - value) <= _NEAR:
                self._held.pop(address, None)
            else:
                self._held[address] = value

    def let_go(self, address: str) -> None:
        """The controller has what it turns: nothing has to be come by."""
        with self._lock:
            self._held.pop(address, None)

    def learn(self, done: Callable[[Control], None] | None) -> None:
        """Call `done` with the next control that somebody touches; None: no longer.

        A pad counts when it is struck, a knob when it has moved by three steps: a worn fader that trembles does not.
        """
        with self._lock:
            self._learning = done
            self._spans.clear()

    def _touched(self, control: Control, value: int) -> None:
        if self._learning is None or control.number in (_DATA, _DATA_FINE, _NRPN, _NRPN_FINE, _RPN, _RPN_FINE):
            return
        at = round(self._stands.get(control.address, 0.0) * 127)
        known = control.address in self._stands
        low, high = self._spans.get(control, (at, at) if known else (value, value))
        low, high = min(low, value), max(high, value)
        self._spans[control] = (low, high)
        if high - low >= 3 or (value == 127 and not known):  # a button that was never pressed before
            self._learned(control)

    def _learned(self, control: Control) -> None:
        done, self._learning = self._learning, None
        if done is not None:
            self._spans.clear()
            done(control)

    def feedback(self, values: Mapping[str, float]) -> list[Message]:
        """What to send to a controller with lights or motors so that it shows these values (0 to 1).

        values: by mailbox address (`/midi/cc/1/74`, `/midi/note/1/60`); others are passed over. Only what differs
        from what the controller shows already: a fader under a hand is not sent its own position.
        """
        from mido import Message

        messages = []
        with self._lock:
            for address, value in values.items():
                parts = address.split("/")
                if len(parts) != 5 or parts[1] != "midi" or parts[2] not in ("cc", "note"):
                    continue
                step = round(min(max(value, 0.0), 1.0) * 127)
                if self._shown.get(address) == step:
                    continue
                self._shown[address] = step
                self._sent.setdefault(address, deque(maxlen=MOST_ECHOES)).append(step)
                channel, number = int(parts[3]) - 1, int(parts[4])
                if parts[2] == "cc":
                    messages.append(Message("control_change", channel=channel, control=number, value=step))
                else:
                    messages.append(Message("note_on", channel=channel, note=number, velocity=step))
        return messages

    def forget_shown(self) -> None:
        """A controller was plugged in: it shows nothing yet, so `feedback` says everything again."""
        with self._lock:
            self._shown.clear()
            self._sent.clear()


_HANDLERS: dict[str, Callable[[MidiState, Any, float, str], None]] = {
    "note_on": MidiState._note,
    "note_off": MidiState._note,
    "control_change": MidiState._control_change,
    "pitchwheel": MidiState._bend,
    "aftertouch": MidiState._pressure,
    "polytouch": MidiState._pressure,
    "program_change": MidiState._program,
    "clock": MidiState._transport,
    "songpos": MidiState._transport,
    "start": MidiState._transport,
    "continue": MidiState._transport,
    "stop": MidiState._transport,
}
