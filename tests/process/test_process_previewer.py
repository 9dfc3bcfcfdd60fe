"""The process that draws previews, around a fake that draws: killed, hung, out of memory, left alone, asked by many."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import psutil
import pytest
from PIL import Image

from fake_artist import dies_at_once, fake_artist, no_artist
from ganzfeld.process import previewer as module
from ganzfeld.process.messages import OutsideHit, Pause, SetOutside
from ganzfeld.process.preview_messages import PictureMade, PreviewText, ShowTime
from ganzfeld.process.preview_process import PreviewOptions, small_jpeg
from ganzfeld.process.previewer import Previewer, PreviewOrder

PATIENCE = 60.0
MEMORY = 600 << 20


class Eyes:
    """What one asker was shown."""

    def __init__(self) -> None:
        self.made: list[PictureMade] = []
        self.news = threading.Condition()

    def __call__(self, made: PictureMade) -> None:
        with self.news:
            self.made.append(made)
            self.news.notify_all()

    def until(self, holds: Callable[[PictureMade], bool], since: int = 0) -> PictureMade:
        with self.news:
            found = self.news.wait_for(lambda: [each for each in self.made[since:] if holds(each)], PATIENCE)
        assert found, "it was never shown"
        return found[0]

    def shows(self, value: int, index: int = 0, since: int = 0) -> PictureMade:
        return self.until(lambda made: made.index == index and grey(made) == value, since)

    def told(self, words: str, index: int = 0) -> None:
        self.until(lambda made: made.index == index and words in made.problem)


def grey(made: PictureMade) -> int:
    return int(np.array(Image.open(io.BytesIO(made.jpeg)))[0, 0, 0]) if made.jpeg else -1


def order(*words: str, height: int = 10, values: dict[str, float] | None = None) -> PreviewOrder:
    texts = {index: PreviewText(word, values or {}) for index, word in enumerate(words)}
    return PreviewOrder(height, texts, "", None)


@pytest.fixture
def start() -> Iterator[Callable[..., Previewer]]:
    """Starts previewers; afterwards nothing of them is left."""
    running: list[Previewer] = []

    def make(**options) -> Previewer:
        fitting = PreviewOptions("cpu", memory=MEMORY)
        given = {"prepare": fake_artist} | options
        running.append(Previewer(lambda: (None, ShowTime(t=3.0, speed=0.0)), lambda: fitting, **given))
        return running[-1]

    yield make
    pids = [each.pid for each in running]
    for each in running:
        each.close()
    assert not [pid for pid in pids if pid and psutil.pid_exists(pid)]
    assert not [each for each in threading.enumerate() if each.name == "ganzfeld-previews"]


def test_what_is_asked_for_is_drawn_again_and_again_and_gives_way(start) -> None:
    previews, eyes = start(), Eyes()
    assert previews.pid is None, "nothing runs before somebody looks"
    previews.ask("page", order("grey 7", "nice", "time", "error", "bug"), eyes)
    eyes.shows(7, 0)
    eyes.shows(19 if sys.platform != "win32" else 0, 1)
    eyes.shows(3, 2)
    eyes.told("this cannot be drawn. Mend it", 3)
    eyes.told("RuntimeError: a bug", 4)
    made = eyes.shows(7, 0, since=len(eyes.made))
    assert (made.width, made.height) == (20, 10)
    previews.ask("page", order("value", values={"/grey": 9}), eyes)
    eyes.shows(9)
    previews.end("page")
    previews.end("nobody")


def test_the_newest_order_of_each_asker_is_drawn_and_all_askers_have_their_turn(start) -> None:
    previews, one, two = start(), Eyes(), Eyes()
    for number in range(6):
        previews.ask("one", order(f"grey {number}"), one)
    previews.ask("two", order("grey 100"), two)
    one.shows(5)
    two.shows(100)
    one.shows(5, since=len(one.made))
    two.shows(100, since=len(two.made))
    assert {grey(made) for made in one.made} == {5}, "those before were passed over"
    previews.end("one")
    two.shows(100, since=len(two.made) + 3)


def test_what_several_want_is_drawn_once_for_all_of_them(start) -> None:
    previews, one, two = start(), Eyes(), Eyes()
    previews.ask("one", order("grey 7", "hits"), one)
    one.shows(7)
    previews.ask("two", order("grey 7", "hits"), two)
    two.shows(7)
    number = previews._child.number
    for eyes in (one, two):
        eyes.shows(7, since=len(eyes.made) + 6)
    assert previews._child.number == number, "no order was given anew"
    previews.end("one")
    two.shows(7, since=len(two.made) + 3)


def test_a_killed_process_comes_back_and_draws_on(start) -> None:
    previews, eyes = start(), Eyes()
    previews.ask("page", order("grey 7"), eyes)
    eyes.shows(7)
    pid = previews.pid
    assert pid
    psutil.Process(pid).kill()
    eyes.until(lambda made: grey(made) == 7 and previews.pid not in (pid, None), since=len(eyes.made))
    assert not any(made.problem for made in eyes.made), "nobody has noticed"


def test_a_text_that_kills_is_given_up_and_the_next_is_drawn(start) -> None:
    previews, eyes, other = start(), Eyes(), Eyes()
    previews.ask("page", order("die"), eyes)
    eyes.told("ended")
    assert len(eyes.made) == 1, "it is not drawn before it is asked for anew"
    previews.ask("page", order("grey 7"), other)
    other.shows(7)


def test_a_text_that_hangs_is_given_up_and_delays_the_next_a_little(start, monkeypatch) -> None:
    monkeypatch.setattr(module, "LATE_SECONDS", 0.3)
    previews, eyes, other = start(), Eyes(), Eyes()
    previews.ask("page", order("grey 7"), eyes)
    eyes.shows(7)
    pid, previews._silent = previews.pid, 1.0
    previews.ask("page", order("hang"), eyes)
    eyes.told("took longer than 1 s")
    assert previews.pid is None or previews.pid != pid
    previews._silent = PATIENCE
    previews.ask("page", order("grey 8", "hang"), eyes)
    eyes.shows(8)
    previews.ask("page", order("grey 9"), other)  # while the one before hangs
    other.shows(9)
    assert not any(made.problem for made in other.made)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted otherwise there")
@pytest.mark.parametrize("word", ["allocate", "map"])
def test_too_much_memory_is_refused(start, word: str) -> None:
    previews, eyes, other = start(), Eyes(), Eyes()
    previews.ask("page", order("grey 7", word), eyes)
    eyes.told("memory", 1)
    previews.ask("page", order("grey 7"), other)
    other.shows(7)


def test_who_cannot_draw_says_why(start) -> None:
    for prepare, why in ((no_artist, "the card is full. Free some of it"), (dies_at_once, "exit code 5")):
        previews, eyes = start(prepare=prepare), Eyes()
        previews.ask("page", order("grey 7", "grey 8"), eyes)
        eyes.told(why, 0)
        eyes.told(why, 1)


def test_a_process_that_nobody_uses_ends_and_starts_again(start) -> None:
    previews, eyes = start(idle=0.2), Eyes()
    previews.ask("page", order("grey 7"), eyes)
    eyes.shows(7)
    pid = previews.pid
    previews.end("page")
    end = time.monotonic() + PATIENCE
    while previews.pid is not None or psutil.pid_exists(pid):
        assert time.monotonic() < end, "it did not end"
        time.sleep(0.01)
    previews.ask("page", order("grey 8"), eyes)
    eyes.shows(8)


def test_what_the_show_is_told_reaches_the_preview(start) -> None:
    previews, eyes = start(), Eyes()
    previews.overhear(SetOutside("/x", 1), "x")
    previews.ask("page", order("outside", "hits"), eyes)
    eyes.shows(0)
    previews.overhear(SetOutside("/x", 55), "x")
    for _ in range(3):
        previews.overhear(OutsideHit("/drum"), None)
    previews.overhear(Pause(), None)  # that is in the show's time
    eyes.shows(55, 0)
    eyes.shows(3, 1)


def test_nothing_begins_after_the_end(start) -> None:
    previews, eyes = start(), Eyes()
    previews.ask("page", order("hang"), eyes)
    previews.close()
    previews.ask("page", order("grey 7"), eyes)
    assert previews.pid is None and not previews._asked


def test_an_ear_that_fails_disturbs_nobody(start) -> None:
    previews, eyes = start(), Eyes()

    def fails(made: PictureMade) -> None:
        raise ValueError

    previews.ask("deaf", order("grey 1"), fails)
    previews.ask("page", order("grey 7"), eyes)
    eyes.shows(7, since=2)


def test_pictures_are_small_and_over_black() -> None:
    picture = np.full((100, 4000, 4), 200, np.uint8)
    picture[..., 3] = 0
    width, height, jpeg = small_jpeg(picture, 64)
    assert (width, height) == (1280, 32), "no wider than a page"
    assert np.array(Image.open(io.BytesIO(jpeg))).max() == 0
    assert small_jpeg(picture[:, :10], 360)[:2] == (10, 100), "never enlarged"


def test_the_real_engine_draws_in_the_process(start) -> None:
    previews, eyes = start(prepare=None), Eyes()
    previews.ask("page", order("out(noise(tx=t), size=(640, 320))", "out(", height=64), eyes)
    made = eyes.until(lambda made: made.index == 0 and bool(made.jpeg))
    assert (made.width, made.height, made.problem) == (128, 64, "")
    eyes.told("never closed", 1)
