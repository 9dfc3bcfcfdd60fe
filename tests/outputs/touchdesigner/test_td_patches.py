"""The ancestor's set-ups are patches that play, with TouchDesigner's latent in shared memory."""

from __future__ import annotations

import itertools
import re
import secrets

import numpy as np
import pytest

from ganzfeld import Player
from ganzfeld.outputs.shared.ganzfeld_ring import Writer
from ganzfeld.outputs.touchdesigner import ANCESTORS, ancestor_patch
from waiting import until


@pytest.mark.parametrize("name", ANCESTORS)
def test_it_plays_what_touchdesigner_sends(name, tmp_path):
    shared = "t" + secrets.token_hex(5)
    text, count = re.subn(r'shared\("td-\w+"\)', f'shared("{shared}")', ancestor_patch(name))
    assert count == 1
    patch = tmp_path / f"{name}.ganz"
    patch.write_text(text.replace("out(face", "out(face, size=(64, 64)"), "utf-8")
    writer = Writer(shared)
    try:
        latent = np.sin(np.arange(512, dtype=np.float32))
        frames = Player(patch, device="cpu").frames(fps=30)
        first = np.asarray(next(frames).image)

        def moves() -> bool:
            writer.write(latent.reshape(1, 512, 1), colour="data")
            return any(not np.array_equal(np.asarray(each.image), first) for each in itertools.islice(frames, 1))

        assert first.shape == (64, 64, 4)
        until(moves, "the latent does not reach the network", seconds=30)
    finally:
        writer.close()
