"""The node `ndi`."""

from __future__ import annotations

from typing import Any

from ganzfeld.patch.media.live_picture import LivePicture, checked_name, checked_size
from ganzfeld.patch.node import SetupContext, Structure


class NdiNode(LivePicture):
    """The newest picture that another program sends over NDI, with its transparency: a program of this machine or of
    its network, such as Resolume, OBS or TouchDesigner. Needs the extra `ndi`.

    A sender that is gone leaves its last picture, and is shown again when it is back. It knows no exact time: renders
    take whatever comes, as shows do.
    """

    word = "ndi"
    transparent = True
    examples = ('shown = ndi("wall", size=(64, 36))',)
    needs = "a sender"

    name = Structure(
        "", 'The sender: "wall", or "MACHINE (wall)"; left out, the first that is found.', check=checked_name
    )
    size = Structure((1280, 720), "(width, height) in pixels; a picture of another shape is cropped.",
                     check=checked_size)  # fmt: skip

    def source(self, context: SetupContext) -> tuple[str, dict[str, Any]]:
        return "ndi", {"name": context.structure.name}
