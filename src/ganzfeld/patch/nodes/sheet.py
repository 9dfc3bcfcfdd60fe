"""The node `sheet`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganzfeld.errors import NetworkError
from ganzfeld.kernels.resize import resize
from ganzfeld.kernels.rgba import from_signed
from ganzfeld.networks.generator import LayerHook
from ganzfeld.networks.network import Network
from ganzfeld.patch.network.looking import Looking, seen
from ganzfeld.patch.network.networks import classes, opened, w_of
from ganzfeld.patch.node import (
    HostValue,
    Input,
    Latent,
    LatentRequest,
    Named,
    Node,
    PrepareContext,
    RenderContext,
    Request,
    SetupContext,
    Structure,
    Value,
)

MOST_ROWS, MOST_COLUMNS = 16, 32
USUAL_COLUMNS = 6
PAPER, INK, PALE = (18, 18, 20), (225, 225, 220), (125, 125, 125)


def _names(value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
    if not 1 <= len(names) <= MOST_ROWS or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f'up to {MOST_ROWS} networks by name: ["planets", "flowers"]')
    return names


def _layers(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    layers = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
    if not 1 <= len(layers) <= MOST_COLUMNS or not all(isinstance(layer, str) and layer for layer in layers):
        raise ValueError(f'up to {MOST_COLUMNS} layers by name: ["image", "b64", "b16"]')
    return layers


def _cell(value: Any) -> int:
    if not isinstance(value, int) or not 16 <= value <= 1024:
        raise ValueError("a cell's side in pixels, from 16 to 1024")
    return value


class SheetNode(Node):
    """A contact sheet: what several networks make of one latent, from inside to outside. A row is a network, a column a
    layer, or the picture.

    Each network runs once a frame for all its cells. Its cells have the names of layers under them, with their channels
    and size; where a network has no such layer, the cell stays empty.
    """

    word = "sheet"
    examples = (
        'shown = sheet(["planets", "flowers", "orbits"], latent=source, cell=64)',
        'shown = sheet(["planets", "orbits"], layers=["b16", "image"], cell=64, map="fireice", view="one", '
        'normalise="frame")',
    )

    networks = Structure(("planets", "flowers"), "The rows: shipped networks by name, or files.", check=_names)
    latent = Input("latent", "Where to be, for all; without one they show their average pictures.", required=False)
    layers = Structure(None, 'The columns: layers, or "image"; left out, the picture and five layers of each network.',
                       check=_layers)  # fmt: skip
    psi = Value(1.0, "Truncation: 0 is the average picture, 1 the network as trained, beyond it strange.",
                range=(-1, 2), limits=(-100, 100))  # fmt: skip
    label = HostValue(0, "Class, for those that are conditional; a fraction blends two; a list weighs them all.",
                      vector=True, range=(0, 10))  # fmt: skip
    cell = Structure(256, "A cell's side in pixels.", check=_cell)
    labels = Structure(True, "Whether names stand under the cells.", check=bool)

    def setup(self, context: SetupContext) -> None:
        structure = context.structure
        files = [opened(name, context, "networks") for name in structure.networks]
        self.paths = [path for path, _ in files]
        self.opened = [network for _, network in files]
        self.rows = _columns(self.opened, structure.layers, context)
        self.side = structure.cell
        self.gap = max(2, self.side // 32)
        self.strip = max(12, self.side // 12) + self.gap if structure.labels else 0
        names = [Path(name).stem for name in structure.networks]
        self.paper = _paper(names, self.opened, self.rows, self.side, self.gap, self.strip).to(context.device)

    def watched(self) -> list[Path]:
        return self.paths

    def requests(self, parameters: Named, request: Request) -> dict[str, Request]:
        return {"latent": LatentRequest(max(network.z_dim for network in self.opened))}

    def prepare(self, context: PrepareContext) -> None:
        context.stage("channel", np.array(int(context.parameters.channel), np.int64))
        for row, network in enumerate(self.opened):
            if network.c_dim:
                context.stage(f"{row}.label", classes(context.parameters.label, network.c_dim))

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor:
        sheet = self.paper.clone()
        for row, (network, columns) in enumerate(zip(self.opened, self.rows)):
            cells = {layer: self._cell(sheet, row, column) for column, layer in enumerate(columns) if layer}
            label = context.staged[f"{row}.label"] if network.c_dim else None
            w = w_of(_beginning(inputs.get("latent"), network), network, label, context.parameters.psi)
            self._fill(cells, network, w, row, context)
        return sheet

    def _cell(self, sheet: torch.Tensor, row: int, column: int) -> torch.Tensor:
        """The part of the sheet that a cell's picture goes into."""
        top = self.gap + row * (self.side + self.strip + self.gap)
        left = self.gap + column * (self.side + self.gap)
        return sheet[:, :, top : top + self.side, left : left + self.side]

    def _fill(
        self, cells: Mapping[str, torch.Tensor], network: Network, w: torch.Tensor, row: int, context: RenderContext
    ) -> None:
        def show(layer: str, x: torch.Tensor) -> torch.Tensor:
            # At once: what comes after may use the memory again.
            picture = seen(x, context.parameters, context.staged.channel, f"{row} {layer}", context.state)
            _put(cells[layer], picture)
            return x

        hook = LayerHook(show, [layer for layer in cells if layer != "image"])
        if "image" in cells:
            _put(cells["image"], from_signed(network.synthesis(w, after=hook)))
        elif cells:
            network.synthesis(w, after=hook, until=max(cells, key=network.layers.index))


SheetNode.declared = {**SheetNode.declared, **Looking.declared}


def _columns(networks: list[Network], layers: tuple[str, ...] | None, context: SetupContext) -> list[list[str | None]]:
    """For each network the layer in each column, by its whole name; None where it has none of that name."""
    if layers is None:
        return [["image", *_spread(network, USUAL_COLUMNS - 1)] for network in networks]
    rows: list[list[str | None]] = [[] for _ in networks]
    for layer in layers:
        problem: NetworkError | None = None
        found = False
        for network, row in zip(networks, rows):
            try:
                row.append("image" if layer == "image" else network.layer_name(layer))
                found = True
            except NetworkError as error:
                row.append(None)
                problem = problem or error
        if not found and problem is not None:
            raise context.refuse(problem.what, "layers", problem.hint)
    return rows


def _spread(network: Network, count: int) -> list[str]:
    """So many layers, evenly from the last to the first: ends of blocks, and none that is the picture itself."""
    layers = [spec.name for spec in network.config.specs.values() if not spec.inner and not spec.picture]
    places = np.linspace(len(layers) - 1, 0, min(count, len(layers))).round().astype(int)
    return [layers[place] for place in places]


def _beginning(latent: Latent | None, network: Network) -> Latent | None:
    """What of a latent is for this network: z is as long as the longest needs it."""
    if latent is None or latent.space != "z":
        return latent
    return replace(latent, points=latent.points[:, : network.z_dim])


def _fitted(picture: torch.Tensor, side: int) -> torch.Tensor:
    """A picture as large as fits into a cell: enlarged with its pixels to be seen, made smaller smoothly."""
    height, width = picture.shape[2:]
    longer = max(height, width)
    width, height = (max(1, round(side * each / longer)) for each in (width, height))
    return resize(picture, width, height, "linear" if longer > side else "nearest")


def _put(cell: torch.Tensor, picture: torch.Tensor) -> None:
    """Put a picture into the middle of a cell [1, 4, side, side]."""
    picture = _fitted(picture, cell.shape[2])
    height, width = picture.shape[2:]
    top, left = (cell.shape[2] - height) // 2, (cell.shape[3] - width) // 2
    cell[:, :, top : top + height, left : left + width].copy_(picture)


def _paper(
    names: list[str], networks: list[Network], rows: list[list[str | None]], side: int, gap: int, strip: int
) -> torch.Tensor:
    """The sheet [1, 4, H, W] with everything but the pictures on it."""
    from PIL import Image, ImageDraw, ImageFont

    width = gap + max(map(len, rows)) * (side + gap)
    height = gap + len(rows) * (side + strip + gap)
    image = Image.new("RGB", (width, height), PAPER)
    if strip:
        draw, font = ImageDraw.Draw(image), ImageFont.load_default(max(8, side // 15))
        for row, (name, network, columns) in enumerate(zip(names, networks, rows)):
            line = gap + row * (side + strip + gap) + side + (strip + gap // 2) // 2
            for column, layer in enumerate(columns):
                if layer is None:
                    continue
                left, right = gap + column * (side + gap), (column + 1) * (side + gap)
                label = name if layer == "image" else layer
                about = _about(network, layer)
                draw.text((left, line), label, INK, font, anchor="lm")
                if font.getlength(label) + font.getlength(about) + side // 15 <= side:
                    draw.text((right, line), about, PALE, font, anchor="rm")
    array = np.asarray(image.convert("RGBA"), np.float32) / 255
    return torch.from_numpy(array).permute(2, 0, 1)[None].contiguous()


def _about(network: Network, layer: str) -> str:
    if layer == "image":
        return network.size_text
    channels, height, width = network.layer_shapes[layer]
    return f"{channels} at {width} px" if width == height else f"{channels} at {width} × {height} px"
