"""Our Triton kernels compiled ahead, by a process of its own, into Triton's cache on disk.

    python -m ganzfeld.process.compile_ahead MAJOR MINOR PROCESSORS

Triton compiles a kernel when it is first launched, and holds Python's lock for most of that third of a second: what
plays beside it stutters. What lies in the cache is loaded in a few milliseconds. So a show starts this process, once
for each machine and version: it calls what a show calls, with launches that only compile, for a card that it never
touches.

What is heavy is imported late: a render process takes `begin` from here.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ganzfeld.folders import cache_folder

if TYPE_CHECKING:
    import torch

    from ganzfeld.networks.config import Config

SWITCH = "GANZFELD_COMPILE_AHEAD"
"""An environment variable; "0" switches all of this off."""
SECONDS_BEFORE = 5.0
"""Until then a show opens its networks and plays its first frames."""


@dataclass(frozen=True, slots=True)
class Card:
    """What of a graphics card decides what is compiled: its compute capability, and its number of processors."""

    major: int
    minor: int
    processors: int

    @property
    def marker(self) -> Path:
        """The file that is there when all has been compiled for such a card, by this Triton, from these sources."""
        package = Path(__file__).parents[1]
        # A network's arrangement says which kernels it needs, and in which tiles.
        sources = [*package.glob("kernels/triton/*.py"), *package.glob("networks/gpu/*.py")]
        spec = importlib.util.find_spec("triton")
        if spec is not None and spec.origin is not None:
            sources.append(Path(spec.origin))  # it holds the version
        digest = hashlib.sha256(repr(astuple(self)).encode())
        for source in sorted(sources):
            digest.update(source.read_bytes())
        return cache_folder() / "kernels" / f"{digest.hexdigest()[:32]}.triton"


def begin(device: torch.device) -> None:
    """Start the process for this device if it has work to do; it is never waited for. Takes a few milliseconds."""
    from ganzfeld.kernels.card import capability, has_triton, multiprocessors

    if os.environ.get(SWITCH) == "0" or not has_triton(device):
        return
    # Without a process, or without a cache folder, a show is what it was: kernels are compiled when they are needed.
    with contextlib.suppress(OSError):
        card = Card(*capability(device), multiprocessors(device))
        if not card.marker.exists():
            # -P: what lies in the folder where the show was started is none of our modules.
            command = [sys.executable, "-P", "-m", __name__, *map(str, astuple(card))]
            cardless = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
            quiet = subprocess.DEVNULL
            subprocess.Popen(command, env=cardless, stdin=quiet, stdout=quiet, stderr=quiet, **_apart())


def _apart() -> dict[str, Any]:
    """What makes a process one that outlives us, has no window and gives way to all others."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.IDLE_PRIORITY_CLASS}
    return {"start_new_session": True}  # and it is nice by itself


class PretendedDriver:
    """Of Triton's driver what compiling needs, for a card that need not be there."""

    def __init__(self, card: Card) -> None:
        self._card = card

    def get_current_target(self) -> object:
        """The kind of card."""
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", 10 * self._card.major + self._card.minor, 32)

    def get_current_device(self) -> int:
        """Its number."""
        return 0

    def get_current_stream(self, device: int) -> int:
        """Where a launch would go."""
        return 0


def pretend(card: Card) -> None:
    """From now on launches of Triton's kernels in this process only compile, for this card. It cannot be undone, and
    nothing that runs on a GPU may have been imported yet."""
    from triton.runtime import driver
    from triton.runtime.jit import JITFunction

    from ganzfeld.kernels import card as known
    from ganzfeld.kernels.cuda import compiler

    pretended: Any = PretendedDriver(card)
    driver.set_active(pretended)
    instead(JITFunction, __getitem__=lambda self, grid: functools.partial(self.run, grid=grid, warmup=True))
    instead(
        known,
        has_tma=lambda device: card.major >= 9,
        has_wgmma=lambda device: (card.major, card.minor) == (9, 0),
        shared_memory=lambda device: known.shared_memory_of((card.major, card.minor)),
        multiprocessors=lambda device: card.processors,
    )
    # What NVRTC compiles is none of our work.
    nothing = SimpleNamespace(launch=lambda *arguments: None)
    instead(compiler, kernel=lambda *arguments, **more: nothing, tensor_map=lambda *arguments: b"")
    from ganzfeld.kernels.cuda.streamed_filter import StreamedFilter
    from ganzfeld.networks.gpu import stylegan3

    instead(StreamedFilter, design=lambda *arguments, **more: None)
    instead(stylegan3.GpuStyleGAN3, _filter=lambda *arguments, **more: None)
    # It has no kernel of ours to compile, and its numbers have no place here.
    instead(stylegan3, unstyled=lambda entry, style: entry)


def instead(place: object, **others: Callable[..., object]) -> None:
    """Put these in the place of what has their names."""
    for name, other in others.items():
        setattr(place, name, other)


def work() -> Iterator[Callable[[], object]]:
    """All there is to compile, in pieces, what is likely to be wanted first."""
    yield from bends()
    yield from pictures()
    yield from masks()
    for config in configs():
        yield functools.partial(play, config)


def bends() -> Iterator[Callable[[], object]]:
    """Those of activations that are kernels of ours, for every way in which `Field` reads an activation."""
    import torch

    from ganzfeld.kernels.triton.affine import affine
    from ganzfeld.kernels.triton.blur import gaussian_blur
    from ganzfeld.kernels.triton.feedback import feedback, remembered
    from ganzfeld.kernels.triton.neighbours import dilate, erode, sharpen, sobel
    from ganzfeld.kernels.triton.scaling import added, multiplied

    amount, frame = torch.tensor(0.5), torch.tensor(0)
    for vector in (8, 1, 4, 2):
        for groups in (13, 5, 3):  # taken 16, 8 and 4 together
            x = torch.empty(1, vector * groups, 4, 4, dtype=torch.float16).to(memory_format=torch.channels_last)
            yield functools.partial(affine, x, amount, amount, amount, amount)
            yield functools.partial(gaussian_blur, x, amount, 1)
            yield functools.partial(feedback, x, torch.empty(remembered(x, 1)), frame, [amount] * 6, 1.0)
            for bend in (multiplied, added, sharpen, sobel, erode, dilate):
                yield functools.partial(bend, x, amount)


def masks() -> Iterator[Callable[[], object]]:
    """A picture read as a mask, and the bends that keep to one, of activations as most networks have them."""
    import torch

    from ganzfeld.kernels.triton.affine import affine
    from ganzfeld.kernels.triton.blur import gaussian_blur
    from ganzfeld.kernels.triton.feedback import feedback, remembered
    from ganzfeld.kernels.triton.masks import luminous, masked
    from ganzfeld.kernels.triton.neighbours import dilate, erode, sharpen, sobel
    from ganzfeld.kernels.triton.scaling import added, multiplied

    amount, frame, mask = torch.tensor(0.5), torch.tensor(0), torch.empty(4, 4, dtype=torch.float16)
    yield functools.partial(luminous, torch.empty(1, 4, 4, 4))
    for groups in (13, 5, 3):
        x = torch.empty(1, 8 * groups, 4, 4, dtype=torch.float16).to(memory_format=torch.channels_last)
        yield functools.partial(affine, x, amount, amount, amount, amount, mask)
        yield functools.partial(gaussian_blur, x, amount, 1)
        yield functools.partial(feedback, x, torch.empty(remembered(x, 1)), frame, [amount] * 6, 1.0, mask)
        for bend in (multiplied, added, sharpen, sobel, erode, dilate):
            yield functools.partial(bend, x, amount, mask)
        for channels in (None, torch.empty(8 * groups)):
            yield functools.partial(masked, x, x, mask, channels)


def pictures() -> Iterator[Callable[[], object]]:
    """The two ends of a patch's pictures: of sizes that sixteen divides, and of others."""
    import torch

    from ganzfeld.kernels.triton.pictures import from_signed, to_rgba8

    for side in (16, 20):
        for channels in (3, 1, 4):
            yield functools.partial(from_signed, torch.empty(1, channels, side, side))
        for dither in (None, torch.empty((), dtype=torch.int64)):
            yield functools.partial(to_rgba8, torch.empty(1, 4, side, side), dither)


def configs() -> Iterator[Config]:
    """The networks that most people have: those that come with Ganzfeld, and the papers' own."""
    from ganzfeld.networks.files import open_network_file
    from ganzfeld.networks.find import locate, shipped_names
    from ganzfeld.networks.kinds import config_from_json
    from ganzfeld.networks.stylegan2.config import StyleGAN2Config
    from ganzfeld.networks.stylegan3.config import StyleGAN3Config

    for name in shipped_names():
        yield config_from_json(open_network_file(locate(name)).config)
    for resolution in (1024, 512, 256):
        yield StyleGAN2Config.design(resolution)
        yield StyleGAN2Config.design(resolution, conv_clamp=None)
        yield StyleGAN3Config.design("stylegan3-t", resolution)
        yield StyleGAN3Config.design("stylegan3-r", resolution)
    # Half the channels, as both papers have them at this size.
    yield StyleGAN2Config.design(256, channel_base=16384)
    yield StyleGAN3Config.design("stylegan3-t", 256, channel_base=16384)
    yield StyleGAN3Config.design("stylegan3-r", 256, channel_base=32768)


def play(config: Config) -> None:
    """What a network of this shape launches, as it is and with each of its layers bent, without its numbers."""
    import torch

    from ganzfeld.kernels.side_streams import PendingTensors
    from ganzfeld.networks.generator import LayerHook, LayerPeek, SynthesisOptions
    from ganzfeld.networks.kinds import kind_of

    with torch.device("meta"), torch.no_grad():
        kind = kind_of(config)
        tensors = kind.module(config).state_dict()
        if not kind.fits_gpu(config, tensors):
            return
        network = kind.on_gpu(config, tensors, PendingTensors())
        w = torch.empty(1, config.num_ws, config.w_dim)
        # A bend leaves an activation as it lies in memory, or without the padding of its channels.
        for after in (None, LayerHook(lambda name, x: x), LayerHook(lambda name, x: x.clone())):
            network.synthesis(w, SynthesisOptions(after=after))
        network.synthesis(w, SynthesisOptions(peek=LayerPeek(lambda name, x: None, config.specs)))


def main(card: Card) -> None:
    """The process."""
    if hasattr(os, "nice"):
        os.nice(19)
    time.sleep(SECONDS_BEFORE)
    pretend(card)
    for piece in work():
        # What cannot be compiled here says so in the show, if ever it is wanted there.
        with contextlib.suppress(Exception):
            piece()
    # A folder that is full or read-only costs the work again, which then finds most of it done.
    with contextlib.suppress(OSError):
        card.marker.parent.mkdir(parents=True, exist_ok=True)
        card.marker.touch()


if __name__ == "__main__":
    main(Card(*map(int, sys.argv[1:])))
