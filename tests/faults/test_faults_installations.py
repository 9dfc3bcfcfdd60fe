"""What runs for weeks: started again as it was, black outside its hours, watched over, logged."""

from __future__ import annotations

import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest

from fake_engine import GREY, TURNED, broken_dependencies, fake_dependencies
from fake_show import FakeShow
from ganzfeld.cli import _unattended
from ganzfeld.cli._unattended import LogWriter, keep
from ganzfeld.errors import GanzfeldError
from ganzfeld.patch import library
from ganzfeld.process import kept_show, pulse_watch
from ganzfeld.process.kept_show import kept_path, read_kept
from ganzfeld.process.opening_hours import HoursKeeper, OpeningHours
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.studio.server import StudioServer
from ganzfeld.values.document import Draft
from waiting import until

# Hours


@pytest.mark.parametrize(
    ("hours", "at", "state"),
    [
        ("10:00-18:00", "2026-03-02 09:57", "closed"),
        ("10:00-18:00", "2026-03-02 09:58", "warm"),
        ("10:00-18:00", "2026-03-02 10:00", "open"),
        ("10:00-18:00", "2026-03-02 17:59", "open"),
        ("10:00-18:00", "2026-03-02 18:00", "closed"),
        ("20:00-02:00", "2026-03-02 01:59", "open"),
        ("20:00-02:00", "2026-03-02 02:00", "closed"),
        ("0:00-24:00", "2026-03-02 23:59", "open"),
        ("mo-fr 9:00-17:00", "2026-03-07 12:00", "closed"),  # a Saturday
        ("mo-fr 9:00-17:00, sa 10:00-14:00", "2026-03-07 12:00", "open"),
        ("SA 20:00-02:00", "2026-03-08 01:00", "open"),  # the night that began on Saturday
        ("sa 20:00-02:00", "2026-03-07 01:00", "closed"),
        ("fr-mo 10:00-11:00", "2026-03-08 10:30", "open"),
        # The hour that a summer begins with does not exist, the one that it ends with exists twice: a clock on the wall
        # is compared, so both are as any other hour.
        ("2:30-4:00", "2026-03-29 03:00", "open"),
        ("2:30-4:00", "2026-10-25 02:30", "open"),
    ],
)
def test_hours(hours, at, state):
    assert OpeningHours(hours).at(datetime.fromisoformat(at)) == state


@pytest.mark.parametrize("text", ["", "10-18", "10:00", "25:00-26:00", "10:70-11:00", "xx 10:00-11:00", "9:00-9:00"])
def test_what_are_no_hours(text):
    with pytest.raises(GanzfeldError):
        OpeningHours(text)
    with pytest.raises(GanzfeldError, match="more than"):
        OpeningHours(",".join(["1:00-2:00"] * 51))


def test_a_show_keeps_its_hours():
    said = []

    class Show:
        def rest(self) -> None:
            said.append("rest")

        def wake(self, *, dark: bool) -> None:
            said.append("dark" if dark else "light")

    now = [datetime(2026, 3, 2, 9, 0)]
    keeper = HoursKeeper(Show(), OpeningHours("10:00-18:00"), lambda: now[0])
    for _ in range(24 * 60):
        keeper.look()
        now[0] += timedelta(minutes=1)
    assert said == ["rest", "dark", "light", "rest"]
    now[0] = datetime(2026, 3, 3, 12, 0)  # the clock was put right
    keeper.look()
    assert said[-1] == "light"


def test_black_and_nothing_rendered_outside_the_hours(play):
    stage = play("grey 200\nout wall\n")
    stage.shows(200)
    until(lambda: stage.show.turn("/grey", 33))
    until(lambda: stage.pixel(TURNED) == 33)
    until(lambda: stage.show._told.saved is not None)
    stage.show.rest()
    assert stage.pixel() == 0
    assert stage.show.latest().image[0, 0, 3] == 255
    assert stage.show.render_pid is None
    t = stage.show.status().t
    assert stage.errors() == ""
    assert stage.show.health().ok, "no frame is due"
    stage.show.wake(dark=True)
    number = stage.show.latest().number
    assert stage.show.wait(number + 2, 60) is not None
    assert stage.pixel() == 0, "it is warm, and dark"
    assert stage.errors() == "", "the process that was started goes on"
    stage.show.wake()
    stage.shows(200)
    until(lambda: stage.pixel(TURNED) == 33)
    assert stage.show.status().t < t + 30, "the time in between did not happen"


def test_a_show_that_starts_outside_its_hours(tmp_path):
    patch = tmp_path / "a.ganz"
    patch.write_text("grey 9\n")
    show = Supervisor(patch, prepare=fake_dependencies)
    show.rest()
    with show:
        assert show.render_pid is None
        assert show.health().ok
        show.wake()
        until(lambda: show.latest() is not None and show.latest().image[0, GREY, 0] == 9)


# Kept


def test_a_killed_supervisor_goes_on_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_show, "WRITE_SECONDS", 0.0)
    patch, kept = tmp_path / "a.ganz", tmp_path / "kept" / "a.show"
    patch.write_text("grey 7\n")
    with Supervisor(patch, prepare=fake_dependencies, keep_in=kept) as show:
        until(lambda: show.turn("/grey", 44))
        until(lambda: show.latest() is not None and show.latest().image[0, TURNED, 0] == 44)
        at = show.status().t
        until(lambda: (found := read_kept(kept)) is not None and found.checkpoint and found.clock["t"] > at)
    patch.write_text("error\n")  # and the newest text cannot be played
    with Supervisor(patch, prepare=fake_dependencies, keep_in=kept) as show:
        until(lambda: show.latest() is not None and show.latest().image[0, GREY, 0] == 7)
        until(lambda: show.latest().image[0, TURNED, 0] == 44)
        until(lambda: any("cannot be built" in problem.what for problem in show.status().errors))
        assert show.status().t > at - 1
    patch.unlink()  # on a drive that comes later
    with Supervisor(patch, prepare=fake_dependencies, keep_in=kept) as show:
        until(lambda: show.latest() is not None and show.latest().image[0, GREY, 0] == 7)
        assert any("there is no file" in problem.what for problem in show.status().errors)
        patch.write_text("grey 8\n# out()")
        until(lambda: show.latest().image[0, GREY, 0] == 8)
        until(lambda: not show.status().errors)


@pytest.mark.parametrize("what", ["beside:b.ganz", "example:organ"])
def test_a_killed_supervisor_goes_on_with_the_patch_that_it_went_over_to(tmp_path, monkeypatch, what):
    monkeypatch.setattr(kept_show, "WRITE_SECONDS", 0.0)
    monkeypatch.setattr(library, "example_text", lambda name: "grey 30\n" if name == "organ" else None)
    monkeypatch.setenv("GANZFELD_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)  # a take of what has no file lies where the show was started
    patch, kept = tmp_path / "a.ganz", tmp_path / "kept" / "a.show"
    patch.write_text("grey 10\n")
    (tmp_path / "b.ganz").write_text("grey 20\n")
    came = 30 if what == "example:organ" else 20

    def shows(show, grey: int) -> None:
        until(lambda: show.latest() is not None and show.latest().image[0, GREY, 0] == grey)

    with Supervisor(patch, prepare=fake_dependencies, keep_in=kept) as show:
        shows(show, 10)
        show.open_patch(what)
        shows(show, came)
        log, version = show.document.told("", 0)[0].log, show.document.told("", 0)[0].version
        length = len(show.document.text)
        show.document.push(log, version, "me", [Draft(changes=[length, [0, "# typed", ""]])])
        show.record_take()
        name = show.name
        until(lambda: (found := read_kept(kept)) is not None and found.elsewhere and found.elsewhere.name == name)
        until(lambda: read_kept(kept).text == f"grey {came}\n" and read_kept(kept).takes)
        show.document.look(1e9)
        monkeypatch.setattr(show.document, "_end_store", show.document._store.close)  # as if it were killed
    with Supervisor(patch, prepare=fake_dependencies, keep_in=kept) as show:
        shows(show, came)
        assert show.name == name and show.patch_source().name == name
        assert show.document.text == f"grey {came}\n# typed\n", "what was typed there is still written there"
        assert show.status().take is not None
        if what == "beside:b.ganz":
            (tmp_path / "b.ganz").write_text("grey 21\n# out()")
            shows(show, 21)
    kept_show.stay_at_home(kept)
    kept_show.stay_at_home(kept)
    assert not kept.exists(), "a person ended it"
    patch.write_text("grey 12\n")
    with Supervisor(patch, prepare=fake_dependencies, keep_in=kept) as show:
        shows(show, 12)


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x80", bytes(3000)])
def test_a_damaged_kept_show_counts_as_none(tmp_path, content):
    file = tmp_path / "a.show"
    file.write_bytes(content)
    assert read_kept(file) is None


def test_a_process_is_started_again_until_a_person_ends_it(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(_unattended, "FIRST_PAUSE", 0.01)
    count = tmp_path / "count"
    program = tmp_path / "p.py"
    program.write_text(
        "import os, sys\nfrom pathlib import Path\n"
        f"count = Path({str(count)!r})\n"
        "runs = int(count.read_text()) + 1 if count.exists() else 1\n"
        "count.write_text(str(runs))\n"
        "assert os.environ['GANZFELD_KEEP']\n"
        "os.kill(os.getpid(), 9) if runs == 1 else sys.exit(3 if runs == 2 else 0)\n"
    )
    with caplog.at_level(logging.WARNING):
        assert keep("a", ["play"], [sys.executable, str(program)]) == 0
    assert count.read_text() == "3"
    assert "exit code 3" in caplog.text
    program.write_text("import sys; sys.exit(2)")
    assert keep("a", ["play"], [sys.executable, str(program)]) == 2, "words that make no sense are not tried again"


def test_a_process_that_shows_no_sign_of_life_is_replaced(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(_unattended, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(_unattended, "SILENT_SECONDS", 0.5)
    second = tmp_path / "second"
    program = tmp_path / "p.py"
    program.write_text(
        "import time\nfrom pathlib import Path\nfrom ganzfeld.process.kept_show import SignOfLife\n"
        f"second = Path({str(second)!r})\n"
        "if not second.exists():\n"
        "    second.touch()\n"
        "    SignOfLife().give(1.0)\n"
        "    time.sleep(1000)\n"
    )
    with caplog.at_level(logging.WARNING):
        assert keep("hangs", [], [sys.executable, str(program)]) == 0
    assert "no sign of it" in caplog.text
    assert kept_path("hangs") != kept_path("a")


def test_a_full_disk_is_no_reason_to_start_a_kept_show_again(tmp_path, monkeypatch):
    """Nothing can be written down, and the show still gives its signs of life."""
    signs = _unattended.SignsOfLife()
    monkeypatch.setenv(kept_show.PULSE_PORT, str(signs.port))
    monkeypatch.setattr(kept_show, "PULSE_SECONDS", 0.05)
    (tmp_path / "file").write_text("")
    (tmp_path / "a.ganz").write_text("grey 7\n")
    with Supervisor(tmp_path / "a.ganz", prepare=fake_dependencies, keep_in=tmp_path / "file" / "a.show") as show:
        until(lambda: show.latest() is not None)
        for _ in range(3):
            until(signs.came)


@pytest.mark.parametrize("port", ["", "x", "99999999", "-1"])
def test_signs_of_life_are_given_to_nobody(monkeypatch, port):
    monkeypatch.setenv(kept_show.PULSE_PORT, port)
    kept_show.SignOfLife().give(1.0)


# The recipes

RECIPES = (Path(__file__).parents[2] / "docs" / "unattended.md").read_text("utf-8")


def command_lines() -> list[str]:
    """What the page tells a person to type, or a system to run."""
    lines = re.findall(r"^ganzfeld (play .+)$", RECIPES, re.MULTILINE)
    lines += re.findall(r"^ExecStart=\S+/ganzfeld (play .+)$", RECIPES, re.MULTILINE)
    return [*lines, *re.findall(r"-Argument '(play .+)'", RECIPES)]


def test_command_lines_of_the_recipes_are_understood():
    import typer
    from typer.main import get_command

    from ganzfeld.cli.play import play as command

    lines = command_lines()
    assert len(lines) == 3
    app = typer.Typer()
    app.command("play")(command)
    play = get_command(app)
    for line in lines:
        words = shlex.split(line, posix=False)[1:]
        options = play.make_context("play", [word.strip('"') for word in words], resilient_parsing=False).params
        assert options["keep"] and OpeningHours(options["hours"]).at(datetime(2026, 3, 2, 11)) == "open"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_understands_the_unit(tmp_path):
    [unit] = re.findall(r"```ini\n(.+?)```", RECIPES, re.DOTALL)
    program = tmp_path / "ganzfeld"
    program.touch(0o755)
    unit = re.sub(r"^ExecStart=\S+", f"ExecStart={program}", unit, flags=re.MULTILINE)
    (tmp_path / "ganzfeld.service").write_text(unit.replace("%h/", f"{tmp_path}/"))
    command = ["systemd-analyze", "--man=no", "verify", str(tmp_path / "ganzfeld.service")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    told = [line for line in done.stderr.splitlines() if "ganzfeld.service" in line]
    assert done.returncode == 0 and not told, done.stderr


# Watched over


def test_the_age_of_the_newest_frame(play, monkeypatch):
    stage = play("grey 4\n")
    stage.shows(4)
    until(lambda: stage.show.health().frame_age is not None)
    found = stage.show.health()
    assert found.ok and found.render_alive and not found.resting
    assert found.memory_mb > 1
    monkeypatch.setattr(pulse_watch, "STALE_SECONDS", 0.3)
    stage.show._failover._hang_seconds = 1e9
    stage.show._failover.look = lambda *_, **__: None  # nobody brings it back
    psutil.Process(stage.show.render_pid).kill()
    until(lambda: not stage.show.health().ok)
    assert stage.show.health().frame_age >= 0.3


def test_the_health_address():
    show = FakeShow()
    with StudioServer(show, port=0) as server:
        with urllib.request.urlopen(f"{server.url}health", timeout=20) as answer:
            assert answer.status == 200
            assert b'"frame_age":0.5' in answer.read()
        show.well = False
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{server.url}health", timeout=20)
        assert refused.value.code == 503


# The log


def test_a_log_tells_what_went_wrong_and_turns_over(play, tmp_path, monkeypatch):
    monkeypatch.setattr(_unattended, "LOG_BYTES", 2000)
    stage = play("grey 4\n")
    stage.shows(4)
    path = tmp_path / "logs" / "show.log"
    with LogWriter(stage.show, path) as log:
        stage.patch.write_text("error\n# out()")
        stage.says("cannot be built")
        log.look()
        stage.patch.write_text("grey 5\n# out()")
        stage.is_silent()
        log.look()
        text = path.read_text()
        assert "WARNING ganzfeld: a.ganz:1: this cannot be built" in text
        assert "no more: this cannot be built" in text
        for number in range(300):
            logging.getLogger("ganzfeld.test").warning("line %d of a long night", number)
    files = sorted(path.parent.iterdir())
    assert len(files) == _unattended.LOG_FILES + 1
    assert all(file.stat().st_size <= 2000 for file in files)
    with pytest.raises(GanzfeldError, match="cannot be written"):
        LogWriter(stage.show, tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="files that are open stay there")
def test_a_log_is_begun_anew_when_its_folder_is_back(tmp_path):
    path = tmp_path / "drive" / "show.log"
    with LogWriter(FakeShow(), path) as log:
        path.parent.rename(tmp_path / "away")
        log.look()
        assert not path.parent.exists()
        path.parent.mkdir()
        log.look()
        logging.getLogger("ganzfeld.test").warning("it goes on")
        assert "it goes on" in path.read_text()


def test_a_log_is_not_written_into_what_is_none(tmp_path):
    for name in ("a.ganz", "net.pkl"):
        (tmp_path / name).write_bytes(b"out(noise())\n" + bytes(range(256)))
        with pytest.raises(GanzfeldError, match="is no log"):
            LogWriter(FakeShow(), tmp_path / name)
        assert (tmp_path / name).stat().st_size == 269
    for _ in range(2):  # one of ours is gone on with, and an empty file may become one
        with LogWriter(FakeShow(), tmp_path / "a.log"):
            pass
    assert (tmp_path / "a.log").read_text().count("the show begins") == 2


def test_a_full_disk_does_not_end_the_log(tmp_path):
    log = LogWriter(FakeShow(), tmp_path / "a.log")
    log._handler.stream.close()
    log._say(logging.WARNING, "nobody can write this")


def test_a_process_that_cannot_begin_says_why(play):
    play("grey 7\n", prepare=broken_dependencies).says("libcudart.so.12")
