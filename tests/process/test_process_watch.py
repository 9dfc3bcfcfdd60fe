"""Watching a file that editors save in all their ways."""

from __future__ import annotations

import os
import queue
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzfeld.process import watch
from ganzfeld.process.watch import GONE, PATIENCE, STILL, STILL_DATA, Change, Settling, Watcher, looks_whole, read_text

PATCH = 'source = noise("simplex2d", amplitude=0.9)  # é\npicture = flip(source, x=True)\nout(picture)\n'
CHANGED = PATCH.replace("0.9", "0.5") + "# the end\n"
SCRIPT = "import math\n\ndef frame(context, inputs):\n    return inputs.image\n"


# What looks whole


@pytest.mark.parametrize("text", [PATCH, CHANGED, "out(noise())", "noise() >> out()", "for i in [1]:\n  out(a)"])
def test_a_patch_is_whole(text):
    assert looks_whole(text, "patch")


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# only words", PATCH[:-3], PATCH[:50], "a = noise()", "out", "(" * 5000, "\0", "x = 'out(a)'"]
)
def test_a_patch_is_not_whole(text):
    assert not looks_whole(text, "patch")


def test_every_piece_of_a_patch_is_less_than_whole():
    end = PATCH.index("out(picture)") + len("out(picture)")
    assert all(looks_whole(PATCH[:cut], "patch") == (cut >= end) for cut in range(len(PATCH) + 1))


def test_a_script_is_whole():
    assert looks_whole(SCRIPT, "script")
    assert not looks_whole(SCRIPT[:30], "script")
    assert not looks_whole("def other(): pass", "script")


def test_a_small_file_that_never_rests_is_taken_now_and_then(tmp_path):
    """A picture that another program writes twenty times a second; what is large is copied for as long."""
    small, large = tmp_path / "live.npy", tmp_path / "large.pkl"
    settling = []
    for path, size in ((small, 100), (large, watch.SMALL + 1)):
        path.write_bytes(bytes(size))
        settling.append(Settling(path, "data"))
    taken: list[str] = []
    for step in range(100):
        now = 100 + step / 20
        for each in settling:
            os.utime(each.path, ns=(step + 1, step + 1))
            if each.look(now) is not None:
                taken.append(f"{each.path.stem} {now - 100:.0f}")
    assert taken == ["live 2", "live 4"]
    assert [each.look(200) is not None for each in settling] == [True, True]


def test_a_text_that_takes_long_to_parse_is_not_parsed(monkeypatch):
    for name in ("parse_in_pieces", "parse_python"):
        monkeypatch.setattr(watch, name, lambda text: pytest.fail("it is parsed"))
    many = "a = noise()\n" * 25_000
    assert looks_whole(many, "patch"), "no patch is so long: its error is told at once"
    assert not looks_whole(SCRIPT + many, "script"), "it is taken when it has been still for a while"


def test_reading(tmp_path):
    file = tmp_path / "a.ganz"
    file.write_bytes(b"\xef\xbb\xbfout(a)\r\n")
    assert read_text(file) == Change(file, "out(a)\r\n")
    file.write_bytes(b"out(a)\n# \xff\n")
    assert "line 2" in read_text(file).problem
    file.write_bytes(b" " * (2 << 20))
    assert "MB" in read_text(file).problem
    assert "folder" in read_text(tmp_path).problem
    assert "no file" in read_text(tmp_path / "b.ganz").problem


# The rule, with time moved by hand


class Desk:
    """A file, its settling, and a clock."""

    def __init__(self, file: Path, kind="patch") -> None:
        self.file, self.time, self.taken = file, 50.0, []
        self.settling = Settling(file, kind)
        self._stamp = 0

    def write(self, content: str | bytes | None) -> None:
        if content is None:
            self.file.unlink(missing_ok=True)
            return
        self.file.write_bytes(content.encode() if isinstance(content, str) else content)
        self._stamp += 1  # file systems have clocks of their own; here every write is seen to be one
        os.utime(self.file, ns=(self._stamp, self._stamp))

    def wait(self, seconds: float) -> list:
        before = len(self.taken)
        end = self.time + seconds
        while self.time < end:
            self.time += 0.005
            change = self.settling.look(self.time)
            if change is not None:
                self.taken.append(change)
        return self.taken[before:]


@pytest.fixture
def desk(tmp_path):
    file = tmp_path / "a.ganz"
    file.write_text(PATCH)
    return Desk(file)


def test_nothing_changed_nothing_taken(desk):
    assert desk.wait(5) == []
    desk.settling.touch(desk.time)
    assert desk.settling.busy
    assert desk.wait(1) == []
    assert not desk.settling.busy


def test_a_save_is_taken_when_it_is_still(desk):
    desk.write(CHANGED)
    assert desk.wait(STILL) == []
    assert desk.wait(0.02) == [Change(desk.file, CHANGED)]
    assert desk.wait(2) == []


def test_the_same_text_saved_again_counts(desk):
    desk.write(PATCH)
    assert desk.wait(1) == [Change(desk.file, PATCH)]


@pytest.mark.skipif(os.name == "nt", reason="the system does not tell when a file was changed last")
@pytest.mark.parametrize("kind", ["patch", "data"])
def test_other_content_of_the_same_length_and_time_counts(tmp_path, kind):
    """As `cp -p` and `rsync --inplace --times` leave it."""
    desk = Desk(tmp_path / "a.ganz", kind)
    desk.write(PATCH)
    assert len(desk.wait(1)) == 1
    status = desk.file.stat()
    desk.file.write_text(PATCH.replace("0.9", "0.3"))
    os.utime(desk.file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert len(desk.wait(1)) == 1


def test_a_change_that_the_file_systems_clock_did_not_see(desk, monkeypatch):
    desk.write(PATCH)
    desk.wait(1)
    stamp = watch._stamp(desk.file)
    monkeypatch.setattr(watch, "_stamp", lambda path: stamp)
    desk.file.write_text(PATCH.replace("0.9", "0.3"))
    assert desk.wait(1) == []
    desk.settling.touch(desk.time)
    assert [change.text for change in desk.wait(1)] == [PATCH.replace("0.9", "0.3")]


@pytest.mark.parametrize("broken", ["", PATCH[:60], "out(", "a = noise()\n"])
def test_a_mistake_is_told_after_a_while(desk, broken):
    desk.write(broken)
    assert desk.wait(PATIENCE - 0.01) == []
    assert desk.wait(0.03) == [Change(desk.file, broken)]


def test_truncated_and_written_again(desk):
    for _ in range(5):
        desk.write("")
        assert desk.wait(0.1) == []
    desk.write(CHANGED)
    assert desk.wait(1) == [Change(desk.file, CHANGED)]


def test_gone_for_a_moment_and_gone_for_good(desk):
    desk.write(None)
    assert desk.wait(GONE / 2) == []
    desk.write(CHANGED)
    assert desk.wait(1) == [Change(desk.file, CHANGED)]
    desk.write(None)
    (change,) = desk.wait(5)
    assert "gone" in change.problem
    desk.write(CHANGED)
    assert desk.wait(1) == [Change(desk.file, CHANGED)]


def test_what_cannot_be_read_is_told(desk):
    desk.write(b"\xff\xfe")
    (change,) = desk.wait(1)
    assert change.text is None
    assert "UTF-8" in change.problem


def test_a_big_file_is_taken_when_its_copy_is_done(tmp_path):
    file = tmp_path / "net.pkl"
    desk = Desk(file, "data")
    for size in range(1, 20):
        desk.write(b"x" * size)
        assert desk.wait(0.1) == []
    assert desk.wait(STILL_DATA) == [Change(file)]
    assert desk.wait(3) == []


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(st.integers(0, len(CHANGED.encode())), max_size=6).map(sorted),
    gaps=st.lists(st.floats(0, PATIENCE - 0.02), min_size=8, max_size=8),
)
def test_a_save_in_pieces_is_taken_whole_and_once(tmp_path_factory, cuts, gaps):
    file = tmp_path_factory.mktemp("pieces") / "a.ganz"
    file.write_text(PATCH)
    desk = Desk(file)
    data = CHANGED.encode()
    whole = data.index(b"out(picture)") + len(b"out(picture)")
    for cut, gap in zip([*cuts, len(data)], gaps):
        desk.write(data[:cut])
        for change in desk.wait(gap):
            assert cut >= whole, "half a save was taken"
            assert change.text is not None
    desk.wait(1)
    assert desk.taken[-1].text == CHANGED


# The thread, with real files


class Desktop:
    def __init__(self) -> None:
        self.changes: queue.Queue[Change] = queue.Queue()
        self.watcher = Watcher(self.changes.put).start()

    def next(self, timeout: float = 20.0) -> Change:
        return self.changes.get(timeout=timeout)


@pytest.fixture
def desktop():
    desktop = Desktop()
    yield desktop
    desktop.watcher.close()
    assert not desktop.watcher._thread.is_alive()


def by_rename(file: Path, text: str) -> None:
    new = file.with_name(".a.ganz.swp~")
    new.write_text(text, encoding="utf-8")
    new.replace(file)


def by_backup(file: Path, text: str) -> None:
    """As vim does with 'backupcopy' off: the old file moves away, a new one is written."""
    file.replace(file.with_name("a.ganz~"))
    time.sleep(0.03)
    file.write_text(text, encoding="utf-8")


def by_truncation(file: Path, text: str) -> None:
    with file.open("w", encoding="utf-8") as opened:
        opened.flush()
        time.sleep(0.05)
        opened.write(text)


def in_pieces(file: Path, text: str) -> None:
    with file.open("w", encoding="utf-8") as opened:
        for start in range(0, len(text), 25):
            opened.write(text[start : start + 25])
            opened.flush()
            time.sleep(0.03)


@pytest.mark.parametrize("save", [by_rename, by_backup, by_truncation, in_pieces])
def test_every_way_of_saving(desktop, tmp_path, save):
    file = tmp_path / "a.ganz"
    file.write_text(PATCH, encoding="utf-8")
    desktop.watcher.watch({file: "patch"})
    text = PATCH
    for amplitude in (0.1, 0.2, 0.3):
        text = PATCH.replace("0.9", str(amplitude))
        save(file, text)
        while (change := desktop.next()).text != text:
            # Only on a machine so busy that a piece took longer than our patience.
            assert not looks_whole(change.text or "", "patch")


def test_a_linked_patch_a_missing_folder_and_other_files(desktop, tmp_path):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "b.ganz", tmp_path / "a.ganz"
    target.write_text(PATCH, encoding="utf-8")
    link.symlink_to(target)
    later = tmp_path / "later" / "s.py"
    desktop.watcher.watch({link: "patch", later: "script"})
    (tmp_path / "other.ganz").write_text(CHANGED, encoding="utf-8")
    by_rename(target, CHANGED)
    assert desktop.next() == Change(link, CHANGED)
    later.parent.mkdir()
    later.write_text(SCRIPT)
    assert desktop.next() == Change(later, SCRIPT)
    desktop.watcher.watch({later: "script"})
    by_rename(target, PATCH)
    later.write_text(SCRIPT + "\n")
    assert desktop.next() == Change(later, SCRIPT + "\n"), "the patch is no longer watched"


def test_a_system_that_reports_nothing(desktop, tmp_path, monkeypatch):
    def refuse(*folders, **options):
        raise OSError("no more watches")

    monkeypatch.setattr(watch.watchfiles, "watch", refuse)
    file = tmp_path / "a.ganz"
    file.write_text(PATCH, encoding="utf-8")
    desktop.watcher.watch({file: "patch"})
    file.write_text(CHANGED, encoding="utf-8")
    assert desktop.next() == Change(file, CHANGED)


def test_a_listener_that_fails_does_not_end_the_watch(tmp_path, caplog):
    seen = threading.Event()

    def listen(change: Change) -> None:
        if change.text == CHANGED:
            seen.set()
        raise RuntimeError("a bug")

    file = tmp_path / "a.ganz"
    file.write_text(PATCH, encoding="utf-8")
    watcher = Watcher(listen).start()
    watcher.watch({file: "patch"})
    for text in (PATCH + "#\n", CHANGED):
        time.sleep(0.1)
        by_rename(file, text)
    assert seen.wait(20)
    watcher.close()
    assert "a bug" in caplog.text
