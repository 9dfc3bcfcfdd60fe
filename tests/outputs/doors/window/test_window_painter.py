"""What is on the display, read back: Mesa draws into an X server's memory."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from fake_desktop import DELL, EPSON, LAPTOP
from ganzfeld.outputs.doors.kinds.window import Window
from ganzfeld.outputs.doors.window.displays import Key
from ganzfeld.outputs.doors.window.painter import picture_box
from ganzfeld.outputs.doors.window.test_card import panel, test_card
from waiting import until
from xvfb import Xvfb

SIZE = (160, 90)
test_card.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]


@pytest.fixture(scope="module")
def screen():
    if (missing := Window.missing()) is not None:
        pytest.skip(f"{missing.what}: {missing.hint}")
    screen = Xvfb(SIZE)
    yield screen
    screen.close()


@pytest.fixture(scope="module")
def window(screen):
    desktop = Window.make_desktop()
    (display,) = desktop.displays()
    surface = desktop.cover(display, "test")
    painter = surface.painter()
    yield desktop, surface, painter
    painter.close()
    surface.close()
    desktop.close()


@pytest.fixture
def look(screen, window):
    """Paint, show and read back: [height, width, 3]."""
    _, surface, painter = window

    def look(pixels, **how) -> np.ndarray:
        picture = None if pixels is None else painter.upload(pixels)
        painter.paint(picture, surface.size, **how)
        surface.swap()
        painter.finish()
        if picture is not None:
            painter.release(picture)
        return screen.pixels()

    return look


def noise(width: int, height: int) -> np.ndarray:
    pixels = np.random.default_rng(7).integers(0, 256, (height, width, 4), np.uint8)
    pixels[..., 3] = 255
    return pixels


def test_displays_are_found(screen):
    """Before a window opens: GLFW can be begun and ended once at a time in a process."""
    (found,) = Window.found()
    assert found.startswith("window:1  ")
    assert found.endswith("160 × 90")


def test_the_display_is_covered(screen, window):
    desktop, surface, painter = window
    (display,) = desktop.displays()
    assert (display.number, display.width, display.height) == (1, *SIZE)
    assert surface.size == SIZE
    assert not painter.has_gpu


def test_a_picture_of_the_displays_size_is_shown_exactly(look):
    for fit in ("fit", "fill", "stretch"):
        assert np.array_equal(look(noise(*SIZE), fit=fit), noise(*SIZE)[..., :3])
    assert (look(None) == 0).all()


def test_a_smaller_one_is_shown_exactly_where_it_fits_in_whole_pixels(look):
    seen = look(noise(30, 90), fit="fit")
    assert np.array_equal(seen[:, 65:95], noise(30, 90)[..., :3])
    assert (seen[:, :65] == 0).all()
    assert (seen[:, 95:] == 0).all()


def test_fill_cuts_and_stretch_does_not(look):
    pixels = np.zeros((90, 320, 4), np.uint8)
    pixels[:, :80, 0] = pixels[:, 80:240, 1] = pixels[:, 240:, 2] = 255
    filled = look(pixels, fit="fill")
    assert (filled[:, 2:-2] == (0, 255, 0)).all()
    stretched = look(pixels, fit="stretch")
    assert stretched[45, 10].tolist() == [255, 0, 0]
    assert stretched[45, 80].tolist() == [0, 255, 0]
    assert stretched[45, 150].tolist() == [0, 0, 255]
    fitted = look(pixels, fit="fit")
    assert (fitted[:20] == 0).all()
    assert fitted[45, 10].tolist() == [255, 0, 0]


def test_fine_lines_are_averaged_where_a_picture_is_much_larger(look):
    pixels = np.zeros((4 * 90, 4 * 160, 4), np.uint8)
    pixels[:, ::2] = 255
    seen = look(pixels).astype(int)
    assert np.abs(seen[5:-5, 5:-5] - 128).max() <= 2


def test_enlarged_pictures_keep_their_edges(window, look, monkeypatch):
    _, _, painter = window
    pixels = np.zeros((9, 16, 4), np.uint8)
    pixels[:, 8:] = 200
    soft = look(pixels)[45, :, 0].astype(int)
    monkeypatch.setattr(painter, "enlarges_well", True)
    sharp = look(pixels)[45, :, 0].astype(int)
    assert np.diff(sharp).max() > np.diff(soft).max()
    assert (sharp[:70] == 0).all()
    assert (sharp[90:] >= 199).all()
    assert np.array_equal(look(noise(*SIZE)), noise(*SIZE)[..., :3]), "on a pixel it is that pixel"


def test_the_master_dims(look):
    pixels = np.full((90, 160, 4), 200, np.uint8)
    assert (look(pixels, gain=0.5) == 100).all()
    assert (look(pixels, gain=0.0) == 0).all()


def test_corners(look):
    pixels = np.full((90, 160, 4), 255, np.uint8)
    pixels[:45, :80] = (255, 0, 0, 255)
    seen = look(pixels, corners=(0.25, 0.2, 0.75, 0.2, 1.0, 1.0, 0.0, 1.0))
    assert seen[20, 45].tolist() == [255, 0, 0]
    assert (seen[:17] == 0).all()
    assert (seen[30, :20] == 0).all()
    assert seen[85, 5].tolist() == [255, 255, 255]
    edge = seen[19:89, :45].max(axis=-1)
    assert ((edge > 30) & (edge < 225)).sum() > 20, "the slanted edge is smooth"
    marked = look(pixels, corners=(0.25, 0.2, 0.75, 0.2, 1.0, 1.0, 0.0, 1.0), selected=0)
    assert np.abs(marked[18, 40].astype(int) - (255, 176, 33)).max() <= 2


def test_the_panel_lies_over_the_picture(window, look):
    _, _, painter = window
    text = painter.upload(np.full((10, 40, 4), (9, 200, 9, 255), np.uint8))
    seen = look(noise(*SIZE), panel=text)
    inside = (seen == (9, 200, 9)).all(axis=-1)
    assert inside.sum() == 400
    assert inside[64:74, 60:100].all()


@pytest.mark.parametrize("picture", [(1, 1), (7680, 1080), (3, 5000)])
@pytest.mark.parametrize("display", [(1, 1), (1920, 1080), (1080, 1920)])
def test_a_picture_lies_in_the_middle_in_its_proportions(picture, display):
    x, y, width, height = picture_box(picture, display, "fit")
    assert x >= 0
    assert y >= 0
    assert max(width, height) == pytest.approx(1)
    x, y, width, height = picture_box(picture, display, "fill", whole=False)
    assert min(width, height) == pytest.approx(1)
    assert x + width / 2 == pytest.approx(0.5)
    assert y + height / 2 == pytest.approx(0.5)


@pytest.mark.parametrize("size", [(1, 1), (96, 72), (640, 480), (1080, 1920), (3000, 300)])
def test_the_test_card_in_every_size(size):
    card = test_card(DELL, size, [LAPTOP, DELL, EPSON], "wall")
    assert card.shape == (size[1], size[0], 4)
    assert (card[..., 3] == 255).all()
    assert not np.array_equal(card, test_card(EPSON, size, [LAPTOP, DELL, EPSON], "wall")) or min(size) < 200
    if min(size) > 200:
        assert (card[:, -1, :3] >= 150).all(), "its outermost pixels are light"
    assert panel(3, size).shape[2] == 4


def test_the_window_takes_no_focus_and_hears_keys(screen, window):
    desktop, surface, _ = window
    try:
        xlib, xtest = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXtst.so.6")
    except OSError:
        pytest.skip("no library that presses keys")
    xlib.XOpenDisplay.restype = ctypes.c_void_p
    server = ctypes.c_void_p(xlib.XOpenDisplay(screen.name.encode()))
    focus, back = ctypes.c_ulong(), ctypes.c_int()
    xlib.XGetInputFocus(server, ctypes.byref(focus), ctypes.byref(back))
    assert focus.value in (0, 1), "nobody, or whoever the pointer is on"
    for symbol in (0x32, 0xFF51, 0xFF1B):  # 2, Left, Escape
        key = xlib.XKeysymToKeycode(server, ctypes.c_ulong(symbol))
        xtest.XTestFakeKeyEvent(server, key, 1, ctypes.c_ulong(0))
        xtest.XTestFakeKeyEvent(server, key, 0, ctypes.c_ulong(0))
    xlib.XFlush(server)
    heard: list[Key] = []

    def listen() -> bool:
        desktop.poll()
        heard.extend(surface.pressed())
        return len(heard) == 3

    until(listen)
    assert [key.name for key in heard] == ["2", "left", "escape"]
    xlib.XCloseDisplay(server)
