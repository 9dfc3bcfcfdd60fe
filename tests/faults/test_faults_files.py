"""Files that are missing, half written, rewritten in place, or no files at all: the picture goes on, and the message
comes and goes."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from pathlib import Path

import psutil
import pytest

from ganzfeld.process import failover
from ganzfeld.process.dependencies import torch_dependencies
from ganzfeld.process.watch import Change, Watcher
from waiting import until

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes in folders")


def replaced_process(stage) -> None:
    """Kill the render, as an administrator would, and wait for the next one."""
    pid = stage.show.render_pid
    psutil.Process(pid).kill()
    until(lambda: stage.show.render_pid not in (pid, None) and stage.show.status().render_alive)
    stage.goes_on()


@pytest.mark.timeout(300)
def test_a_network_that_is_rewritten_in_place_removed_and_put_back(play, small_network, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    network = tmp_path / "n.safetensors"
    shutil.copy(small_network, network)
    whole = network.read_bytes()
    stage = play('face = network("n.safetensors")\nout(face, fps=30)\n', prepare=torch_dependencies)
    until(lambda: stage.show.latest() is not None)
    pid = stage.show.render_pid
    # Half of it, in place: the copy in our cache plays on.
    with network.open("r+b") as file:
        file.truncate(len(whole) // 3)
    stage.says("n.safetensors")
    stage.goes_on()
    assert stage.show.render_pid == pid
    # A new process meets the half: what played before plays on.
    until(lambda: stage.show._care.kept)
    replaced_process(stage)
    stage.says("n.safetensors")
    # Removed.
    network.unlink()
    replaced_process(stage)
    stage.says("n.safetensors")
    # Back.
    network.write_bytes(whole)
    stage.is_silent("n.safetensors")
    stage.goes_on()


@pytest.mark.timeout(300)
def test_a_script_that_loops_or_ends_the_process_in_the_real_engine(play, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    script = tmp_path / "s.py"
    good = "import numpy as np\ndef frame(context, inputs):\n    return np.full((4, 8), {} / 255, np.float32)\n"
    script.write_text(good.format(50))
    stage = play(f'a = script("{script}")\nout(a, size=(8, 4), fps=30)\n', prepare=torch_dependencies, trust_all=True)
    stage.shows(50)
    until(lambda: stage.show.status().frame > 60)  # its last picture is remembered
    script.write_text("import os\ndef frame(context, inputs):\n    os._exit(3)\n")
    stage.says("s.py ended the render process")
    stage.goes_on()
    assert stage.pixel() == 50, "its last picture stays"
    script.write_text("def frame(context, inputs):\n    while True: pass\n")
    until(lambda: any(hazard.seconds > 1.5 for hazard in stage.show._hazards.standing()))
    pid = stage.show.render_pid
    script.write_text(good.format(90))  # mended while it hangs: it need not use up its patience
    stage.shows(90)
    assert stage.show.render_pid == pid
    script.write_text("raise GeneratorExit\ndef frame(context, inputs): pass\n")
    stage.says("GeneratorExit")
    stage.goes_on()
    assert stage.pixel() == 90
    script.write_text(good.format(70))
    stage.shows(70)
    stage.is_silent()
    # What it imports from beside it is a part of it.
    script.write_text("from lib import tools\n" + good.format("tools.GREY"))
    stage.says("No module named 'lib'")
    assert stage.pixel() == 70
    tools = tmp_path / "lib" / "tools.py"
    tools.parent.mkdir()
    tools.write_text("GREY = 60")
    stage.shows(60)
    stage.is_silent()
    tools.write_text("GREY = 60\nGREY.x")
    stage.says("no attribute 'x'")
    (problem,) = stage.show.status().errors
    assert (problem.file, problem.line) == (str(tools), 2)
    pid = stage.show.render_pid
    tools.write_text("import os\nos._exit(3)")
    until(lambda: stage.show.render_pid not in (pid, None))
    stage.says("s.py ended the render process")
    stage.goes_on()
    tools.write_text("GREY = 40")
    stage.shows(40)
    stage.is_silent()


def test_what_is_missing_is_opened_when_it_comes(play, tmp_path):
    """Also by a process that never played it."""
    missing = tmp_path / "late.bin"
    stage = play(f"grey 5\nmiss {missing}\n")
    stage.says("there is no late.bin")
    missing.write_bytes(b"1")
    stage.shows(5)
    stage.is_silent()
    missing.unlink()
    psutil.Process(stage.show.render_pid).kill()
    stage.says("there is no late.bin")
    missing.write_bytes(b"2")
    stage.is_silent("there is no")
    stage.goes_on()
    stage.shows(5)


@needs_pipes
def test_a_patch_that_is_a_pipe_or_a_loop_of_links_for_a_while(play, tmp_path):
    stage = play("grey 5\n")
    stage.shows(5)
    stage.patch.unlink()
    os.mkfifo(stage.patch)
    stage.says("a pipe")
    stage.goes_on()
    stage.patch.unlink()
    stage.patch.symlink_to(stage.patch.name)
    stage.says("a.ganz")
    stage.goes_on()
    stage.patch.unlink()
    stage.patch.write_text("grey 6\n# out()")
    stage.shows(6)
    stage.is_silent()


def test_who_takes_over_does_without_what_is_missing(play, tmp_path):
    file = tmp_path / "f.txt"
    file.write_text("")
    stage = play(f"grey 5\nmiss {file}\n")
    stage.shows(5)
    until(lambda: stage.show._told.saved is not None)
    file.unlink()
    replaced_process(stage)
    stage.says("there is no f.txt")
    stage.goes_on()
    file.write_text("")
    stage.is_silent("f.txt")
    stage.goes_on()


def test_the_newest_text_plays_without_what_has_vanished_before_it_ever_played(play, tmp_path):
    """And no older one, though that has everything."""
    file = tmp_path / "f.txt"
    file.write_text("")
    stage = play("grey 5\n")
    stage.shows(5)
    until(lambda: stage.show._told.saved is not None)
    os.kill(stage.show.render_pid, signal.SIGSTOP)
    stage.patch.write_text(f"grey 6\nmiss {file}\n# out()")
    until(lambda: "grey 6" in stage.show._policy.newest.text)
    file.unlink()
    replaced_process(stage)
    stage.shows(6)
    stage.says("there is no f.txt")
    file.write_text("")
    stage.is_silent("f.txt")
    stage.goes_on()


def test_a_text_that_was_refused_does_not_begin_to_play_by_a_kill(play, tmp_path):
    stage = play("grey 5\n")
    stage.shows(5)
    until(lambda: stage.show._told.saved is not None)
    stage.patch.write_text(f"grey 6\nmiss {tmp_path / 'f.txt'}\n# out()")
    stage.says("there is no f.txt")
    replaced_process(stage)
    stage.shows(5)
    stage.says("there is no f.txt")


@pytest.mark.parametrize("mended", ["the file", "the text"])
def test_a_first_patch_whose_file_hangs(play, tmp_path, monkeypatch, mended):
    """The spare is ready before the file is mended, so that nobody waits for another process."""
    monkeypatch.setattr(failover, "SPARE_FOR_A_HANG", 0.2)
    file = tmp_path / "f.txt"
    file.write_text("sleep")
    stage = play(f"grey 5\nopen {file}\n")
    spare = until(lambda: (spare := stage.show._failover.spare) is not None and spare.ready and spare)
    if mended == "the file":
        file.write_text("1")
    else:
        stage.patch.write_text("grey 5\n# out()")
    stage.shows(5)
    assert stage.show.render_pid == spare.pid


@needs_pipes
def test_snapshots_that_are_a_pipe(play, tmp_path):
    os.mkfifo(tmp_path / "a.snapshots.json")
    stage = play("grey 5\n")
    stage.shows(5)
    stage.says("snapshots cannot be read")
    stage.patch.write_text("grey 6\n# out()")
    stage.shows(6)


def test_a_file_that_does_not_answer_is_left_alone(tmp_path, monkeypatch):
    """As on a network drive that went away: looking at it takes for ever."""
    from ganzfeld.process import watch

    monkeypatch.setattr(watch, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(watch, "FIRST_PAUSE", 0.1)
    stuck, other = tmp_path / "stuck.ganz", tmp_path / "other.ganz"
    stuck.write_text("out(a)")
    other.write_text("out(a)")
    answers = threading.Event()
    answers.set()
    look = watch._stamp

    def slow(path: Path):
        if path == stuck:
            answers.wait(60)
        return look(path)

    monkeypatch.setattr(watch, "_stamp", slow)
    changes: list[Change] = []
    watcher = Watcher(changes.append).start()
    try:
        watcher.watch({stuck: "patch", other: "patch"})
        answers.clear()
        until(lambda: any("does not answer" in change.problem for change in changes))
        other.write_text("out(b)")
        until(lambda: any(change.text == "out(b)" for change in changes))
        answers.set()
        stuck.write_text("out(c)")
        until(lambda: any(change.text == "out(c)" for change in changes))
    finally:
        answers.set()
        watcher.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only there others can remove names")
def test_names_of_shared_memory_that_the_system_removes(play):
    """As systemd does when the user has logged out (RemoveIPC)."""
    stage = play("grey 5\n")
    stage.shows(5)
    for name in Path("/dev/shm").glob(f"{stage.show.session}*"):
        name.unlink()
    stage.goes_on()
    replaced_process(stage)
    replaced_process(stage)
    stage.patch.write_text("grey 6\nsize 8 4\n# out()")
    stage.shows(6)


@pytest.mark.skipif(os.name == "nt", reason="a folder that is somebody's cannot be removed there")
def test_the_folder_that_the_show_was_started_in_is_removed(play, tmp_path, monkeypatch):
    stage = play("grey 5\n")
    stage.shows(5)
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    replaced_process(stage)
    replaced_process(stage)
