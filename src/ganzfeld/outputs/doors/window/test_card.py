"""A test card: which display this is, and whether it shows every pixel, straight lines, round circles, and dark steps.

It is drawn in the display's own pixels and shown through the four corners, so that a wall can be set up with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ganzfeld.outputs.doors.window.displays import Display

BACK, CELL, LINE, WHITE, GREY = (14, 15, 18), (20, 22, 27), (58, 62, 72), (244, 244, 240), (150, 154, 164)
ACCENT = (255, 176, 33)
BARS = ((191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191))
LARGEST = 16384
"""Pixels of a side."""
KEYS = "1 to 4: a corner   ·   arrows: move it   ·   T: this card"


def test_card(display: Display, size: tuple[int, int], others: Sequence[Display] = (), door: str = "") -> np.ndarray:
    """The card for a display, uint8 [height, width, 4], opaque.

    size: of the window in pixels. others: all displays, for the map of them. door: what the person calls it.
    """
    return _Card(display, size, others, door).draw()


def panel(corner: int, size: tuple[int, int]) -> np.ndarray:
    """What is said while a corner, 0 to 3, is moved, for a window of that size: uint8 [height, width, 4], straight
    alpha."""
    unit = max(0.2, min(size[1] / 1080, size[0] / 900))

    def px(*units: float) -> tuple[float, ...]:
        return tuple(unit * each for each in units)

    image = Image.new("RGBA", (round(820 * unit), round(100 * unit)), (*BACK, 245))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, image.width - 1, image.height - 1), outline=LINE, width=max(1, round(unit)))
    draw.rectangle(px(0, 0, 5, 100), fill=ACCENT)
    draw.rounded_rectangle(px(34, 28, 90, 72), 4 * unit, outline=GREY, width=max(1, round(2 * unit)))
    x, y = ((34, 28), (90, 28), (90, 72), (34, 72))[corner]
    draw.ellipse(px(x - 8, y - 8, x + 8, y + 8), fill=ACCENT)
    for place, text, size_of_text, colour in (
        ((124, 38), f"Corner {corner + 1}", 28, WHITE),
        ((124, 69), "of the picture", 19, GREY),
        ((300, 37), "arrows: move   ·   Shift: 10 pixels   ·   Ctrl: a tenth", 19, WHITE),
        ((300, 69), "1 to 4, Tab: another   ·   Backspace: straight   ·   Esc: done", 19, GREY),
    ):
        draw.text((place[0] * unit, place[1] * unit), text, colour, _font(size_of_text * unit), anchor="lm")
    return np.asarray(image).copy()


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(size, 6))


class _Card:
    def __init__(self, display: Display, size: tuple[int, int], others: Sequence[Display], door: str) -> None:
        self._display, self._others, self._door = display, others or (display,), door
        self._width, self._height = (min(max(side, 1), LARGEST) for side in size)
        self._unit = min(self._height / 1080, self._width / 1080)
        self._side = max(4, self._px(120))
        """Of a square of the grid."""
        self._image = Image.new("RGB", (self._width, self._height), BACK)
        self._draw = ImageDraw.Draw(self._image)

    def draw(self) -> np.ndarray:
        self._grid()
        self._ring((self._width / 2, self._height / 2), min(self._width, self._height) * 0.47, 3)
        if self._unit > 0.15:
            self._corners()
            self._coordinates()
            self._middle()
            self._steps()
            self._bars()
        self._edges()
        pixels = np.full((self._height, self._width, 4), 255, np.uint8)
        pixels[..., :3] = np.asarray(self._image)
        return pixels

    def _px(self, units: float) -> int:
        return max(1, round(units * self._unit))

    def _grid(self) -> None:
        """Squares, every second one a little lighter: what is not square is stretched."""
        side = self._side
        across, down = self._width // 2, self._height // 2
        for x in range(across % side - side, self._width, side):
            for y in range(down % side - side, self._height, side):
                if ((x - across) // side + (y - down) // side) % 2:
                    self._draw.rectangle((x, y, x + side - 1, y + side - 1), fill=CELL)
        for x in range(across % side, self._width, side):
            self._draw.line((x, 0, x, self._height), fill=LINE)
        for y in range(down % side, self._height, side):
            self._draw.line((0, y, self._width, y), fill=LINE)
        self._draw.line((across, 0, across, self._height), fill=GREY)
        self._draw.line((0, down, self._width, down), fill=GREY)

    def _ring(self, middle: tuple[float, float], radius: float, width: float, colour=GREY) -> None:
        """A circle with smooth edges."""
        width = max(1.0, width * self._unit)
        box = [int(middle[0] - radius - 4), int(middle[1] - radius - 4), int(2 * radius + 8), int(2 * radius + 8)]
        y, x = np.mgrid[0 : box[3], 0 : box[2]].astype(np.float32)
        away = np.hypot(x + box[0] + 0.5 - middle[0], y + box[1] + 0.5 - middle[1])
        cover = np.clip(width / 2 + 0.5 - np.abs(away - radius), 0, 1)
        self._image.paste(colour, (box[0], box[1]), Image.fromarray(np.uint8(255 * cover)))

    def _edges(self) -> None:
        """The outermost pixels, and marks 1, 2, 3, 4 and 5 % further in: what a projector cuts off is seen at once."""
        right, bottom = self._width - 1, self._height - 1
        self._draw.rectangle((0, 0, right, bottom), outline=WHITE)
        for percent in range(1, 6):
            x, y = round(self._width * percent / 100), round(self._height * percent / 100)
            long, middle = self._px(26 if percent == 5 else 14), (self._width // 2, self._height // 2)
            colour = ACCENT if percent == 5 else GREY
            for at in (x, right - x):
                self._draw.line((at, middle[1] - long, at, middle[1] + long), fill=colour)
            for at in (y, bottom - y):
                self._draw.line((middle[0] - long, at, middle[0] + long, at), fill=colour)

    def _corners(self) -> None:
        away, radius = self._px(120), self._px(84)
        places = (
            (away, away),
            (self._width - away, away),
            (self._width - away, self._height - away),
            (away, self._height - away),
        )
        for number, (x, y) in enumerate(places, 1):
            self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=BACK)
            self._ring((x, y), radius, 2)
            self._draw.text((x, y), str(number), ACCENT, _font(64 * self._unit), anchor="mm")
            # An arrow of single pixels into the corner itself.
            right, down = number in (2, 3), number in (3, 4)
            corner = (self._width - 1 if right else 0, self._height - 1 if down else 0)
            toward = (-1 if right else 1, -1 if down else 1)
            long = self._px(52)
            self._draw.line((*corner, corner[0] + toward[0] * long, corner[1]), fill=ACCENT, width=self._px(6))
            self._draw.line((*corner, corner[0], corner[1] + toward[1] * long), fill=ACCENT, width=self._px(6))

    def _middle(self) -> None:
        """Which display this is."""
        x, y, unit, half = self._width // 2, self._height // 2, self._unit, 3 * self._side
        self._draw.rectangle((x - half, y - 2 * self._side, x + half, y + 3 * self._side), fill=BACK, outline=LINE)
        self._draw.text((x, y - 112 * unit), str(self._display.number), WHITE, _font(220 * unit), anchor="mm")
        for offset, size, colour, text in (
            (32, 46, WHITE, self._display.title),
            (84, 32, GREY, self._display.mode.replace("×", "x")),  # the font has no such letter
            (127, 26, ACCENT, f"door {self._door}" if self._door else ""),
        ):
            self._fitting((x, y + offset * unit), text, size * unit, 2 * half - self._px(60), colour)
        self._map(x, y + self._px(225))
        self._fitting((x, y + 325 * unit), KEYS, 22 * unit, 2 * half - self._px(60), GREY)

    def _coordinates(self) -> None:
        """On a wide wall: how many pixels it is from the left, at every second line of the grid."""
        across, down = self._width // 2, self._height // 2
        for x in range(across % (2 * self._side), self._width, 2 * self._side):
            if abs(x - across) > self._height // 2 and min(x, self._width - x) > self._side:
                self._draw.rectangle(
                    (x - self._px(50), down - self._px(16), x + self._px(50), down + self._px(16)), BACK
                )
                self._draw.text((x, down), str(x), GREY, _font(24 * self._unit), anchor="mm")

    def _fitting(self, at: tuple[float, float], text: str, size: float, width: float, colour) -> None:
        """A line of text, smaller if it would be too long."""
        length = self._draw.textlength(text, _font(size))
        self._draw.text(at, text, colour, _font(size * min(1.0, width / max(length, 1))), anchor="mm")

    def _map(self, x: int, y: int) -> None:
        """Where the displays are on the desktop, this one filled."""
        left, top = min(one.x for one in self._others), min(one.y for one in self._others)
        width = max(one.x + one.width for one in self._others) - left
        height = max(one.y + one.height for one in self._others) - top
        scale = min(self._px(560) / max(width, 1), self._px(84) / max(height, 1))
        for one in self._others:
            place = (
                x + round((one.x - left - width / 2) * scale),
                y + round((one.y - top - height / 2) * scale),
            )
            end = (place[0] + round(one.width * scale) - 2, place[1] + round(one.height * scale) - 2)
            if end[0] <= place[0] or end[1] <= place[1]:
                continue
            is_this = one.is_same(self._display)
            self._draw.rectangle((*place, *end), fill=ACCENT if is_this else CELL, outline=ACCENT if is_this else GREY)
            middle = ((place[0] + end[0]) / 2, (place[1] + end[1]) / 2)
            self._draw.text(middle, str(one.number), BACK if is_this else GREY, _font(30 * self._unit), anchor="mm")

    def _steps(self) -> None:
        """Even steps of grey above; below them the darkest sixteen, which badly set projectors swallow."""
        width, tall = 6 * self._side, self._px(30)
        x, y = (self._width - width) // 2, self._height // 2 - self._px(326)
        self._draw.rectangle((x - 1, y - 1, x + width, y + 2 * tall), fill=(0, 0, 0))
        for row, values in enumerate((np.linspace(0, 255, 16), np.arange(16) * 2)):
            for place, value in enumerate(values):
                left, right = x + width * place // 16, x + width * (place + 1) // 16 - 1
                grey = round(value)
                self._draw.rectangle((left, y + row * tall, right, y + (row + 1) * tall - 1), fill=(grey, grey, grey))

    def _bars(self) -> None:
        """Colour bars at 75 %."""
        width, tall = 6 * self._side, self._px(40)
        x, y = (self._width - width) // 2, self._height // 2 + self._px(386)
        for place, colour in enumerate(BARS):
            left, right = x + width * place // 7, x + width * (place + 1) // 7 - 1
            self._draw.rectangle((left, y, right, y + tall - 1), fill=colour)
