"""The node `ndi`."""

from __future__ import annotations

from ganzfeld.patch.media.live_picture import SenderPicture, checked_name
from ganzfeld.patch.node import Structure


class NdiNode(SenderPicture):
    """The newest picture that another program sends over NDI, with its transparency: a program of this machine or of
    its network, such as Resolume, OBS or TouchDesigner. Needs the extra `ndi`.

    A sender that is gone leaves its last picture, and is shown again when it is back. It knows no exact time: renders
    take whatever comes, as shows do.
    """

    word = "ndi"
    examples = ('shown = ndi("wall", size=(64, 36))',)

    name = Structure(
        "", 'The sender: "wall", or "MACHINE (wall)"; left out, the first that is found.', check=checked_name
    )
