"""Pictures on a card as other programs see them, behind a strict stand-in for the driver."""

from __future__ import annotations

import importlib.util
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

import fake_cuda
import ganzfeld.outputs.shared
from card_writing import Writer, noise
from fake_cuda import FakeCuda
from ganzfeld.outputs.doors.kinds.cuda import why_not
from ganzfeld.outputs.shared.ganzfeld_cuda import Driver
from ganzfeld.process.card_writer import CardWriter
from ganzfeld.values.frame_slots import ALPHAS
from waiting import until

FILE = Path(ganzfeld.outputs.shared.__file__).with_name("ganzfeld_cuda.py")


def one_file_module():
    """`ganzfeld_cuda.py`, loaded as a host does: from its file, and not as a part of Ganzfeld."""
    spec = importlib.util.spec_from_file_location("ganzfeld_cuda", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cuda = one_file_module()


@pytest.fixture
def name():
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
def writer(tmp_path, name):
    writer = Writer(tmp_path, name)
    yield writer
    writer.cards.close()


@pytest.fixture
def far(tmp_path):
    """The other program's driver."""
    return FakeCuda(tmp_path)


@pytest.fixture
def reader(name, far):
    reader = cuda.CardReader(name, driver=cuda.Driver(far))
    yield reader
    reader.close()
    assert far.opened == 0


def test_the_one_file_knows_no_ganzfeld_and_needs_no_torch():
    text = FILE.read_text()
    assert "import ganzfeld" not in text
    assert "from ganzfeld" not in text
    assert cuda.ALPHAS == ALPHAS
    found = subprocess.run(
        [sys.executable, "-c", "import sys, ganzfeld_cuda; print(sorted({m.split('.')[0] for m in sys.modules}))"],
        cwd=FILE.parent,
        env={"PYTHONSAFEPATH": "", "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "'ganzfeld'" not in found
    assert "'torch'" not in found


def test_pictures_arrive_bit_for_bit_and_say_what_they_are(writer, reader):
    assert reader.latest() is None
    picture = noise(1)
    assert writer.write(picture, ("BGRA", "premultiplied", "bottom"), frame=7) == 1
    seen = reader.latest()
    assert seen is not None
    assert (seen.to_host() == picture).all()
    assert (seen.order, seen.alpha, seen.origin) == ("BGRA", "premultiplied", "bottom")
    assert (seen.number, seen.frame, seen.width, seen.height, seen.card) == (1, 7, 5, 6, 0)
    assert seen.stamp > 0
    assert seen.wall > 1e9
    assert reader.problem == ""
    said = seen.__cuda_array_interface__
    assert (said["shape"], said["typestr"], said["strides"], said["version"]) == ((6, 5, 4), "|u1", None, 3)
    assert said["data"] == (seen.address, False)
    assert reader.latest() is seen, "nothing is new"


def test_a_picture_that_is_held_is_never_written(writer, reader):
    first = noise(0)
    writer.write(first)
    held = reader.latest()
    for seed in range(1, 20):
        assert writer.write(noise(seed)) is not None, "the ring has room for a reader that holds one"
        assert (held.to_host() == first).all()
    assert held.is_held
    seen = reader.latest()
    assert (seen.to_host() == noise(19)).all()
    assert not held.is_held
    with pytest.raises(cuda.CudaError, match="given back"):
        held.to_host()
    with pytest.raises(cuda.CudaError, match="given back"):
        _ = held.__cuda_array_interface__


def test_work_of_the_reader_is_waited_for_before_a_picture_is_given_back(writer, reader, far):
    writer.write(noise(0))
    picture = reader.latest()
    assert far.waited == 0
    reader.latest()
    assert far.waited == 0, "nothing was given back"
    writer.write(noise(1))
    reader.latest()
    assert far.waited == 1
    reader.release()
    assert far.waited == 2
    assert not picture.is_held
    assert reader.latest().number == 2
    reader.stream = 5
    reader.close()
    assert far.waited == 3


def test_readers_that_hold_every_slot_cost_pictures_and_nothing_else(tmp_path, name, far):
    writer = Writer(tmp_path, name, readers=1)
    readers = [cuda.CardReader(name, driver=cuda.Driver(FakeCuda(tmp_path))) for _ in range(4)]
    for seed, reader in enumerate(readers):
        writer.write(noise(seed))
        assert reader.latest().number == seed + 1
    assert writer.write(noise(9)) is None
    assert writer.cards.dropped == 1
    readers[0].close()
    assert writer.write(noise(9)) == 5
    for reader in readers[1:]:
        reader.close()
    writer.cards.close()
    assert writer.cuda.allocated == []


def test_another_size_is_another_memory_and_the_old_one_goes_when_nobody_has_it_open(writer, reader):
    writer.write(noise(0))
    held = reader.latest()
    (first,) = writer.cuda.allocated
    assert first == 2 << 20, "a whole block of the driver's, so that it shares nothing else"
    wide = noise(1, 40, 900)
    writer.write(wide)
    assert len(writer.cuda.allocated) == 2, "a reader has the first open"
    assert (held.to_host() == noise(0)).all()
    seen = reader.latest()
    assert (seen.to_host() == wide).all()
    assert seen.number == 2
    assert not held.is_held
    writer.cards.tidy()
    assert len(writer.cuda.allocated) == 1


def test_a_render_that_dies_is_noticed_and_its_follower_found(tmp_path, name, reader, monkeypatch):
    writer = Writer(tmp_path, name)
    writer.write(noise(0), frame=1)
    held = reader.latest()
    monkeypatch.setattr(cuda, "_is_alive", lambda pid: False)
    writer.cuda.die()
    assert reader.latest() is None
    assert "nobody shares" in reader.problem
    assert not held.is_held
    monkeypatch.undo()
    second = Writer(tmp_path, name)
    second.write(noise(1), frame=2)
    seen = reader.latest()
    assert (seen.number, seen.frame) == (2, 2)
    assert (seen.to_host() == noise(1)).all()
    reader.close()
    second.cards.close()


def test_work_that_failed_is_told_and_the_reader_begins_anew(writer, reader, far, monkeypatch):
    writer.write(noise(0))
    reader.latest()
    writer.write(noise(1))
    far.fails = fake_cuda.ILLEGAL_ADDRESS
    assert reader.latest() is None
    assert "cuCtxSynchronize" in reader.problem
    assert "700" in reader.problem
    assert far.opened == 0
    far.fails = 0
    assert reader.latest() is None, "not at once again"
    monkeypatch.setattr(cuda.time, "monotonic", lambda real=cuda.time.monotonic: real() + 2)
    assert reader.latest().number == 2


def test_a_name_belongs_to_one_living_process(writer, name, monkeypatch, tmp_path):
    from ganzfeld.errors import OutputError
    from ganzfeld.process import card_writer

    monkeypatch.setattr(card_writer.os, "getpid", lambda: os.getppid())
    with pytest.raises(OutputError, match="already shares pictures on a card"):
        CardWriter(f"gc-{name}", writer.card)


def test_a_reader_in_the_process_of_the_writer_is_refused_as_the_driver_refuses_it(writer, name):
    writer.write(noise(0))
    reader = cuda.CardReader(name, driver=cuda.Driver(writer.cuda))
    assert reader.latest() is None
    assert "(201)" in reader.problem


def test_another_card_is_said_so(writer, name, tmp_path):
    writer.write(noise(0))
    reader = cuda.CardReader(name, driver=cuda.Driver(FakeCuda(tmp_path, uuid=b"\x01" * 16)))
    assert reader.latest() is None
    assert "does not see" in reader.problem


@pytest.mark.parametrize(
    ("driver", "words"),
    [
        (lambda folder: FakeCuda(folder, "NVIDIA A100-SXM4-40GB MIG 1g.5gb"), "MIG"),
        (lambda folder: FakeCuda(folder, shares=False), "WDDM"),
        (lambda folder: FakeCuda(folder), ""),
    ],
)
def test_what_cannot_share_says_why(tmp_path, driver, words):
    assert words in why_not(Driver(driver(tmp_path)))
    assert bool(why_not(Driver(driver(tmp_path)))) == bool(words)


def test_without_a_driver_a_door_is_refused_with_what_to_do(monkeypatch):
    from ganzfeld.outputs.doors.kinds import cuda as kind

    def load():
        raise kind.CudaError("there is no driver of an NVIDIA card here")

    monkeypatch.setattr(kind, "load", load)
    missing = kind.Cuda.missing()
    assert missing is not None
    assert "NVIDIA" in missing.what
    assert "shared:NAME" in (missing.hint or "")


def test_the_list_of_kinds_names_cards_that_can_share_and_says_why_none_can(tmp_path, monkeypatch):
    from ganzfeld.errors import OutputError
    from ganzfeld.outputs.doors.kinds import cuda as kind

    monkeypatch.setattr(kind, "Driver", lambda: Driver(FakeCuda(tmp_path)))
    assert kind.Cuda.found() == ["NVIDIA H200"]
    monkeypatch.setattr(kind, "Driver", lambda: Driver(FakeCuda(tmp_path, shares=False)))
    with pytest.raises(OutputError, match="WDDM"):
        kind.Cuda.found()


FAR_PROGRAM = """
import sys, zlib
from pathlib import Path
sys.path[:0] = [{files!r}, {support!r}]
import ganzfeld_cuda
from card_writing import Writer, noise
from fake_cuda import FakeCuda

reader = ganzfeld_cuda.CardReader({name!r}, driver=ganzfeld_cuda.Driver(FakeCuda(Path({folder!r}))))
last = None
print("ready", flush=True)
for line in sys.stdin:
    picture = reader.latest()
    if picture is None:
        print("none", flush=True)
    else:
        print(picture.number, picture.frame, zlib.crc32(picture.to_host().tobytes()), flush=True)
reader.close()
print("closed", flush=True)
"""


def test_two_real_processes_and_a_writer_that_is_killed(tmp_path, name):
    import zlib

    support = str(Path(fake_cuda.__file__).parent)
    words = FAR_PROGRAM.format(files=str(FILE.parent), support=support, name=name, folder=str(tmp_path))
    far = subprocess.Popen([sys.executable, "-c", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert far.stdin is not None
    assert far.stdout is not None

    def asked() -> str:
        print("look", file=far.stdin, flush=True)
        return far.stdout.readline().strip()

    try:
        assert far.stdout.readline() == "ready\n"
        assert asked() == "none"
        writer = Writer(tmp_path, name)
        for seed in range(3):
            picture = noise(seed, 32, 48)
            writer.write(picture, frame=seed)
            assert asked() == f"{seed + 1} {seed} {zlib.crc32(picture.tobytes())}"
        picture = noise(9, 64, 48)
        writer.write(picture, frame=9)
        assert asked() == f"4 9 {zlib.crc32(picture.tobytes())}"
        # Another process writes under the name and is killed; we go on where it stopped.
        writer.cards.close()
        assert writer.cuda.allocated, "the far program has not looked yet, so the memory is kept"
        assert asked() == "none"
        dying = _dying_writer(tmp_path, name)
        assert asked().startswith("1 77 ")
        dying.kill()
        dying.wait(10)
        second = Writer(tmp_path, name)
        picture = noise(5, 8, 8)
        second.write(picture, frame=5)
        assert asked() == f"2 5 {zlib.crc32(picture.tobytes())}"
        out, _ = far.communicate(timeout=10)
        assert out.splitlines()[-1] == "closed"
        second.cards.close()
        assert second.cuda.allocated == []
    finally:
        far.kill()
        far.wait(10)


DYING = """
import sys
from multiprocessing import resource_tracker
from pathlib import Path
resource_tracker.register = lambda *what: None  # a show's supervisor keeps what a dead render left
sys.path[:0] = {paths!r}
import card_writing as here

writer = here.Writer(Path({folder!r}), {name!r})
writer.write(here.noise(3), frame=77)
print("written", flush=True)
sys.stdin.read()
"""


def _dying_writer(folder: Path, name: str) -> subprocess.Popen:
    paths = [str(Path(fake_cuda.__file__).parent)]
    words = DYING.format(paths=paths, folder=str(folder), name=name)
    process = subprocess.Popen([sys.executable, "-c", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process


def test_nothing_is_left_in_shared_memory(tmp_path, name):
    writer = Writer(tmp_path, name)
    writer.write(noise(0))
    writer.write(noise(0, 9, 9))
    writer.cards.close()
    left = Path("/dev/shm")
    assert not left.is_dir() or not list(left.glob(f"gc-{name}*"))
    assert until(lambda: not writer.cuda.allocated)
