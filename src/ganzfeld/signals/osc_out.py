"""OSC out: values and the frame clock, to TouchDesigner, Max, a tablet or another Ganzfeld."""

from __future__ import annotations

import contextlib
import math
import socket
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ganzfeld.errors import SignalError, reason_of
from ganzfeld.signals.osc_packets import PacketError, bundle, encode
from ganzfeld.values.choosing import Chosen
from ganzfeld.values.time import Moment

LARGEST_BUNDLE = 1400
"""Bytes: what passes every network in one piece."""
REFRESH_SECONDS = 1.0
_MOST_REMEMBERED = 16384


class OscSender:
    """Sends chosen values after each frame, as bundles of `/address value`.

    choose: addresses, patterns, or what stands above (see `values.choosing.Chosen`); "/clock" is the frame clock:
    `/clock/frame`, `t`, `beat`, `bar` and `bpm`. rate: at most so many times a second.
    only_changes: what has not changed is sent again only once a second, for whoever came late or lost a packet;
    otherwise everything is sent each time.

    Everything is sent once at the start, zeros too: in TouchDesigner a channel that was never sent does not exist.
    Numbers go as TouchDesigner's OSC In CHOP takes them: floats with 32 bits, True and False as 1 and 0, a list as
    several arguments. Never waits and never raises while sending; `failed` counts packets the system would not take.
    Raises SignalError if there is no such host.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        choose: Iterable[str] = ("*",),
        rate: float = 60.0,
        only_changes: bool = True,
    ) -> None:
        self.chosen = Chosen(choose)
        self.rate = rate
        self.only_changes = only_changes
        self.sent = self.failed = 0
        self._last: dict[str, Any] = {}
        self._sent_at = self._refreshed_at = -math.inf
        try:
            if not 0 < port <= 65535:  # getaddrinfo would take it modulo 65536
                raise OSError("ports are 1 to 65535")
            family, kind, protocol, _, self._to = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 0))
        except OSError as error:
            raise SignalError(
                f"OSC cannot be sent to {host}, port {port}: {reason_of(error)}",
                hint="Give an address such as 192.168.1.20",
            ) from None
        self._socket.setblocking(False)

    @property
    def port(self) -> int:
        """The one that packets come from."""
        return self._socket.getsockname()[1]

    def frame(self, moment: Moment, values: Mapping[str, Any], now: float | None = None) -> None:
        """A frame was made: send what is due. values: address → value. now: seconds (default: `time.monotonic`)."""
        now = time.monotonic() if now is None else now
        # Half a millisecond of tolerance: a frame that comes slightly early would otherwise be passed over, and halve
        # the rate.
        if now - self._sent_at < 1 / self.rate - 5e-4:
            return
        self._sent_at = now
        refresh = not self.only_changes or now - self._refreshed_at >= REFRESH_SECONDS
        if refresh:
            self._refreshed_at = now
        messages = []
        for address, value in {**_clock(moment), **values}.items():
            if address in self.chosen and (refresh or self._last.get(address, _NEVER) != value):
                if len(self._last) > _MOST_REMEMBERED:
                    self._last.clear()
                self._last[address] = value
                try:
                    messages.append(encode(address, *_arguments(value)))
                except PacketError:
                    continue  # nothing that OSC can say
        self._send_bundles(messages)

    def send(self, address: str, *arguments: Any) -> None:
        """One message, now. Raises PacketError for arguments that OSC has no type for."""
        self._put(encode(address, *arguments))

    def hit(self, address: str, *arguments: Any) -> None:
        """An event, now, if its address was chosen: with its arguments, or with a 1, for whoever wants a number."""
        if address in self.chosen:
            with contextlib.suppress(PacketError):
                self.send(address, *(arguments or (1,)))

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> OscSender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send_bundles(self, messages: list[bytes]) -> None:
        together: list[bytes] = []
        size = 16
        for message in messages:
            if together and size + 4 + len(message) > LARGEST_BUNDLE:
                self._put(bundle(together))
                together, size = [], 16
            together.append(message)
            size += 4 + len(message)
        if together:
            self._put(bundle(together))

    def _put(self, packet: bytes) -> None:
        try:
            self._socket.sendto(packet, self._to)
            self.sent += 1
        except OSError:  # nobody there, no network now, or its queue is full: the next frame says it anew
            self.failed += 1


_NEVER = object()


def _clock(moment: Moment) -> dict[str, float]:
    return {
        "/clock/frame": moment.frame,
        "/clock/t": moment.t,
        "/clock/beat": moment.beat,
        "/clock/bar": moment.bar,
        "/clock/bpm": moment.bpm,
    }


def _arguments(value: Any) -> list[Any]:
    items = value if isinstance(value, list | tuple) else [value]
    return [int(item) if isinstance(item, bool) else item for item in items]
