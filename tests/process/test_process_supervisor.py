"""The supervisor and real processes around a fake engine: killed, hung, saved into, and nothing left at the end."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fake_engine import GREY, HITS, OUTSIDE, STATE, TURNED, fake_dependencies
from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.trust import TrustStore
from ganzfeld.process import restart_policy as recovery
from ganzfeld.process import supervisor
from ganzfeld.process.dependencies import torch_dependencies
from ganzfeld.process.supervisor import Supervisor

PATIENCE = 30.0


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def pixel(show: Supervisor, which: int) -> int:
    frame = show.latest()
    return -1 if frame is None else int(frame.image[0, which, 0])


def kill(show: Supervisor) -> int:
    """Kill the render process, as an administrator would; its number."""
    pid = show.render_pid
    assert pid
    psutil.Process(pid).kill()
    return pid


def errors(show: Supervisor) -> str:
    return " | ".join(problem.what for problem in show.status().errors)


@pytest.fixture
def patch(tmp_path) -> Path:
    file = tmp_path / "a.ganz"
    file.write_text("grey 7\n")
    return file


@pytest.fixture
def play(monkeypatch):
    """Starts supervisors; afterwards nothing of them is left."""
    monkeypatch.setattr(supervisor, "SPARE_AFTER", 0.0)
    running: list[Supervisor] = []
    before = {process.pid for process in psutil.Process().children(recursive=True)}

    def start(patch: Path | None = None, **options) -> Supervisor:
        running.append(Supervisor(patch, **{"prepare": fake_dependencies} | options).start())
        return running[-1]

    yield start
    for show in running:
        show.close()
        folder = Path("/dev/shm")
        if folder.exists():
            assert list(folder.glob(f"{show.session}*")) == []
    left = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
    assert [process for process in left if "resource_tracker" not in " ".join(process.cmdline())] == []


def test_a_killed_render_comes_back_with_everything(play, patch):
    show = play(patch)
    until(lambda: pixel(show, GREY) == 7)
    until(lambda: show.turn("/grey", 200))
    assert not show.turn("/face/psi", 1), "this patch has no such parameter"
    show.set("/x", 55)
    for _ in range(5):
        show.hit("/drum")
    until(lambda: (pixel(show, HITS), pixel(show, TURNED), pixel(show, OUTSIDE)) == (5, 200, 55))
    patch.write_text("grey 9\nout one\n# out(it)")
    until(lambda: pixel(show, GREY) == 9)
    for _ in range(3):  # of a text that is not good yet: fewer than make it retreat
        until(lambda: show.spare_ready)
        before = show.latest()
        pid = kill(show)
        show.hit("/drum")  # while nobody is there
        frame = show.wait(before.number + 1, PATIENCE)
        assert frame is not None
        until(lambda seen=before.t: show.latest().t > seen)  # the clock goes on, from a checkpoint a little before
        assert show.render_pid != pid
        recovery_hits = pixel(show, HITS)
        until(lambda: pixel(show, HITS) >= 6)
        assert (pixel(show, GREY), pixel(show, TURNED), pixel(show, OUTSIDE)) == (9, 200, 55)
        assert recovery_hits <= pixel(show, HITS)
        show.submit(show.patch_source().text + "#")  # forgives
    until(lambda: pixel(show, HITS) == 8)
    time.sleep(0.3)
    assert pixel(show, HITS) == 8, "no hit lost, none counted twice"


def test_viewers_keep_the_last_frame_while_the_render_is_away(play, patch, monkeypatch):
    monkeypatch.setattr(supervisor, "SPARE_AFTER", 1e9)
    show = play(patch)
    until(lambda: show.status().playing_version == 1)
    kill(show)
    until(lambda: not show.status().render_alive)
    assert pixel(show, GREY) == 7
    status = show.status()
    assert status.outputs == ("out",)
    assert status.size == (8, 2)
    assert "ended (killed by SIGKILL)" in errors(show) or sys.platform == "win32"
    until(lambda: show.status().render_alive)
    assert "was back after" in errors(show)


def test_a_hanging_render_is_replaced(play, patch):
    show = play(patch, hang_seconds=0.5)
    until(lambda: pixel(show, GREY) == 7 and show.spare_ready)
    pid = show.render_pid
    patch.write_text("grey 8\nhang\nout out\n# out()")
    until(lambda: show.render_pid not in (pid, None))
    until(lambda: errors(show))  # it hangs again
    patch.write_text("grey 9\n# out()")
    until(lambda: pixel(show, GREY) == 9)


def test_a_text_that_kills_is_set_aside(play, patch, monkeypatch):
    monkeypatch.setattr(recovery, "CALM_SECONDS", 0.5)
    show = play(patch)
    until(lambda: show._policy.good is not None)
    until(lambda: show.turn("/grey", 33))
    until(lambda: pixel(show, TURNED) == 33)
    patch.write_text("grey 8\ndie-after 3\n# out()")
    until(lambda: "died 3 times" in errors(show), 60)
    until(lambda: pixel(show, GREY) == 7)
    assert pixel(show, TURNED) == 33
    assert show.patch_source().text.startswith("grey 8"), "the page shows what is in the file"
    patch.write_text("grey 9\n")
    until(lambda: pixel(show, GREY) == 9)
    assert "died" not in errors(show)


def test_a_first_text_that_kills_is_tried_again_and_can_be_mended(play, patch):
    patch.write_text("die\n")
    show = play(patch)
    until(lambda: "the render process" in errors(show), 60)
    assert show.latest() is None
    patch.write_text("grey 4\n")
    until(lambda: pixel(show, GREY) == 4)


def test_a_mistake_changes_nothing_but_the_message(play, patch):
    show = play(patch)
    until(lambda: pixel(show, GREY) == 7)
    for mistake, what in (("grey 8\nnonsense\n", "no word 'nonsense'"), ("grey 8\nerror\n", "cannot be built")):
        patch.write_text(mistake)
        until(lambda what=what: what in errors(show))
        assert show.patch_source().text == mistake
        assert show.status().errors[0].file == str(patch)
        assert show.status().playing_version == 1
        number = show.latest().number
        assert show.wait(number + 3, PATIENCE) is not None
        assert pixel(show, GREY) == 7
    until(lambda: show.spare_ready)
    kill(show)  # the newest text is broken: the last that could be built comes back, and so does the message
    until(lambda: "cannot be built" in errors(show) and show.status().render_alive)
    until(lambda: show.wait(show.latest().number, 1) is not None)
    assert pixel(show, GREY) == 7
    patch.write_text("grey 8\n")
    until(lambda: pixel(show, GREY) == 8)
    patch.unlink()
    until(lambda: "is gone" in errors(show))
    assert pixel(show, GREY) == 8


def test_a_first_text_with_a_mistake_waits_to_be_mended(play, patch):
    patch.write_text("error\n")
    show = play(patch)
    until(lambda: "cannot be built" in errors(show))
    assert show.status().render_alive
    patch.write_text("grey 5\n")
    until(lambda: pixel(show, GREY) == 5)
    assert errors(show) == ""


def test_frames_that_cannot_be_made_at_all(play, patch, caplog):
    show = play(patch)
    until(lambda: pixel(show, GREY) == 7)
    with caplog.at_level(logging.CRITICAL):
        patch.write_text("fail\n# out()")
        until(lambda: "exit code 1" in errors(show) or not show.status().render_alive)
        patch.write_text("grey 6\n# out()")
        until(lambda: pixel(show, GREY) == 6)


def test_sizes_and_outputs_change_and_numbers_only_grow(play, patch):
    show = play(patch)
    until(lambda: pixel(show, GREY) == 7)
    numbers = [show.latest().number]
    for text, size in (("size 30 20\n", (30, 20)), ("out left right\n", (8, 2)), ("size 9 9\nout right\n", (9, 9))):
        patch.write_text(text)
        until(lambda size=size: show.status().size == size and show.latest().image.shape[1::-1] == size)
        numbers.append(show.latest().number)
    assert show.status().outputs == ("right",)
    assert (show.status().rate, show.status().division) == (60, 1)
    assert numbers == sorted(set(numbers))
    assert show.latest(numbers[-1] + 10**6) is None
    assert show.wait(numbers[-1] + 10**6, 0.05) is None


def stands_at(show) -> float | None:
    """The show's time, once it stands still; None before."""
    before = show.status().t
    time.sleep(0.5)
    return before if show.status().t == before else None


def test_commands(play, patch):
    show = play(patch)
    until(lambda: show.status().t > 0)
    show.command("pause")
    until(lambda: show.status().paused)
    until(lambda: stands_at(show) is not None)
    t = show.status().t
    until(lambda: show.spare_ready)
    pid = show.render_pid
    show.command("restart")
    with pytest.raises(GanzfeldError, match="just now"):
        show.command("restart")
    until(lambda: show.render_pid not in (pid, None) and show.status().render_alive and show.status().fps > 0)
    assert show.status().paused, "a pause outlives the process"
    assert show.status().t == pytest.approx(t, abs=0.1)
    assert errors(show) == "", "it was asked for"
    show.seek(1000)
    show.speed(0.5)
    show.command("resume")
    until(lambda: show.status().t > 1000 and not show.status().paused)
    with pytest.raises(GanzfeldError, match="no command"):
        show.command("dance")


def test_scripts_wait_for_permission_and_files_are_watched(play, patch, tmp_path):
    script = tmp_path / "s.py"
    script.write_text("def frame(c, i): pass\n")
    patch.write_text(f"script {script}\n")
    show = play(patch)
    until(lambda: show.status().pending_trust == (str(script),))
    with pytest.raises(GanzfeldError, match="waits for permission"):
        show.command("trust", path="/etc/passwd")
    assert not TrustStore().trusts(script)
    show.command("later", path=str(script))
    assert show.status().put_off == show.status().pending_trust == (str(script),)
    show.command("trust", path=str(script))
    until(lambda: show.status().pending_trust == ())
    assert show.status().put_off == ()
    assert TrustStore().trusts(script)
    until(lambda: pixel(show, STATE) == 0)
    script.write_text("def frame(c, i): return 1\n")
    until(lambda: pixel(show, STATE) == 50)


def test_what_cannot_be_is_said_once_and_not_tried_again(play, patch):
    show = play(patch, device="none")
    until(lambda: show.failure is not None)
    assert "cannot be used" in str(show.failure)
    assert "Try --device cpu" in str(show.failure)
    until(lambda: show.render_pid is None)
    with pytest.raises(PatchError, match="there is no file"):
        Supervisor(patch.with_name("missing.ganz"), prepare=fake_dependencies)


def test_a_parameter_goes_back_to_its_text(play, patch):
    show = play(patch)
    until(lambda: show.turn("/grey", 9))
    until(lambda: pixel(show, TURNED) == 9)
    show.release("/grey")
    until(lambda: pixel(show, TURNED) == 0)


def test_a_text_without_a_file(play):
    show = play(text="grey 3\n", name="planets")
    until(lambda: pixel(show, GREY) == 3)
    assert show.status().patch_name == "planets"
    show.submit("grey 4\n")
    until(lambda: pixel(show, GREY) == 4)


@pytest.mark.timeout(240)
def test_the_real_engine_goes_on_where_it_was_killed(play, patch, monkeypatch):
    """Hits counted, a knob turned, the clock: nothing is lost, nothing counted twice."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    text = (
        "push = knob(0, 1)\n"
        'grey = noise(amplitude=0, offset=count(hit("/drum")) / 10 + push / 2)\n'
        "out(grey, size=(4, 2), fps=30)\n"
    )
    patch.write_text(text)
    show = play(patch, prepare=torch_dependencies)
    until(lambda: pixel(show, HITS) == 0, 90)
    for _ in range(3):
        show.hit("/drum")
    until(lambda: show.turn("/push", 0.5))
    until(lambda: pixel(show, HITS) == round(255 * 0.55))
    until(lambda: show.spare_ready, 90)
    t = show.status().t
    pid = kill(show)
    show.hit("/drum")
    until(lambda: show.render_pid not in (pid, None) and pixel(show, HITS) == round(255 * 0.65))
    until(lambda: show.status().t > t)


SHOW = """
import sys, time
sys.path.insert(0, {tests!r})
from fake_engine import fake_dependencies
from ganzfeld.process import supervisor

supervisor.SPARE_AFTER = 0.0
if __name__ == "__main__":
    show = supervisor.Supervisor(text="grey 1", prepare=fake_dependencies).start()
    while not show.spare_ready:
        time.sleep(0.01)
    try:
        print(show.session, show.render_pid, show._failover.spare.pid, flush=True)
        if sys.argv[1] == "leave":
            sys.exit()  # without closing
        time.sleep(60)
    except KeyboardInterrupt:
        show.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("end", ["leave", "interrupt", "kill"])
def test_nothing_outlives_the_supervisor(tmp_path, end):
    program = tmp_path / "show.py"
    program.write_text(SHOW.format(tests=str(Path(__file__).parents[1] / "support")))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(
        [sys.executable, program, end],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    assert process.stdout
    session, *pids = process.stdout.readline().split()
    if end == "interrupt":
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C at a terminal: everybody hears it
    elif end == "kill":
        process.kill()
    _, said = process.communicate(timeout=PATIENCE)
    for pid in pids:
        until(lambda pid=pid: not psutil.pid_exists(int(pid)) or _is_zombie(int(pid)))
    until(lambda: not list(Path("/dev/shm").glob(f"{session}*")))
    if end != "kill":
        assert said == ""
        assert process.returncode == 0


def _is_zombie(pid: int) -> bool:
    """Ended, and not yet waited for by the system's own first process (ours cannot: its parent was killed)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# The tempo, and what is told of values


def test_the_tempo_of_the_text_of_hands_and_of_the_command_line(play, patch):
    patch.write_text("grey 7\nbpm 90\n")
    show = play(patch)
    until(lambda: show.status().bpm == 90)
    now = time.perf_counter()
    for k in range(3):
        show.tap(now - 1 + 0.4 * k)
    until(lambda: show.status().bpm == pytest.approx(150))
    assert _off(show, now - 1, 150) < 2
    until(lambda: _off(show, now - 1, 150) < 0.05)  # it bends to the taps' downbeat
    patch.write_text("grey 8\nbpm 90\n")
    until(lambda: pixel(show, GREY) == 8)
    kill(show)
    until(lambda: show.status().render_alive and show.status().frame > 0 and pixel(show, GREY) == 8)
    assert show.status().bpm == pytest.approx(150), "a hand's tempo holds while its own text stays"
    patch.write_text("bpm 80 midi\n")
    until(lambda: show.status().bpm == 80)
    assert show.status().follow == show.follow == "midi"
    show.command("tap")
    show.tempo(100.0, 0.0, at=time.perf_counter())
    until(lambda: show.status().bpm == 100)
    for wrong in (0.0, -3.0, 1e9, float("nan")):
        with pytest.raises(GanzfeldError, match="no tempo"):
            show.tempo(wrong)

    show = play(patch, tempo=133.0)
    until(lambda: show.status().bpm == 133)
    assert show.follow is None
    assert play(patch, tempo="link").follow == "link"


def _off(show: Supervisor, downbeat: float, bpm: float) -> float:
    """How many beats the show is from bars that begin at `downbeat`."""
    status = show.status()
    beat = (status.at - downbeat) * bpm / 60
    return abs((status.beat - beat + 2) % 4 - 2)


def test_values_are_told_and_again_after_a_restart(play, patch):
    show = play(patch)
    told: list[tuple] = []
    show.report(["/x", "/grey"], 100.0, lambda moment, values: told.append((moment.frame, values)))
    show.set("/x", 0.5)
    show.set("/y", 0.5)
    show.set("/x", 3)
    until(lambda: told and told[-1][1] == {"/grey": 0, "/x": 3})
    until(lambda: show.turn("/grey", 9))
    until(lambda: told[-1][1] == {"/grey": 9, "/x": 3})
    frames = [frame for frame, _ in told]
    assert frames == sorted(set(frames))
    kill(show)
    count = len(told)
    until(lambda: len(told) > count + 10 and told[-1][1] == {"/grey": 9, "/x": 3})
