"""Address patterns of Open Sound Control 1.0, matched against the addresses that a show knows.

In each part of an address (between slashes): `?` is one character, `*` any number of them, `[a-z]` one of these,
`[!a-z]` one that is not among them, `{foo,bar}` one of these words. Patterns come from strangers, so what a pattern may
ask for is bounded, and matching takes time that grows with the length of an address and no faster: a star that others
follow takes as little as it can for good (an atomic group), which finds every match once the words in braces are
written out.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from ganzfeld.values.arrivals import LONGEST_ADDRESS, PATTERN_CHARACTERS

MOST_WORDS = 64
"""Addresses without braces that a pattern may stand for."""
MOST_MATCHES = 256
"""Addresses that one message may reach."""


class PatternError(ValueError):
    """What is no pattern, or one that asks for too much."""


def is_pattern(address: str) -> bool:
    """Whether it may be one. An address with brackets alone may also be meant as it is: other programs send such."""
    return "[" in address or any(character in address for character in PATTERN_CHARACTERS)


def is_exact(address: str) -> bool:
    """Whether it may be an address that is meant as it is."""
    return not any(character in address for character in PATTERN_CHARACTERS)


def matching(pattern: str, addresses: Iterable[str]) -> list[str]:
    """Those addresses that the pattern stands for, sorted, at most `MOST_MATCHES`. Raises PatternError."""
    compiled = _compiled(pattern)
    return sorted(address for address in addresses if compiled.fullmatch(address))[:MOST_MATCHES]


@functools.lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    if len(pattern) > LONGEST_ADDRESS:
        raise PatternError("a very long pattern")
    try:
        return re.compile("|".join(_written(without) for without in _without_braces(pattern)), re.DOTALL)
    except re.error:  # a range that runs backwards
        raise PatternError("brackets that mean nothing") from None


def _without_braces(pattern: str) -> list[str]:
    """The patterns that it stands for, one for each choice of words in braces."""
    done = [""]
    for number, piece in enumerate(re.split(r"\{([^{}/]*)\}", pattern)):
        if number % 2 == 0 and ("{" in piece or "}" in piece):
            raise PatternError("a brace without its other half")
        words = piece.split(",") if number % 2 else [piece]
        if len(done) * len(words) > MOST_WORDS:
            raise PatternError("a pattern of too many words")
        done = [one + word for one in done for word in words]
    return done


def _written(pattern: str) -> str:
    """As a regular expression."""
    return "/".join(_part(part) for part in pattern.split("/"))


def _part(part: str) -> str:
    pieces = re.sub(r"\*+", "*", part).split("*")
    first, *others = [_characters(piece) for piece in pieces]
    if not others:
        return first
    middle = "".join(f"(?>[^/]*?{piece})" for piece in others[:-1])
    return f"{first}{middle}[^/]*{others[-1]}"


def _characters(text: str) -> str:
    """What stands between stars. A bracket is closed in it: a star in brackets is refused with them."""
    written, at = [], 0
    while at < len(text):
        character = text[at]
        if character == "[":
            end = text.find("]", at + 2)
            if end < 0:
                raise PatternError("a bracket without its other half")
            inside = text[at + 1 : end]
            negative = inside.startswith("!")
            inside = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside[negative:])
            # Not set operators of a later Python: doubled characters of these are written once.
            written.append(f"(?![/])[{'^' * negative}{re.sub('--+', '-', inside)}]")
            at = end + 1
            continue
        written.append("[^/]" if character == "?" else re.escape(character))
        at += 1
    return "".join(written)
