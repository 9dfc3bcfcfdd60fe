"""For scripts inside TouchDesigner's process: TOPs as tensors, pictures into a Script TOP, and what outlives edits.

**The risky way.** torch and Ganzfeld are then installed into TouchDesigner's Python, where they meet its NumPy, hold up
its frames while they load and compile, and take it along when they crash. `ganzfeld touchdesigner` writes a component
that has none of this: prefer it. Not yet run inside TouchDesigner: written from its documentation, tested against a
strict imitation.

    import ganzfeld
    from ganzfeld import touchdesigner

    def onCook(scriptOp):
        network = touchdesigner.kept(scriptOp, "network", "orbits", lambda: ganzfeld.load_network("orbits", "cuda"))
        with touchdesigner.on_stream():
            z = touchdesigner.latent(scriptOp.inputs[0], network.z_dim)
            touchdesigner.show(scriptOp, network.synthesis(network.mapping(z, truncation_psi=0.8)))

All of it belongs to TouchDesigner's main thread, on an NVIDIA card.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ganzfeld.errors import GanzfeldError, OutputError

if TYPE_CHECKING:
    import torch

Made = TypeVar("Made")
SHOWN_KEPT = 3
"""Pictures of a Script TOP whose memory is kept, because TouchDesigner may still be copying them."""

_kept: dict[tuple[int, str], tuple[Any, Any]] = {}
_shown: dict[int, list[torch.Tensor]] = {}
_stream: list[Any] = []


def kept(owner: Any, name: str, of: Any, make: Callable[[], Made]) -> Made:
    """What `make` made `of` something (a file's path) for an operator: made once, and again when `of` changes. It
    outlives edits of the DAT, which lose a DAT's own globals."""
    place = owner.id, name
    found = _kept.get(place)
    if found is None or found[0] != of:
        _kept.pop(place, None)  # let go of the old first: two networks may not fit
        found = _kept[place] = of, make()
    return found[1]


def forget(owner: Any, name: str | None = None) -> None:
    """Let go of what is kept for an operator under this name; None: of all of it."""
    for place in [each for each in _kept if each[0] == owner.id and name in (None, each[1])]:
        del _kept[place]
    if name is None:
        _shown.pop(owner.id, None)


@contextlib.contextmanager
def on_stream() -> Iterator[None]:
    """Work meanwhile is on a stream of our own, so that TouchDesigner waits for that alone."""
    import torch

    if not _stream:
        _stream.append(torch.cuda.Stream())
    with torch.cuda.stream(_stream[0]):
        yield


def pixels(top: Any) -> torch.Tensor:
    """A TOP's picture on its card, [height, width, channels] of the TOP's type, RGBA, the highest row first.

    It is a copy that TouchDesigner makes; work on the present stream sees it complete.
    """
    found = _copy_of(top).flip(0)
    return found[..., [2, 1, 0, 3]] if _is_bgra(found) else found


def latent(top: Any, size: int) -> torch.Tensor:
    """A TOP one pixel wide or high as a latent, float32 [1, size]: its first channel, number by number from the bottom
    or the left, as the ancestor read it. Raises OutputError for any other shape or size."""
    found = _copy_of(top)
    height, width = found.shape[:2]
    if min(height, width) != 1 or max(height, width) != size:
        what = f"{top.path} has {width} × {height} pixels, and a latent of {size} numbers is wanted"
        raise OutputError(what, hint=f"Set its resolution to 1 × {size}, and its format to 32-bit float (mono)")
    if str(found.dtype) != "torch.float32":
        raise OutputError(f"{top.path} is of {found.dtype}", hint="Set its format to 32-bit float (mono)")
    return found[..., 0].reshape(1, size)


def show(script: Any, picture: torch.Tensor) -> None:
    """Give a Script TOP its picture, within its onCook.

    picture: what `Network.synthesis` gives, [1, C, H, W] of about −1..1 with C of 1, 3 or 4; or RGBA of the highest row
    first, uint8 [H, W, 4]. Raises OutputError for anything else.
    """
    import td  # type: ignore[import-not-found]

    ready = _as_touchdesigner_has_it(picture)
    height, width, channels = ready.shape
    shape = td.CUDAMemoryShape()
    shape.width, shape.height, shape.numComps, shape.dataType = width, height, channels, np.uint8
    script.copyCUDAMemory(ready.data_ptr(), ready.numel(), shape, stream=_handle())
    shown = _shown.setdefault(script.id, [])
    shown.append(ready)
    del shown[:-SHOWN_KEPT]


def _as_touchdesigner_has_it(picture: torch.Tensor) -> torch.Tensor:
    """uint8 [H, W, 4] in one piece: BGRA, the lowest row first."""
    import torch

    if picture.ndim == 4 and picture.shape[0] == 1 and picture.shape[1] in (1, 3, 4):
        colours = (picture[0].detach().float() * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
        if colours.shape[2] == 1:
            colours = colours.expand(-1, -1, 3)
        if colours.shape[2] == 3:
            opaque = torch.full_like(colours[..., :1], 255)
            colours = torch.cat((colours, opaque), 2)
    elif picture.ndim == 3 and picture.shape[2] == 4 and picture.dtype == torch.uint8:
        colours = picture
    else:
        raise OutputError(
            f"a picture of {list(picture.shape)} ({picture.dtype}) cannot be shown",
            hint="Give what Network.synthesis gives, or uint8 [height, width, 4]",
        )
    return colours.flip(0)[..., [2, 1, 0, 3]].contiguous()


def _is_bgra(found: torch.Tensor) -> bool:
    return found.shape[2] == 4 and found.element_size() == 1


class _CopyOfTop:
    """TouchDesigner's copy, which lives as long as this does."""

    def __init__(self, memory: Any) -> None:
        shape = memory.shape
        self.memory = memory
        self.__cuda_array_interface__ = {
            "shape": (shape.height, shape.width, shape.numComps),
            "typestr": np.dtype(shape.dataType).str,
            "data": (int(memory.ptr), False),
            "strides": None,
            "version": 3,
        }


def _copy_of(top: Any) -> torch.Tensor:
    """[height, width, channels] as TouchDesigner has it."""
    memory = top.cudaMemory(stream=_handle())
    if memory is None:
        raise GanzfeldError(f"{top.path} has no picture yet")
    return _tensor(_CopyOfTop(memory))


def _tensor(array: _CopyOfTop) -> torch.Tensor:
    import torch

    return torch.as_tensor(array, device="cuda")


def _handle() -> int:
    """The present stream's."""
    import torch

    return torch.cuda.current_stream().cuda_stream
