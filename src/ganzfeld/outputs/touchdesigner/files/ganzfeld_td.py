"""What the component `ganzfeld` of TouchDesigner does each frame. It lives outside the DATs, so an edit of one loses
nothing: state is kept here, by the component's id.

Not yet run inside TouchDesigner: it was written from its documentation and is tested against a strict imitation.
"""

from __future__ import annotations

import os
import sys
import time

import ganzfeld_cuda
import ganzfeld_ring
import numpy as np
import td
from ganzfeld_link import Link
from ganzfeld_page import ParameterPage, ParameterSync

STATUS_SECONDS = 0.25
_bridges = {}


def bridge(comp):
    """The bridge of a component, made when first asked for. It goes by the component's id, which a new name keeps."""
    found = _bridges.get(comp.id)
    if found is None:
        for gone in [each for each, other in _bridges.items() if not other.comp.valid]:
            _bridges.pop(gone).end()
        found = _bridges[comp.id] = Bridge(comp)
    return found


def end_all():
    """TouchDesigner quits: every show goes on for a minute."""
    for each in _bridges.values():
        each.end()
    _bridges.clear()


class Bridge:
    """One component and its show: pictures both ways, parameters, status."""

    def __init__(self, comp):
        self.comp = comp
        self.page = ParameterPage(comp)
        self.link = None
        self.sync = None
        self.reader = self.writer = None
        self.card = None
        self.card_problem = ""
        self.problem = ""
        self.shown = 0
        self.lost = 0
        self.sent = 0
        self.picture = None
        self._read_at = self._sent_at = self._told_at = -1.0
        self._tree_number = 0
        self._said = None

    def frame(self):
        """The start of a frame: parameters, status, and a cook of the picture, whoever looks at it."""
        if not self.comp.par.Active.eval():
            if self.link is not None:
                self.end()
                self._tell(time.monotonic())
            return
        if self.link is None:
            self._begin()
        if self.link.tree is not None and self._tree_number != self.link.tree_number:
            self._tree_number = self.link.tree_number
            self.page.rebuild(self.link.tree, self.link.values)
        self.sync.frame(time.monotonic())
        target = self.comp.op("target")
        if target is not None:
            target.cook(force=True)
        self._tell(time.monotonic())

    def cook(self, script):
        """Within a cook of the Script TOP: the TOP at its input goes out, the newest picture comes in."""
        frame = td.absTime.frame
        if self.link is None:
            script.addWarning("Active is off")
            return
        if script.inputs and self._sent_at != frame:
            self._sent_at = frame
            self._send(script.inputs[0])
        if self._read_at != frame:
            self._read_at = frame
            self._show(script)
        problem = self.problem or self.link.problem
        if problem or self.link.state != "playing":
            script.addWarning(problem or "Ganzfeld is " + self.link.state)

    def pulse(self, name):
        """A pulse parameter was pressed."""
        if name == "Restart" and self.link is not None:
            self.link.restart()
        elif self.sync is not None:
            self.sync.pulse(name)

    def end(self):
        """Let go of the show; it goes on for a minute."""
        for each in (self.writer, self.reader, self.card):
            if each is not None:
                each.close()
        if self.link is not None:
            self.link.end()
        self.reader = self.writer = self.card = self.link = self.sync = self.picture = None
        self._told_at = -1.0

    def _begin(self):
        par = self.comp.par
        folder = par.Folder.eval()
        config = {
            "python": par.Python.eval(),
            "patch": os.path.join(folder, par.Patch.eval()),
            "name": par.Sharedname.eval(),
            "port": int(par.Port.eval()),
            "options": par.Options.eval().split(),
            "cuda": bool(par.Cuda.eval()),
            "environment": self.comp.fetch("ganzfeld_environment", {}),
        }
        self.link = Link(folder, config)
        self.sync = ParameterSync(self.page, self.link, td.ParMode.CONSTANT)
        self.reader = ganzfeld_ring.Reader(config["name"], bottom_up=True)
        self.card_problem = "" if config["cuda"] else "off"
        if config["cuda"]:
            try:
                self.card = ganzfeld_cuda.CardReader(config["name"])
            except ganzfeld_cuda.CudaError as error:
                self.card_problem = str(error)
        self._tree_number = 0
        self.link.begin()

    def _send(self, top):
        pixels = top.numpyArray(delayed=True)  # one frame late, and no waiting; None the first time
        if pixels is None:
            return
        numbers, colour = _out(pixels)
        try:
            if self.writer is None:
                self.writer = ganzfeld_ring.Writer(self.comp.par.Inputname.eval())
            if self.writer.write(numbers, colour=colour):
                self.sent += 1
            self.problem = ""
        except (OSError, ValueError) as error:
            self.problem = "the input is not sent: %s" % error

    def _show(self, script):
        picture = self._on_card()
        show = _show_from_card
        if picture is None:  # through memory, then
            picture, show = self.reader.latest(), _show_from_memory
        if picture is None or picture is self.picture:
            return  # nothing is copied while nothing is new
        if type(picture) is type(self.picture) and picture.number > self.picture.number:
            self.lost += picture.number - self.picture.number - 1
        self.picture = picture
        self.shown += 1
        show(script, picture)

    def _on_card(self):
        """The newest picture on the card, held until the next call; None: there is none that can be shown."""
        if self.card is None:
            return None
        picture = self.card.latest()
        self.card_problem = self.card.problem
        if picture is not None and (picture.order, picture.origin) != ("BGRA", "bottom"):
            self.card_problem = "the show was started otherwise: its pictures on the card lie %s from the %s" % (
                picture.order,
                picture.origin,
            )
            return None
        return picture

    def _tell(self, now):
        if now - self._told_at < STATUS_SECONDS:
            return
        self._told_at = now
        values = self.link.values if self.link is not None else {}
        picture = self.picture
        rows = [
            ("state", self.link.state if self.link is not None else "off"),
            ("problem", self.problem or (self.link.problem if self.link is not None else "")),
            ("patch", values.get("/show/patch", "")),
            ("fps", "%.1f" % values.get("/show/fps", 0.0)),
            ("frame_ms", "%.1f" % values.get("/show/frame_ms", 0.0)),
            ("picture", picture.number if picture is not None else 0),
            ("stamp", picture.stamp if picture is not None else 0),
            ("age_ms", "%.1f" % ((time.perf_counter_ns() - picture.stamp) / 1e6) if picture is not None else ""),
            ("shown", self.shown),
            ("passed_over", self.lost),
            ("sent", self.sent),
            ("cuda", self.card_problem or "on"),
        ]
        table = self.comp.op("status")
        if rows != self._said and table is not None:
            self._said = rows
            table.clear()
            for row in rows:
                table.appendRow(row)


def _show_from_memory(script, picture):
    pixels = picture.pixels
    script.copyNumpyArray(pixels.astype(np.float32) if pixels.dtype == np.float16 else pixels)


def _show_from_card(script, picture):
    """TouchDesigner has four bytes a pixel as BGRA, the lowest row first, and so have these. The picture is complete,
    so no stream has to be waited for; the reader waits for TouchDesigner's copy before it gives the picture back."""
    shape = td.CUDAMemoryShape()
    shape.width, shape.height, shape.numComps, shape.dataType = picture.width, picture.height, 4, np.uint8
    script.copyCUDAMemory(picture.address, picture.size, shape)


def _out(pixels):
    """What of a TOP's pixels is sent, and how. TouchDesigner's first row is the lowest.

    One pixel wide or high: a latent, its numbers in TouchDesigner's own order, as the first channel has them. Else a
    picture: eight bits, RGBA, the highest row first.
    """
    height, width, channels = pixels.shape
    if width == 1 or height == 1:
        row = np.ascontiguousarray(pixels[:, :, 0], np.float32).reshape(1, -1, 1)
        return row, "data"
    if channels == 4:
        colours = pixels
    else:
        colours = np.ones((height, width, 4), np.float32)
        colours[:, :, :3] = pixels[:, :, : 3 if channels == 3 else 1]
    return (np.clip(colours[::-1], 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8), "sRGB"


if sys.version_info < (3, 9):
    raise ImportError("Ganzfeld's component needs TouchDesigner 2022 or later")
