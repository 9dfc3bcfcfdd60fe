"""Dice while a show plays: where a line goes, what it takes to keep it, how it is taken back."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pytest

from ganzfeld.errors import GanzfeldError
from ganzfeld.process import live_dice as module
from ganzfeld.process.document.changes import ChangeSet, units_of
from ganzfeld.process.document.document import Document
from ganzfeld.process.live_dice import ROLLING, Bendable, LiveDice, bendables
from ganzfeld.process.patch_file import PatchFile
from ganzfeld.values.document import Draft

PATCH = """\
# two networks
left  = network("planets", latent=seeds())
noise() >> flip() >> out()
right = seeds() >> network(file=seq("flowers planets", beats=4))
left.bend("b8",
          rotate=3)  # a turn
both  = mix(left, right)
out(both)
"""


class Text:
    """A show's text, with dice that play at once."""

    def __init__(self, text: str, path: Path | None = None, *, armed: bool = True) -> None:
        self.text = text
        self.plays = 0
        file = PatchFile(path) if path else None
        name = f"dice {uuid.uuid4()}"
        self.document = Document(name, text, file, newest=lambda: self.text, play=self.play)
        self.text = self.document.first_played
        self.rolls = LiveDice(path, lambda: self.text, self.document)
        self.rolls.arm(armed)

    def play(self, text: str, at_once: bool) -> int:
        self.text = text
        self.plays += 1
        return 1

    def roll(self) -> str:
        self.rolls.roll()
        end = time.monotonic() + 90
        while self.rolls.rolled == ROLLING and time.monotonic() < end:
            time.sleep(0.002)
        return self.rolls.rolled


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> list[Bendable]:
    """Lines without a process; what was asked for."""
    asked: list[Bendable] = []

    def rolled(network: Bendable, path: Path | None) -> tuple[list[str], None]:
        asked.append(network)
        return [f'{network.name}.bend("b16", blur=0.0{number})' for number in range(9)], None

    monkeypatch.setattr(module, "_rolled", rolled)
    return asked


def test_networks_are_found_and_where_their_bends_go() -> None:
    assert list(bendables(PATCH)) == [Bendable("left", "planets", 6), Bendable("right", "flowers", 4)]
    assert list(bendables("face = network()\nout(face)")) == [Bendable("face", "planets", 1)]
    assert not list(bendables("out(network())"))
    assert not list(bendables("face = (("))


def test_a_proposed_line_stands_nowhere_until_it_is_taken(tmp_path: Path, stock: list[Bendable]) -> None:
    path = tmp_path / "mine.ganz"
    path.write_text(PATCH)
    show = Text(PATCH, path, armed=False)
    assert (show.rolls.rolled, show.rolls.place) == ("", 0)
    lines = [show.roll(), show.roll(), show.roll()]
    assert len(set(lines)) == 3 and show.rolls.place == 6, "of the first network again, below its last bend"
    assert show.text == show.document.text == path.read_text() == PATCH and show.plays == 0
    taken = PATCH.replace("# a turn\n", f"# a turn\n{lines[2]}\n")
    assert show.rolls.text_with(lines[2]) == taken and show.text == PATCH, "what it would be is only told"
    show.rolls.keep()
    assert show.text == show.document.text == path.read_text() == taken and show.plays == 1
    assert (show.rolls.rolled, show.rolls.place) == ("", 0)
    show.roll()
    show.rolls.back()
    assert show.text == taken and show.rolls.rolled == "" and show.plays == 1
    show.rolls.back()
    assert show.text == show.document.text == path.read_text() == PATCH, "then the one that was kept goes"


def test_another_line_may_be_kept_in_the_place_of_the_rolled_one(stock: list[Bendable]) -> None:
    show = Text(PATCH, armed=False)
    line = show.roll()
    for wrong in (f"{line}\nout(left)", "import os", "gone.bend('b8')", "left", "left.bend(", "left = 3", ""):
        with pytest.raises(GanzfeldError, match="no line"):
            show.rolls.text_with(wrong)
        if wrong:
            with pytest.raises(GanzfeldError, match="no line"):
                show.rolls.keep(wrong)
    assert show.text == PATCH and show.rolls.rolled == line
    show.rolls.keep('left.bend("b16", blur=2)')
    assert 'left.bend("b16", blur=2)' in show.text and line not in show.text and show.rolls.rolled == ""
    show.rolls.back()
    assert show.text == PATCH


def test_a_proposed_line_outlives_a_save_but_not_its_network(stock: list[Bendable]) -> None:
    show = Text(PATCH, armed=False)
    line = show.roll()
    show.document.submitted("# new\n" + PATCH)
    assert show.rolls.rolled == line and show.rolls.place == 7
    show.document.submitted("right = network()\nout(right)\n")
    assert show.rolls.rolled == "" and show.rolls.place == 0
    for refused in (show.rolls.keep, show.rolls.back):
        with pytest.raises(GanzfeldError):
            refused()


def test_arming_puts_the_proposed_line_onto_the_wall_and_disarming_takes_it_off(stock: list[Bendable]) -> None:
    show = Text(PATCH, armed=False)
    line = show.roll()
    show.rolls.arm(True)
    assert line in show.text and show.rolls.rolled == line and show.rolls.place == 0 and show.rolls.armed
    show.rolls.arm(False)
    assert show.text == PATCH and show.rolls.rolled == line and show.rolls.place == 6
    show.rolls.forget()
    assert show.rolls.rolled == "" and show.text == PATCH


def test_a_roll_stands_in_the_text_until_the_next(stock: list[Bendable]) -> None:
    show = Text(PATCH)
    lines = [show.roll(), show.roll(), show.roll(), show.roll()]
    assert len(set(lines)) == 4 and len(stock) == 2, "a stock for each network, one after the other"
    assert [line.partition(".")[0] for line in lines] == ["left", "right", "left", "right"]
    assert show.text == PATCH.replace('planets", beats=4))\n', f'planets", beats=4))\n{lines[3]}\n')
    show.rolls.back()
    assert show.text == PATCH and show.rolls.rolled == ""
    third = show.roll()
    assert show.text.splitlines()[6] == third, "below the bend that was there"


def test_a_comment_with_a_form_feed_is_one_line(stock: list[Bendable]) -> None:
    show = Text("# one\x0cline\nface = network()\nout(face)\n")
    line = show.roll()
    assert show.text == f"# one\x0cline\nface = network()\n{line}\nout(face)\n"


def test_the_file_is_written_when_a_line_is_kept_and_undone_by_hand(tmp_path: Path, stock: list[Bendable]) -> None:
    path = tmp_path / "mine.ganz"
    text = "face = network()\r\nout(face)"
    path.write_bytes(text.encode())
    show = Text(text, path)
    show.roll()
    assert path.read_bytes() == text.encode(), "nothing is written before"
    show.rolls.keep()
    assert path.read_bytes() == show.text.replace("\n", "\r\n").encode() and "\nface.bend" in show.text
    first = show.text
    show.roll()
    show.rolls.keep()
    assert show.text.count("bend") == 2
    show.rolls.back()
    assert show.text == first == show.document.text and path.read_bytes() == first.replace("\n", "\r\n").encode()
    show.rolls.back()
    assert show.text == text.replace("\r", "") and path.read_bytes() == text.encode()
    with pytest.raises(GanzfeldError, match="take back"):
        show.rolls.back()


def test_a_save_of_the_person_and_the_dice_both_stay(tmp_path: Path, stock: list[Bendable]) -> None:
    path = tmp_path / "mine.ganz"
    path.write_text(PATCH)
    show = Text(PATCH, path)
    line = show.roll()
    path.write_text(PATCH + "# mine\n")
    with pytest.raises(GanzfeldError, match="something else"):
        show.rolls.keep()
    show.document.saved_elsewhere(PATCH + "# mine\n")
    assert show.rolls.rolled == line and "# mine" in show.text and line in show.document.text
    show.rolls.back()
    assert show.text == show.document.text == PATCH + "# mine\n"


def test_what_is_typed_stays_out_of_the_file_when_a_line_is_kept(tmp_path: Path, stock: list[Bendable]) -> None:
    path = tmp_path / "mine.ganz"
    path.write_text(PATCH)
    show = Text(PATCH, path)
    told, _ = show.document.told("", 0)
    end = ChangeSet.splices(units_of(PATCH), [(units_of(PATCH), units_of(PATCH), "half a li")]).json()
    assert show.document.push(told.log, told.version, "ada", [Draft(end)])
    line = show.roll()
    assert "half" not in show.text and show.document.text.endswith("half a li") and line in show.document.text
    show.rolls.keep()
    assert line in path.read_text() and "half" not in path.read_text()
    document = show.document.text
    show.document.submitted(show.text.replace(line + "\n", ""))
    assert show.rolls.rolled == "" and show.document.text == document.replace(line + "\n", "")
    for refused in (show.rolls.keep, show.rolls.back):
        with pytest.raises(GanzfeldError):
            refused()
    before = show.document.text
    show.roll()
    show.rolls.end()
    show.rolls.end()
    assert show.document.text == before, "a line that nobody kept is not there the next time"


def test_without_a_network_nothing_is_rolled(stock: list[Bendable]) -> None:
    with pytest.raises(GanzfeldError, match="no network"):
        Text("out(noise())").rolls.roll()


def test_what_the_command_rolls_is_played_and_what_it_refuses_is_told(tmp_path: Path, small_network: Path) -> None:
    show = Text(f"face = network({str(small_network)!r})\nout(face)")
    assert show.roll().startswith("face.b") and show.rolls.problem is None
    show = Text('face = network("gone.pkl")\nout(face)', tmp_path / "mine.ganz")
    assert show.roll() == "" and "bend" not in show.text
    assert show.rolls.problem and "gone.pkl" in show.rolls.problem.hint


def test_a_long_text_is_not_read_for_nothing(stock: list[Bendable], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a line is there is asked under the show's lock, many times a second."""
    read: list[str] = []
    parse = module.parse_in_pieces
    monkeypatch.setattr(module, "parse_in_pieces", lambda text: (read.append(text), parse(text))[1])
    text = Text(PATCH)
    text.text = PATCH + "# another\n"
    assert text.rolls.rolled == "" and not read, "nothing was rolled"
    assert len(list(bendables(PATCH))) == 2 and len(read) == 1
    assert list(bendables(PATCH + "#" * module.LONGEST_TEXT)) == [] and len(read) == 1
    with pytest.raises(GanzfeldError, match="no line"):
        Text(PATCH + "#" * module.LONGEST_TEXT).rolls.text_with("left.bend()")
