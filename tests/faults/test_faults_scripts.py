"""A script that ends, holds up or interrupts the process is set aside by itself, and runs again when it changes."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from ganzfeld.process import failover
from waiting import until


@pytest.mark.parametrize(("word", "told"), [("exit", "set aside"), ("kill", "set aside"), ("sleep", "set aside")])
def test_what_ends_the_process_is_set_aside(play, tmp_path, word, told):
    script = tmp_path / "s.py"
    script.write_text("5")
    stage = play(f"grey 1\nrun {script}\n")
    stage.shows(5)
    script.write_text(word)
    stage.says("s.py ended the render process")
    stage.goes_on()
    assert told in stage.errors()
    stage.shows(5)  # its last picture stays
    assert not stage.show._policy.is_set_aside, "the text is not to blame"
    script.write_text("6")
    stage.shows(6)
    stage.is_silent("set aside")


def test_a_loop_is_stopped_without_another_process(play, tmp_path):
    script = tmp_path / "s.py"
    script.write_text("5")
    stage = play(f"run {script}\n")
    stage.shows(5)
    pid = stage.show.render_pid
    script.write_text("hang")
    until(lambda: str(script) in stage.show._care.custody.files)
    stage.goes_on()
    assert stage.show.render_pid == pid
    script.write_text("7")
    stage.shows(7)


def test_a_script_that_holds_pythons_lock_is_found_without_waiting_for_its_patience(play, tmp_path, monkeypatch):
    monkeypatch.setattr(failover, "MORE_PATIENCE", 1e6)
    script = tmp_path / "s.py"
    script.write_text("5")
    stage = play(f"run {script}\n", hang_seconds=1e6)
    stage.shows(5)
    pid = stage.show.render_pid
    script.write_text("lock")
    stage.says("holds Python's lock")
    stage.goes_on()
    stage.shows(5)
    assert stage.show.render_pid != pid
    script.write_text("6")
    stage.shows(6)
    stage.is_silent("set aside")


@pytest.mark.parametrize("word", ["interrupt", "leave"])
def test_exceptions_of_every_kind_are_told(play, tmp_path, word):
    script = tmp_path / "s.py"
    script.write_text("5")
    stage = play(f"run {script}\n")
    stage.shows(5)
    pid = stage.show.render_pid
    script.write_text(word)
    stage.says("s.py")
    stage.goes_on()
    assert stage.show.render_pid == pid
    script.write_text("6")
    stage.shows(6)
    stage.is_silent()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="copies of a process")
def test_a_copy_of_the_process_that_a_script_made_is_no_second_show(play, tmp_path):
    script = tmp_path / "s.py"
    script.write_text("5")
    stage = play(f"grey 1\nrun {script}\n")
    stage.shows(5)
    pid = stage.show.render_pid
    script.write_text("fork")
    until(lambda: str(script) not in stage.show._care.custody.files)
    stage.goes_on()
    script.write_text("6")
    stage.shows(6)
    assert stage.show.render_pid == pid
    until(lambda: all(child.status() == psutil.STATUS_ZOMBIE for child in psutil.Process(pid).children()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes there have no copies")
@pytest.mark.parametrize("word", ["become", "leave-copy"])
def test_a_process_that_is_gone_though_somebody_holds_its_pipe(play, tmp_path, word):
    """A script puts another program in the place of the process, or leaves a copy of it behind that outlives it."""
    script = tmp_path / "s.py"
    script.write_text("5")
    stage = play(f"grey 1\nrun {script}\n")
    stage.shows(5)
    pid = stage.show.render_pid
    script.write_text(word)
    until(lambda: stage.show.render_pid not in (pid, None), seconds=10)
    stage.goes_on()
    script.write_text("6")
    stage.shows(6)


def test_what_is_set_aside_stays_so_in_the_next_process(play, tmp_path):
    script = tmp_path / "s.py"
    script.write_text("exit")
    stage = play(f"grey 3\nrun {script}\n")
    stage.says("set aside")
    stage.shows(0)
    pid = stage.show.render_pid
    psutil.Process(pid).kill()
    until(lambda: stage.show.render_pid not in (pid, None))
    stage.goes_on()
    assert "set aside" in stage.errors()
    script.write_text("9")
    stage.shows(9)


def test_a_stopped_render_is_replaced(play):
    stage = play("grey 4\n")
    stage.shows(4)
    until(lambda: stage.show.spare_ready)
    pid = stage.show.render_pid
    psutil.Process(pid).send_signal(signal.SIGSTOP)
    until(lambda: stage.show.render_pid not in (pid, None), seconds=10)
    stage.goes_on()
    assert "stopped" in stage.errors() or not stage.errors()


def test_a_stopped_spare_is_replaced(play):
    stage = play("grey 4\n")
    stage.shows(4)
    until(lambda: stage.show.spare_ready)
    spare = stage.show._failover.spare
    psutil.Process(spare.pid).send_signal(signal.SIGSTOP)
    until(lambda: stage.show._failover.spare is not spare)


def test_render_and_spare_are_killed_at_once(play):
    stage = play("grey 4\n")
    stage.shows(4)
    until(lambda: stage.show.spare_ready)
    pids = stage.show.render_pid, stage.show._failover.spare.pid
    for pid in pids:
        psutil.Process(pid).kill()
    until(lambda: stage.show.render_pid not in (*pids, None) and stage.show.status().render_alive, seconds=30)
    stage.goes_on()
    assert stage.pixel() == 4


def test_a_file_that_changed_is_suspected_of_deaths_at_no_file(play, tmp_path):
    """As a script that closes the process's descriptors, or weights that a driver dies of: it ends later."""
    script = tmp_path / "s.py"
    script.write_text("5")
    stage = play(f"run {script}\n")
    stage.shows(5)
    script.write_text("later")
    stage.says("s.py ended the render process")
    stage.shows(5)
    assert not stage.show._policy.is_set_aside
    script.write_text("6")
    stage.shows(6)


def test_a_process_in_which_nothing_can_be_opened_any_more_is_replaced(play, tmp_path):
    """As by a script that empties `sys.modules`."""
    script = tmp_path / "s.py"
    script.write_text("5")
    stage = play(f"run {script}\nopen {script}\n")
    stage.shows(5)
    until(lambda: stage.show.spare_ready)
    script.write_text("damage")
    stage.says("s.py ended the render process", 20)
    script.write_text("6")
    stage.shows(6)
    stage.is_silent("set aside")


def test_a_process_in_which_no_text_can_be_built_any_more_is_replaced(play, tmp_path):
    """As by a script that puts something of its own in the place of what NumPy or PyTorch have."""
    script = tmp_path / "s.py"
    script.write_text("5")
    stage = play(f"run {script}\n")
    stage.shows(5)
    until(lambda: stage.show.spare_ready)
    pid = stage.show.render_pid
    script.write_text("wreck")
    stage.shows(6)
    stage.patch.write_text("grey 7\n")
    stage.says("Building the patch failed", 20)
    assert stage.show.render_pid == pid, "once is not enough"
    stage.patch.write_text("grey 8\n")
    stage.shows(8)
    assert stage.show.render_pid != pid
    stage.is_silent("set aside")


@pytest.mark.parametrize("word", ["exit", "hang"])
def test_a_module_beside_a_script_is_a_part_of_it(play, tmp_path, word):
    """What it does is laid to the script's charge, and a change of it is a change of the script."""
    script, module = tmp_path / "s.py", tmp_path / "t.py"
    script.write_text("import t")
    module.write_text("5")
    stage = play(f"run {script}\n")
    stage.shows(5)
    until(lambda: stage.show._care.whole_of(str(module)) == str(script))
    module.write_text(word)
    until(lambda: str(script) in stage.show._care.custody.files)
    stage.goes_on()
    module.write_text("6")
    stage.shows(6)
    stage.is_silent("set aside")
    until(lambda: str(script) not in stage.show._care.custody.files)
