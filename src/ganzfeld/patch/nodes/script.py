"""The node `script`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganzfeld.errors import ScriptError, Where
from ganzfeld.patch.media.scripts import Script, ScriptFrame
from ganzfeld.patch.node import (
    HostValue,
    Input,
    Latent,
    LatentRequest,
    Node,
    PrepareContext,
    RenderContext,
    Request,
    SetupContext,
    Structure,
)


def _file(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError('a Python file, as in script("waves.py")')
    return value


class ScriptNode(Node):
    """Make or change a picture or a latent with Python of your own: a file with `def frame(context, inputs)`.

    It returns a picture (a numpy array or tensor [H, W], [H, W, 3] or [H, W, 4], 0..1 or uint8, row 0 at the top;
    or a tensor [1, 4, H, W]) or, where a latent is asked for, its numbers. `inputs.image` and `inputs.latent` are
    what feeds it; further keyword arguments of its line arrive as `context.parameters`. The file is read again on
    every save; `context.state` lives on. If it fails, its last working version plays on.

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
        self.script = Script(self.path, context.resources.trusted, load=not context.resources.replays)
        self._now: dict[Request, ScriptFrame] = {}
        self._last: dict[Request, Any] = {}
        self._device = context.device

    def watched(self) -> tuple[Path, ...]:
        return (self.path,)

    def notice(self, path: Path) -> bool:
        self.script.load_beside()
        return True

    def taken(self) -> bytes | None:
        return self.script.source

    def give(self, what: Any) -> None:
        if isinstance(what, bytes) and what != self.script.source:
            self.script.load(what)

    def requests(self, parameters: Any, request: Request) -> dict[str, Request]:
        asked = super().requests(parameters, request)
        return {**asked, "latent": request if isinstance(request, LatentRequest) else LatentRequest(512)}

    def prepare(self, context: PrepareContext) -> None:
        p = context.parameters
        self._now[context.request] = ScriptFrame(context.moment, p, context.memory, context.request, self._device)

    def render(self, context: RenderContext, inputs: Mapping[str, Any]) -> torch.Tensor | Latent:
        request = context.request
        result = self.script.call(self._now[request], inputs)
        if result is not None:
            try:
                self._last[request] = _converted(result, request, context.device)
            except (TypeError, ValueError) as error:
                context.report(ScriptError(str(error), where=Where(str(self.path))))
        if self.script.problem is not None:
            context.report(self.script.problem)
        if request not in self._last:
            return _nothing(inputs, request, context.device)
        return self._last[request]


def _converted(result: Any, request: Request, device: torch.device) -> torch.Tensor | Latent:
    if isinstance(result, Latent):
        return result
    tensor = result if isinstance(result, torch.Tensor) else torch.from_numpy(np.array(result))
    tensor = tensor.to(device, torch.float32) / (255 if tensor.dtype == torch.uint8 else 1)
    if isinstance(request, LatentRequest):
        if tensor.numel() % request.dim:
            raise ValueError(f"frame() returned {tensor.numel()} numbers; the reader asks for {request.dim}")
        return Latent(torch.nan_to_num(tensor.reshape(-1, request.dim)[:1]))
    if tensor.dim() == 4 and tensor.shape[0] == 1:
        picture = tensor
    elif tensor.dim() in (2, 3):
        picture = (tensor if tensor.dim() == 3 else tensor[:, :, None]).permute(2, 0, 1)[None]
    else:
        raise ValueError(f"frame() returned {tuple(tensor.shape)}, which is not a picture [H, W, 3]")
    channels = picture.shape[1]
    if channels == 1:
        picture = picture.expand(-1, 3, -1, -1)
    elif channels not in (3, 4):
        raise ValueError(f"frame() returned a picture of {channels} channels; 1, 3 or 4 are understood")
    if picture.shape[1] == 3:
        picture = torch.cat([picture, torch.ones_like(picture[:, :1])], 1)
    return torch.nan_to_num(picture)


def _nothing(inputs: Mapping[str, Any], request: Request, device: torch.device) -> torch.Tensor | Latent:
    """What is shown before the script has ever worked: what feeds it, else black."""
    if isinstance(request, LatentRequest):
        return inputs.get("latent") or Latent(torch.zeros(1, request.dim, device=device))
    if "image" in inputs:
        return inputs["image"]
    black = torch.zeros(1, 4, request.height or 512, request.width or 512, device=device)
    black[:, 3] = 1
    return black
