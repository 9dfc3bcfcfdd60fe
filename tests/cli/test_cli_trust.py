"""The question at the terminal whether a script may run."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
import typer

from ganzfeld.cli import _trust, main
from ganzfeld.cli._trust import may_run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Types at the terminal."""
    reading, writing = os.pipe()
    terminal = os.fdopen(reading)

    class Terminal:
        fileno, readline = terminal.fileno, terminal.readline

        @staticmethod
        def isatty() -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    yield lambda text: os.write(writing, text.encode()) and None
    os.close(writing)
    terminal.close()


@pytest.mark.parametrize(
    ("typed", "may"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("yo\n", False)]
)
def test_only_yes_is_yes(person: Callable[[str], None], typed: str, may: bool) -> None:
    person(typed if typed.endswith("\n") else f"{typed}\n")
    assert may_run("a.py") is may


def test_the_modules_that_run_with_it_are_named(person, tmp_path, capsys) -> None:
    (tmp_path / "a.py").write_text("import os, helper")
    (tmp_path / "helper.py").write_text("from . import other")
    (tmp_path / "other.py").write_text("")
    person("y\n")
    assert may_run(tmp_path / "a.py")
    assert "and with it helper.py, other.py beside it. Have" in capsys.readouterr().out


def test_an_answer_on_the_page_takes_the_question_back(
    person: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    answered = threading.Event()
    looks = []

    def over() -> bool:
        looks.append(1)
        if len(looks) == 2:
            answered.set()
        return answered.is_set()

    assert may_run("a.py", over) is False
    assert "answered on the page" in capsys.readouterr().out


def test_ctrl_c_ends_with_130(person: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_trust, "_line", interrupted)
    with pytest.raises(typer.Exit) as ended:
        may_run("a.py")
    assert ended.value.exit_code == 130


def test_ctrl_c_at_the_question_of_a_render_ends_with_130(
    tmp_path, person: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_trust, "_line", interrupted)
    (tmp_path / "s.py").write_text("def frame(context, inputs):\n    return 0\n")
    (tmp_path / "a.ganz").write_text('out(script("s.py"), size=(8, 8))')
    with pytest.raises(SystemExit) as ended:
        main(["render", str(tmp_path / "a.ganz"), "--out", str(tmp_path / "a.png"), "--frames", "1", "--device", "cpu"])
    assert ended.value.code == 130


def test_without_a_terminal_the_answer_is_no() -> None:
    assert may_run("a.py") is False
