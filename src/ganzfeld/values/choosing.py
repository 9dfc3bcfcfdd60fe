"""Which addresses are meant: exact ones, patterns of them, or everything under one."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

_MOST_REMEMBERED = 16384


class Chosen:
    """`address in Chosen(["/face/psi", "/audio/*", "/push"])`.

    In a pattern `*` stands for anything, slashes too, `?` for one character. An address without either also chooses
    everything under it: "/face" means /face and /face/psi, but not /faces.
    """

    def __init__(self, choose: Iterable[str]) -> None:
        self.choose = tuple(choose)
        self._patterns = [pattern for pattern in self.choose if "*" in pattern or "?" in pattern]
        self._plain = tuple(pattern.rstrip("/") for pattern in self.choose if pattern not in self._patterns)
        self._known: dict[str, bool] = {}

    def __contains__(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            if len(self._known) > _MOST_REMEMBERED:  # addresses of an outside that never repeats itself
                self._known.clear()
            known = self._known[address] = self._look(address)
        return known

    def _look(self, address: str) -> bool:
        return any(address == plain or address.startswith(f"{plain}/") for plain in self._plain) or any(
            fnmatch.fnmatchcase(address, pattern) for pattern in self._patterns
        )
