"""Shared pictures as other programs see them: read by C, read and written by one file that needs NumPy alone."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import ganzfeld.outputs.shared
from fake_desktop import FakeWay
from far_ends.shared import one_file_module
from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.base import DoorPicture
from ganzfeld.outputs.doors.kinds import shared
from ganzfeld.outputs.shared import write_files
from ganzfeld.values.frame_slots import ALPHAS, COLOURS, DTYPES, PixelFormat, Ring
from ganzfeld.values.frames import FrameReader, FrameStore, FrameWriter

C_READER = r"""
#define _GNU_SOURCE
#include "ganzfeld_ring.h"

/* Tells every picture: number, size, format, frame, the sum of its bytes; until frame 0 of another width comes. */
int main(int count, char **words) {
    gz_reader reader;
    gz_picture seen;
    gz_init(&reader, words[1]);
    printf("ready\n"), fflush(stdout);
    for (;;) {
        if (!gz_take(&reader, &seen)) { usleep(500); continue; }
        uint64_t sum = 0, bytes = (uint64_t)seen.width * seen.height * seen.channels * gz_item_bytes(seen.dtype);
        for (uint64_t i = 0; i < bytes; i++) sum += ((const unsigned char *)seen.pixels)[i];
        if (!gz_done(&reader)) { printf("torn\n"); continue; }
        printf("%llu %u %u %u %u %u %u %llu %llu %d\n", (unsigned long long)seen.number, seen.width, seen.height,
               seen.channels, seen.dtype, seen.alpha, seen.colour, (unsigned long long)seen.frame,
               (unsigned long long)sum, seen.stamp > 0 && seen.wall > 1e9), fflush(stdout);
        if (seen.frame == 999) break;
    }
    gz_close(&reader);
    return 0;
}
"""
gcc = shutil.which("gcc") or shutil.which("cc")


@pytest.fixture(scope="module")
def c_reader(tmp_path_factory) -> Path:
    if gcc is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("c")
    write_files(folder)
    (folder / "reader.c").write_text(C_READER)
    strict = ["-std=c11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-O2"]
    subprocess.run([gcc, *strict, "reader.c", "-o", "reader", "-lrt"], cwd=folder, check=True)
    return folder / "reader"


@pytest.fixture
def name():
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
def store(name):
    store = FrameStore(f"gz-{name}")
    yield store
    store.close()


ring = one_file_module()


def test_the_one_file_knows_no_ganzfeld_and_says_the_same_numbers():
    text = Path(ring.__file__).read_text()
    assert "import ganzfeld" not in text
    assert "from ganzfeld" not in text
    assert (ring.DTYPES, ring.ALPHAS, ring.COLOURS) == (DTYPES, ALPHAS, COLOURS)
    found = subprocess.run(
        [sys.executable, "-c", "import sys, ganzfeld_ring; print(sorted({m.split('.')[0] for m in sys.modules}))"],
        cwd=Path(ring.__file__).parent,
        env={"PYTHONSAFEPATH": "", "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "'ganzfeld'" not in found


def test_c_reads_what_was_written_over_changes_of_size_format_and_writer(name, store, c_reader):
    process = subprocess.Popen([c_reader, name], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    def sent(writer, size, form: PixelFormat, frame: int) -> list[int]:
        slot = writer.begin("picture", *size, form)
        rng = np.random.default_rng(frame)
        slot.pixels.reshape(-1).view(np.uint8)[:] = rng.integers(0, 256, slot.pixels.nbytes, np.uint8)
        total = int(slot.pixels.reshape(-1).view(np.uint8).sum())
        number = slot.commit(frame=frame, t=1.5)
        kinds = DTYPES.index(form.dtype), ALPHAS.index(form.alpha), COLOURS.index(form.colour)
        return [number, *size, form.channels, *kinds, frame, total, 1]

    writer = FrameWriter(store.session)
    forms = [
        ((64, 48), PixelFormat()),
        ((64, 48), PixelFormat()),
        ((1, 512), PixelFormat("float32", 1, "opaque", "data")),
        ((31, 7), PixelFormat("float16", 3, "premultiplied", "linear")),
        ((64, 48), PixelFormat("uint16", 2)),
    ]
    for frame, (size, form) in enumerate(forms):
        expected = sent(writer, size, form, frame)
        assert list(map(int, process.stdout.readline().split())) == expected
    writer.close()
    writer = FrameWriter(store.session)  # after a kill
    expected = sent(writer, (64, 48), PixelFormat("uint16", 2), 999)
    assert list(map(int, process.stdout.readline().split())) == expected
    assert process.wait(10) == 0
    writer.close()


def test_c_and_the_one_file_work_together(name, c_reader):
    process = subprocess.Popen([c_reader, name], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    writer = ring.Writer(name)
    try:
        pixels = np.arange(5 * 7 * 4, dtype=np.uint8).reshape(5, 7, 4)
        assert writer.write(pixels, frame=999)
        said = list(map(int, process.stdout.readline().split()))
        assert said == [1, 7, 5, 4, 0, 0, 0, 999, int(pixels.sum()), 1]
        assert process.wait(10) == 0
    finally:
        writer.close()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_one_file_reads_what_ganzfeld_writes(name, store, dtype):
    reader, writer = ring.Reader(name), FrameWriter(store.session)
    assert reader.latest() is None
    for size in ((4, 3), (300, 200), (4, 3)):
        slot = writer.begin("picture", *size, PixelFormat(dtype, 3, "opaque", "linear"))
        slot.pixels[:] = 7
        slot.pixels[0, 0] = 1
        number = slot.commit(frame=12, t=0.25)
        picture = reader.latest()
        assert (picture.number, picture.frame, picture.t) == (number, 12, 0.25)
        assert (picture.alpha, picture.colour, picture.pixels.dtype.name) == ("opaque", "linear", dtype)
        assert picture.pixels.shape == (size[1], size[0], 3)
        assert (picture.pixels.reshape(-1)[3:] == 7).all()
        assert reader.latest() is picture
    writer.close()
    store.close()
    assert reader.latest() is picture, "it keeps its last picture"
    assert not reader.is_live
    reader.close()


def test_ganzfeld_reads_what_the_one_file_writes(name):
    writer = ring.Writer(name)
    reader = FrameReader(f"gz-{name}", "picture")
    try:
        for row in (np.zeros((1, 512), np.float32), np.ones((2, 512, 1), np.float32)):
            assert writer.write(row, colour="data", alpha="opaque", frame=3)
            frame = reader.latest()
            assert frame is not None
            assert frame.format == PixelFormat("float32", 1, "opaque", "data")
            assert (frame.pixels == row[0, 0]).all()
            assert frame.pixels.shape == (len(row), 512, 1)
    finally:
        reader.close()
        writer.close()


def test_who_comes_back_goes_on_and_two_do_not_write_at_once(name, tmp_path):
    script = (
        "import sys, time, numpy as np, ganzfeld_ring\n"
        "writer = ganzfeld_ring.Writer(sys.argv[1])\n"
        "writer.write(np.full((4, 4, 4), 9, np.uint8))\n"
        "print('there', flush=True)\n"
        "time.sleep(1000)\n"
    )
    write_files(tmp_path)
    process = subprocess.Popen([sys.executable, "-c", script, name], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    reader = ring.Reader(name)
    assert reader.latest().pixels[0, 0, 0] == 9
    with pytest.raises(FileExistsError, match="already shares"):
        ring.Writer(name)
    process.kill()
    process.wait()
    writer = ring.Writer(name)
    assert writer.write(np.full((4, 4, 4), 10, np.uint8))
    picture = reader.latest()
    assert (picture.number, picture.pixels[0, 0, 0]) == (2, 10)
    writer.close()
    reader.close()


def test_another_show_under_the_same_name_is_found(name, monkeypatch):
    reader = ring.Reader(name)
    for grey in (5, 6):
        writer = ring.Writer(name)
        assert writer.write(np.full((2, 2, 4), grey, np.uint8))
        assert reader.latest().pixels[0, 0, 0] == grey
        writer.close()
    writer = ring.Writer(name)
    assert writer.write(np.full((2, 2, 4), 7, np.uint8))
    assert reader.latest().pixels[0, 0, 0] == 7
    for part in (name, f"{name}-0-1"):  # as the system does when a whole show is killed
        ring._unlink(f"gz-{part}")
    again = ring.Writer(name)
    assert again.write(np.full((2, 2, 4), 8, np.uint8))
    monkeypatch.setattr(ring, "PATIENCE_SECONDS", 0.0)
    reader.latest()
    assert reader.latest().pixels[0, 0, 0] == 8
    for each in (reader, again):
        each.close()


def test_a_name_that_was_taken_away_is_taken_again(name, monkeypatch):
    """As systemd does behind a person who logs out; another program that has the name meanwhile keeps it."""
    monkeypatch.setattr(shared, "LOOK_SECONDS", 0.0)
    door = shared.Shared(shared.Shared.Options(target=name), FakeWay())  # type: ignore[arg-type]
    picture = DoorPicture(np.full((2, 2, 4), 9, np.uint8), "straight", 1, 1, 0.0, 0)
    door.open()
    door.show(picture)
    for part in (name, f"{name}-0-1"):
        ring._unlink(f"gz-{part}")
    door.show(picture)
    reader = ring.Reader(name)
    assert reader.latest().pixels[0, 0, 0] == 9
    reader.close()
    for part in (name, f"{name}-0-1"):
        ring._unlink(f"gz-{part}")
    with another_writer(name) as pid:
        with pytest.raises(OutputError, match="another program"):
            door.show(picture)
        door.close()
        assert shared.Board(f"gz-{name}").writer == pid


@contextlib.contextmanager
def another_writer(name: str) -> Iterator[int]:
    """A program that has the name; its process's number."""
    code = (
        "import sys; from ganzfeld_ring import Writer; w = Writer(sys.argv[1]); print(flush=True); input(); w.close()"
    )
    folder, pipe = Path(ring.__file__).parent, subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code, name], cwd=folder, stdin=pipe, stdout=pipe) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdout.readline()
        yield program.pid
        program.communicate(b"\n", timeout=20)


def test_a_writer_that_never_waits_meets_readers_that_never_end(name):
    writer = ring.Writer(name, readers=6)
    readers = [ring.Reader(name) for _ in range(6)]
    try:
        for number in range(1, 200):
            assert writer.write(np.full((16, 16, 4), number % 256, np.uint8))
            picture = readers[number % 6].latest()
            assert (picture.pixels == picture.number % 256).all()
        assert writer.dropped == 0
    finally:
        for reader in readers:
            reader.close()
        writer.close()


def test_nonsense_under_the_name_is_no_picture(name):
    junk = ring._Block(f"gz-{name}", 8192)
    reader = ring.Reader(name)
    assert reader.latest() is None
    junk.words[:] = np.random.default_rng(1).integers(0, 2**63, len(junk.words), np.uint64)
    assert reader.latest() is None
    junk.words[0] = ring._BOARD_MAGIC
    junk.words[1] = ring.VERSION
    junk.words[32] = 1
    page = ring._Block(f"gz-{name}-0-1", 8192)
    for noise in range(20):
        page.words[:] = np.random.default_rng(noise).integers(0, 2**63, len(page.words), np.uint64)
        page.words[0], page.words[1] = ring._RING_MAGIC, ring.VERSION
        page.words[2:8] = [2, 4, 4, 4, 4096 * (noise % 3), 4096 * (noise % 5)]
        reader.latest()
        with pytest.raises(FileNotFoundError):
            Ring.attach(f"gz-{name}-0-1")
    ring._unlink(f"gz-{name}")
    ring._unlink(f"gz-{name}-0-1")
    for block in (junk, page):
        block.close()


def test_the_files_ship():
    folder = Path(ganzfeld.outputs.shared.__file__).parent
    assert {"ganzfeld_ring.h", "ganzfeld_ring.py"} <= {path.name for path in folder.iterdir()}
