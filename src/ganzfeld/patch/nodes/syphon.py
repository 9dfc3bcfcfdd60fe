"""The node `syphon`."""

from __future__ import annotations

from typing import Any

from ganzfeld.patch.media.live_picture import LivePicture, checked_name, checked_size
from ganzfeld.patch.node import SetupContext, Structure


class SyphonNode(LivePicture):
    """The newest picture that another program of this machine shares over Syphon (macOS). Needs the extra `syphon`. Not
    yet run by us on such a machine; `ndi` is.

    A program that is gone leaves its last picture, and is shown again when it is back.
    """

    word = "syphon"
    transparent = True
    examples = ('shown = syphon("wall", size=(64, 36))',)
    needs = "a sender"

    name = Structure("", "The sender's name; left out, the first one.", check=checked_name)
    size = Structure((1280, 720), "(width, height) in pixels; a picture of another shape is cropped.",
                     check=checked_size)  # fmt: skip

    def source(self, context: SetupContext) -> tuple[str, dict[str, Any]]:
        return "syphon", {"name": context.structure.name}
