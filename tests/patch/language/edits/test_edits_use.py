"""The edit `use`: another file for a node that plays one."""

from __future__ import annotations

import pytest

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.edits import splices_of


def used(text: str, **arguments: object) -> str:
    for step in splices_of(text, "use", arguments):
        for start, end, put in reversed(step):
            text = text[:start] + put + text[end:]
    return text


TEXT = """face = network( "planets" , psi=0.8)  # mine
face.bend("b64", rotate=20)  # turn
for k in range(2):
    face.bend("b32", gain=1+k)
out(face)
"""


def test_only_the_file_changes() -> None:
    assert used(TEXT, node="face", file="~/a b.pkl", type="network") == TEXT.replace('"planets"', '"~/a b.pkl"')


def test_lines_that_do_not_fit_are_muted_once_and_stay_in_the_text() -> None:
    edited = used(TEXT, node="face", file="orbits", type="network", mute=["b64", "b32", "b32-2"])
    assert edited == TEXT.replace('"planets"', '"orbits"').replace("rotate=20)", "rotate=20, mute=True)").replace(
        "gain=1+k)", "gain=1+k, mute=True)"
    )
    assert used(edited, node="face", file="planets", type="network", mute=["b64"]) == edited.replace(
        '"orbits"', '"planets"'
    )


def test_a_network_without_a_file_gets_one() -> None:
    assert used("out(network(psi=1))\n", node="out/image", file="x.pt", type="network") == (
        'out(network(psi=1, file="x.pt"))\n'
    )


def test_a_still_may_become_a_film() -> None:
    text = 'a = image("x.png")  # still\nout(a)\n'
    assert used(text, node="a", file="x.mp4", type="movie") == 'a = movie("x.mp4")  # still\nout(a)\n'
    with pytest.raises(PatchError, match="would not play"):
        used('a = movie("x.mp4", speed=2)\nout(a)\n', node="a", file="x.png", type="image")


def test_no_file_name_is_more_than_a_name() -> None:
    for name in ('a"); out(b', "a\\", 'it\'s "x".png'):
        assert used('a = image("x.png")\nout(a)\n', node="a", file=name, type="image").count("\n") == 2


@pytest.mark.parametrize("node", ["face", "out", "nobody"])
def test_what_plays_no_such_file_is_left_alone(node: str) -> None:
    with pytest.raises(PatchError):
        used(TEXT, node=node, file="x.mp4", type="movie")
