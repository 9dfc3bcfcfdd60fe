"""Processes that decode a patch's files die, hang or refuse: the picture goes on, and the message comes and goes."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from ganzfeld.engine.engine import Engine
from ganzfeld.engine.player import Player
from ganzfeld.errors import PatchError
from ganzfeld.feeders import service
from ganzfeld.feeders.service import child_pids, end_children
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.media import projector as projectors
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.values.time import Moment
from numbered_film import read_number, write_film
from waiting import happens

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(projectors, "HUNG_SECONDS", 0.5)
    monkeypatch.setattr(projectors, "TRY_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(service, "PAUSES", (0.3,))
    gc.collect()  # films of earlier shows hold their children until they are collected
    end_children()
    yield
    end_children()


class LiveShow:
    """An engine that plays as a show does, at 25 frames a second of its own time."""

    def __init__(self, text: str) -> None:
        self.engine = Engine(device="cpu")
        self.engine.load(text)
        self.frame = -1

    def next(self) -> int:
        """The number in the next picture."""
        self.frame += 1
        moment = Moment(self.frame, self.frame / 25, 1 / 25 if self.frame else 0.0, 0, 0, 120)
        return read_number(self.engine.frame(moment)["out"].numpy())

    def said(self) -> str:
        return " | ".join(str(problem) for problem in self.engine.problems)

    def moves(self) -> bool:
        """Whether the film goes on."""
        before = self.next()
        return happens(lambda: self.next() != before, 20)


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP])
def test_a_film_whose_process_dies_or_hangs_comes_back(tmp_path: Path, fault: int) -> None:
    show = LiveShow(f"out(movie({str(write_film(tmp_path / 'a.mp4'))!r}))")
    assert show.moves()
    assert not show.said()
    assert happens(lambda: len(child_pids()) == 1, 20)  # another test's may still be ending
    (child,) = child_pids()
    os.kill(child, fault)
    told = "a.mp4 stopped: the process that decodes it"
    # One that dies between two questions is replaced by the next, and nobody had to wait; one that hangs is told.
    quietly = fault != signal.SIGSTOP
    assert happens(lambda: show.next() >= 0 and (told in show.said() or (quietly and child not in child_pids())), 20)
    assert len(show.engine.problems) <= 1
    assert happens(lambda: show.next() >= 0 and not show.said(), 20)
    assert show.moves()
    assert child not in child_pids()
    show.engine.close()


def test_a_film_that_always_kills_its_process_costs_nothing_but_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = write_film(tmp_path / "good.mp4"), write_film(tmp_path / "bad.mp4")
    show = LiveShow(f"out(movie({str(good)!r}))\nout(movie({str(bad)!r}), name='second')")
    assert show.moves()
    for _ in range(3):
        for child in child_pids():
            os.kill(child, signal.SIGKILL)
        assert show.moves()
    show.engine.close()


def test_a_show_never_waits_for_a_process_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projectors, "HUNG_SECONDS", 1000.0)
    show = LiveShow(f"out(movie({str(write_film(tmp_path / 'a.mp4'))!r}))")
    assert show.moves()
    (child,) = child_pids()
    os.kill(child, signal.SIGSTOP)
    for _ in range(100):
        show.next()
    numbers = {show.next() for _ in range(50)}
    assert len(numbers) <= 40  # pictures that were ready, then the last one: and no frame has waited
    os.kill(child, signal.SIGCONT)
    assert show.moves()
    show.engine.close()


def test_a_render_has_every_frame_whatever_dies(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", g=12)
    with Player(parse(f"out(movie({str(path)!r}))"), device="cpu") as player:
        found = []
        for number, frame in enumerate(player.frames(count=60, fps=25)):
            found.append(read_number(frame.image.numpy()))
            if number % 20 == 7:
                for child in child_pids():
                    os.kill(child, signal.SIGKILL)
        assert found == [number % 40 for number in range(60)]
        assert not player.problems


def test_a_film_that_was_exchanged_for_another_size_is_told(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4")
    show = LiveShow(f"out(movie({str(path)!r}))")
    assert show.moves()
    with Image.new("RGB", (10, 10)) as picture:
        picture.save(tmp_path / "b.gif")
    (tmp_path / "b.gif").replace(path)
    for child in child_pids():
        os.kill(child, signal.SIGKILL)
    assert happens(lambda: show.next() >= 0 and "has changed while it was played" in show.said(), 20)
    show.engine.close()


def test_a_picture_that_takes_too_much_is_refused_and_the_show_goes_on(tmp_path: Path) -> None:
    Image.new("RGB", (9000, 9000)).save(tmp_path / "bomb.png")
    film = write_film(tmp_path / "a.mp4")
    show = LiveShow(f"out(movie({str(film)!r}))")
    with pytest.raises(PatchError, match=r"bomb\.png has 81 million pixels, and at most 67 million"):
        show.engine.load(f"out(image({str(tmp_path / 'bomb.png')!r}))")
    assert show.moves()
    show.engine.close()


def test_a_picture_is_read_again_if_its_process_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    ask, deaths = service.OpenFeeder.ask, []

    def dying(self: service.OpenFeeder, what: str, **options: object):
        if not deaths:
            deaths.extend(child_pids())
            os.kill(deaths[0], signal.SIGKILL)
        return ask(self, what, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(service.OpenFeeder, "ask", dying)
    with Player(parse(f"out(image({str(tmp_path / 'a.png')!r}))"), device="cpu") as player:
        assert player.frame(0).image[0, 0].tolist() == [255, 0, 0, 255]
    assert deaths


def test_latents_that_unpack_to_gigabytes_are_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", z=np.zeros(((1 << 18) + 1, 512), np.int8))  # 512 MB as float32
    with pytest.raises(PatchError, match=r"bomb\.npz's 'z' unpacks to"):
        Player(parse(f"out(network('sketches', latent=latent({str(tmp_path / 'bomb.npz')!r})))"), device="cpu")


def test_a_whole_show_leaves_no_process_behind(tmp_path: Path) -> None:
    """A supervisor, a process that renders, and those that decode for it."""
    film = write_film(tmp_path / "a.mp4")
    patch = tmp_path / "a.ganz"
    patch.write_text(f"out(movie({str(film)!r}), fps=25)")
    show = Supervisor(patch).start()
    try:
        assert happens(lambda: show.latest() is not None, 60)

        def decoding() -> list[psutil.Process]:
            found = []
            # Not all of ours: tests before this one may have left children that wait for other questions.
            for process in psutil.Process(show.render_pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):  # it has just ended
                    if "ganzfeld.feeders.child" in " ".join(process.cmdline()):
                        found.append(process)
            return found

        assert happens(lambda: len(decoding()) >= 1, 30)
        first = decoding()
        for process in first:
            process.kill()
        assert happens(lambda: decoding() and first[0] not in decoding(), 30)
        number = show.latest().number  # type: ignore[union-attr]
        assert show.wait(number + 5, 30) is not None
        left = decoding()
    finally:
        show.close()
    gone, alive = psutil.wait_procs(left, timeout=10)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    assert gone or alive
