"""The name that a display tells of itself: EDID, VESA's "Extended Display Identification Data", 1.4, section 3.10."""

from __future__ import annotations

HEADER = bytes([0, 255, 255, 255, 255, 255, 255, 0])
LARGEST_EDID = 4096
"""Bytes that are looked at."""
_DESCRIPTORS = (54, 72, 90, 108)
_NAME = 0xFC


def display_name(data: bytes) -> str:
    """The display's own name, such as "DELL U2415"; "" if the block holds none, or is not one."""
    if len(data) < 128 or data[:8] != HEADER:
        return ""
    for place in _DESCRIPTORS:
        kind, text = data[place : place + 5], data[place + 5 : place + 18]
        if kind[:3] == b"\0\0\0" and kind[3] == _NAME:
            name = text.split(b"\n")[0].decode("cp437", "replace")
            return "".join(letter for letter in name if letter.isprintable()).strip()
    return ""
