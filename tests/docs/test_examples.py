"""Every patch in examples/ plays."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganzfeld.engine.player import Player

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.ganz"))


@pytest.mark.parametrize("patch", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_plays(patch: Path) -> None:
    with Player(patch, device="cpu") as player:
        for _ in range(2):
            picture = player.frame(0.5).image
            assert not player.problems, player.problems
        assert picture[..., :3].float().std() > 3, "there is something to see"
