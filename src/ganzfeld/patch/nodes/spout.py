"""The node `spout`."""

from __future__ import annotations

from ganzfeld.patch.media.live_picture import SenderPicture


class SpoutNode(SenderPicture):
    """The newest picture that another program of this machine shares over Spout (Windows). Needs the extra `spout`. Not
    yet run by us on such a machine; `ndi` is.

    A program that is gone leaves its last picture, and is shown again when it is back.
    """

    word = "spout"
    examples = ('shown = spout("wall", size=(64, 36))',)
