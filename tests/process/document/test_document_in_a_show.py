"""The document of a running show: typed, played, saved by others, and a supervisor that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_engine import GREY, fake_dependencies
from ganzfeld.errors import GanzfeldError
from ganzfeld.process.document.line_merge import change_to
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.values.document import Draft
from waiting import until

SECONDS = 30.0
PATCH = "grey 7\nout one\n\n# mine\n# out(it)\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.ganz"
    path.write_text(PATCH)
    return path


@pytest.fixture
def play(file: Path) -> Iterator:
    running: list[Supervisor] = []

    def start() -> Supervisor:
        running.append(Supervisor(file, prepare=fake_dependencies).start())
        return running[-1]

    yield start
    for show in running:
        show.close()


def write(show: Supervisor, text: str) -> None:
    """As a page does."""
    whole, _ = show.document.told("", 0)
    assert show.document.push(whole.log, whole.version, "ada", [Draft(change_to(whole.text, text).json())])


def play_at(show: Supervisor, word: str, *, now: bool = False) -> None:
    whole, _ = show.document.told("", 0)
    at = whole.text.index(word)
    show.document.play_block("ada", whole.log, whole.version, at, at, now=now)


def shows(show: Supervisor, value: int) -> None:
    until(lambda: (frame := show.latest()) and frame.image[0, GREY, 0] == value, f"no grey {value}", seconds=SECONDS)


def test_typing_plays_when_it_is_played_and_a_save_of_others_plays_beside_it(play, file):
    show = play()
    shows(show, 7)
    write(show, PATCH.replace("# mine", "half a li"))
    write(show, show.document.text.replace("grey 7", "grey 9"))
    assert show.patch_source().text == PATCH and show.document_state().saved is False
    play_at(show, "grey", now=True)
    shows(show, 9)
    state = until(lambda: (found := show.document_state()) and not found.waits and found, seconds=SECONDS)
    assert state.failed is None
    file.write_text(PATCH.replace("out one", "out two"))
    until(lambda: show.patch_source().text == "grey 9\nout two\n\n# mine\n# out(it)\n", seconds=SECONDS)
    assert show.document.text == "grey 9\nout two\n\nhalf a li\n# out(it)\n"
    show.document.play_all("ada", now=False)
    until(lambda: show.document_state().failed == show.patch_source().version, seconds=SECONDS)
    assert any("half" in problem.what and problem.line == 4 for problem in show.status().errors)
    shows(show, 9)
    version = show.patch_source().version
    write(show, show.document.text.replace("half a li", "# mine"))
    show.document.save()
    assert file.read_text() == show.document.text == "grey 9\nout two\n\n# mine\n# out(it)\n"
    file.with_name("other.ganz").write_text("x")
    assert show.patch_source().version == version, "a save of ours does not play"


def test_another_patch_is_another_document(play, file):
    show = play()
    shows(show, 7)
    write(show, PATCH.replace("# mine", "# typed"))
    before, _ = show.document.told("", 0)
    (file.parent / "two.ganz").write_text("grey 8\r\n# out(it)\r\n")
    show.open_patch("beside:two.ganz")
    shows(show, 8)
    whole, updates = show.document.told(before.log, before.version)
    assert (whole.name, whole.text, updates) == ("two.ganz", "grey 8\n# out(it)\n", None)
    write(show, whole.text.replace("8", "3"))
    show.document.save()
    assert (file.parent / "two.ganz").read_bytes() == b"grey 3\r\n# out(it)\r\n" and file.read_text() == PATCH
    show.open_patch("beside:mine.ganz")
    shows(show, 7)
    assert show.document.text == PATCH.replace("# mine", "# typed"), "what was typed there is there"
    with pytest.raises(GanzfeldError, match="changed too much"):
        show.document.play_block("ada", before.log + "x", before.version, 0, 0, now=False)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_a_supervisor_that_is_killed_goes_on_with_what_was_typed_and_what_played(play, file):
    script = f"""
        import sys
        sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[2] / "support")]!r}
        if __name__ == "__main__":
            from pathlib import Path
            from fake_engine import fake_dependencies
            from ganzfeld.process.supervisor import Supervisor
            from test_document_in_a_show import PATCH, play_at, shows, write
            from waiting import until
            show = Supervisor(Path({str(file)!r}), prepare=fake_dependencies).start()
            shows(show, 7)
            write(show, PATCH.replace("grey 7", "grey 9"))
            play_at(show, "grey")
            until(lambda: show.status().playing_version == 2, seconds=30)
            show.document.look(1e9)
            write(show, show.document.text.replace("# mine", "# typed"))
            print(show.document.told("", 0)[0].log, flush=True)
            sys.stdin.read()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        told = process.stdout.readline().strip()
        os.kill(process.pid, signal.SIGKILL)
    assert told
    show = play()
    assert show.document.text == PATCH.replace("grey 7", "grey 9").replace("# mine", "# typed")
    shows(show, 9)
    whole, _ = show.document.told("", 0)
    assert file.read_text() == PATCH
    if sys.platform == "linux":
        assert (whole.log, whole.version) == (told, 2), "pages go on from where they were"
    show.close()
    again = play()  # ended by its person: it begins with its file
    shows(again, 7)
    assert again.document.text == whole.text
