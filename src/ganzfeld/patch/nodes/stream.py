"""The node `stream`."""

from __future__ import annotations

from typing import Any

from ganzfeld.feeders.kinds.stream import stream_address
from ganzfeld.patch.media.live_picture import LivePicture, checked_size
from ganzfeld.patch.node import SetupContext, Structure


def _address(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError('an address in quotes: "srt://192.168.1.20:9000"')
    return stream_address(value).text


class StreamNode(LivePicture):
    """The newest picture of a stream from another machine: `srt://` (through the program ffmpeg), `udp://` (MPEG-TS),
    `rtmp://`, `rtsp://`. Without its sound.

    A patch alone reaches no machine: whoever plays it allows the host, by `ganzfeld play --allow-source HOST` or in a
    rig. A sender that is gone leaves its last picture, and is shown again when it is back. It knows no exact time:
    renders take whatever comes, as shows do.
    """

    word = "stream"
    examples = ('shown = stream("udp://127.0.0.1:5000", size=(64, 36))',)
    needs = "a sender, and the person's word"

    address = Structure("udp://127.0.0.1:5000", "Where it comes from.", check=_address)
    size = Structure((1280, 720), "(width, height) in pixels; a picture of another shape is cropped.",
                     check=checked_size)  # fmt: skip

    def source(self, context: SetupContext) -> tuple[str, dict[str, Any]]:
        address = stream_address(context.structure.address)
        if address.host not in context.resources.sources and not context.resources.replays:
            hint = f"If it may: ganzfeld play … --allow-source {address.host}, or in a rig [sources] allow"
            raise context.refuse(f"This patch may not reach {address.host}", "address", hint)
        return "stream", {"address": address.text}
