"""The desktop as GLFW knows it, and OpenGL through moderngl. Both are imported when a desktop is made, not before."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import os
import sys
from collections import deque
from pathlib import Path
from typing import Any

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.window.displays import Display, Key, no_desktop
from ganzfeld.outputs.doors.window.edid import LARGEST_EDID, display_name
from ganzfeld.outputs.doors.window.painter import Painter

MOST_KEYS = 100
"""That wait to be asked for."""
_PLACED = sys.platform == "win32"
"""Windows: a window without a border, because one that GLFW calls full-screen takes the focus. Elsewhere full-screen,
because only that is sure to cover panels and menus (and Wayland places no windows)."""


class GlfwDesktop:
    """See `displays.Desktop`. Raises OutputError where there is none."""

    def __init__(self) -> None:
        # NVIDIA's driver waits for a display with a whole processor core unless told to sleep.
        os.environ.setdefault("__GL_YIELD", "USLEEP")
        import glfw

        glfw.ERROR_REPORTING = False  # its errors are asked for where they matter
        self._glfw: Any = glfw
        if not glfw.init():
            raise no_desktop()

    def displays(self) -> list[Display]:
        """See `displays.Desktop`."""
        return [self._display(number, monitor) for number, monitor in enumerate(self._glfw.get_monitors(), 1)]

    def cover(self, display: Display, title: str) -> GlfwSurface:
        """See `displays.Desktop`."""
        monitors = {self._display(number, one): one for number, one in enumerate(self._glfw.get_monitors(), 1)}
        if display not in monitors:
            raise OutputError(f"the display {display.title} has just gone")
        return GlfwSurface(self._glfw, monitors[display], display, title)

    def poll(self) -> None:
        """See `displays.Desktop`."""
        self._glfw.poll_events()

    def close(self) -> None:
        """See `displays.Desktop`."""
        self._glfw.terminate()

    def _display(self, number: int, monitor: Any) -> Display:
        glfw = self._glfw
        system = _text(glfw.get_monitor_name(monitor))
        connector = _connector(glfw, monitor, system)
        mode, (x, y) = glfw.get_video_mode(monitor), glfw.get_monitor_pos(monitor)
        name = display_name(_edid(glfw, monitor, connector)) or system or f"display {number}"
        return Display(number, name, connector, x, y, mode.size.width, mode.size.height, float(mode.refresh_rate))


class GlfwSurface:
    """See `displays.Surface`."""

    def __init__(self, glfw: Any, monitor: Any, display: Display, title: str) -> None:
        self._glfw = glfw
        if display.connector:
            # NVIDIA's driver keeps step with one display only, and has to be told with which.
            os.environ["__GL_SYNC_DISPLAY_DEVICE"] = display.connector
        for hint, value in (
            (glfw.CLIENT_API, glfw.OPENGL_API),
            (glfw.CONTEXT_VERSION_MAJOR, 3),
            (glfw.CONTEXT_VERSION_MINOR, 3),
            (glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE),
            (glfw.OPENGL_FORWARD_COMPAT, True),
            (glfw.VISIBLE, False),
            (glfw.DECORATED, False),
            (glfw.RESIZABLE, False),
            (glfw.FLOATING, True),
            (glfw.FOCUSED, False),
            (glfw.FOCUS_ON_SHOW, False),
            (glfw.AUTO_ICONIFY, False),
            (glfw.CENTER_CURSOR, False),
            (glfw.DEPTH_BITS, 0),
            (glfw.STENCIL_BITS, 0),
        ):
            glfw.window_hint(hint, value)
        glfw.window_hint_string(glfw.X11_CLASS_NAME, "ganzfeld")
        glfw.window_hint_string(glfw.X11_INSTANCE_NAME, "ganzfeld")
        self._window = glfw.create_window(display.width, display.height, title, None, None)
        if not self._window:
            raise OutputError(f"no window could be opened on {display.title}", hint="It takes OpenGL 3.3")
        self._keys: deque[Key] = deque(maxlen=MOST_KEYS)
        self._names = _key_names(glfw)
        glfw.set_key_callback(self._window, self._press)
        glfw.set_input_mode(self._window, glfw.CURSOR, glfw.CURSOR_HIDDEN)
        self._show(monitor, display)
        glfw.make_context_current(self._window)
        glfw.swap_interval(1)

    @property
    def size(self) -> tuple[int, int]:
        """See `displays.Surface`."""
        return self._glfw.get_framebuffer_size(self._window)

    def painter(self) -> Painter:
        """See `displays.Surface`."""
        import moderngl

        settings: Any = {"context": _Loader(self._glfw)}
        try:
            return Painter(moderngl.create_context(**settings))
        except Exception as error:  # of a driver, in whatever words
            raise OutputError(f"OpenGL cannot be used here: {error}", hint="It takes OpenGL 3.3") from None

    def swap(self) -> None:
        """See `displays.Surface`."""
        self._glfw.swap_buffers(self._window)

    def pressed(self) -> list[Key]:
        """See `displays.Surface`."""
        keys = list(self._keys)
        self._keys.clear()
        return keys

    def close(self) -> None:
        """See `displays.Surface`."""
        if self._window is not None:
            self._glfw.destroy_window(self._window)
            self._window = None

    def _show(self, monitor: Any, display: Display) -> None:
        glfw = self._glfw
        if _PLACED:
            glfw.set_window_pos(self._window, display.x, display.y)
        else:
            _unfocused_on_x11(glfw, self._window)
            rate = round(display.rate) or glfw.DONT_CARE
            glfw.set_window_monitor(self._window, monitor, 0, 0, display.width, display.height, rate)
        glfw.show_window(self._window)

    def _press(self, window: Any, key: int, scancode: int, action: int, mods: int) -> None:
        if action != self._glfw.RELEASE and key in self._names:
            shift, control = bool(mods & self._glfw.MOD_SHIFT), bool(mods & self._glfw.MOD_CONTROL)
            self._keys.append(Key(self._names[key], shift, control))


class _Loader:
    """Finds OpenGL's functions for moderngl in the context that GLFW made: GLX, EGL, WGL, whichever that is."""

    def __init__(self, glfw: Any) -> None:
        self._glfw = glfw

    def load_opengl_function(self, name: str) -> int:
        return self._glfw.get_proc_address(name) or 0

    def __enter__(self) -> _Loader:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def release(self) -> None:
        pass


def _key_names(glfw: Any) -> dict[int, str]:
    names = ("tab", "left", "right", "up", "down", "backspace", "escape", "enter", "t", "1", "2", "3", "4")
    keys = {getattr(glfw, f"KEY_{name.upper()}"): name for name in names}
    keypad = {getattr(glfw, f"KEY_KP_{name}"): name for name in "1234"}
    return keys | keypad | {glfw.KEY_KP_ENTER: "enter"}


def _text(name: Any) -> str:
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name or "")
    return "".join(letter for letter in text if letter.isprintable())[:100].strip()


def _connector(glfw: Any, monitor: Any, system: str) -> str:
    """What the system calls the socket. On X11 that is what GLFW calls the display, with Wayland too in most cases."""
    if sys.platform == "win32":
        return _text(glfw.get_win32_adapter(monitor)).removeprefix("\\\\.\\")
    if sys.platform == "darwin":
        return str(glfw.get_cocoa_monitor(monitor))
    return system


def _edid(glfw: Any, monitor: Any, connector: str) -> bytes:
    """What the display tells of itself, b"" if it cannot be had. Windows and macOS have looked into it themselves."""
    if sys.platform in ("win32", "darwin"):
        return b""
    with contextlib.suppress(Exception):
        if glfw.get_platform() == glfw.PLATFORM_X11 and (edid := _edid_of_x11(glfw, monitor)):
            return edid
    for path in Path("/sys/class/drm").glob(f"card*-{_plain(connector)}/edid"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            return file.read(LARGEST_EDID)
    return b""


def _plain(connector: str) -> str:
    return "".join(letter for letter in connector if letter.isalnum() or letter == "-")


def _edid_of_x11(glfw: Any, monitor: Any) -> bytes:
    """The property "EDID" of an output (X Resize and Rotate Extension, 1.5, section 11)."""
    xlib, xrandr = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXrandr.so.2")
    server, output = ctypes.c_void_p(glfw.get_x11_display()), ctypes.c_ulong(glfw.get_x11_monitor(monitor))
    name = ctypes.c_ulong(_atom(xlib, server, b"EDID"))
    kind, form, count, after = ctypes.c_ulong(), ctypes.c_int(), ctypes.c_ulong(), ctypes.c_ulong()
    data = ctypes.POINTER(ctypes.c_ubyte)()
    asked = (server, output, name, ctypes.c_long(0), ctypes.c_long(LARGEST_EDID // 4), 0, 0, ctypes.c_ulong(0))
    told = [ctypes.byref(each) for each in (kind, form, count, after, data)]
    if xrandr.XRRGetOutputProperty(*asked, *told) != 0 or not data:
        return b""
    try:
        return bytes(data[: min(count.value, LARGEST_EDID)]) if form.value == 8 else b""
    finally:
        xlib.XFree(data)


def _unfocused_on_x11(glfw: Any, window: Any) -> None:
    """Ask the window manager not to give a window the focus when it appears: a user time of 0 says that nobody called
    for it (Extended Window Manager Hints, 1.5, `_NET_WM_USER_TIME`)."""
    with contextlib.suppress(Exception):
        if glfw.get_platform() != glfw.PLATFORM_X11:
            return
        xlib = ctypes.CDLL("libX11.so.6")
        server = ctypes.c_void_p(glfw.get_x11_display())
        cardinal, replace, zero = ctypes.c_ulong(6), 0, ctypes.c_long(0)
        name = ctypes.c_ulong(_atom(xlib, server, b"_NET_WM_USER_TIME"))
        handle = ctypes.c_ulong(glfw.get_x11_window(window))
        xlib.XChangeProperty(server, handle, name, cardinal, 32, replace, ctypes.byref(zero), 1)


def _atom(xlib: ctypes.CDLL, server: ctypes.c_void_p, name: bytes) -> int:
    xlib.XInternAtom.restype = ctypes.c_ulong
    return xlib.XInternAtom(server, name, 0)
