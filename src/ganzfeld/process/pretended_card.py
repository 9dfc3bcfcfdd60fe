"""A graphics card that need not be there: what is launched for it is only written down, and compiled later.

Nothing that runs on a GPU may have been imported before `pretend`, and it cannot be undone: it is for a process of its
own (`compile_ahead.py`).
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import importlib.util
import os
import re
import sys
import threading
from collections.abc import Callable, Hashable
from dataclasses import astuple, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ganzfeld.folders import cache_folder
from ganzfeld.kernels.cuda.library import found_card

if TYPE_CHECKING:
    import torch

WORDS = re.compile(r"""[^\W\d]\w*|"[^"\n]*"|'[^'\n]*'""")
"""Of a patch what says which kernels it needs: names, and what stands in quotes."""
MAJOR, MINOR, PROCESSORS = 75, 76, 16
"""Of the driver's CUdevice_attribute."""


@dataclass(frozen=True, slots=True)
class Card:
    """What of a graphics card decides what is compiled: its compute capability, and its number of processors."""

    major: int
    minor: int
    processors: int

    @classmethod
    def of(cls, device: torch.device) -> Card:
        """The card that torch plays on."""
        from ganzfeld.kernels.card import capability, multiprocessors

        return cls(*capability(device), multiprocessors(device))

    @property
    def marker(self) -> Path:
        """The file that is there when all has been compiled for such a card, by this Triton, from these sources."""
        return cache_folder() / "kernels" / f"{_digest(self)[:32]}.triton"

    def first_marker(self, text: str, file: Path | None) -> Path:
        """The file that is there when what a patch of these words (whatever its numbers) needs first has been
        compiled."""
        words = sorted(set(WORDS.findall(text)))
        digest = hashlib.sha256(repr((str(file), words)).encode(errors="replace")).hexdigest()
        return self.marker.with_name(f"{self.marker.stem[:16]}-{digest[:16]}.first")

    @property
    def lock(self) -> Path:
        """The file that is locked (`file_lock`) while what a show needs first is compiled for such a card."""
        return self.marker.with_suffix(".lock")


@functools.cache
def _digest(card: Card) -> str:
    """Tells apart what decides what is compiled: the card, Triton, and our sources, which are read once."""
    package = Path(__file__).parents[1]
    # A network's arrangement says which kernels it needs, and in which tiles.
    folders = (("kernels/triton", "*.py"), ("kernels/cuda", "*"), ("networks/gpu", "*.py"))
    sources = [path for folder, names in folders for path in (package / folder).glob(names) if path.is_file()]
    spec = importlib.util.find_spec("triton")
    if spec is not None and spec.origin is not None:
        sources.append(Path(spec.origin))  # it holds the version
    digest = hashlib.sha256(repr(astuple(card)).encode())
    for source in sorted(sources):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def card_here(number: int = 0) -> Card | None:
    """The card of this number as the driver tells it, in a few hundred milliseconds and without torch; None without
    one."""
    found = found_card(number)
    if found is None:
        return None
    (driver, device), value = found, ctypes.c_int()
    facts = []
    for attribute in (MAJOR, MINOR, PROCESSORS):
        if driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device):
            return None
        facts.append(value.value)
    return Card(*facts)


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


@dataclass(frozen=True, slots=True)
class WantedKernel:
    """name: of its function, or of the file of its source. compile: puts it into the cache that a launch looks into."""

    name: str
    compile: Callable[[], object]


class Wanted:
    """The kernels that launches have asked for, each once, in that order."""

    def __init__(self) -> None:
        self._known: set[Hashable] = set()
        self._waiting: list[WantedKernel] = []
        self.preparing: threading.Thread | None = None
        """Does what each process that compiles would do first, so that copies of this one need not."""

    def add(self, key: Hashable, kernel: WantedKernel) -> None:
        """A launch asks for a kernel. key: tells it from all others."""
        if key not in self._known:
            self._known.add(key)
            self._waiting.append(kernel)

    def take(self) -> list[WantedKernel]:
        """Those that have not been taken before."""
        if self.preparing is not None:
            self.preparing.join()
        waiting, self._waiting = self._waiting, []
        return waiting

    def launched(self, kernel: Any, grid: object, *arguments: Any, **more: Any) -> None:
        """A launch of a Triton kernel."""
        import torch

        def kind(value: Any) -> Hashable:
            """What of an argument Triton compiles for."""
            if isinstance(value, torch.Tensor):
                return value.dtype
            if hasattr(value, "block_shape"):  # a part of memory that is fetched in blocks
                return value.base.dtype, *value.block_shape
            if isinstance(value, int) and not isinstance(value, bool):
                return "int", value == 1, value % 16 == 0, -(2**31) <= value < 2**31
            return "float" if isinstance(value, float) else value

        known = dict(zip((each.name for each in kernel.params), arguments)) | more
        constants = {each.name for each in kernel.params if each.is_constexpr}
        kinds = tuple((name, value if name in constants else kind(value)) for name, value in known.items())
        run = functools.partial(kernel.run, *arguments, grid=grid, warmup=True, **more)
        self.add((kernel.fn, kinds), WantedKernel(kernel.fn.__name__, run))


def pretend(card: Card) -> Wanted:
    """From now on launches of kernels in this process are written down, for this card."""
    from triton.runtime import driver
    from triton.runtime.jit import JITFunction

    # Arithmetic on tensors without memory imports torch's compiler, only to leave it out: a second or more.
    sys.modules.setdefault("torch._dynamo", SimpleNamespace(disable=lambda function, *_, **__: function))  # type: ignore[arg-type]
    from ganzfeld.kernels import card as known
    from ganzfeld.kernels.cuda import compiler

    wanted = Wanted()
    pretended: Any = PretendedDriver(card)
    driver.set_active(pretended)
    wanted.preparing = threading.Thread(target=_know_triton, args=(pretended.get_current_target(),))
    wanted.preparing.start()
    instead(JITFunction, __getitem__=lambda self, grid: functools.partial(wanted.launched, self, grid))
    instead(
        known,
        is_here=lambda: False,  # though there may be one
        has_tma=lambda device: card.major >= 9,
        has_wgmma=lambda device: (card.major, card.minor) == (9, 0),
        shared_memory=lambda device: known.shared_memory_of((card.major, card.minor)),
        multiprocessors=lambda device: card.processors,
        coupled_blocks=lambda device: known.blocks_coupled_by(card.major),
    )
    architecture, compile_ahead = compiler.architecture_of(card.major, card.minor), compiler.compile_ahead

    def kernel(
        source: Path,
        name: str,
        defines: tuple[tuple[str, int], ...],
        device: object,
        shared: int = 0,
        options: tuple[str, ...] = (),
        insert: tuple[str, str] | None = None,
        many_coupled: bool = False,
    ) -> object:
        asked = source, architecture, defines, options, insert
        wanted.add(asked, WantedKernel(source.name, functools.partial(compile_ahead, *asked)))
        return SimpleNamespace(launch=lambda *arguments: None)

    instead(compiler, kernel=kernel, available=lambda device: True, tensor_map=lambda *arguments: b"")
    from ganzfeld.networks.gpu import stylegan3

    def streamed(self, layer, step, raw, gain, style, into) -> None:  # type: ignore[no-untyped-def]
        stylegan3.streamed_filter(raw, gain, layer.bias, style, layer.filters, step.raw, into, step.out, step.out[1])

    instead(stylegan3.GpuStyleGAN3, _filter=streamed)
    # It has no kernel of ours to compile, and its numbers have no place here.
    instead(stylegan3, unstyled=lambda entry, style: entry)
    return wanted


def _know_triton(target: Any) -> None:
    """Have Triton find out what it is, for the names of what it compiles: it reads all of itself for that."""
    from triton.compiler.compiler import make_backend
    from triton.runtime.cache import triton_key

    triton_key()
    make_backend(target).hash()


def instead(place: object, **others: Callable[..., object]) -> None:
    """Put these in the place of what has their names."""
    for name, other in others.items():
        setattr(place, name, other)


def hide_cards() -> None:
    """Programs of this process see no card from now on."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
