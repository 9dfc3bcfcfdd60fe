"""What a render shares on its card: as it is asked for, under the master, and never in the way of the show."""

from __future__ import annotations

import secrets
from functools import partial

import msgspec
import numpy as np
import psutil
import pytest
import torch

from card_door import CardDoor
from card_writing import card_dependencies
from fake_cuda import FakeCuda
from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.feed import converted, cut
from ganzfeld.outputs.shared import ganzfeld_cuda
from ganzfeld.process import supervisor
from ganzfeld.process.card_shares import CardShares, no_card
from ganzfeld.process.messages import Begin, CardShare, Numbered, ShareOnCard, VersionedText, decode_to_render
from ganzfeld.process.supervisor import Supervisor
from ganzfeld.process.torch_card import lay_out, shape_of, torch_card
from ganzfeld.values.frames import FrameStore
from ganzfeld.values.time import Clock
from host_card import HostCard
from waiting import until


@pytest.fixture
def name():
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
def store():
    store = FrameStore()
    yield store
    store.close()


@pytest.fixture
def card(tmp_path):
    return HostCard(FakeCuda(tmp_path))


@pytest.fixture
def shares(store, card):
    shares = CardShares(store.session, lambda device: card)
    yield shares
    shares.close()
    assert card._driver._library.allocated == []


@pytest.fixture
def reader(tmp_path, name):
    reader = ganzfeld_cuda.CardReader(name, driver=ganzfeld_cuda.Driver(FakeCuda(tmp_path)))
    yield reader
    reader.close()


def noise(seed: int, height: int = 6, width: int = 8) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8))


def asked(name: str, **options) -> CardShare:
    return CardShare(**{"session": f"gc-{name}", "picture": "out", "row": 1, **options})


def test_a_picture_is_published_when_its_copy_is_done(shares, reader, name):
    clock = Clock()
    shares.ask((asked(name),))
    shares.begin({"out": noise(1), "other": noise(2)}, clock.advance(0))
    assert reader.latest() is None, "the copy is under way"
    shares.finish()
    seen = reader.latest()
    assert (seen.to_host() == noise(1).numpy()).all()
    shares.begin({"out": noise(3)}, clock.advance(1 / 60))
    shares.begin({"out": noise(4)}, clock.advance(1 / 60))
    seen = reader.latest()
    assert (seen.to_host() == noise(3).numpy()).all()
    assert (seen.number, seen.frame) == (2, 1)
    shares.begin({"other": noise(5)}, clock.advance(1 / 60))
    assert (reader.latest().to_host() == noise(4).numpy()).all(), (
        "the patch has no such output any more: the last stays"
    )


def test_what_is_no_longer_asked_for_ends(shares, reader, name, card):
    shares.ask((asked(name),))
    shares.begin({"out": noise(1)}, Clock().advance(0))
    shares.finish()
    assert reader.latest() is not None
    shares.ask(())
    assert reader.latest() is None
    until(lambda: (shares.begin({}, Clock().advance(0)), card._driver._library.allocated)[1] == [])


def test_other_options_need_no_other_name(shares, reader, name):
    for options in ({}, {"order": "BGRA"}, {"readers": 5}, {"picture": "wall"}):
        shares.ask((asked(name, **options),))
        shares.begin({"out": noise(1), "wall": noise(2)}, Clock().advance(0))
        shares.finish()
        seen = reader.latest()
        expected = noise(2 if options.get("picture") else 1).numpy()
        if options.get("order"):
            expected = expected[..., [2, 1, 0, 3]]
        assert (seen.to_host() == expected).all()


def test_the_master_holds(shares, reader, name, store):
    shares.ask((asked(name), asked(f"{name}b", row=2, master=False)))

    def shown() -> np.ndarray:
        shares.begin({"out": noise(1)}, Clock().advance(0))
        shares.finish()
        return reader.latest().to_host()

    whole = noise(1).numpy()
    assert (shown() == whole).all()
    store.master.set_black(0, 1.0)
    assert (shown()[..., :3] == 0).all()
    assert (shown()[..., 3] == whole[..., 3]).all()
    clean = ganzfeld_cuda.CardReader(f"{name}b", driver=reader._driver)
    assert (clean.latest().to_host() == whole).all()
    clean.close()
    store.master.set_black(0, 0.0)
    store.master.set_level(1, 0.5)
    assert (shown() == converted(whole, "straight", 0.5)).all()
    store.master.freeze(1, True)
    number = reader.latest().number
    shown()
    assert reader.latest().number == number


def test_at_most_so_many_a_second(shares, reader, name, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("ganzfeld.process.card_shares.time.perf_counter", lambda: now[0])
    shares.ask((asked(name, rate=30.0),))
    for frame in range(60):
        now[0] = 100 + frame / 60
        shares.begin({"out": noise(frame)}, Clock().advance(0))
    shares.finish()
    assert reader.latest().number in (30, 31)


def test_what_cannot_be_shared_is_told_and_tried_again(store, name, card, reader, monkeypatch):
    now, there = [100.0], [False]
    monkeypatch.setattr("ganzfeld.process.card_shares.time.perf_counter", lambda: now[0])

    def find(device):
        return card if there[0] else no_card(device)

    shares = CardShares(store.session, find)
    shares.ask((asked(name),))
    shares.begin({"out": noise(1)}, Clock().advance(0))
    (problem,) = shares.problems
    assert "made on cpu" in str(problem)
    there[0] = True
    shares.begin({"out": noise(1)}, Clock().advance(0))
    assert shares.problems, "not with every frame"
    now[0] += 2
    shares.begin({"out": noise(1)}, Clock().advance(0))
    shares.finish()
    assert shares.problems == []
    assert reader.latest() is not None
    reader.close()
    shares.close()


def test_a_copy_that_fails_stops_nothing(shares, name, card, monkeypatch):
    def fails(picture, address, layout):
        raise RuntimeError("lost")

    shares.ask((asked(name),))
    monkeypatch.setattr(card, "copy", fails)
    shares.begin({"out": noise(1)}, Clock().advance(0))
    shares.finish()
    assert "lost" in str(shares.problems[0])


def test_pictures_made_elsewhere_are_refused_with_what_to_do():
    with pytest.raises(OutputError, match="NVIDIA card") as refused:
        torch_card(torch.device("cpu"))
    assert "shared:NAME" in refused.value.hint


@pytest.mark.parametrize("alpha", ["straight", "premultiplied", "opaque"])
@pytest.mark.parametrize("gain", [1.0, 0.37, 0.0])
@pytest.mark.parametrize("region", [None, (2, 1, 5, 4), (6, 4, 4, 4)])
def test_it_lies_as_other_doors_have_it_in_the_order_that_was_asked_for(alpha, gain, region):
    picture = noise(7)
    expected = converted(cut(picture.numpy(), region), alpha, gain)
    for order, channels in (("RGBA", [0, 1, 2, 3]), ("BGRA", [2, 1, 0, 3])):
        for origin, step in (("top", 1), ("bottom", -1)):
            share = asked("x", alpha=alpha, region=region, order=order, origin=origin)
            into = torch.full(shape_of(picture, share), 99, dtype=torch.uint8)
            lay_out(picture, into, share, gain)
            difference = into.numpy().astype(int) - expected[::step, :, channels]
            assert np.abs(difference).max() <= (1 if 0 < gain < 1 else 0)


def test_messages_carry_what_is_asked_for():
    share = asked("x", region=(1, 2, 3, 4), rate=30.0)
    begin = Begin(session="s", text=VersionedText(1, ""), card_shares=(share,))
    sent = msgspec.msgpack.encode([begin, Numbered(1, ShareOnCard((share,)))])
    assert decode_to_render(sent) == [begin, Numbered(1, ShareOnCard((share,)))]


@pytest.fixture
def stage(tmp_path):
    from door_stage import Stage

    stage = Stage({"cuda": CardDoor})
    yield stage
    stage.close()


def test_a_door_asks_the_render_and_tells_what_it_does(stage, name, tmp_path, card):
    shares = CardShares(stage.store.session, lambda device: card)
    door = stage.doors.open(f"cuda:{name}[1,0,4,3],order=BGRA,rate=30")
    (share,) = stage.doors.card_shares
    assert (share.session, share.picture, share.order, share.rate) == (f"gc-{name}", "out", "BGRA", 30.0)
    assert (share.region, share.master, share.alpha) == ((1, 0, 4, 3), True, "straight")
    until(lambda: stage.status(door).state == "waiting")
    shares.ask(stage.doors.card_shares)
    clock = Clock()

    def plays() -> bool:
        shares.begin({"out": noise(1)}, clock.advance(1 / 60))
        shares.finish()
        return stage.status(door).state == "open" and stage.status(door).shown > 0

    until(plays)
    assert (stage.status(door).width, stage.status(door).height) == (4, 3)
    assert name in stage.status(door).note
    stage.doors.change(door, {"region": None, "order": "RGBA"})
    (share,) = stage.doors.card_shares
    assert (share.region, share.order) == (None, "RGBA")
    stage.doors.outputs(("wall",))
    assert stage.doors.card_shares[0] == replace_picture(share, "wall")
    shares.ask(())
    until(lambda: stage.status(door).state == "waiting")
    stage.doors.close_door(door)
    assert stage.doors.card_shares == ()
    shares.close()


def replace_picture(share: CardShare, picture: str) -> CardShare:
    return msgspec.structs.replace(share, picture=picture)


def test_a_name_that_cannot_be_is_told_by_the_door(stage):
    door = stage.doors.open('cuda:"no name at all, too long"')
    assert stage.doors.card_shares == ()
    until(lambda: stage.status(door).state == "ended")
    assert "is no name" in stage.status(door).problem.what


def test_a_show_shares_and_its_spare_goes_on_where_a_killed_render_stopped(name, tmp_path, reader, monkeypatch):
    monkeypatch.setattr(supervisor, "SPARE_AFTER", 0.0)

    def newest() -> tuple[int, int]:
        """Number and second pixel of the newest picture."""
        picture = reader.latest()
        return (0, 0) if picture is None else (picture.number, int(picture.to_host()[0, 1, 0]))

    with Supervisor(text="grey 7\nfps 60", prepare=partial(card_dependencies, tmp_path)) as show:
        show.doors._kinds = {"cuda": CardDoor}
        door = show.doors.open(f"cuda:{name}")
        until(lambda: newest()[1] == 7)
        until(lambda: show.doors.statuses()[0].state == "open")
        show.submit("grey 9\nfps 60\nsize 6 3")
        until(lambda: newest()[1] == 9)
        assert (reader.latest().width, reader.latest().height) == (6, 3)
        until(lambda: show.spare_ready)
        pid, (number, _) = show.render_pid, newest()
        psutil.Process(pid).kill()
        until(lambda: show.render_pid not in (pid, None) and newest()[0] > number)
        until(lambda: newest()[1] == 9)
        assert not [problem for problem in show.status().errors if "card" in problem.what]
        show.doors.close_door(door)
        until(lambda: reader.latest() is None)
        show.doors.open(f"cuda:{name}")
        until(lambda: newest()[1] == 9)
    assert reader.latest() is None
    reader.close()
    assert list(tmp_path.glob("open-*")) == []
