"""A black picture on every output of a session whose render process has ended."""

from __future__ import annotations

import logging

import numpy as np

from ganzfeld.errors import GanzfeldError
from ganzfeld.values.frames import FrameReader, FrameStore, FrameWriter

log = logging.getLogger(__name__)


def show_black(store: FrameStore, frame: int, t: float) -> None:
    """Publish one, opaque, of each output's own size. frame, t: the show's, as the last status told them."""

    def fill(pixels: np.ndarray) -> None:
        pixels[...] = 0
        pixels[..., 3] = 255

    writer = FrameWriter(store.session)
    try:
        for output in store.outputs():
            reader = FrameReader(store.session, output)
            width, height = reader.size
            reader.close()
            try:
                writer.publish(output, width, height, fill, frame=frame, t=t)
            except (GanzfeldError, OSError, ValueError) as error:
                log.warning("%s could not be made black: %s", output, error)
    finally:
        writer.close()
