"""One film by several encoders of one kind, which take its pictures by turns, a group each.

One encoder does not use all of a large processor, least of all with small pictures. Groups begin with a picture that
needs no other one, so nobody sees who encoded which.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


class _Encoder:
    """One of them, with a thread of its own. packets: that wait for those of others."""

    def __init__(self, context: Any, most: int) -> None:
        self.context = context
        self.frames: queue.Queue[VideoFrame | None] = queue.Queue(most)
        self.packets: deque[Any] = deque()
        self.thread: threading.Thread | None = None


class ParallelEncoders:
    """Writes packets into `container` in the order of their pictures, which one thread gives.

    contexts: of encoders with equal settings that make one packet of each picture, in order. The first one's may be the
    stream's own. group: pictures in a group; so many wait for each encoder at most.
    """

    def __init__(self, container: OutputContainer, stream: VideoStream, contexts: Sequence[Any], group: int) -> None:
        self._container, self._stream, self._group = container, stream, group
        self._encoders = [_Encoder(context, group) for context in contexts]
        self._order: deque[_Encoder] = deque()
        """Who has the pictures whose packets are not written yet."""
        self._lock = threading.Lock()
        self._count = 0
        self._error: BaseException | None = None
        for number, encoder in enumerate(self._encoders):
            name = f"ganzfeld-encode-{number}"
            encoder.thread = threading.Thread(target=self._run, args=(encoder,), name=name, daemon=True)
            encoder.thread.start()

    def encode(self, frame: VideoFrame) -> None:
        """Take the next picture; waits for the encoder whose turn it is. Raises what an earlier picture raised."""
        from av.video.frame import PictureType

        self._raise()
        encoder = self._encoders[self._count // self._group % len(self._encoders)]
        if self._count % self._group == 0:
            frame.pict_type = PictureType.I
        self._count += 1
        with self._lock:
            self._order.append(encoder)
        encoder.frames.put(frame)

    def finish(self, *, failed: bool = False) -> None:
        """Write what is under way, and end. failed: without writing it. Raises what a picture raised."""
        if failed and self._error is None:
            self._error = RuntimeError("the film could not be written")
        for encoder in self._encoders:
            encoder.frames.put(None)
        for encoder in self._encoders:
            if encoder.thread is not None:
                encoder.thread.join()
        if not failed:
            self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self, encoder: _Encoder) -> None:
        is_last = False
        while not is_last:
            frame = encoder.frames.get()
            is_last = frame is None
            if self._error is None:
                try:
                    self._write(encoder, encoder.context.encode(frame))
                except BaseException as error:
                    self._error = error

    def _write(self, encoder: _Encoder, packets: Sequence[Any]) -> None:
        """Keep packets, and write all whose turn has come."""
        with self._lock:
            encoder.packets.extend(packets)
            while self._order and self._order[0].packets:
                packet = self._order.popleft().packets.popleft()
                packet.stream = self._stream
                self._container.mux(packet)
