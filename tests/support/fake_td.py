"""A strict imitation of TouchDesigner, as far as the files of `outputs/touchdesigner` use it.

It is stricter than the original where that forgives: an operator, parameter, menu entry or member that the
documentation does not name raises; pictures are copied within a cook alone, of the types, shapes and layout that
`copyNumpyArray` takes; a custom parameter's name follows the rules and is not taken twice; storage has to survive a
save; no other thread than the main one touches anything; the module of a DAT forgets its globals with every edit.

`install()` puts it into `sys.modules` as `td`. `Project.frame()` is one frame of the original.
"""

from __future__ import annotations

import ctypes
import enum
import itertools
import math
import pickle
import re
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


class tdError(Exception):
    """As the original's."""


class tdAttributeError(tdError, AttributeError):
    """No such parameter or member."""


class ParMode(enum.Enum):
    CONSTANT = 0
    EXPRESSION = 1
    EXPORT = 2
    BIND = 3


COMMON_TOP = {
    "outputresolution": "Menu useinput eighth quarter half 2x 4x 8x fit limit custom",
    "resolutionw": "Int",
    "resolutionh": "Int",
    "outputaspect": "Menu useinput resolution custom",
    "format": "Menu useinput rgba8fixed rgba16float rgba32float mono8fixed mono16float mono32float",
}
DAT_FILE = {"file": "File", "syncfile": "Toggle", "loadonstart": "Toggle", "language": "Menu input text python"}
PARAMETERS: dict[str, dict[str, str]] = {
    "baseCOMP": {"externaltox": "File"},
    "noiseTOP": {
        "type": "Menu sparse hermite harmonic random alligator "
        "perlin2d perlin3d perlin4d simplex2d simplex3d simplex4d randomgpu",
        **dict.fromkeys(("seed", "period", "harmon", "spread", "gain", "rough", "exp", "amp", "offset"), "Float"),
        **dict.fromkeys(("tx", "ty", "tz", "rx", "ry", "rz", "sx", "sy", "sz", "px", "py", "pz", "t4d"), "Float"),
        "mono": "Toggle",
        "aspectcorrect": "Toggle",
        **COMMON_TOP,
    },
    "scriptTOP": {"callbacks": "OP", "setuppars": "Pulse", "modoutsidecook": "Toggle", **COMMON_TOP},
    "flipTOP": {
        **dict.fromkeys(("flipx", "flipy", "flipz"), "Toggle"),
        "flop": "Menu noflop bottomleft topleft",
        **COMMON_TOP,
    },
    "outTOP": {"label": "Str", "connectorder": "Int", **COMMON_TOP},
    "textDAT": DAT_FILE,
    "tableDAT": {"file": "File", "syncfile": "Toggle", "fill": "Menu manual setsize"},
    "infoDAT": {"op": "OP", "passive": "Toggle"},
    "executeDAT": {
        **DAT_FILE,
        **dict.fromkeys(("active", "start", "create", "exit", "framestart", "frameend", "playstatechange"), "Toggle"),
        **dict.fromkeys(("devicechange", "projectpresave", "projectpostsave"), "Toggle"),
    },
    "parameterexecuteDAT": {
        **DAT_FILE,
        **dict.fromkeys(("op", "pars"), "Str"),
        **dict.fromkeys(("active", "valuechange", "valueschanged", "onpulse", "expressionchange"), "Toggle"),
        **dict.fromkeys(("exportchange", "enablechange", "modechange", "custom", "builtin"), "Toggle"),
    },
}
CUSTOM_STYLES = ("Float", "Int", "Toggle", "Str", "Menu", "Pulse", "File", "Folder", "TOP")
LARGEST_SIDE = 1280
"""Of the free licence."""


def _number(name: str) -> Any:
    """A member that numbers alone have."""

    def put(par: Par, value: Any) -> None:
        if par.style not in ("Float", "Int"):
            raise tdError(f"{par.style} has no {name}")
        setattr(par, "_" + name, value)

    return property(lambda par: getattr(par, "_" + name), put)


class Par:
    """One parameter."""

    __slots__ = (
        *("_clampMax", "_clampMin", "_expr", "_max", "_menuNames", "_min", "_mode", "_val", "bindExpr", "default"),
        *("exportSource", "help", "isCustom", "label", "menuLabels", "name", "normMax", "normMin", "owner", "page"),
        *("readOnly", "startSection", "style"),
    )

    def __init__(self, owner: OP, name: str, style: str, page: Page | None = None, label: str = "") -> None:
        self.owner, self.name, self.page, self.label = owner, name, page, label or name
        style, *menu = style.split()
        self.style, self._menuNames = style, list(menu)
        self.isCustom, self.readOnly, self.startSection = page is not None, False, False
        self._mode, self._expr, self.bindExpr, self.exportSource = ParMode.CONSTANT, "", "", None
        self._min, self._max, self._clampMin, self._clampMax = 0.0, 1.0, False, False
        self.normMin, self.normMax, self.menuLabels, self.help = 0.0, 1.0, [], ""
        zero = {"Float": 0.0, "Int": 0, "Toggle": False, "Pulse": False, "OP": None, "TOP": None}
        self._val = self.default = menu[0] if menu else zero.get(style, "")

    @property
    def val(self) -> Any:
        return self._val

    @val.setter
    def val(self, value: Any) -> None:
        self.owner.project.check_thread()
        if self.style == "Pulse":
            raise tdError("a pulse has no value")
        if self.style == "Menu":
            if value not in self._menuNames:
                raise tdError(f"{value!r} is not in the menu of {self.name}: {self._menuNames}")
        elif self.style in ("Float", "Int"):
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise tdError(f"{self.name} takes a number, not {value!r}")
            value = float(value) if self.style == "Float" else int(value)
            value = max(value, self._min) if self._clampMin else value
            value = min(value, self._max) if self._clampMax else value
        elif self.style == "Toggle":
            if value not in (0, 1):
                raise tdError(f"{self.name} is on or off, not {value!r}")
            value = bool(value)
        elif self.style in ("OP", "TOP"):
            if isinstance(value, OP):
                value = value.name
            if not isinstance(value, str):
                raise tdError(f"{self.name} takes an operator")
        elif not isinstance(value, str):
            raise tdError(f"{self.name} takes a text, not {value!r}")
        self._val = value
        self._mode = ParMode.CONSTANT
        self.owner.changed(self)

    @property
    def mode(self) -> ParMode:
        return self._mode

    @mode.setter
    def mode(self, mode: ParMode) -> None:
        if not isinstance(mode, ParMode):
            raise tdError("a mode is one of ParMode")
        self._mode = mode

    @property
    def expr(self) -> str:
        return self._expr

    @expr.setter
    def expr(self, text: str) -> None:
        compile(text, self.name, "eval")
        self._expr, self._mode = text, ParMode.EXPRESSION

    @property
    def menuNames(self) -> list[str]:
        return self._menuNames

    @menuNames.setter
    def menuNames(self, names: list[str]) -> None:
        if self.style != "Menu" or not all(isinstance(name, str) and name for name in names):
            raise tdError("the names of a menu are texts")
        self._menuNames = list(names)
        if self._val not in self._menuNames:
            self._val = self._menuNames[0] if names else ""

    min, max, clampMin, clampMax = map(_number, ("min", "max", "clampMin", "clampMax"))

    def eval(self) -> Any:
        self.owner.project.check_thread()
        if self._mode is ParMode.CONSTANT:
            return self._val
        if self._mode is ParMode.EXPORT:
            return self.exportSource()  # type: ignore[misc]
        text = self._expr if self._mode is ParMode.EXPRESSION else self.bindExpr
        names = {"math": math, "absTime": self.owner.project.absTime, "me": self.owner, "op": self.owner.project.op}
        value = eval(text, names)
        return value.eval() if isinstance(value, Par) else value

    def pulse(self) -> None:
        if self.style != "Pulse":
            raise tdError(f"{self.name} is no pulse")
        self.owner.project.pulsed(self)

    def destroy(self) -> None:
        if self.page is None:
            raise tdError("only custom parameters can be destroyed")
        self.owner._pars.pop(self.name)


class ParCollection:
    """`op.par`."""

    def __init__(self, owner: OP) -> None:
        object.__setattr__(self, "_owner", owner)

    def __getattr__(self, name: str) -> Par:
        try:
            return self._owner._pars[name]
        except KeyError:
            raise tdAttributeError(f"{self._owner.OPType} has no parameter {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        getattr(self, name).val = value

    def __getitem__(self, name: str) -> Par | None:
        return self._owner._pars.get(name)


class Page:
    """A page of custom parameters."""

    def __init__(self, owner: OP, name: str) -> None:
        self.owner, self.name = owner, name

    def _append(self, style: str, name: str, label: str | None) -> tuple[Par, ...]:
        if not re.fullmatch(r"[A-Z][a-z0-9]*", name):
            raise tdError(f"{name!r} is no name: a capital, then small letters and digits")
        if name in self.owner._pars:
            raise tdError(f"{name!r} is there already: its value would be lost")
        par = self.owner._pars[name] = Par(self.owner, name, style, self, label or name)
        return (par,)

    def __getattr__(self, name: str) -> Callable[..., tuple[Par, ...]]:
        style = name.removeprefix("append")
        if not name.startswith("append") or style not in CUSTOM_STYLES:
            raise tdAttributeError(f"a page has no {name}")
        return lambda name, label=None: self._append(style, name, label)


class Connector:
    def __init__(self, owner: OP) -> None:
        self.owner = owner

    def connect(self, other: OP) -> None:
        if other.family != "TOP" or self.owner.family != "TOP":
            raise tdError("only TOPs are connected here")
        if other.OPType in ("noiseTOP", "flipTOP", "outTOP") and other.inputs:
            raise tdError(f"{other.name} has an input already")
        other.inputs.append(self.owner)


_ids = itertools.count(1)


class OP:
    """One operator. Members that are not here raise."""

    def __init__(self, project: Project, kind: str, name: str, parent: OP | None) -> None:
        self.project, self.OPType, self.name, self._parent = project, kind, name, parent
        self.family = "COMP" if kind.endswith("COMP") else kind[-3:]
        self._pars = {key: Par(self, key, style) for key, style in PARAMETERS[kind].items()}
        self.par = ParCollection(self)
        self.nodeX = self.nodeY = 0
        self.id, self.valid = next(_ids), True
        self.viewer = False
        self.inputs: list[OP] = []
        self.outputConnectors = [Connector(self)] if self.family == "TOP" else []
        self.docked: list[OP] = []
        self._children: dict[str, OP] = {}
        self._storage: dict[str, bytes] = {}
        self._pages: list[Page] = []
        self._is_cooking = False
        self._warnings: list[str] = []
        self.texture: np.ndarray | None = None
        self.copies = self.card_copies = 0
        self._delayed: np.ndarray | None = None
        self._text, self._module = "", None
        self._rows: list[list[str]] = []
        self.paint: Callable[[int], np.ndarray] | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        allowed = ("nodeX", "nodeY", "viewer", "text", "paint")
        if hasattr(self, "paint") and name not in allowed and sys._getframe(1).f_code.co_filename != __file__:
            raise tdAttributeError(f"an operator's {name} is not set")
        object.__setattr__(self, name, value)

    @property
    def path(self) -> str:
        return f"{self._parent.path.rstrip('/')}/{self.name}" if self._parent is not None else "/"

    @property
    def time(self) -> Any:
        return types.SimpleNamespace(seconds=self.project.absTime.seconds, frame=self.project.absTime.frame)

    def parent(self) -> OP | None:
        return self._parent

    def op(self, path: str) -> OP | None:
        self.project.check_thread()
        return self.project.op(path) if path.startswith("/") else self._children.get(path)

    @property
    def children(self) -> list[OP]:
        return list(self._children.values())

    @property
    def customPages(self) -> list[Page]:
        return list(self._pages)

    @property
    def customPars(self) -> list[Par]:
        return [par for par in self._pars.values() if par.isCustom]

    def appendCustomPage(self, name: str) -> Page:
        if any(page.name == name for page in self._pages):
            raise tdError(f"a page {name!r} is there already")
        self._pages.append(Page(self, name))
        return self._pages[-1]

    def create(self, kind: Any, name: str) -> OP:
        self.project.check_thread()
        if self.family != "COMP" or not isinstance(kind, OpType) or name in self._children:
            raise tdError(f"{kind} cannot be made as {name!r}")
        made = self._children[name] = OP(self.project, kind.name, name, self)
        if kind.name == "scriptTOP":  # with callbacks of its own
            callbacks = self._children[name + "_callbacks1"] = OP(self.project, "textDAT", name + "_callbacks1", self)
            made.docked.append(callbacks)
        return made

    def destroy(self) -> None:
        assert self._parent is not None
        del self._parent._children[self.name]
        self.valid = False
        for each in self._parent._children.values():
            each.docked[:] = [other for other in each.docked if other is not self]

    def store(self, key: str, value: Any) -> None:
        self.project.check_thread()
        self._storage[key] = pickle.dumps(value)  # it is saved with the project

    def fetch(self, key: str, default: Any = None) -> Any:
        return pickle.loads(self._storage[key]) if key in self._storage else default

    def changed(self, par: Par) -> None:
        if par.name in ("file", "syncfile") and self._pars.get("file") and self._pars["file"].val:
            self.load()

    # TOPs

    def cook(self, force: bool = False) -> None:
        self.project.check_thread()
        if self._is_cooking:
            raise tdError("a cook within a cook")
        self._is_cooking = True
        try:
            self._cook()
        finally:
            self._is_cooking = False

    def _cook(self) -> None:
        if self.OPType == "noiseTOP":
            frame = self.project.absTime.frame
            size = self._pars["resolutionh"].val or 1, self._pars["resolutionw"].val or 1
            pixels = self.paint(frame) if self.paint is not None else np.full((*size, 1), frame, np.float32)
            self._delayed, self.texture = self.texture, pixels
        elif self.OPType == "scriptTOP":
            self._warnings.clear()
            callbacks = self._parent._children.get(self._pars["callbacks"].val)  # type: ignore[union-attr]
            if callbacks is None:
                raise tdError("the Script TOP has no callbacks")
            callbacks.module.onCook(self)
        elif self.inputs:
            source = self.inputs[0].texture
            if source is not None and self.OPType == "flipTOP":
                source = source[:: -1 if self._pars["flipy"].val else 1, :: -1 if self._pars["flipx"].val else 1]
            self.texture = source

    def pars(self) -> list[Par]:
        return list(self._pars.values())

    def sample(self, x: int, y: int) -> tuple[float, ...]:
        if self.texture is None:
            raise tdError("there are no pixels")
        return tuple(self.texture[y, x].tolist())

    @property
    def width(self) -> int:
        return 128 if self.texture is None else self.texture.shape[1]

    @property
    def height(self) -> int:
        return 128 if self.texture is None else self.texture.shape[0]

    def numpyArray(self, delayed: bool = False, writable: bool = False) -> np.ndarray | None:
        self.project.check_thread()
        if self.family != "TOP":
            raise tdAttributeError("only a TOP has pixels")
        if self.texture is None and not delayed and not self._is_cooking:
            self.cook()
        found = self._delayed if delayed else self.texture
        return None if found is None else np.array(found, np.float32)

    def cudaMemory(self, stream: int | None = None) -> CUDAMemory:
        """A copy: rows from the bottom; four bytes a pixel are BGRA. (The card's memory is the host's here.)"""
        self.project.check_thread()
        if self.family != "TOP":
            raise tdAttributeError("only a TOP has pixels")
        if stream is not None and not isinstance(stream, int):
            raise tdError("a stream is a number")
        if self.texture is None:
            self.cook()
        assert self.texture is not None
        pixels = self.texture.astype(np.float32)
        if self._pars["format"].val == "rgba8fixed":
            pixels = (np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)[..., [2, 1, 0, 3]]
        return CUDAMemory(np.ascontiguousarray(pixels))

    def copyNumpyArray(self, array: np.ndarray, is3D: bool = False, isCube: bool = False) -> None:
        """Rows from the bottom, RGBA."""
        self.project.check_thread()
        if self.OPType != "scriptTOP" or not self._is_cooking:
            raise tdError("a Script TOP takes pixels within onCook alone")
        if array.dtype not in (np.uint8, np.uint16, np.float32):
            raise tdError(f"{array.dtype} is no type of pixels")
        if array.ndim != 3 or not 1 <= array.shape[2] <= 4 or not array.flags["C_CONTIGUOUS"]:
            raise tdError(f"pixels are [height, width, 1 to 4], in one piece, not {array.shape}")
        if max(array.shape[:2]) > LARGEST_SIDE:
            raise tdError("the free licence has at most 1280 pixels a side")
        scale = {"uint8": 255, "uint16": 65535, "float32": 1}[array.dtype.name]
        self.texture, self.copies = array.astype(np.float32) / scale, self.copies + 1

    def copyCUDAMemory(self, address: int, size: int, shape: CUDAMemoryShape, stream: int | None = None) -> None:
        """Rows from the bottom; four bytes a pixel are BGRA. (The card's memory is the host's here.)"""
        self.project.check_thread()
        if self.OPType != "scriptTOP" or not self._is_cooking:
            raise tdError("a Script TOP takes pixels within onCook alone")
        if not isinstance(shape, CUDAMemoryShape) or not isinstance(address, int) or stream not in (None, 0):
            raise tdError("an address, bytes, a CUDAMemoryShape and a stream are wanted")
        if shape.dataType not in (np.uint8, np.uint16, np.float32) or not 1 <= shape.numComps <= 4:
            raise tdError(f"{shape.numComps} of {shape.dataType} are no type of pixels")
        if max(shape.width, shape.height) > LARGEST_SIDE:
            raise tdError("the free licence has at most 1280 pixels a side")
        number = np.dtype(shape.dataType)
        if size != shape.width * shape.height * shape.numComps * number.itemsize:
            raise tdError(f"{size} bytes are not {shape.width} × {shape.height} × {shape.numComps} of {number}")
        pixels = np.frombuffer(ctypes.string_at(address, size), number)
        pixels = pixels.reshape(shape.height, shape.width, shape.numComps)
        if number == np.uint8 and shape.numComps == 4:
            pixels = pixels[..., [2, 1, 0, 3]]
        scale = {"uint8": 255, "uint16": 65535, "float32": 1}[number.name]
        self.texture, self.copies = pixels.astype(np.float32) / scale, self.copies + 1
        self.card_copies += 1

    def addWarning(self, text: str) -> None:
        if not self._is_cooking or not isinstance(text, str):
            raise tdError("a warning is added within a cook, and is a text")
        self._warnings.append(text)

    def warnings(self) -> str:
        return "\n".join(self._warnings)

    # DATs

    @property
    def text(self) -> str:
        return self._text

    @text.setter
    def text(self, text: str) -> None:
        if self.family != "DAT" or not isinstance(text, str):
            raise tdError("only a DAT has a text")
        if text != self._text:
            self._text, self._module = text, None

    @property
    def module(self) -> types.ModuleType:
        """What its text defines: made anew after each edit, with nothing of before."""
        if self._module is None:
            module = types.ModuleType(self.name)
            module.__dict__.update(me=self, op=self.op, parent=self.parent, absTime=self.project.absTime)
            exec(compile(self._text, self.path, "exec"), module.__dict__)
            self._module = module
        return self._module

    def load(self) -> None:
        path = Path(self._pars["file"].val)
        if self._pars["syncfile"].val and path.is_file():
            self.text = path.read_text("utf-8")

    def clear(self) -> None:
        self._rows.clear()

    def appendRow(self, row: Any) -> None:
        if self.OPType != "tableDAT":
            raise tdAttributeError("only a Table DAT has rows")
        self._rows.append([str(cell) for cell in row])

    def rows(self) -> list[list[str]]:
        return self._rows


class CUDAMemoryShape:
    """What the documentation names, and nothing else."""

    __slots__ = ("dataType", "depth", "height", "is3D", "isCube", "numComps", "width")

    def __init__(self) -> None:
        self.width = self.height = self.depth = 0
        self.numComps = 4
        self.isCube = self.is3D = False
        self.dataType: Any = np.float32


class CUDAMemory:
    """A copy of a TOP, freed when this goes."""

    def __init__(self, pixels: np.ndarray) -> None:
        self._pixels = pixels
        self.ptr, self.size, self.shape = pixels.ctypes.data, pixels.nbytes, CUDAMemoryShape()
        self.shape.height, self.shape.width, self.shape.numComps = pixels.shape
        self.shape.dataType = pixels.dtype.type


class OpType:
    def __init__(self, name: str) -> None:
        self.name = name


class Project:
    """One project: `/project1`, time, frames."""

    def __init__(self) -> None:
        self.absTime = types.SimpleNamespace(frame=0, seconds=0.0)
        self._thread = threading.get_ident()
        self.root = OP(self, "baseCOMP", "", None)
        self.home = self.root.create(OpType("baseCOMP"), "project1")

    def check_thread(self) -> None:
        if threading.get_ident() != self._thread:
            raise tdError("another thread than the main one touched an operator")

    def op(self, path: str) -> OP | None:
        found: OP | None = self.root
        for part in path.strip("/").split("/"):
            found = found._children.get(part) if found is not None else None
        return found

    def all(self) -> list[OP]:
        found, nodes = [], [self.root]
        while nodes:
            found.append(node := nodes.pop())
            nodes += node.children
        return found

    def frame(self, seconds: float = 1 / 60) -> None:
        """One frame: files, Execute DATs, then whatever somebody looks at is cooked from its inputs on."""
        self.absTime.frame += 1
        self.absTime.seconds += seconds
        for each in self.all():
            if each.family == "DAT" and each._pars.get("syncfile") and each._pars["file"].val:
                each.load()
        for each in self._executes("framestart"):
            each.module.onFrameStart(self.absTime.frame)
        for each in self.all():
            if each.viewer:
                self._pull(each)

    def _pull(self, top: OP) -> None:
        for source in top.inputs:
            self._pull(source)
        top.cook()

    def quit(self) -> None:
        for each in self._executes("exit"):
            each.module.onExit()

    def _executes(self, when: str) -> list[OP]:
        return [e for e in self.all() if e.OPType == "executeDAT" and e._pars["active"].val and e._pars[when].val]

    def pulsed(self, par: Par) -> None:
        for each in self.all():
            if each.OPType != "parameterexecuteDAT" or not (each._pars["active"].val and each._pars["onpulse"].val):
                continue
            wanted = each._pars["custom" if par.isCustom else "builtin"].val
            watched = {par.owner.path, ".." if each._parent is par.owner else None}
            if wanted and each._pars["op"].val in watched and each._pars["pars"].val in ("*", par.name):
                each.module.onPulse(par)


def make() -> tuple[types.ModuleType, Project]:
    """The module `td` of a new project."""
    project = Project()
    module = types.ModuleType("td")
    module.__dict__.update(
        {name: OpType(name) for name in PARAMETERS},
        ParMode=ParMode,
        CUDAMemoryShape=CUDAMemoryShape,
        absTime=project.absTime,
        op=project.op,
        root=project.root,
        app=types.SimpleNamespace(version="imitation", build="0"),
        tdError=tdError,
        tdAttributeError=tdAttributeError,
    )
    return module, project
