"""Facts that a network's file cannot say, stated once by a person and remembered beside it.

A state dict holds tensors and nothing else: at which value its layers clamp, say, nobody can read off it. The official
values are taken then, and told. Whoever knows better states so, and NAME.ganzfeld.json beside the file keeps it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ganzfeld.errors import NetworkFileError, nearest
from ganzfeld.networks.files.native import unwritable, written_whole

MAX_SIZE = 65_536
SUFFIX = ".ganzfeld.json"
FORGET = object()
"""Instead of a value: what was stated before is forgotten."""


def _number(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: type(value) in (int, float) and math.isfinite(value) and least <= value <= most


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _taps(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 1 <= len(value) <= 32
        and all(map(_number(-1000, 1000), value))
        and abs(math.fsum(value)) > 1e-6
    )


FACTS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "conv_clamp": ("a number, or none", lambda value: value is None or _number(1e-3, 1e9)(value)),
    "mapping_lr_multiplier": ("a number, as 0.01", _number(1e-6, 1e3)),
    "resample_filter": ("numbers, as 1,3,3,1", _taps),
    "output_scale": ("a number, as 0.25", _number(-1e3, 1e3)),
    "margin_size": ("a whole number, as 10", _whole(0, 256)),
    "num_critical": ("a whole number, as 2", _whole(0, 50)),
    "first_cutoff": ("a number, as 2", _number(1e-3, 1e4)),
    "first_stopband": ("a number, as 4.287", _number(1e-3, 1e4)),
    "last_stopband_rel": ("a number, as 1.231", _number(1e-3, 1e3)),
}
"""Name -> what it is, in words, and whether a value is one."""
DESIGN = ("margin_size", "num_critical", "first_cutoff", "first_stopband", "last_stopband_rel")
"""Those of them that say how a StyleGAN3 was designed, which only its state dict leaves open."""


def beside(path: Path) -> Path:
    """Where the facts of the file at `path` are remembered."""
    return path.with_name(path.name + SUFFIX)


def read(path: Path) -> dict[str, Any]:
    """The facts stated beside the network file at `path`; none where nobody stated any. Raises NetworkFileError."""
    place = beside(path)
    try:
        with place.open("rb") as file:
            text = file.read(MAX_SIZE + 1)
    except (OSError, ValueError):
        return {}
    facts = None
    if len(text) <= MAX_SIZE:
        with suppress(ValueError, RecursionError):
            facts = json.loads(text)
    if not isinstance(facts, dict):
        raise NetworkFileError(
            f"the facts stated in {place.name} beside it are not the JSON that they should be",
            hint="Delete that file, and state them again with 'ganzfeld inspect FILE --set NAME=VALUE'.",
        )
    return {name: checked(name, value) for name, value in facts.items()}


def write(path: Path, facts: Mapping[str, Any]) -> None:
    """Remember these facts, and no others, beside the network file at `path`. Raises NetworkFileError."""
    place = beside(path)
    if facts:
        with written_whole(place) as file:
            file.write(json.dumps(dict(facts), indent=2).encode() + b"\n")
        return
    try:
        place.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(place, error) from None


def checked(name: str, value: Any) -> Any:
    """The value of a fact. Raises NetworkFileError for a fact that does not exist, or another kind of value."""
    if name not in FACTS:
        raise NetworkFileError(f"there is no fact '{name[:40]}' to state about a network", hint=nearest(name, FACTS))
    words, right = FACTS[name]
    if not right(value):
        raise NetworkFileError(f"{_shown(value)} cannot be the '{name}' of a network", hint=f"It is {words}.")
    return value


def parsed(text: str) -> tuple[str, Any]:
    """(name, value) from words on a command line: conv_clamp=256, conv_clamp=none, resample_filter=1,2,1; conv_clamp=
    is `FORGET`. Raises NetworkFileError."""
    name, equals, word = text.partition("=")
    name, word = name.strip(), word.strip()
    if not equals:
        raise NetworkFileError(f"{_shown(text)} states nothing", hint="Write NAME=VALUE, as conv_clamp=256.")
    if not word and name in FACTS:
        return name, FORGET
    if word.lower() == "none":
        return name, checked(name, None)
    try:
        numbers = [int(part) if part.strip().lstrip("+-").isdecimal() else float(part) for part in word.split(",")]
    except ValueError:
        return name, checked(name, word)
    return name, checked(name, numbers if name == "resample_filter" or len(numbers) > 1 else numbers[0])


def digest(facts: Mapping[str, Any]) -> str:
    """A short word that is another one for other facts; "" for none."""
    if not facts:
        return ""
    return hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode()).hexdigest()[:16]


def refuse_useless(facts: Mapping[str, Any], useful: Iterable[str]) -> None:
    """Raise NetworkFileError for a stated fact that the network has no use for: it would be ignored without a word."""
    useful = list(useful)
    for name in facts:
        if name not in useful:
            raise NetworkFileError(
                f"'{name}' was stated beside the file, and this network has no such thing, or the file says it",
                hint=f"Take it back: ganzfeld inspect FILE --set {name}= (of use here: {', '.join(useful)})",
            )


def _shown(value: Any) -> str:
    text = str(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= 40 else text[:37] + "…"
