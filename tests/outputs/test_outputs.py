"""Every output: what is written can be read again, also after a kill; what cannot be written is an OutputError."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from PIL import Image

from ganzfeld.errors import OutputError
from ganzfeld.outputs.base import (
    Output,
    OutputPiece,
    check_target,
    example_targets,
    known_suffixes,
    open_output,
    output_for,
    output_types,
)
from ganzfeld.outputs.movie import Movie
from ganzfeld.outputs.parallel_encoders import ParallelEncoders

TARGETS = [
    example
    for kind in output_types().values()
    for example in kind.examples
    if kind.dtype == "uint8"  # the others have tests of their own
]
"""What every output says that it writes: the tests with a `target` are the conditions that a new one must meet, too."""
SOURCE = Path(__file__).parents[2] / "src"


def gradient(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A smooth opaque picture whose red tells its number."""
    image = np.empty((height, width, 4), np.uint8)
    image[..., 0] = number * 12 % 256
    image[..., 1] = np.linspace(0, 255, width)
    image[..., 2] = np.linspace(255, 0, height)[:, None]
    image[..., 3] = 255
    return image


def film(path: Path) -> tuple[list[np.ndarray], list[float]]:
    """A film's pictures as RGB and their times in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures, times = [], []
        for frame in container.decode(stream):
            assert frame.time is not None
            times.append(frame.time)
            rgb = frame.reformat(
                format="rgb24",
                src_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.MPEG,
                dst_color_range=ColorRange.JPEG,
            )
            pictures.append(rgb.to_ndarray())
        return pictures, times


def record(target: Path | str, numbers=range(20), size=(64, 48), fps=20.0, **options) -> Output:
    with open_output(target, size, fps, **options) as output:
        for number in numbers:
            output.write(gradient(number, *size), number / fps, number)
    return output


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_film_holds_the_frames_their_times_and_colours(tmp_path, suffix):
    path = tmp_path / f"film{suffix}"
    record(path)
    pictures, times = film(path)
    assert len(pictures) == 20
    assert np.allclose(times, np.arange(20) / 20, atol=1e-3)
    for number, picture in enumerate(pictures):
        difference = np.abs(picture.astype(int) - gradient(number)[..., :3])
        assert difference.mean() < 3 and np.percentile(difference, 99) < 12
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", 64, 48)
        assert context.colorspace == Colorspace.ITU709 and context.color_range == ColorRange.MPEG
        assert context.color_primaries == ColorPrimaries.BT709 and context.color_trc == ColorTrc.BT709
        assert stream.average_rate == 20


def test_saturated_colours_survive_the_matrix_that_the_film_names(tmp_path):
    """BT.601 and BT.709 differ by up to 30 levels on pure colours; a wrong tag shows here."""
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128)]
    path = tmp_path / "film.mp4"
    with open_output(path, (32, 32), 10, quality=5) as output:
        for number, colour in enumerate(colours):
            output.write(np.full((32, 32, 4), (*colour, 255), np.uint8), 0, number)
    for picture, colour in zip(film(path)[0], colours, strict=True):
        assert np.abs(picture.reshape(-1, 3).mean(0) - colour).max() < 4


@pytest.mark.parametrize(
    ("name", "codec", "tolerance", "alpha"),
    [
        ("a.mkv", "ffv1", 0, True),
        ("a.mov", "prores", 6, True),
        ("a.mov", "h264", 8, False),
        ("a.mp4", "hevc", 8, False),
    ],
)
def test_every_encoder_keeps_order_colour_and_alpha(tmp_path, name, codec, tolerance, alpha):
    given = []
    with open_output(tmp_path / name, (64, 48), 20, codec=codec, quality=5) as output:
        for number in range(12):
            image = np.full((48, 64, 4), (number * 20, 200 - number * 10, 60, 255), np.uint8)
            image[:, 32:, 3] = 128
            given.append(image)
            output.write(image, 0, number)
    with av.open(str(tmp_path / name)) as container:
        pictures = [
            frame.reformat(
                format="rgba", src_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.JPEG
            ).to_ndarray()
            for frame in container.decode(video=0)
        ]
    assert len(pictures) == 12
    for picture, image in zip(pictures, given):
        expected = image.astype(int)
        if not alpha:
            expected[:, 32:, :3] = (expected[:, 32:, :3] * 128 + 127) // 255
            expected[..., 3] = 255
        assert np.abs(picture[:, 2:28] - expected[:, 2:28]).max() <= tolerance
        assert np.abs(picture[:, 36:60] - expected[:, 36:60]).max() <= tolerance


def test_a_film_wider_than_h264_is_hevc_and_says_so(tmp_path):
    from ganzfeld.outputs.encoders import choose

    assert choose("auto", ".mp4", 4096) == choose("h264", ".mkv", 8000)
    chosen = choose("auto", ".mp4", 7680)
    assert chosen.encoder.name == "hevc" and "4096" in chosen.said
    assert choose("auto", ".mov", 7680).encoder.name == "prores"
    assert "4096" in output_for("a.mp4").said_of(Path("a.mp4"), (7680, 1080))
    assert output_for("a.mp4").said_of(Path("a.mp4"), (1920, 1080)) == ""


@pytest.mark.parametrize("size", [(63, 47), (1, 1), (64, 47)])
def test_odd_sizes_keep_every_pixel(tmp_path, size):
    path = tmp_path / "film.mp4"
    record(path, range(3), size)
    pictures, _ = film(path)
    width, height = size
    assert pictures[0].shape == (height + height % 2, width + width % 2, 3)
    difference = np.abs(pictures[2][:height, :width].astype(int) - gradient(2, *size)[..., :3])
    assert difference.mean() < 6
    for other in ("p-%d.png", "a.npy"):
        record(tmp_path / other, range(3), size)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "p-2.png")), gradient(2, *size))
    assert np.array_equal(np.load(tmp_path / "a.npy")[2], gradient(2, *size))


def test_numbers_are_times_and_a_jump_is_a_cut(tmp_path):
    path = tmp_path / "film.mkv"
    # Starts late; 7003 and 7004 dropped; then the show is sought back; then ahead by an hour.
    record(path, [7000, 7001, 7002, 7005, 100, 101, 72101])
    assert np.allclose(np.array(film(path)[1]) * 20, [0, 1, 2, 5, 6, 7, 8], atol=0.05)


def test_transparent_pictures_lie_on_black_in_a_film_and_stay_transparent_elsewhere(tmp_path):
    image = np.full((16, 16, 4), (200, 100, 50, 255), np.uint8)
    image[:, 8:, 3] = 0
    before = image.copy()
    for name in ("film.mp4", "still.png"):
        with open_output(tmp_path / name, (16, 16), 10) as output:
            output.write(image, 0, 0)
    picture = film(tmp_path / "film.mp4")[0][0]
    assert np.abs(picture[:, :6].astype(int) - (200, 100, 50)).max() < 12
    assert picture[:, 10:].max() < 12
    assert np.array_equal(image, before)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "still.png")), image)


@pytest.mark.parametrize(
    ("target", "files"),
    [
        ("shots/", ["00003.png", "00004.png"]),
        ("shots", ["00003.png", "00004.png"]),
        ("a/b/x-%04d.png", ["x-0003.png", "x-0004.png"]),
        ("x%d.png", ["x3.png", "x4.png"]),
        ("x.png", ["x.png"]),
    ],
)
def test_pictures_are_named_by_their_numbers(tmp_path, target, files):
    (tmp_path / "a" / "b").mkdir(parents=True)
    record(f"{tmp_path}/{target}", [3, 4])
    folder = tmp_path / (Path(target).parent if target.endswith(".png") else target)
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == files
    assert np.array_equal(np.asarray(Image.open(folder / files[-1])), gradient(4))


def test_an_array_is_whole_after_every_frame(tmp_path):
    path = tmp_path / "frames.npy"
    with open_output(path, (64, 48), 10) as output:
        assert np.load(path).shape == (0, 48, 64, 4)
        for number in range(3):
            output.write(gradient(number)[:, ::-1], 0, number)
            assert np.load(path, mmap_mode="r").shape == (number + 1, 48, 64, 4)
    assert np.array_equal(np.load(path), [gradient(number)[:, ::-1] for number in range(3)])
    assert path.stat().st_size == 128 + 3 * 64 * 48 * 4


def test_an_array_is_written_by_several_threads_in_any_order(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (9, 601, 603, 4), np.uint8)
    path = tmp_path / "a.npy"
    with open_output(path, (603, 601), 30) as output, ThreadPoolExecutor(3) as pool:
        made = {index: pool.submit(output.converted, images[index], index) for index in (4, 2, 0, 1, 8, 3, 7, 6, 5)}
        for index in range(8):
            output.write_converted(made[index].result, 0, index)
            assert np.array_equal(np.load(path, mmap_mode="r"), images[: index + 1])
    assert np.array_equal(np.load(path), images[:8]), "the ninth was not asked for"
    assert path.stat().st_size == 128 + images[:8].nbytes
    output.converted(images[0], 0)  # a thread that comes late


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_there_is_not_overwritten_unless_asked(tmp_path, target):
    target = f"{tmp_path}/{target}"
    record(target, range(3))
    with pytest.raises(OutputError, match="already"):
        record(target, range(3))
    record(target, range(5), overwrite=True)


WRITER = textwrap.dedent("""
    import sys, time
    import numpy as np
    from ganzfeld.outputs.base import open_output
    output = open_output(sys.argv[1], (160, 120), 30)
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 4), np.uint8)
    image[..., 3] = 255
    for number in range(100000):
        output.write(np.roll(image, number, 1), number / 30, number)
        print(number + 1, flush=True)
        time.sleep(0.002)
""")


def writer(target: Path | str, prelude: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", prelude + WRITER, str(target)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("target", TARGETS)
def test_a_killed_recording_can_be_used(tmp_path, target, frames=67):
    path = tmp_path / target
    with writer(f"{tmp_path}/{target}") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= frames:
                process.send_signal(signal.SIGKILL)
                break
    match path.suffix:
        case ".mp4" | ".mkv" | ".mov":
            pictures, times = film(path)
            assert len(pictures) >= frames - 30, "a kill costs at most about half a second, and the encoder's threads"
            assert np.allclose(np.diff(times), 1 / 30, atol=2e-3)
        case ".npy":
            assert len(np.load(path)) >= frames
        case ".png" | "":
            folder = path.parent if path.suffix else path
            shown = [each for each in folder.iterdir() if not each.name.startswith(".")]
            assert len(shown) >= frames
            assert all(np.asarray(Image.open(each)).shape == (120, 160, 4) for each in shown)
        case _:
            assert path.stat().st_size > 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
@pytest.mark.parametrize("target", TARGETS)
def test_a_full_disk_is_an_output_error_and_the_show_goes_on(tmp_path, target):
    """A limit on the size of files stands for the full disk: the same failing write, without a disk to fill."""
    code = """
    import errno, resource, sys
    import numpy as np
    from ganzfeld.errors import OutputError
    from ganzfeld.outputs.base import open_output
    output = open_output(sys.argv[1], (160, 120), 30)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    random = np.random.default_rng(0)
    errors = []
    for number in range(60):
        try:
            output.write(random.integers(0, 256, (120, 160, 4), np.uint8), 0, number)
        except OutputError as error:
            errors.append(error)
    try:
        output.close()
    except OutputError as error:
        errors.append(error)
    assert len(errors) == 1, errors
    assert output.error is errors[0]
    print(errors[0])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), f"{tmp_path}/{target}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "too large" in done.stdout or "cannot be written" in done.stdout
    if target.endswith(".npy"):
        assert len(np.load(tmp_path / target)) == 0, "the frame that did not fit is not counted"


@pytest.fixture
def unwritable_folder(tmp_path):
    if sys.platform == "win32":
        pytest.skip("needs POSIX permissions")
    was_root = os.geteuid() == 0
    tmp_path.chmod(0o500)
    if was_root:
        os.seteuid(65534)  # root may write anywhere, nobody may not
    yield tmp_path
    if was_root:
        os.seteuid(0)
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("target", TARGETS)
def test_a_folder_that_may_not_be_written(unwritable_folder, target):
    with pytest.raises(OutputError, match="may not be written"):
        record(f"{unwritable_folder}/{target}")


@pytest.mark.parametrize("target", TARGETS)
def test_a_file_where_a_folder_is_needed(tmp_path, target):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match="folder"):
        record(f"{tmp_path}/file/{target}")


@pytest.mark.parametrize(
    ("target", "size", "fps", "options", "message"),
    [
        ("film.avi", (8, 8), 30, {}, "no output writes '.avi' files"),
        ("film.mp5", (8, 8), 30, {}, "Did you mean '.mp4'"),
        ("film.mp4", (8, 8), 30, {"qualty": 3}, "Did you mean 'quality'"),
        ("film.mp4", (8, 8), 30, {"quality": 99}, "quality cannot be 99"),
        ("film.mp4", (8, 8), 30, {"preset": "swift"}, "no preset 'swift'"),
        ("film.mp4", (8, 8), 30, {"codec": "ffv1"}, "cannot hold ffv1"),
        ("film.mp4", (8, 8), 30, {"codec": "hvec"}, "Did you mean 'hevc'"),
        ("film.mp4", (0, 8), 30, {}, "0×8 cannot be written"),
        ("film.mp4", (8, 99999), 30, {}, "cannot be written"),
        ("film.mp4", (8, 8), 0, {}, "0 frames a second"),
        ("x.png", (8, 8), 30, {"compression": 10}, "compression cannot be 10"),
    ],
)
def test_wrong_targets_say_what_to_do(tmp_path, target, size, fps, options, message):
    with pytest.raises(OutputError) as caught:
        open_output(tmp_path / target, size, fps, **options)
    assert message in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_every_output_keeps_the_rules():
    """The registry finds one output a module, each documented, with an example of each suffix."""
    types = output_types()
    assert {"movie", "pictures", "array"} <= set(types)
    suffixes = [suffix for kind in types.values() for suffix in kind.suffixes]
    assert len(suffixes) == len(set(suffixes)) == len(known_suffixes())
    for name, kind in types.items():
        assert kind.name == name and kind.__doc__ and kind.__doc__ != Output.__doc__
        assert {Path(example).suffix for example in kind.examples} == set(kind.suffixes)
        assert all(output_for(example) is kind for example in kind.examples)
        assert all(example in example_targets() for example in kind.examples)


@pytest.mark.parametrize("target", TARGETS)
def test_frames_go_in_and_something_is_written(tmp_path, target):
    (tmp_path / "new").mkdir()
    output = record(f"{tmp_path}/new/{target}", range(5))
    assert output.frames == 5 and output.error is None
    output.close()
    written = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert written and all(path.stat().st_size for path in written)
    assert not [path for path in written if path.name.startswith(".")], "nothing unfinished is left"


@pytest.mark.parametrize("target", TARGETS)
def test_a_frame_of_another_size_is_refused_and_ends_it(tmp_path, target):
    with open_output(f"{tmp_path}/{target}", (64, 48), 20) as output:
        output.write(gradient(0), 0, 0)
        with pytest.raises(OutputError, match="64×48 RGBA was expected"):
            output.write(gradient(1, 32, 32), 0, 1)
        output.write(gradient(2), 0, 2)
    assert output.frames == 1 and output.error is not None


@pytest.mark.parametrize("target", TARGETS)
def test_pieces_are_joined_to_what_one_output_would_have_written(tmp_path, target):
    """An output that says it cannot join is refused before a take is rendered into it."""
    kind = output_for(target)
    if kind.join.__func__ is Output.join.__func__:
        with pytest.raises(OutputError, match="put together"):
            kind.check_joins(tmp_path / target)
        return
    (tmp_path / "whole").mkdir()
    record(f"{tmp_path}/whole/{target}", range(6))
    pieces = []
    for first in (0, 3):
        suffix = kind.piece_suffix or Path(target).suffix
        name = f"{first}/{target}" if kind.many_files else f"{first}{suffix}"
        path = tmp_path / "pieces" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        options = kind.piece_options(Path(target))
        record(f"{path}/" if target.endswith("/") else path, range(first, first + 3), **options)
        pieces.append(OutputPiece(path, first, 3))
    (tmp_path / "joined").mkdir()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    kind.join(pieces, tmp_path / "joined" / target, 20.0, scratch)
    whole, joined = (decoded(tmp_path / folder / target) for folder in ("whole", "joined"))
    assert len(whole) == len(joined) > 0
    # A film is encoded: its pieces begin anew, so they differ by what an encoder may.
    assert all(np.abs(one.astype(int) - other).mean() < 3 for one, other in zip(whole, joined))


def decoded(target: Path) -> list[np.ndarray]:
    """All pictures in what an output wrote, by its suffix; of a kind that the tests cannot read, its bytes."""
    match target.suffix:
        case ".mp4" | ".mkv" | ".mov":
            return film(target)[0]
        case ".npy":
            return list(np.load(target))
        case ".png" | "":
            folder = target.parent if target.suffix else target
            return [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]
    return [np.frombuffer(target.read_bytes(), np.uint8)]


def test_linear_pictures_hold_light_and_more_than_white(tmp_path):
    OpenEXR = pytest.importorskip("OpenEXR")
    image = np.zeros((4, 8, 4), np.float32)
    image[..., 0], image[..., 1], image[..., 2], image[..., 3] = 0.5, 1.5, -0.02, 1
    image[:, 4:, 3] = 0.5
    with open_output(tmp_path / "a-%d.exr", (8, 4), 30) as output:
        output.write(image, 0, 3)
        with pytest.raises(OutputError, match="RGBA was expected"):
            output.write((image * 255).astype(np.uint8), 0, 4)
    (path,) = tmp_path.iterdir()
    pixels = OpenEXR.File(str(path)).channels()["RGBA"].pixels
    assert path.name == "a-3.exr" and pixels.dtype == np.float16 and pixels.shape == (4, 8, 4)
    assert np.allclose(pixels[0, 0], [0.21404, ((1.5 + 0.055) / 1.055) ** 2.4, -0.02 / 12.92, 1], rtol=2e-3)
    assert np.allclose(pixels[0, 7], pixels[0, 0] * 0.5, rtol=2e-3)
    with pytest.raises(OutputError, match="put together"):
        output_for("a.exr").check_joins(tmp_path / "a.exr")


def test_finding_outputs_imports_nothing_heavy():
    heavy = {"av", "PIL", "torch", "numpy"}
    code = f"import sys, ganzfeld.outputs.base as b; b.output_types(); print({heavy!r} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(SOURCE)}
    )
    assert done.stdout.strip() == "set()", done.stdout + done.stderr


@pytest.mark.parametrize("target", [*TARGETS, "x.png"])
def test_a_folder_that_is_missing_is_told_before_anything_begins(tmp_path, target):
    target = f"nowhere/{target}"
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="there is no folder"):
            check_target(f"{tmp_path}/{target}", overwrite=overwrite)
    with pytest.raises(OutputError, match="there is no folder"):
        record(f"{tmp_path}/{target}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("target", "count", "kept_as"),
    [
        ("p.png", 60, "p_%04d.png"),
        ("p.png", 20_000, "p_%05d.png"),
        ("p.png", 1, "p.png"),
        ("p-%d.png", 60, "p-%d.png"),
        ("film.mp4", 60, "film.mp4"),
        ("shots/", 60, "shots"),
    ],
)
def test_several_pictures_of_one_name_are_numbered(target, count, kept_as):
    assert output_for(target).target_for(Path(target), count) == Path(kept_as)


@pytest.mark.parametrize(
    ("name", "codec", "tolerance"),
    [("a.mp4", "h264", 6), ("a.mkv", "h264", 6), ("a.mp4", "hevc", 6), ("a.mov", "prores", 4), ("a.mkv", "ffv1", 0)],
)
def test_several_encoders_make_one_film(tmp_path, name, codec, tolerance):
    """Ten pictures a second, so that each encoder takes ten at a time."""
    count, path = 47, tmp_path / name
    output = record(path, range(count), fps=10, encoders=3, codec=codec, quality=8)
    assert output.frames == count and not [each for each in threading.enumerate() if "ganzfeld-encode" in each.name]
    pictures, times = film(path)
    assert len(pictures) == count and np.allclose(times, np.arange(count) / 10, atol=2e-3)
    single, _ = film((record(tmp_path / f"single-{name}", range(count), fps=10, codec=codec, quality=8)).target)
    for one, other in zip(pictures, single, strict=True):
        assert np.abs(one.astype(int) - other).mean() <= tolerance
    with av.open(str(path)) as made:
        keys = [packet.pts * packet.time_base for packet in made.demux(video=0) if packet.is_keyframe and packet.size]
    assert set(range(5)) <= {float(round(at, 2)) for at in keys}


def test_what_goes_wrong_with_one_of_several_encoders_ends_the_film(tmp_path, monkeypatch):
    written = ParallelEncoders._write

    def full(self, encoder, packets):
        if any(packet.pts > 300 for packet in packets):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written(self, encoder, packets)

    monkeypatch.setattr(ParallelEncoders, "_write", full)
    with pytest.raises(OutputError, match="the disk is full"):
        record(tmp_path / "a.mp4", range(2000), fps=10, encoders=2)
    assert not [each for each in threading.enumerate() if "ganzfeld-encode" in each.name]


def test_a_hurried_film_has_two_encoders_on_a_large_processor_and_memory_for_what_waits(monkeypatch):
    def encoders(size, fps=60.0) -> int:
        return Movie.hurried_options(size, fps)["encoders"]

    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    assert [encoders((1024, 1024)), encoders((1920, 1080)), encoders((7680, 1080)), encoders((16, 16), 1000)] == [
        2,
        2,
        1,
        2,
    ]
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert encoders((1024, 1024)) == 1
