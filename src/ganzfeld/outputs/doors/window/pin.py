"""The four corners of a picture on a display, moved by keys until it sits on a wall that is not straight."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ganzfeld.outputs.doors.window.displays import Key

Corners = tuple[float, float, float, float, float, float, float, float]
"""x and y of the left upper, right upper, right lower and left lower corner; 0 to 1 is the display, from its left upper
corner."""
SQUARE: Corners = (0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0)
FAR_STEP = 10.0
"""Pixels, with Shift."""
FINE_STEP = 0.1
"""Pixels, with Ctrl."""
_STEPS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


def onto_square(corners: Corners) -> np.ndarray:
    """The projection that carries the four corners to (0, 0), (1, 0), (1, 1), (0, 1), float64 [3, 3]. Raises ValueError
    where there is none: the four corners are not those of a convex shape that turns the right way round.

    Heckbert, "Fundamentals of Texture Mapping and Image Warping", 1989, section 2.2.3.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = np.reshape(corners, (4, 2)).tolist()
    if not is_convex(corners):
        raise ValueError("the corners cross each other")
    sx, sy = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    dx1, dy1, dx2, dy2 = x1 - x2, y1 - y2, x3 - x2, y3 - y2
    scale = dx1 * dy2 - dx2 * dy1
    g, h = (sx * dy2 - sy * dx2) / scale, (dx1 * sy - dy1 * sx) / scale
    matrix = [
        [x1 - x0 + g * x1, x3 - x0 + h * x3, x0],
        [y1 - y0 + g * y1, y3 - y0 + h * y3, y0],
        [g, h, 1.0],
    ]
    return np.linalg.inv(np.array(matrix))


def is_convex(corners: Corners) -> bool:
    """Whether the corners go round clockwise (y points down) and every angle is smaller than a straight one."""
    points = np.reshape(corners, (4, 2))
    sides = np.roll(points, -1, axis=0) - points
    after = np.roll(sides, -1, axis=0)
    return bool((sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0] > 1e-6).all())


@dataclass
class Pin:
    """Takes keys. corners: where they are. size: of the display, in pixels. selected: the corner that arrows move, 0 to
    3; None: nobody is at it, and only 1 to 4 and Tab are heard. has_moved: since it was last cleared."""

    corners: Corners = SQUARE
    size: tuple[int, int] = (1, 1)
    selected: int | None = None
    has_moved: bool = field(default=False, init=False)

    def press(self, key: Key) -> bool:
        """Do what a key says; whether it said anything."""
        if key.name in ("1", "2", "3", "4"):
            self.selected = int(key.name) - 1
        elif key.name == "tab":
            self.selected = 0 if self.selected is None else (self.selected + (3 if key.shift else 1)) % 4
        elif self.selected is None:
            return False
        elif key.name in ("escape", "enter"):
            self.selected = None
        elif key.name == "backspace":
            self._set(SQUARE)
        elif key.name in _STEPS:
            step = FAR_STEP if key.shift else FINE_STEP if key.control else 1.0
            x, y = _STEPS[key.name]
            self.move(self.selected, x * step, y * step)
        else:
            return False
        return True

    def move(self, corner: int, x: float, y: float) -> None:
        """Move a corner, 0 to 3, by so many pixels to the right and down."""
        moved = list(self.corners)
        moved[2 * corner] += x / self.size[0]
        moved[2 * corner + 1] += y / self.size[1]
        self._set((*moved,))  # pyright: ignore[reportArgumentType]

    def _set(self, corners: Corners) -> None:
        """Move, unless the picture would be turned inside out."""
        rounded: Corners = tuple(round(min(max(at, -1.0), 2.0), 6) for at in corners)  # pyright: ignore[reportAssignmentType]
        if rounded != self.corners and is_convex(rounded):
            self.corners, self.has_moved = rounded, True
