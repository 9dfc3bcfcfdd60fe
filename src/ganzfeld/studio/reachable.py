"""By which names and addresses other machines reach this one."""

from __future__ import annotations

import contextlib
import ipaddress
import socket

_ELSEWHERE = ("192.0.2.1", 9)
"""An address that nobody has (RFC 5737). Connecting a UDP socket to it sends nothing, but says which way leads out."""


def own_names() -> list[str]:
    """What this machine calls itself, as others may: "stage", "stage.local"."""
    name = socket.gethostname().lower().rstrip(".")
    if not name or not name.isascii() or any(each not in _IN_NAMES for each in name):
        return []
    first = name.partition(".")[0]
    return list(dict.fromkeys((name, first, f"{first}.local")))


_IN_NAMES = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")


def own_addresses() -> list[str]:
    """The addresses at which others in the network may find this machine, the likeliest first. Those of virtual
    networks (containers, tunnels) are among the last."""
    import psutil

    found: dict[str, None] = {}
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
        asks.connect(_ELSEWHERE)
        found[asks.getsockname()[0]] = None
    with contextlib.suppress(OSError):
        states = psutil.net_if_stats()
        for card, known in psutil.net_if_addrs().items():
            if card in states and not states[card].isup:
                continue
            found.update(dict.fromkeys(each.address for each in known if each.family == socket.AF_INET))
    return [each for each in found if _is_reachable(each)]


def all_own_names() -> list[str]:
    """Everything that a request may call this machine by: its name as the system has it, and each of its addresses, as
    they stand in a URL."""
    import psutil

    host = socket.gethostname()
    names = {host, host.split(".")[0] + ".local"}
    for known in psutil.net_if_addrs().values():
        for each in known:
            if each.family in (socket.AF_INET, socket.AF_INET6):
                names.add(bracketed(each.address.partition("%")[0]))
    return sorted(names)


def _is_reachable(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified or parsed.is_multicast)


def is_wildcard(host: str) -> bool:
    """Whether a host to listen at means every address of this machine."""
    return host in ("", "0.0.0.0", "::")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return False


def bracketed(host: str) -> str:
    """As it stands in an address."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
