"""The atlas of one set of views: its memory on the device, and what is drawn into it while a program runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from ganzfeld.engine.taps import drawing
from ganzfeld.engine.taps.layout import ReservedCell, laid_out
from ganzfeld.kernels.side_streams import SideStream
from ganzfeld.patch.node import Latent
from ganzfeld.values.looking import CellPlace, CellView

log = logging.getLogger(__name__)

BESIDE = 4
"""Side streams, on which small things are drawn beside the network that goes on."""
LARGE = 1 << 24
"""Numbers of an activation from which it is looked at before the network goes on, so that its memory is free again."""
NOT_PLAYED = "This is not played now"


class Atlas:
    """What some views show. Drawing changes nothing but the atlas's own memory, and raises nothing."""

    def __init__(self, views: Sequence[CellView], device: torch.device) -> None:
        self.views = tuple(views)
        self.device = device
        self.layout = laid_out(views)
        layout = self.layout
        self._light = torch.full((layout.shown, layout.width, 3), drawing.BLACK, device=device)
        self._grey = torch.full((), 128.0, device=device)
        self._numbers = torch.zeros(layout.rows * layout.width, device=device)
        self._which = {
            number: torch.tensor(cell.view.channels, device=device)
            for number, cell in enumerate(layout.cells)
            if isinstance(cell.view.channels, tuple) and cell.view.channels
        }
        self._unseen = [CellPlace(problem=NOT_PLAYED) for _ in layout.cells]
        self._places = list(self._unseen)
        self._beside = [SideStream(device) for _ in range(BESIDE)]
        self._turn = 0
        self._held: list[object] = []
        self.seconds = 0.0
        """What drawing has taken on the host since `begin`."""

    @property
    def places(self) -> tuple[CellPlace, ...]:
        """Where the cells are, as they were drawn last."""
        return tuple(self._places)

    def begin(self) -> None:
        """All is drawn anew: what is not, is not played."""
        self._places = list(self._unseen)
        self._light.fill_(drawing.BLACK)
        self.seconds = 0.0

    def refuse(self, number: int, why: str) -> None:
        """This cell will never show anything."""
        self._unseen[number] = self._places[number] = CellPlace(problem=why)

    def problem(self, numbers: Iterable[int], why: str) -> None:
        """These cells show nothing."""
        for number in numbers:
            self._places[number] = CellPlace(problem=why)

    def draw(self, number: int, x: Any) -> None:
        """Draw what a cell's view is of: a node's result, or an activation [1, C, h, w]."""
        self._drawn([number], x, lambda: self._draw(number, x))

    def draw_weight(self, number: int, before: Tensor, after: Tensor) -> None:
        """Count the numbers of a weight, as the network has it and as it is played with."""
        self._drawn([number], (before, after), lambda: self._count(number, before, after))

    def join(self) -> None:
        """What the current stream is given from now on comes after all that was drawn."""
        for stream in self._beside:
            stream.join()
        self._held.clear()

    def bytes(self, number: int) -> Tensor:
        """The atlas as uint8 [height, width, 4] in memory of its own: pictures as RGBA in its first rows, in its last
        ones numbers as float32, of which the first is `number`."""
        layout = self.layout
        found = torch.empty(layout.height, layout.width, 4, dtype=torch.uint8, device=self.device)
        light = torch.add(self._grey, self._light, alpha=255 / 4).nan_to_num_(0, 255, 0).clamp_(0, 255)
        found[: layout.shown, :, :3] = light
        found[: layout.shown, :, 3] = 255
        self._numbers[:1].fill_(number)
        found[layout.height - layout.rows :].view(-1).copy_(self._numbers.view(torch.uint8))
        return found

    def _drawn(self, numbers: list[int], what: object, draw: Callable[[], None]) -> None:
        began = time.perf_counter()
        try:
            if isinstance(what, Tensor) and what.numel() > LARGE:
                draw()
            else:
                self._turn = (self._turn + 1) % BESIDE
                self._hold(what)
                with self._beside[self._turn].fork():
                    draw()
        except Exception as error:
            log.debug("a cell could not be drawn", exc_info=error)
            self.problem(numbers, f"This cannot be shown: {type(error).__name__}: {error}".splitlines()[0][:200])
        self.seconds += time.perf_counter() - began

    def _hold(self, what: object) -> None:
        """Side streams read this until they are joined, so it must not be freed."""
        self._held.append(what)

    def _draw(self, number: int, x: Any) -> None:
        cell = self.layout.cells[number]
        view = cell.view
        if isinstance(x, Latent):
            self._put(number, drawing.latent(x.points, cell.side or 64))
        elif not isinstance(x, Tensor) or x.numel() == 0:
            self.problem([number], "This makes no picture")
        elif view.of == "node" or (view.of == "layer" and view.layer == "image"):
            self._put(number, drawing.picture(x, cell.side))
        else:
            x = x[:, :3] if view.layer == "image" else x
            _DRAW[view.of](self, number, x)

    def _draw_layer(self, number: int, x: Tensor) -> None:
        cell = self.layout.cells[number]
        if cell.view.channels == "mean":
            self._put(number, drawing.mean(x, cell.side))
            return
        which = self._which.get(number)
        which = drawing.most_active(x, 3) if which is None else which[:3] % x.shape[1]
        self._put(number, drawing.chosen(x, which, cell.side), channels=which)

    def _draw_channels(self, number: int, x: Tensor) -> None:
        cell = self.layout.cells[number]
        which = self._which.get(number)
        if which is None:
            which = drawing.most_active(x, drawing.MOST_CHANNELS, cell.view.first)
        else:
            which = which % x.shape[1]
        if len(which) == 0:
            self.problem([number], "There are no more channels")
            return
        active = drawing.activity(x).index_select(0, which)
        channels = drawing.chosen(x, which, drawing.grid_side(cell.side))
        self._put(number, drawing.grid(channels), numbers=active, channels=which)

    def _draw_histogram(self, number: int, x: Tensor) -> None:
        numbers = drawing.numbers_of(x)
        within = drawing.bounds(numbers)
        self._tell(number, torch.cat([within, drawing.counts(numbers, within)]))

    def _draw_spectrum(self, number: int, x: Tensor) -> None:
        self._tell(number, drawing.radial_spectrum(x))

    def _count(self, number: int, before: Tensor, after: Tensor) -> None:
        both = drawing.some_of(before), drawing.some_of(after)
        within = drawing.bounds(*both)
        self._tell(number, torch.cat([within, *(drawing.counts(numbers, within) for numbers in both)]))

    def _put(
        self, number: int, picture: Tensor, *, numbers: Tensor | None = None, channels: Tensor | None = None
    ) -> None:
        """Put a picture [3 or 1 or 2, h, w] into its cell, and numbers and channels beside it."""
        cell = self.layout.cells[number]
        part = self._light[cell.y : cell.y + cell.side, cell.x : cell.x + cell.side].permute(2, 0, 1)
        picture = torch.cat([picture, picture[-1:]]) if len(picture) == 2 else picture
        height, width = drawing.put(picture, part, cell.side)
        self._tell(number, numbers, channels, (cell.x, cell.y, width, height))

    def _tell(
        self,
        number: int,
        numbers: Tensor | None,
        channels: Tensor | None = None,
        area: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> None:
        """Write a cell's numbers, and say where all of it is."""
        cell = self.layout.cells[number]
        count = self._write(numbers, cell.numbers, cell)
        chosen = self._write(channels, cell.numbers + count, cell)
        self._places[number] = CellPlace(*area, cell.numbers, count, cell.numbers + count, chosen)

    def _write(self, numbers: Tensor | None, at: int, cell: ReservedCell) -> int:
        """How many of the numbers had room from `at` on."""
        count = 0 if numbers is None else min(len(numbers), cell.numbers + cell.count - at)
        if numbers is not None and count:
            self._numbers[at : at + count].copy_(numbers[:count])
        return count


_DRAW: dict[str, Callable[[Atlas, int, Tensor], None]] = {
    "layer": Atlas._draw_layer,
    "channels": Atlas._draw_channels,
    "histogram": Atlas._draw_histogram,
    "spectrum": Atlas._draw_spectrum,
}
