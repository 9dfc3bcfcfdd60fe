"""Black pictures in place of those that a patch makes: outside a show's hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Darkness:
    """on: whether it is dark."""

    def __init__(self, on: bool) -> None:
        self.on = on
        self._black: dict[Any, Any] = {}

    def over(self, pictures: Mapping[str, Any]) -> Mapping[str, Any]:
        """The pictures [H, W, 4], or opaque black ones of the same sizes."""
        return {name: self._black_as(picture) for name, picture in pictures.items()} if self.on else pictures

    def _black_as(self, picture: Any) -> Any:
        size = tuple(picture.shape)
        if size not in self._black:
            black = picture * 0
            black[..., 3] = 255
            self._black = {size: black}
        return self._black[size]
