"""Where a layer is bent: pictures read as masks, at the size of what they mask and over what is seen of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from ganzfeld.kernels.masks import luminous, reading, resampled
from ganzfeld.kernels.side_streams import SideStream
from ganzfeld.networks.network import Network
from ganzfeld.networks.wide import PictureInField, picture_in_field

MOST_KEPT = 2**26
"""Bytes of ways to read pictures that are kept. A patch has few; a script whose pictures change their size, many."""


class LayerMasks:
    """The masks of one network's layers, made anew on every frame, each once for all lines that want the same.

    making: the side stream on which they are made, beside whatever comes before the first layer that wants one.
    """

    def __init__(self, network: Network, size: tuple[int, int] | None, resolution: int | None) -> None:
        """size, resolution: as `Network.synthesis` will be asked."""
        self._config, self._wide = network.config, network.wide(size, resolution=resolution)
        self.making = SideStream(network.device)
        self._readings: dict[tuple, Tensor] = {}
        self._kept = 0

    def made(self, lines: Mapping[str, Iterable[str]], pictures: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        """(line, layer) -> its mask [h, w]. lines: by layer; pictures [1, 4, H, W]: by line.

        Nothing reads one of them before `ready`.
        """
        found: dict[tuple[str, str], Tensor] = {}
        if not any(lines.values()):
            return found
        fields = {layer: picture_in_field(self._config, layer, self._wide) for layer in lines}
        bright: dict[int, Tensor] = {}
        masks: dict[tuple[int, PictureInField], Tensor] = {}
        with self.making.fork():
            for layer, names in lines.items():
                for name in names:
                    picture = pictures[name]
                    number, field = id(picture), fields[layer]
                    if number not in bright:
                        bright[number] = luminous(picture)
                    if (number, field) not in masks:
                        masks[number, field] = self._resampled(bright[number], field)
                    found[name, layer] = masks[number, field]
        return found

    def ready(self) -> None:
        """What the current stream is given from now on comes after the masks."""
        self.making.join()

    def _resampled(self, mask: Tensor, field: PictureInField) -> Tensor:
        height, width = mask.shape
        down = self._reading(mask, field.height, field.top, field.down, height)
        across = self._reading(mask, field.width, field.left, field.across, width)
        return resampled(mask, down, across)

    def _reading(self, mask: Tensor, count: int, begin: float, length: float, pixels: int) -> Tensor:
        key = (count, begin, length, pixels, mask.dtype)
        if key in self._readings:
            return self._readings[key]
        made = reading(count, begin, length, pixels, mask.device).to(mask.dtype)
        # What is made in the midst of a capture exists only there.
        capturing = mask.is_cuda and torch.cuda.is_current_stream_capturing()
        if not capturing and self._kept + made.nbytes <= MOST_KEPT:
            self._kept += made.nbytes
            self._readings[key] = made
        return made
