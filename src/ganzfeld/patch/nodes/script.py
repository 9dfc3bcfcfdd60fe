"""The node `script`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganzfeld.errors import ScriptError, Where
from ganzfeld.feeders.kinds.array import LARGEST_NUMBER
from ganzfeld.patch.media.scripts import Script, ScriptFrame, Witnessed
from ganzfeld.patch.node import (
    HostValue,
    Input,
    Latent,
    LatentRequest,
    Node,
    Part,
    PrepareContext,
    RenderContext,
    Request,
    SetupContext,
    Structure,
)

FRAMES_BETWEEN_MEMORIES = 30
MEMORY_SIZE = (96, 96)
"""Rows and columns of the picture that outlives the process."""
MOST_PIXELS = 67_000_000
"""Of a picture that a script returns."""
SIZE_BEFORE = "size of the last picture"
"""Where in the script's state the size is kept that it had."""


def _file(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError('a Python file, as in script("waves.py")')
    return value


class ScriptNode(Node):
    """Make or change a picture or a latent with Python of your own: a file with `def frame(context, inputs)`.

    It returns a picture (a numpy array or tensor [H, W], [H, W, 3] or [H, W, 4], 0..1 or uint8, row 0 at the top;
    or a tensor [1, 4, H, W]) or, where a latent is asked for, its numbers. `inputs.image` and `inputs.latent` are
    what feeds it; further keyword arguments of its line arrive as `context.parameters`. The file is read again on
    every save, of it or of a module beside it that it imports; `context.state` lives on. If it fails, its last working
    version plays on.

    A file that Ganzfeld has not seen before waits for your permission.
    """

    word = "script"
    makes = ("image", "latent")
    captured = False
    extra = HostValue(0.0, "A number for the script.", vector=True, limits=(-1e30, 1e30))
    examples = ('shown = script("script.py", face)',)

    file = Structure(None, "The Python file, from the patch's folder.", check=_file)
    image = Input("image", "A picture for the script to change.", required=False)
    latent = Input("latent", "A latent for the script to change.", required=False)

    def setup(self, context: SetupContext) -> None:
        self.path = context.resources.resolve(context.structure.file)
        resources = context.resources
        self.script = Script(
            self.path,
            resources.trusted,
            load=not resources.replays,
            hazards=resources.hazards,
            aside=resources.set_aside,
        )
        self._now: dict[Request, ScriptFrame] = {}
        self._last: dict[Request, Any] = {}
        self._device = context.device

    def watched(self) -> tuple[Path, ...]:
        return (self.path, *self.script.modules)

    def parts(self) -> tuple[Part, ...]:
        return tuple(Part(path, self.path, stamp) for path, stamp in self.script.modules.items())

    def notice(self, path: Path) -> bool:
        self.script.load_beside()
        return True

    def taken(self) -> Witnessed | str | None:
        return self.script.set_aside or self.script.witnessed

    def give(self, what: Any) -> None:
        if isinstance(what, str):
            self.script.set_aside = what
        elif isinstance(what, bytes | dict) and (what != self.script.witnessed or self.script.set_aside):
            self.script.set_aside = ""
            self.script.load(what)

    def requests(self, parameters: Any, request: Request) -> dict[str, Request]:
        asked = super().requests(parameters, request)
        return {**asked, "latent": request if isinstance(request, LatentRequest) else LatentRequest(512)}

    def prepare(self, context: PrepareContext) -> None:
        p = context.parameters
        self._now[context.request] = ScriptFrame(context.moment, p, context.memory, context.request, self._device)

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor | Latent:
        request, script = context.request, self.script

        def convert(result: Any) -> torch.Tensor | Latent:
            try:
                return _converted(result, request, context.device)
            except (TypeError, ValueError) as error:
                raise ScriptError(str(error), where=Where(str(self.path))) from None

        result = script.call(self._now[request], inputs, convert)
        if result is not None:
            self._last[request] = result
        for problem in (script.problem, script.slow):
            if problem is not None:
                context.report(problem)
        if script.set_aside and script.problem is None:
            what = f"{self.path.name} {script.set_aside}, so it is set aside"
            hint = "Its last picture stays; it runs again when it changes"
            context.report(ScriptError(what, where=Where(str(self.path)), hint=hint))
        shown = self._last.get(request)
        if shown is None and script.set_aside:
            shown = _remembered(context, self._now[request].state)
        if result is not None and self._now[request].frame % FRAMES_BETWEEN_MEMORIES == 0:
            _remember(context, result, self._now[request].state)
        return _nothing(inputs, request, context.device) if shown is None else shown


def _remember(context: RenderContext, result: torch.Tensor | Latent, state: dict[str, Any]) -> None:
    """Keep what a script made, pictures small, where a checkpoint finds it: another process may have to do without the
    script."""
    if isinstance(result, Latent):
        if result.space == "z" and result.points.shape[0] == 1:
            context.state("last", tuple(result.points.shape)).copy_(result.points)
        return
    state[SIZE_BEFORE] = list(result.shape[2:])
    small = torch.nn.functional.adaptive_avg_pool2d(result.clamp(0, 1), MEMORY_SIZE)
    context.state("last", tuple(small.shape)).copy_(small)


def _remembered(context: RenderContext, state: dict[str, Any]) -> torch.Tensor | Latent | None:
    """What a script made last in another process, or None."""
    request = context.request
    if isinstance(request, LatentRequest):
        points = context.state("last", (1, request.dim))
        return Latent(points.clone()) if points.any() else None
    small = context.state("last", (1, 4, *MEMORY_SIZE))
    if not small.any():
        return None
    size = state.get(SIZE_BEFORE, MEMORY_SIZE)
    size = (request.height or size[0], request.width or size[1])
    return torch.nn.functional.interpolate(small, size, mode="bilinear", align_corners=False)


def _converted(result: Any, request: Request, device: torch.device) -> torch.Tensor | Latent:
    if isinstance(result, Latent):
        if not isinstance(request, LatentRequest):
            raise ValueError("frame() returned a Latent where a picture is asked for")
        return _checked(result, device)
    tensor = _dense(result if isinstance(result, torch.Tensor) else _numbers(result))
    _check_count(tensor.numel())
    whole = not (tensor.is_floating_point() or tensor.is_complex() or tensor.dtype in (torch.uint8, torch.bool))
    if whole and not isinstance(request, LatentRequest):
        raise ValueError(f"frame() returned {tensor.dtype}; a picture is floats from 0 to 1, or uint8")
    tensor = tensor.to(device, torch.float32) / (255 if tensor.dtype == torch.uint8 else 1)
    if isinstance(request, LatentRequest):
        if not tensor.numel() or tensor.numel() % request.dim:
            raise ValueError(f"frame() returned {tensor.numel()} numbers; the reader asks for {request.dim}")
        return Latent(_sane(tensor.reshape(-1, request.dim)[:1]))
    if tensor.dim() == 4 and tensor.shape[0] == 1:
        picture = tensor
    elif tensor.dim() in (2, 3):
        picture = (tensor if tensor.dim() == 3 else tensor[:, :, None]).permute(2, 0, 1)[None]
    else:
        raise ValueError(f"frame() returned {tuple(tensor.shape)}, which is not a picture [H, W, 3]")
    channels, pixels = picture.shape[1], picture.shape[2] * picture.shape[3]
    if not 1 <= pixels <= MOST_PIXELS:
        raise ValueError(f"frame() returned a picture of {pixels} pixels; up to {MOST_PIXELS} are taken")
    if channels == 1:
        picture = picture.expand(-1, 3, -1, -1)
    elif channels not in (3, 4):
        raise ValueError(f"frame() returned a picture of {channels} channels; 1, 3 or 4 are understood")
    if picture.shape[1] == 3:
        picture = torch.cat([picture, torch.ones_like(picture[:, :1])], 1)
    return torch.nan_to_num(picture)


def _check_count(numbers: int) -> None:
    if numbers > 4 * MOST_PIXELS:
        raise ValueError(f"frame() returned {numbers} numbers; up to {MOST_PIXELS} pixels are taken")


def _numbers(result: Any) -> torch.Tensor:
    """What is no tensor, as one. Raises ValueError."""
    if isinstance(result, np.ndarray):
        _check_count(result.size)  # before it is copied
    array = np.array(result)
    if array.dtype.kind not in "biufc":
        kind = type(result).__name__ if array.dtype.kind == "O" else f"an array of {array.dtype}"
        raise ValueError(f"frame() returned {kind}, which is no picture: give a tensor, or an array [H, W, 3]")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))


def _dense(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor itself. Raises ValueError for one that nothing which plays could read."""
    if tensor.layout is not torch.strided:
        raise ValueError(f"frame() returned a tensor of layout {tensor.layout}; dense ones are understood")
    return tensor


def _checked(latent: Latent, device: torch.device) -> Latent:
    """The same place as numbers that every reader understands. Raises ValueError."""
    points, weights = _dense(torch.as_tensor(latent.points)), latent.weights
    if latent.space not in ("z", "w") or points.dim() != (2 if latent.space == "z" else 3) or not points.numel():
        raise ValueError(f"frame() returned a Latent of {tuple(points.shape)} in {latent.space!r}, which is no place")
    if (weights is None and len(points) > 1) or (weights is not None and tuple(weights.shape) != (len(points),)):
        raise ValueError(f"frame() returned a Latent of {len(points)} points without a weight for each")
    points = _sane(points.to(device, torch.float32))
    return Latent(points, latent.space, None if weights is None else weights.to(device, torch.float32))


def _sane(points: torch.Tensor) -> torch.Tensor:
    """Places without NaN, held to what files may say, too."""
    return torch.nan_to_num(points).clamp(-LARGEST_NUMBER, LARGEST_NUMBER)


def _nothing(inputs: Mapping[str, Any], request: Request, device: torch.device) -> torch.Tensor | Latent:
    """What is shown before the script has ever worked: what feeds it, else black."""
    if isinstance(request, LatentRequest):
        return inputs.get("latent") or Latent(torch.zeros(1, request.dim, device=device))
    if "image" in inputs:
        return inputs["image"]
    black = torch.zeros(1, 4, request.height or 512, request.width or 512, device=device)
    black[:, 3] = 1
    return black
