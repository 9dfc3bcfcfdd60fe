"""Pictures from files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ganzfeld.errors import FeederError, PatchError
from ganzfeld.feeders.kinds.picture import LARGEST_SIDE
from ganzfeld.feeders.service import OpenFeeder

BYTES_OF_A_PIXEL = 16


def read_picture(path: Path, spend: Callable[[int], None] = lambda nbytes: None) -> torch.Tensor:
    """A file as float32 [1, 4, H, W], RGBA, sRGB, straight alpha, 0..1, turned as its EXIF data say.

    An embedded colour profile is converted to sRGB; of an animation the first picture is taken. A feeder decodes it.
    spend: called with the bytes that the picture will take, before it is decoded; may refuse. Raises PatchError.
    """
    try:
        feeder = OpenFeeder("picture", path, slots=1)
        try:
            width, height = int(feeder.facts["width"]), int(feeder.facts["height"])
            if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE):
                raise FeederError(f"{path.name} cannot be read")
            spend(width * height * BYTES_OF_A_PIXEL)
            array = feeder.ask("read", tries=2).array
        finally:
            feeder.close()
    except FeederError as error:
        raise PatchError(error.what, hint=error.hint) from None
    if array is None or array.shape != (height, width, 4) or array.dtype != np.uint8:
        raise PatchError(f"{path.name} has changed while it was read", hint="Save the patch again")
    return torch.from_numpy(array.astype(np.float32) / 255).permute(2, 0, 1)[None].contiguous()
