"""The node `syphon`."""

from __future__ import annotations

from ganzfeld.patch.media.live_picture import SenderPicture


class SyphonNode(SenderPicture):
    """The newest picture that another program of this machine shares over Syphon (macOS). Needs the extra `syphon`. Not
    yet run by us on such a machine; `ndi` is.

    A program that is gone leaves its last picture, and is shown again when it is back.
    """

    word = "syphon"
    examples = ('shown = syphon("wall", size=(64, 36))',)
