"""A link as a QR code: for a terminal, and for the page."""

from __future__ import annotations

import io

import segno

_BORDER = 2


def svg(link: str) -> str:
    """An SVG element of the code, black on white, as large as what it is put into."""
    image = io.BytesIO()
    segno.make_qr(link, error="m").save(
        image, kind="svg", border=4, dark="#000", light="#fff", xmldecl=False, omitsize=True, nl=False
    )
    return image.getvalue().decode()


def lines(link: str) -> list[str]:
    """The code in half blocks, two rows a line, for black letters on white."""
    rows = [[bool(dark) for dark in row] for row in segno.make_qr(link, error="l").matrix_iter(border=_BORDER)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    return ["".join(_BLOCKS[pair] for pair in zip(upper, lower)) for upper, lower in zip(rows[::2], rows[1::2])]


_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
