"""Seeded changes of bytes, texts and trees."""

from __future__ import annotations

import random
import re
from typing import Any

PIECES = (b"\xff" * 4, b"\x00\x00\x00\x80", b"\xff", b"\x00", b"\x7f", b"\xff" * 8, b"\x80", b"\xc1", b"\xed\xa0\x80")
PLAIN = r"""0 -1 1e308 -1e999 nan 2**63 4294967296 None True '' [] (1,) t i c n beat audio.bass f"{k}" {0} * ** >> = ==
: ; # \ ''' ä 𝕏 [0]*9 () (((( )))) __class__ face face.psi range(9) out(face) size=(9,9)"""
WORDS = (*PLAIN.split(), '"\\x00"', 'osc("/x")', "lambda: 0", "\t", "\ud800", "import os", "1" * 400, "+" * 300)
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1 << 63, -(1 << 63), (1 << 64) - 1, 0.0, -0.0, 1e308, float("inf"), float("nan"), "", "\x00",
    "ä" * 300, "/face/psi", "now", b"", b"\xff" * 40, [], [[]], [1.0] * 2000, {}, {"": None}, {"type": "Frames"},
)  # fmt: skip


def bytes_changed(data: bytes, dice: random.Random) -> bytes:
    """A few flips, overwrites, insertions, deletions, copies and cuts."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        place = dice.randint(0, len(changed))
        length = dice.choice((1, 1, 2, 4, 8, 50, 1000))
        match dice.randrange(7):
            case 0 if place < len(changed):
                changed[place] ^= 1 << dice.randrange(8)
            case 1:
                piece = dice.choice(PIECES)
                changed[place : place + len(piece)] = piece
            case 2:
                changed[place:place] = dice.choice((dice.choice(PIECES), dice.randbytes(dice.randint(1, 20))))
            case 3:
                del changed[place : place + length]
            case 4:
                source = dice.randint(0, len(changed))
                changed[place:place] = changed[source : source + length]
            case 5 if dice.random() < 0.3:
                del changed[place:]
            case _ if place < len(changed):
                changed[place] = dice.randrange(256)
    return bytes(changed)


def text_changed(text: str, dice: random.Random) -> str:
    """A few words, lines and characters other than they were."""
    for _ in range(dice.randint(1, 5)):
        match dice.randrange(7):
            case 0:
                words = list(re.finditer(r"\w+|[^\w\s]", text))
                if words:
                    word = dice.choice(words)
                    text = text[: word.start()] + dice.choice(WORDS) + text[word.end() :]
            case 1:
                place = dice.randint(0, len(text))
                text = text[:place] + dice.choice(WORDS) + text[place:]
            case 2:
                lines = text.split("\n")
                lines.insert(dice.randrange(len(lines) + 1), dice.choice(lines) * dice.choice((1, 1, 2)))
                text = "\n".join(lines)
            case 3:
                lines = text.split("\n")
                del lines[dice.randrange(len(lines))]
                text = "\n".join(lines)
            case 4:
                lines = text.split("\n")
                first = dice.randrange(len(lines))
                times = dice.choice((2, 300, 10**9))
                lines[first:] = [f"for k in range({times}):", *(f"    {line}" for line in lines[first:])]
                text = "\n".join(lines)
            case 5 if text:
                place = dice.randrange(len(text))
                text = text[:place] + text[place + dice.choice((1, 5)) :]
            case _ if text:
                place = dice.randrange(len(text))
                text = text[:place] + chr(dice.choice((0, 9, 13, 34, 39, 92, 123, 0x2028, 0xFEFF))) + text[place:]
    return text


def tree_changed(tree: Any, dice: random.Random) -> Any:
    """Of plain data (dicts, lists, numbers, texts), a few parts other than they were."""
    for _ in range(dice.randint(1, 4)):
        tree = _changed(tree, dice)
    return tree


def _changed(tree: Any, dice: random.Random, depth: int = 0) -> Any:
    if isinstance(tree, dict) and tree and dice.random() < 0.85:
        key = dice.choice(list(tree))
        match dice.randrange(8):
            case 0:
                return {name: value for name, value in tree.items() if name != key}
            case 1:
                return {**tree, dice.choice(("", "x", "type", "kind", f"{key}2")): dice.choice(VALUES)}
            case _:
                return {**tree, key: _changed(tree[key], dice, depth + 1)}
    if isinstance(tree, list) and tree and dice.random() < 0.85:
        place = dice.randrange(len(tree))
        match dice.randrange(8):
            case 0:
                return [*tree[:place], *tree[place + 1 :]]
            case 1:
                return [*tree[:place], dice.choice(VALUES), *tree[place:]]
            case 2 if len(tree) < 1000:
                return tree * dice.choice((2, 3))
            case _:
                return [*tree[:place], _changed(tree[place], dice, depth + 1), *tree[place + 1 :]]
    if isinstance(tree, bytes) and dice.random() < 0.7:
        return bytes_changed(tree, dice)
    if isinstance(tree, str) and dice.random() < 0.5:
        return text_changed(tree, dice)
    if isinstance(tree, int | float) and not isinstance(tree, bool) and dice.random() < 0.5:
        return tree * dice.choice((-1, 2, 1000, 0, 0.5)) + dice.choice((0, 1, -1))
    return dice.choice(VALUES)
