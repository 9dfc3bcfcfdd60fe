"""OSC in: packets from UDP into the mailbox and onto parameters, each at its time."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from ganzfeld.errors import GanzfeldError, SignalError, reason_of
from ganzfeld.repeated_log import RepeatedLog
from ganzfeld.signals.background import Background
from ganzfeld.signals.mailbox import Mailbox
from ganzfeld.signals.osc_packets import LARGEST_PACKET, Message, Unread, parse
from ganzfeld.signals.osc_patterns import PatternError, is_exact, is_pattern, matching
from ganzfeld.values.arrivals import is_plain
from ganzfeld.values.outside import RESERVED

log = logging.getLogger(__name__)
said = RepeatedLog(log)

TurnParameter = Callable[[str, Any], bool]
"""Takes an address and a value. True: it is a parameter's, and the value was passed on. May raise GanzfeldError."""

MOST_AHEAD_SECONDS = 60.0
"""A time tag further ahead comes from a clock that is set wrong; waiting for it would stop the show."""
MOST_WAITING = 4096
"""Messages that may wait for their time."""


class OscInput:
    """What is done with packets, without the network: `feed` and `release` are told the time.

    An address that `turn` takes is a parameter's; every other one becomes a value of the mailbox: one argument as it
    is, several as a list. Where the mailbox counts hits, each message is a hit at its address, too; its arguments that
    are pairs of names and values (SuperDirt's `/dirt/play`) can be told apart by name. Elsewhere it is the value alone,
    so that a fader that sends a thousand times a second leaves one message. A message without arguments, or with None
    (OSC's N), is a hit and no value. A message with raw bytes or a number that is not finite is only a hit, too: no
    parameter and no expression could take it (see `values.arrivals`).

    An address that is a pattern (`/face/*`, see `osc_patterns`) is meant for every address that `known` gives and it
    stands for; one that stands for none is dropped. An address with brackets that stands for none is taken as it is.

    TouchDesigner's OSC Out CHOP sends a channel as `/name value`, several samples of a time slice as several
    arguments: a parameter that takes no list gets the last. It may stamp bundles in local time: those from
    the past are late, those from hours ahead count as `astray`, and both are played at once.

    received: messages. dropped: those that could not be read, packets that were not OSC at all, and messages beyond
    `MOST_WAITING`; `last_dropped` is the last one. refused: values that their parameter would not take; `problem` is
    the last one. listener: is told every message as it is played; `drops`: every one that could not be read.
    """

    def __init__(
        self,
        outside: Mailbox,
        turn: TurnParameter | None = None,
        listener: Callable[[Message], None] | None = None,
        drops: Callable[[Unread], None] | None = None,
        known: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self.outside = outside
        self.turn = turn
        self.known = known
        self.listener = listener
        self.drops = drops
        self.received = self.dropped = self.refused = self.astray = 0
        self.last_dropped: Unread | None = None
        self.problem: GanzfeldError | None = None
        self._waiting: list[tuple[float, int, Message]] = []
        self._order = itertools.count()

    def feed(self, packet: bytes, now: float, wall: float) -> None:
        """A packet came in. now: seconds of a clock that never jumps; wall: seconds since 1970, as time tags are."""
        read = parse(packet)
        for unread in read.unread:
            self._drop(unread)
        for message in read.messages:
            self.received += 1
            ahead = 0.0 if message.time is None else message.time - wall
            if ahead > MOST_AHEAD_SECONDS:
                self.astray += 1
                ahead = 0.0
            if ahead <= 0:
                self._play(message)
            elif len(self._waiting) < MOST_WAITING:
                heapq.heappush(self._waiting, (now + ahead, next(self._order), message))
            else:
                self._drop(Unread(message.address, f"more than {MOST_WAITING} messages wait for their time"))

    def _drop(self, unread: Unread) -> None:
        self.dropped += 1
        self.last_dropped = unread
        if self.drops is not None:
            self.drops(unread)

    def release(self, now: float) -> float | None:
        """Play what is due. Returns the seconds until the next message is; None if none waits."""
        while self._waiting and self._waiting[0][0] <= now:
            self._play(heapq.heappop(self._waiting)[2])
        return self._waiting[0][0] - now if self._waiting else None

    def _play(self, message: Message) -> None:
        """A mailbox or a listener that fails costs this message, and none beside it."""
        try:
            self._pass_on(message)
        except GanzfeldError as error:
            self.refused += 1
            self.problem = error
        except Exception:
            said.exception("a message of OSC failed")

    def _pass_on(self, message: Message) -> None:
        for address in self._meant(message.address):
            self._pass_on_to(address, message.arguments)
        if self.listener is not None:
            self.listener(message)

    def _meant(self, address: str) -> Sequence[str]:
        """The addresses that it stands for."""
        if not is_pattern(address):
            return (address,)
        known = self.known()
        if address in known:
            return (address,)
        try:
            found = matching(address, known)
            reason = "a pattern that no address here fits"
        except PatternError as error:
            found, reason = [], str(error)
        if not found:
            if is_exact(address):
                return (address,)
            self._drop(Unread(address, reason))
        return found

    def _pass_on_to(self, address: str, arguments: tuple[Any, ...]) -> None:
        value = arguments[0] if len(arguments) == 1 else list(arguments) or None
        plain = value is not None and is_plain(value)
        if plain and not self._turned(address, value):
            if not address.startswith(RESERVED) or isinstance(value, int | float):
                self.outside.set(address, value)
            else:
                self.refused += 1
        if not plain or self.outside.counts_hits(address):
            self.outside.hit(address, *arguments, **_pairs(arguments))

    def _turned(self, address: str, value: Any) -> bool:
        if self.turn is None:
            return False
        try:
            try:
                return self.turn(address, value)
            except GanzfeldError:
                if not isinstance(value, list):
                    raise
                return self.turn(address, value[-1])
        except GanzfeldError as error:
            self.refused += 1
            self.problem = error
        except Exception as error:
            self.refused += 1
            said.exception(f"turning {address} failed")
            self.problem = SignalError(f"Turning {address} failed: {type(error).__name__}: {error}")
        return True


def _pairs(arguments: tuple[Any, ...]) -> dict[str, Any]:
    names = arguments[::2]
    if len(arguments) % 2 or not all(isinstance(name, str) for name in names):
        return {}
    # `hit` has parameters of its own; who asks for these two finds them among the arguments.
    return {name: value for name, value in zip(names, arguments[1::2]) if name not in ("self", "address")}


class OscReceiver(OscInput, Background):
    """Listens at a UDP port, in its own thread, from `start` to `stop`.

    port: 0 takes a free one; `port` then tells which. host: an address of this machine; the loopback can be reached
    by this machine only, "0.0.0.0" by everybody in the network. Raises SignalError if the port is taken.

    own: ports of this machine that the show itself sends from. What comes from there is not heard, and `problem` says
    so: every value that the show tells would be taken as a hand's, and hold what moves.
    """

    def __init__(
        self,
        outside: Mailbox,
        *,
        port: int,
        host: str = "127.0.0.1",
        turn: TurnParameter | None = None,
        listener: Callable[[Message], None] | None = None,
        drops: Callable[[Unread], None] | None = None,
        known: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        OscInput.__init__(self, outside, turn, listener, drops, known)
        Background.__init__(self, "osc in")
        self.host = host
        self.port = port
        self.own: frozenset[int] = frozenset()
        self._socket: socket.socket | None = None

    def _begin(self) -> None:
        self._socket = _open(self.host, self.port)
        self.port = self._socket.getsockname()[1]

    def _end(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        # What still waits for its time is forgotten.
        self._waiting.clear()

    def _run(self) -> None:
        receiving = self._socket
        assert receiving is not None
        patience = 0.1  # how long `stop` may take
        while not self._stopping.is_set():
            wait = self._safely(self.release, time.monotonic())
            receiving.settimeout(patience if wait is None else min(max(wait, 1e-4), patience))
            try:
                packet, sender = receiving.recvfrom(LARGEST_PACKET)
            except TimeoutError:
                continue
            except OSError as error:
                # Windows reports here that an answer of ours found nobody; nothing is wrong with this port.
                log.debug("receiving OSC: %s", error)
                self._stopping.wait(0.01)
                continue
            if sender[1] in self.own and _is_here(sender[0]):
                hint = "Give --osc-out another program's port; the show's own values are not heard"
                self.problem = SignalError(f"OSC is sent to this show itself, at port {self.port}", hint=hint)
                continue
            self._safely(self.feed, packet, time.monotonic(), time.time())

    def _safely(self, do: Callable[..., Any], *arguments: Any) -> Any:
        """A mailbox that fails must not end the listening."""
        try:
            return do(*arguments)
        except Exception:
            said.exception("a message of OSC failed")


def _is_here(host: str) -> bool:
    """Whether an address is one of this machine's."""
    if host in ("127.0.0.1", "::1"):
        return True
    import psutil

    return any(known.address.partition("%")[0] == host for each in psutil.net_if_addrs().values() for known in each)


def _open(host: str, port: int) -> socket.socket:
    try:
        if not 0 <= port <= 65535:  # getaddrinfo would take it modulo 65536
            raise OSError("ports are 0 to 65535")
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        opened = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SignalError(
            f"OSC cannot listen at {host}, port {port}: {error}",
            hint="Give an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them",
        ) from None
    try:
        with contextlib.suppress(OSError):
            # Room for a burst, so that no hit is lost while another program keeps the processor busy.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        opened.bind(address)
    except OSError as error:
        opened.close()
        raise SignalError(
            f"OSC cannot listen at {host}, port {port}: {reason_of(error)}",
            hint="Another program may have the port; choose another",
        ) from None
    return opened
