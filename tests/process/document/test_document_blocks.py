"""Which lines are a block, and what plays when somebody plays one."""

from __future__ import annotations

import pytest

from ganzfeld.process.document.blocks import all_played_but, block_at, block_played

PATCH = """\
# a patch
bpm(120)

face = network("planets",

               psi=0.8)
face.bend("b8", rotate=3)

for k in range(3):

    face.bend(f"b{k}",
              gain=2)

    # a comment

out(face)
"""
LINES = PATCH.split("\n")


def line(word: str) -> int:
    return next(number for number, each in enumerate(LINES) if word in each)


@pytest.mark.parametrize(
    ("word", "first", "last"),
    [
        ("bpm", "# a patch", "bpm"),
        ("psi", "face = ", "rotate"),
        ("rotate", "face = ", "rotate"),
        ("face = ", "face = ", "rotate"),
        ("range", "for", "gain"),
        ("gain", "for", "gain"),
        ("a comment", "for", "a comment"),
        ("out", "out", "out"),
    ],
)
def test_a_block_is_a_paragraph_of_whole_statements(word, first, last):
    assert block_at(PATCH, line(word), line(word)) == (line(first), line(last) + 1)


def test_a_selection_is_all_the_blocks_it_touches():
    assert block_at(PATCH, line("bpm"), line("psi")) == (0, line("rotate") + 1)
    assert block_at(PATCH, -5, 10**9)[0] == 0


def test_an_empty_line_is_its_own_block_and_a_broken_one_its_paragraph():
    assert block_at(PATCH, 2, 2) == (2, 3)
    assert block_at("", 0, 0) == (0, 1)
    broken = "a = noise()\n\nb = flip((a)\nc = 3 +\n\nout(a)\n"
    assert block_at(broken, 2, 2) == (2, 4)
    assert block_at(broken, 5, 5) == (5, 6) and block_at(broken, 0, 0) == (0, 1)


def test_a_broken_block_blocks_no_other():
    document = PATCH.replace("rotate=3", "rotate=(").replace("out(face)", "out(face, fps=30)")
    block = block_at(document, line("out"), line("out"))
    assert block_played(PATCH, document, block) == PATCH.replace("out(face)", "out(face, fps=30)")
    assert block_played(PATCH, document, block_at(document, 0, 0)) == PATCH


def test_lines_that_come_and_go_are_played_with_their_block():
    document = PATCH.replace("bpm(120)\n", "bpm(90)\nswap('bar')\n").replace("# a patch\n", "")
    assert block_played(PATCH, document, block_at(document, 0, 0)) == document
    document = PATCH.replace('face.bend("b8", rotate=3)\n', "")
    block = block_at(document, line("psi"), line("psi"))
    assert block_played(PATCH, document, block) == document


def test_of_two_new_blocks_one_is_played():
    document = PATCH.replace("out(face)", "a = noise(\n\nb = noise()\n\nout(face)")
    at = document.split("\n").index("b = noise()")
    played = block_played(PATCH, document, block_at(document, at, at))
    assert "a = noise(" not in played and "b = noise()" in played
    assert played.replace("b = noise()\n\n", "").replace("b = noise()\n", "") == PATCH
    assert block_played(PATCH, document, block_at(document, at - 2, at - 2)).count("noise") == 1


def test_neighbours_that_have_all_changed_are_told_by_what_they_define():
    played = "a = noise(1)\nb = noise(2)\nc = noise(3)\nout(c)\n"
    document = "a = noise((1)\n\nb = noise(20)\n\nc = noise(30)\n\nout(c)\n"
    at = document.split("\n").index("b = noise(20)")
    assert block_played(played, document, block_at(document, at, at)).replace("\n\n", "\n") == (
        "a = noise(1)\nb = noise(20)\nc = noise(3)\nout(c)\n"
    )


def test_all_but_the_blocks_of_others_are_played():
    document = PATCH.replace("bpm(120)", "bpm(").replace("rotate=3", "rotate=4")
    assert all_played_but(PATCH, document, []) == document
    theirs = [block_at(document, 1, 1)]
    assert all_played_but(PATCH, document, theirs) == PATCH.replace("rotate=3", "rotate=4")
