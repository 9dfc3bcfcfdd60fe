"""The node `image`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ganzfeld.errors import PatchError
from ganzfeld.patch.costs import Cost
from ganzfeld.patch.media.pictures import read_picture
from ganzfeld.patch.node import Choice, Node, RenderContext, SetupContext


class ImageNode(Node):
    """A picture from a file (PNG, JPEG, WebP, TIFF, …), with its alpha; a save of the file shows at once.

    What is larger than 4096 pixels on its longer side is made that size.
    """

    word = "image"
    examples = ('shown = image("picture.png")',)

    file = Choice("", "The file, from the patch's folder.")

    def setup(self, context: SetupContext) -> None:
        self.paths: list[Path] = []
        self.pictures = {name: self._open(name, context) for name in context.candidates["file"]}

    def _open(self, name: Any, context: SetupContext) -> torch.Tensor:
        if not isinstance(name, str) or not name:
            raise context.refuse("A picture's file is named in quotes", "file", 'For example: image("photo.jpg")')
        path = context.resources.resolve(name)
        self.paths.append(path)
        said: list[int] = []

        def spend(nbytes: int) -> None:
            said.append(nbytes)
            context.spend(Cost(held=nbytes), "file")

        try:
            picture = context.resources.open(
                f"picture on {context.device}", path, lambda path: read_picture(path, spend).to(context.device)
            )
            if not said:  # it was open already
                spend(picture.nbytes)
        except PatchError as error:
            context.do_without(context.refuse(error.what, "file", error.hint))
            return torch.zeros(1, 4, 1, 1, device=context.device)
        return picture

    def watched(self) -> list[Path]:
        return self.paths

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor:
        return self.pictures[context.parameters.file]
