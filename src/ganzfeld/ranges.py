"""Lists of whole numbers as one types them: "0-15,33". Known to all rooms, as errors are."""

from __future__ import annotations

import re


def ranges(text: str, thing: str = "number", *, below_zero: bool = False) -> list[range]:
    """ "0-3,8" -> [range(0, 4), range(8, 9)]; "3-1" goes down. Commas or spaces separate, ".." stands for "-".

    thing: what the numbers count, for the sentence of the ValueError. below_zero: whether they may be negative, as in
    "-3..-1".
    """
    found = []
    for part in re.split(r"\s*,\s*|\s+", text.strip()):
        number = r"(-?\d{1,20})" if below_zero else r"(\d{1,12})"
        match = re.fullmatch(rf"{number}(?:(?:-|\.\.){number})?", part)
        if not match:
            raise ValueError(f"'{part}' is not a {thing} or a range such as \"0-15\"")
        first, last = int(match[1]), int(match[2] or match[1])
        step = 1 if last >= first else -1
        found.append(range(first, last + step, step))
    return found


def numbers(text: str, thing: str = "number", most: int = 100_000) -> tuple[int, ...]:
    """ "0-3,8" -> (0, 1, 2, 3, 8), `most` at most. Raises ValueError."""
    found = ranges(text, thing)
    if sum(map(len, found)) > most:
        raise ValueError(f"at most {most} {thing}s")
    return tuple(number for part in found for number in part)
