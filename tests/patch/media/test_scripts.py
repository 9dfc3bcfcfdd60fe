"""A script that raises, loops or lies never stops the show; its last working version plays on."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch

from ganzfeld.patch.media import scripts
from ganzfeld.patch.media.scripts import Script, ScriptFrame
from ganzfeld.patch.node import ImageRequest, Named
from ganzfeld.values.hazards import Hazards
from ganzfeld.values.time import Moment

HEAD = "def frame(context, inputs):\n    "


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "s.py"


def called(script: Script, t: float = 0.0):
    moment = Moment(0, t, 0.0, 0.0, 0.0, 120.0)
    return script.call(ScriptFrame(moment, Named({}), {}, ImageRequest(), torch.device("cpu")), {})


def opened(file: Path, text: str) -> Script:
    file.write_text(text)
    return Script(file, lambda path: True, hazards=Hazards())


def saved(script: Script, text: str) -> None:
    script.path.write_text(text)
    script.set_aside = ""
    script.load()


@pytest.mark.parametrize(
    "error", ["KeyboardInterrupt", "GeneratorExit", "SystemExit", "BaseException", "RecursionError", "StopIteration"]
)
@pytest.mark.parametrize("where", ["frame", "file"])
def test_no_exception_comes_through(file, error, where, monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN)  # as in a render process
    script = opened(file, HEAD + "return 1")
    assert called(script) == 1
    saved(script, HEAD + f"raise {error}" if where == "frame" else f"raise {error}\n{HEAD}return 2")
    assert called(script) == 1, "the last one that worked plays on"
    assert error in script.problem.what
    saved(script, HEAD + "return 3")
    assert called(script) == 3
    assert script.problem is None


def test_a_hand_can_end_a_program_in_the_midst_of_a_script(file):
    script = opened(file, HEAD + "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        called(script)


LOOPS = {
    "plain": "while True: pass",
    "that swallows": "while True:\n        try:\n            while True: pass\n        except Exception: pass",
    "in a generator": "sum(1 for _ in iter(int, 1))",
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_a_loop_is_stopped_and_what_worked_before_plays_on(file, loop, monkeypatch):
    monkeypatch.setattr(scripts, "FIRST_SECONDS", 0.2)
    monkeypatch.setattr(scripts, "LATER_SECONDS", 0.2)
    script = opened(file, HEAD + "return 1")
    assert called(script) == 1
    saved(script, HEAD + loop)
    assert called(script) == 1
    assert "did not return" in script.problem.what
    assert not script.set_aside, "there is something that works"
    alone = opened(file, HEAD + loop)
    assert called(alone) is None
    assert alone.set_aside
    assert called(alone) is None, "and it is not called again"
    saved(alone, HEAD + "return 2")
    assert called(alone) == 2


def test_a_file_that_loops_while_it_is_loaded(file, monkeypatch):
    monkeypatch.setattr(scripts, "LOADING_SECONDS", 0.2)
    script = opened(file, f"while True: pass\n{HEAD}return 1")
    assert called(script) is None
    assert "did not return" in script.problem.what
    saved(script, HEAD + "return 2")
    assert called(script) == 2


def test_what_a_script_returns_counts_as_its_doing(file):
    script = opened(file, HEAD + "return 1")
    frame = ScriptFrame(Moment(0, 0.0, 0.0, 0.0, 0.0, 120.0), Named({}), {}, ImageRequest(), torch.device("cpu"))
    assert script.call(frame, {}, lambda result: result + 1) == 2
    saved(script, HEAD + "return 'nothing'")
    assert script.call(frame, {}, lambda result: result + 1) == 2
    assert "TypeError" in script.problem.what


def test_a_slow_script_is_told(file, monkeypatch):
    monkeypatch.setattr(scripts, "SLOW_SECONDS", 0.01)
    script = opened(file, f"import time\n{HEAD}time.sleep(0.02)\n    return 1")
    assert called(script) == 1
    assert script.slow is None, "the first call may take long"
    assert called(script) == 1
    assert "takes" in script.slow.what


def test_an_exception_that_cannot_be_told(file):
    script = opened(file, "class E(Exception):\n    def __str__(self): raise ValueError\n" + HEAD + "raise E")
    assert called(script) is None
    assert script.problem.what == "E"


def test_an_exception_that_never_says_what_it_is(file, monkeypatch):
    monkeypatch.setattr(scripts, "TELLING_SECONDS", 0.2)
    hangs = "class E(Exception):\n    def __str__(self):\n        while True: pass\n"
    script = opened(file, hangs + HEAD + "raise E")
    assert called(script) is None
    assert script.problem.what == "E"


def test_a_file_of_a_size_that_no_script_has(file):
    script = opened(file, HEAD + "return 1\n")
    assert called(script) == 1
    saved(script, HEAD + "return 2\n" + "# data\n" * (1 << 18))
    assert called(script) == 1
    assert "more than 1 MB" in script.problem.what


def test_what_a_script_reads_itself_may_be_away_for_a_while(file):
    """The message goes when the cause goes, whether the version had worked before or not."""
    data = file.with_name("data.txt")
    data.write_text("1")
    script = opened(file, HEAD + f"return float(open({str(data)!r}).read())")
    assert called(script, 0) == 1
    data.write_text("half")
    assert called(script, 1) is None
    assert "half" in script.problem.what
    data.write_text("2")
    assert called(script, 1.1) == 2
    assert script.problem is None

    data.unlink()
    saved(script, HEAD + f"return 10 * float(open({str(data)!r}).read())")
    assert called(script, 2) is None
    data.write_text("3")
    assert called(script, 2.5) == 3, "the version before plays on"
    assert script.problem is not None
    assert called(script, 3.1) == 30
    assert script.problem is None and b"10 *" in script.witnessed


def test_a_version_that_goes_on_failing_is_tried_ever_more_seldom(file):
    tries = file.with_name("tries")
    script = opened(file, HEAD + "return 1")
    assert called(script) == 1
    saved(script, HEAD + f"open({str(tries)!r}, 'a').write('x'); raise ValueError('never')")
    for number in range(600):
        assert called(script, number / 10) == 1
    assert "never" in script.problem.what
    assert 5 <= len(tries.read_text()) <= 8
    assert called(script, 0.0) == 1, "the show's time was set back"
