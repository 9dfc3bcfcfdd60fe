"""MIDI ports: found, opened and let go while the show runs."""

from __future__ import annotations

import fnmatch
import logging
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, Self

from ganzfeld.errors import SignalError, reason_of
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.signals.background import DriverThread
from ganzfeld.signals.midi_state import MidiState

log = logging.getLogger(__name__)
said = RepeatedLog(log)

BACKEND = "ganzfeld.signals.midi_rtmidi2"
FIRST_LOOK_SECONDS = 2.0
"""So long `start` waits for the ports to be open. A driver may take longer, or for ever."""


class NoMidiError(SignalError):
    """This machine has no MIDI at all."""


def backend(name: str = BACKEND) -> Any:
    """A mido backend by its module's name. Raises SignalError with what to install if it cannot be had."""
    try:
        import mido

        found = mido.Backend(name, use_environ=False)
        found.load()
    except ImportError as error:
        hint = 'In the folder of Ganzfeld: pip install -c constraints.txt ".[midi]"'
        raise SignalError(f"MIDI needs a package that is not here: {error.name}", hint=hint) from None
    return found


def message_of(data: bytes | list[int]) -> Any:
    """A message (mido's) of a port's bytes; None for bytes that are none, whatever they are. Needs mido."""
    from mido import Message

    try:
        return Message.from_bytes(data)
    except (ValueError, TypeError, LookupError):
        return None


def port_names(backend: Any) -> tuple[list[str], list[str]]:
    """Names of the inputs and outputs that are plugged in. Raises NoMidiError if the system has no MIDI, SignalError
    for what else goes wrong in its drivers (a device whose name is no text)."""
    try:
        devices = backend.module.get_devices()
    except OSError as error:
        raise NoMidiError(
            f"This machine has no MIDI: {str(error).rstrip('.')}",
            hint="On Linux it needs the sequencer of ALSA: sudo modprobe snd-seq",
        ) from None
    except Exception as error:
        what = f"The MIDI devices cannot be listed: {reason_of(error)}"
        raise SignalError(
            what, hint="Those that are listened to already go on; pull out what was plugged in last"
        ) from None
    return (
        [device["name"] for device in devices if device["is_input"]],
        [device["name"] for device in devices if device["is_output"]],
    )


class MidiPorts(DriverThread):
    """Keeps every chosen port open, from `start` to `stop`: a controller may be plugged in and pulled out at any time.

    choose: names of inputs, or patterns of them ("nano*"); small and capital letters are the same. feedback: of
    outputs, that `show` sends to; none by default, for some synthesisers play what a light would show. The system's
    own through ports are passed over unless named exactly. poll: seconds between looks.

    problem: why there is no MIDI, or None. Nothing here raises but `backend`, when the packages are missing.
    """

    def __init__(
        self,
        state: MidiState,
        *,
        choose: Iterable[str] = ("*",),
        feedback: Iterable[str] = (),
        poll: float = 1.0,
        backend: Any = None,
    ) -> None:
        super().__init__("midi ports")
        self.state = state
        self.choose = tuple(choose)
        self.feedback = tuple(feedback)
        self.poll = poll
        self._backend = backend if backend is not None else globals()["backend"]()
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, Any] = {}
        self._lock = threading.Lock()  # never held while a driver opens or closes something
        self._looked = threading.Event()

    def start(self) -> Self:
        """Begin to look after the ports, unless it has begun; those that are there now are open soon."""
        super().start()
        self._looked.wait(FIRST_LOOK_SECONDS)
        return self

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs that are open."""
        return sorted(self._inputs.copy())  # copied in one step, whoever changes it

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs that are open."""
        return sorted(self._outputs.copy())

    def _end(self) -> None:
        self._close_all()

    def _close_all(self) -> None:
        for opened in (self._inputs, self._outputs):
            for name in list(opened):
                self._close(opened, name)

    def look(self) -> None:
        """See which ports there are: open new ones, let go of those that are gone. One thread looks at a time."""
        try:
            with self._driver_of("MIDI"):
                inputs, outputs = port_names(self._backend)
            self.problem = None
        except NoMidiError as error:
            self.problem = error
            inputs, outputs = [], []
        except SignalError as error:
            self.problem = error
            return
        self._follow(self._inputs, [name for name in inputs if _chosen(name, self.choose)], self._open_input)
        new = self._follow(
            self._outputs, [name for name in outputs if _chosen(name, self.feedback)], self._backend.open_output
        )
        if new:
            self.state.forget_shown()

    def show(self, values: Mapping[str, float]) -> None:
        """Send values (0 to 1, by address such as `/midi/cc/1/74`) to the controllers that were chosen for feedback.

        Meant to be called every frame: while a port is being opened it does nothing, and the next call says it all.
        """
        if not self._lock.acquire(blocking=False):
            return
        lost: list[str] = []
        try:
            if not self._outputs:
                return
            messages = self.state.feedback(values)
            for name, port in list(self._outputs.items()):
                try:
                    for message in messages:
                        port.send(message)
                except Exception as error:
                    log.info("MIDI to %s: %s", name, error)
                    lost.append(name)
        finally:
            self._lock.release()
        for name in lost:
            self._close(self._outputs, name)

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except Exception:
                said.exception("looking for MIDI ports failed")
            self._looked.set()
            if self._stopping.wait(self.poll):
                break
        self._close_all()  # here, where a driver that does not return holds up nobody

    def _open_input(self, name: str) -> Any:
        def receive(message: Any) -> None:
            try:
                self.state.feed(message, time.perf_counter(), name)
            except Exception:
                said.exception("a MIDI message failed")

        return self._backend.open_input(name, callback=receive)

    def _follow(self, opened: dict[str, Any], names: list[str], open_one: Any) -> list[str]:
        """Make the open ports those of `names`; returns the new ones. A port that is busy is tried again next time."""
        for name in [name for name in opened if name not in names]:
            self._close(opened, name)
            self.state.unplugged(name)
        new = []
        for name in names:
            if name in opened:
                continue
            try:
                with self._driver_of(f"the MIDI port '{name:.60}'"):
                    port = open_one(name)
                with self._lock:
                    opened[name] = port
                new.append(name)
            except Exception as error:  # drivers have many of their own; a port costs the others nothing
                self.problem = SignalError(
                    f"The MIDI port '{name}' cannot be opened: {reason_of(error)}", hint="Another program may hold it"
                )
        return new

    def _close(self, opened: dict[str, Any], name: str) -> None:
        with self._lock:
            port = opened.pop(name, None)
        if port is None:
            return
        try:
            with self._driver_of(f"the MIDI port '{name:.60}'"):
                port.close()
        except Exception as error:  # drivers of a device that is gone complain in many ways
            log.debug("closing the MIDI port %s: %s", name, error)


def _chosen(name: str, patterns: Iterable[str]) -> bool:
    through = "midi through" in name.lower()  # Linux's loop back to itself
    return any(
        name == pattern or (not through and fnmatch.fnmatchcase(name.lower(), pattern.lower())) for pattern in patterns
    )
