"""Films of a show, decoded again: pictures, sound in step, starts and stops, kills and full disks."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import psutil
import pytest

from far_ends.film import decoded, heard
from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.kinds.film import free_target
from ganzfeld.values.sound_ring import RATE, SoundWriter
from waiting import until

resource = pytest.importorskip("resource", reason="needs POSIX")
DARKEST, BRIGHTER = 40, 180
"""Of a picture at a click, and a second later."""
RED, GREEN = (200, 40, 40, 255), (30, 180, 60, 255)


@pytest.fixture
def playing(stage):
    """A show that goes on by itself: its sound clicks every half second, its pictures grow brighter from each click
    on."""
    playing = Playing(stage)
    yield playing
    playing.close()


class Playing:
    def __init__(self, stage) -> None:
        self.stage, self.size, self.clicks = stage, (64, 48), 0
        self.sound = SoundWriter(stage.store.session)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def _play(self) -> None:
        reached = clicked = time.perf_counter()
        while not self._stop.wait(0.005):
            now = time.perf_counter()
            count = int((now - reached) * RATE)
            since = reached - clicked + np.arange(count) / RATE
            block = np.where(since < 0.02, np.sin(2 * np.pi * 1000 * since), 0).astype(np.float32)
            self.sound.write(np.stack([block, block], 1), reached)
            reached += count / RATE
            if now - clicked >= 0.5:
                clicked, self.clicks = now, self.clicks + 1
            level = DARKEST + round(BRIGHTER * min(time.perf_counter() - clicked, 1.0))
            self.stage.publish((level, level, level, 255), self.size)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.sound.close()


def opened(stage, route: str) -> str:
    name = stage.doors.open(route)
    until(lambda: stage.status(name).state == "open")
    return name


def closed(stage, name: str) -> None:
    pid = stage.doors.pid(name)
    stage.doors.close_door(name)
    until(lambda: not psutil.pid_exists(pid))


def clicks_of(path) -> list[float]:
    """When clicks begin, in seconds."""
    loud = np.abs(heard(path)[:, 0]) > 0.2
    rises = np.flatnonzero(loud[1:] & ~loud[:-1])
    starts = rises[np.insert(np.diff(rises) > 0.2 * RATE, 0, True)] if len(rises) else rises
    return [float(at) / RATE for at in starts]


def in_step(path, count: int) -> None:
    """Each new picture tells by its brightness how long ago the last click was: so the sound says, too. However late a
    busy machine makes a picture, it tells its own time."""
    clicks = clicks_of(path)
    assert len(clicks) >= count
    pictures, times = decoded(path)
    levels = np.array([picture[..., :3].mean() for picture in pictures])
    offsets = []
    for before, level, at in zip(levels, levels[1:], times[1:], strict=False):
        if abs(level - before) > 1:
            clicked = at - (level - DARKEST) / BRIGHTER
            offsets.append(min((click - clicked for click in clicks), key=abs))
    assert len(offsets) >= 10 * count
    assert abs(float(np.median(offsets))) < 0.02, offsets


@pytest.mark.parametrize("name", ["night.mp4", "night.mkv", "night.mov"])
def test_a_film_hears_what_the_show_hears(stage, playing, tmp_path, name):
    path = tmp_path / name
    door = opened(stage, f'film:"{path}"')
    begun = playing.clicks
    until(lambda: stage.status(door).shown and playing.clicks >= begun + 5)
    closed(stage, door)
    in_step(path, 3)
    _, times = decoded(path)
    assert np.all(np.diff(times) > 0)
    assert abs(len(heard(path)) / RATE - times[-1]) < 0.08, "sound ends with the last picture"


@pytest.mark.parametrize("name", ["night.mp4", "night.mkv", "night.mov"])
def test_a_kill_leaves_a_film_that_plays_with_sound(stage, playing, tmp_path, name):
    path = tmp_path / name
    door = opened(stage, f'film:"{path}"')
    until(lambda: stage.status(door).shown)
    begun, at = playing.clicks, time.monotonic()
    until(lambda: playing.clicks >= begun + 6)
    psutil.Process(stage.doors.pid(door)).kill()
    lasted = time.monotonic() - at
    until(lambda: stage.status(door).restarts == 1 and stage.status(door).shown > 3)
    _, times = decoded(path)
    assert times[-1] > lasted - 1.2
    assert len(heard(path)) / RATE > lasted - 1.2
    in_step(path, 3)
    closed(stage, door)
    assert decoded(path.with_stem("night-2"))[0], "it went on in a second film"


def test_it_starts_and_stops_while_the_show_plays(stage, tmp_path):
    path = tmp_path / "night.npy"
    door = stage.doors.open(f'film:"{path}",begin=false')
    until(lambda: stage.status(door).state == "waiting")
    assert "start" in stage.status(door).note
    stage.publish(RED)
    stage.doors.command(door, "start")
    until(lambda: stage.publish(GREEN) is not None and stage.status(door).shown > 2)
    stage.doors.command(door, "stop")
    until(lambda: stage.status(door).state == "waiting")
    first = np.load(path)
    assert (first == np.array(GREEN, np.uint8)).all(axis=(1, 2, 3)).sum() >= len(first) - 1
    shown = stage.status(door).shown
    stage.doors.command(door, "start")
    until(lambda: stage.publish(RED) is not None and stage.status(door).shown > shown + 2)
    closed(stage, door)
    assert (np.load(tmp_path / "night-2.npy")[-1] == np.array(RED, np.uint8)).all()
    assert len(np.load(path)) == len(first)


def test_hits_from_outside_start_and_stop_it(stage, tmp_path):
    door = stage.doors.open(f'film:"{tmp_path}/a.npy",begin=false')
    until(lambda: stage.status(door).state == "waiting")
    assert stage.doors.hears(f"/door/{door}/start", 0.0), "a button that is let go"
    assert stage.doors.hears(f"/door/{door}/start", "now")
    stage.publish(RED)
    stage.doors.command(door, "dance")
    until(lambda: stage.status(door).problem)
    assert stage.status(door).state == "waiting"
    assert stage.doors.hears(f"/door/{door}/start", 1.0)
    until(lambda: stage.publish(RED) is not None and stage.status(door).shown)
    assert stage.doors.hears(f"/door/{door}/stop")
    until(lambda: stage.status(door).state == "waiting")
    assert stage.doors.hears("/door/nobody/stop"), "told in the log, and nothing else"
    assert not stage.doors.hears(f"/door/{door}/fps")
    assert not stage.doors.hears("/amount")
    assert (np.load(tmp_path / "a.npy") == np.array(RED, np.uint8)).all()


@pytest.mark.parametrize(
    ("name", "options", "tolerance", "alpha"),
    [
        ("a.mp4", "", 4, False),
        ("a.mp4", ",codec=hevc", 4, False),
        ("a.mov", "", 4, True),
        ("a.mkv", ",codec=ffv1", 0, True),
        ("shots/", "", 0, True),
    ],
)
def test_order_size_colour_and_alpha(stage, tmp_path, name, options, tolerance, alpha):
    """Every size has a file of its own."""
    door = opened(stage, f'film:"{tmp_path}/{name}"{options},quality=5')
    for colour, size in (((200, 40, 40, 128), (64, 48)), (GREEN, (64, 48)), (RED, (32, 96))):
        shown = stage.status(door).shown
        until(lambda c=colour, s=size, n=shown: stage.publish(c, s) is not None and stage.status(door).shown > n + 1)
    closed(stage, door)
    first, second = _pictures(tmp_path / name), _pictures(free_target_before(tmp_path / name))
    assert first[0].shape == (48, 64, 4) and second[0].shape == (96, 32, 4)
    expected = (200, 40, 40, 128) if alpha else (100, 20, 20, 255)
    assert np.abs(first[0].astype(int) - expected).max() <= tolerance
    assert np.abs(first[-1].astype(int) - GREEN).max() <= tolerance
    assert np.abs(second[-1].astype(int) - RED).max() <= tolerance


def free_target_before(path):
    return path.with_name(f"{path.stem}-2{path.suffix}")


def _pictures(path) -> list[np.ndarray]:
    from PIL import Image

    if path.is_dir():
        return [np.asarray(Image.open(each)) for each in sorted(path.iterdir())]
    return decoded(path)[0]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit")
def test_a_full_disk_ends_it_with_a_word_and_nothing_else(stage, tmp_path):
    other = opened(stage, f"shared:t{tmp_path.name[-8:].replace('-', '')}")
    door = opened(stage, f'film:"{tmp_path}/night.npy"')
    resource.prlimit(stage.doors.pid(door), resource.RLIMIT_FSIZE, (100_000, 100_000))
    until(lambda: stage.publish(RED) is not None and stage.status(door).state == "ended")
    problem = stage.status(door).problem
    assert problem is not None and "too large" in problem.what
    shown = stage.status(other).shown
    until(lambda: stage.publish(GREEN) is not None and stage.status(other).shown > shown)
    assert (np.load(tmp_path / "night.npy") == np.array(RED, np.uint8)).all()


@pytest.mark.skipif(os.name == "nt", reason="files that are open stay there")
def test_a_film_whose_file_is_taken_away_is_told_and_begun_anew(stage, playing, tmp_path):
    target = tmp_path / "organ.mp4"
    stage.doors.record(target)
    until(lambda: stage.status("record").size > 0)
    target.unlink()
    until(lambda: (problem := stage.status("record").problem) is not None and "taken away" in problem.what)
    until(lambda: stage.status("record").size > 0 and target.exists())
    closed(stage, "record")
    assert len(decoded(target)[0]) > 0


def test_pictures_go_on_when_their_folder_is_back(stage, playing, tmp_path):
    folder = tmp_path / "drive"
    folder.mkdir()
    door = opened(stage, f'film:"{folder}/p.png"')
    until(lambda: len(list(folder.iterdir())) > 2)
    folder.rename(tmp_path / "away")
    until(lambda: stage.status(door).problem is not None)
    assert stage.status(door).state != "ended"
    folder.mkdir()
    until(lambda: len(list(folder.iterdir())) > 2)
    closed(stage, door)


def test_a_size_that_no_encoder_makes_is_passed_over(stage, tmp_path):
    door = opened(stage, f'film:"{tmp_path}/a.mp4",codec=hevc,sound=false')
    until(lambda: stage.publish(RED) is not None and stage.status(door).size > 0)
    until(lambda: stage.publish(RED, (16, 8)) is not None and stage.status(door).state == "waiting")
    until(lambda: stage.publish(RED) is not None and "a-2.mp4" in stage.status(door).note)
    assert stage.status(door).restarts == 0
    closed(stage, door)
    assert all(decoded(tmp_path / name)[0] for name in ("a.mp4", "a-2.mp4"))


def test_a_low_and_wide_picture_is_recorded_in_a_film(tmp_path):
    from ganzfeld.outputs.encoders import choose

    assert choose("auto", ".mp4", 8192, 2).encoder.name == "h264"
    assert choose("auto", ".mp4", 8192, 4096).encoder.name == choose("auto", ".mp4", 8192).encoder.name == "hevc"


def test_nothing_is_written_over(tmp_path):
    assert free_target(tmp_path / "a.mp4") == tmp_path / "a.mp4"
    (tmp_path / "a.mp4").touch()
    (tmp_path / "a-2.mp4").touch()
    assert free_target(tmp_path / "a.mp4") == tmp_path / "a-3.mp4"
    assert free_target(tmp_path / "p.png") == tmp_path / "p_%05d.png"
    (tmp_path / "p_00000.png").touch()
    assert free_target(tmp_path / "p.png") == tmp_path / "p-2_%05d.png"


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ("film:a.avi", "no output writes '.avi'"),
        ("film:a.mp4,codec=hvec", "Did you mean 'hevc'"),
        ("film:a.mp4,codec=ffv1", "cannot hold ffv1"),
        ("film:a.mp4,alpha=premultiplied", "no transparency"),
        ("film:a.mp4,quality=99", "quality"),
    ],
)
def test_mistakes_are_told_before_it_opens(stage, route, message):
    with pytest.raises(OutputError) as caught:
        stage.doors.open(route)
    assert message in str(caught.value)


def test_a_film_is_recorded_by_one_word_and_says_how_long_it_is(stage, playing, tmp_path):
    target = tmp_path / "organ.mp4"
    stage.doors.record(target)
    until(lambda: stage.status("record").seconds > 0.2 and stage.status("record").size > 0)
    stage.doors.command("record", "stop")
    until(lambda: stage.status("record").state == "waiting")
    assert (stage.status("record").seconds, stage.status("record").size) == (0, 0)
    assert len(decoded(target)[0]) > 2
    stage.doors.record(target)  # the door that is there
    until(lambda: stage.status("record").seconds > 0)
    stage.doors.close_door("record")
    until(lambda: not stage.doors._closing)
    assert len(decoded(tmp_path / "organ-2.mp4")[0]) > 0
    stage.doors.record(tmp_path / "no" / "folder.mp4")
    until(lambda: stage.status("record").problem is not None)
