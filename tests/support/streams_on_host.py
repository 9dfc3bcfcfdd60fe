"""A stand-in for CUDA streams that works on a CPU, and finds what a card would show in one frame of a thousand.

On a card, two queues of work that do not wait for each other run in any order: whoever reads what another queue writes,
without waiting, mostly gets away with it. Here every stream counts its operations and knows how much of every other
stream comes before its next one (a vector clock), every operation says what memory it reads and writes, and two that
touch the same memory without an order between them are reported, whichever came first this time. So is memory that is
given away while another stream may still use it, as PyTorch's allocator would do: it keeps an order within the stream
that asked for the memory, and none with others.

Operations of torch are watched as they are called; our own kernels, which no processor runs, are replaced by functions
that only say what they read and write.
"""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

import ganzfeld
from ganzfeld.kernels import side_streams
from ganzfeld.kernels.generator_layer import Activation, Colours
from ganzfeld.kernels.triton import convolution, doubling
from ganzfeld.networks import runtime
from ganzfeld.networks.gpu import parts as gpu_parts
from ganzfeld.networks.gpu import stylegan2 as gpu_stylegan2
from ganzfeld.networks.gpu import stylegan3 as gpu_stylegan3

SOURCES = str(Path(ganzfeld.__file__).parent)
CARD = SimpleNamespace(type="cuda")


class Stream:
    """A queue of work. clock: of each stream, how many of its operations come before whatever is queued here next."""

    device = CARD

    def __init__(self, name: str) -> None:
        self.name = name
        self.clock: Counter[Stream] = Counter()

    def wait_stream(self, other: Stream) -> None:
        self.clock |= other.clock

    def knows(self, stream: Stream, time: int) -> bool:
        """Whether an operation of another stream (or this one) comes before what is queued next."""
        return self.clock[stream] >= time


class Event:
    """A moment of a stream that others can wait for."""

    device = CARD

    def __init__(self, host: StreamsOnHost) -> None:
        self._host = host

    def record(self, stream: Stream) -> None:
        self._clock, self._frame = stream.clock.copy(), self._host.frames

    def wait(self, stream: Stream) -> None:
        if self._frame != self._host.frames:
            self._host.report("STALE", f"an event of frame {self._frame} is waited for in frame {self._host.frames}")
        stream.clock |= self._clock


@dataclasses.dataclass(frozen=True)
class Use:
    """How an operation touches some of a piece of memory: bytes `start` up to `end`."""

    stream: Stream
    start: int
    end: int
    writes: bool

    def conflicts(self, other: Use) -> bool:
        """Whether the two must not happen at the same time."""
        return self.start < other.end and other.start < self.end and (self.writes or other.writes)

    def __str__(self) -> str:
        return f"{'write' if self.writes else 'read'} on {self.stream.name}"


@dataclasses.dataclass(frozen=True)
class Work:
    """An operation, and the lines of our sources that asked for it, the innermost first."""

    name: str
    lines: tuple[tuple[str, int], ...]

    @classmethod
    def here(cls, name: str) -> Work:
        lines: list[tuple[str, int]] = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and len(lines) < 3:
            if frame.f_code.co_filename.startswith(SOURCES):
                lines.append((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back
        return cls(name, tuple(lines))

    def __str__(self) -> str:
        return f"{self.name} at {' < '.join(f'{Path(name).name}:{line}' for name, line in self.lines)}"


class Memory:
    """What one storage of torch stands for on a card.

    owner: the stream that asked for it, whose next request may be answered with it once it is free. uses: the last of
    each kind, when and by whom: streams keep their order, so it stands for all before it.
    """

    def __init__(self, storage: torch.UntypedStorage, owner: Stream) -> None:
        self.owner = owner
        self.uses: dict[Use, tuple[int, Work]] = {}
        self._storage = StorageWeakRef(storage)  # keeps its name from being given to another

    @property
    def free(self) -> bool:
        return self._storage.expired()


class StreamsOnHost(TorchDispatchMode):
    """A card whose streams are watched. problems: what was found, and how often; operations: how many were watched.

        host = StreamsOnHost(monkeypatch)     # from now on networks on the processor think they are on a card
        ...                                   # whatever belongs to no frame: nobody watches
        with host.frame():
            ...
        assert not host.problems

    All that it changes is `monkeypatch`'s, and undone with it.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.problems: Counter[str] = Counter()
        self.operations = self.frames = 0
        self._streams = [Stream("main")]
        self._current = [self._streams[0]]
        self._memory: dict[int, Memory] = {}
        self._made: set[int] = set()
        """Memory that was asked for while somebody watched, and may become free."""
        self._install(monkeypatch)

    # What torch.cuda is asked for

    def stream(self, *_: object) -> Stream:
        self._streams.append(Stream(f"stream {len(self._streams)}"))
        return self._streams[-1]

    def current_stream(self, *_: object) -> Stream:
        return self._current[-1]

    @contextmanager
    def on(self, stream: Stream) -> Iterator[None]:
        self._current.append(stream)
        try:
            yield
        finally:
            self._current.pop()

    # What is found

    @contextmanager
    def frame(self) -> Iterator[None]:
        """Watch what is inside. At its end, even at that of an error, the main stream must have joined all others."""
        main = self._streams[0]
        try:
            with torch.inference_mode(), self:
                yield
        finally:
            for stream in self._streams:
                if not main.knows(stream, stream.clock[stream]):
                    self.report("UNJOINED", f"frame {self.frames} ends with work on {stream.name}")
            self.frames += 1

    def report(self, kind: str, what: str) -> None:
        self.problems[f"{kind}: {what}"] += 1

    def kinds(self) -> set[str]:
        """The first words of all problems."""
        return {problem.partition(":")[0] for problem in self.problems}

    def touch(self, what: str, reads: object, writes: object) -> None:
        """An operation of the current stream: tensors, however deep in lists, dictionaries and data classes."""
        stream = self.current_stream()
        stream.clock[stream] += 1
        self.operations += 1
        now = stream.clock[stream], Work.here(what)
        for tensor, is_written in [(t, False) for t in tensors_of(reads)] + [(t, True) for t in tensors_of(writes)]:
            if tensor.numel():
                self._use(tensor, is_written, now)

    def _use(self, tensor: Tensor, is_written: bool, now: tuple[int, Work]) -> None:
        stream = self.current_stream()
        start = int(tensor.storage_offset()) * tensor.element_size()
        last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride()))
        use = Use(stream, start, start + (last + 1) * tensor.element_size(), is_written)
        # What nobody asked for in a frame was there before.
        memory = self._memory_of(tensor, self._streams[0])
        for other, (time, work) in memory.uses.items():
            if other.conflicts(use) and not stream.knows(other.stream, time):
                self.report("RACE", f"{use} by {now[1]} beside {other} by {work}")
        memory.uses[use] = now

    def _memory_of(self, tensor: Tensor, owner: Stream) -> Memory:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._memory:
            self._memory[storage._cdata] = Memory(storage, owner)
        return self._memory[storage._cdata]

    def _allocate(self, tensor: Tensor, what: str) -> None:
        """Memory for a new tensor of the current stream: it may be any that has become free."""
        stream = self.current_stream()
        for key in [key for key in self._made if self._memory[key].free]:
            memory = self._memory[key]
            late = [(use, by) for use, (time, by) in memory.uses.items() if not memory.owner.knows(use.stream, time)]
            if memory.owner is stream and late:
                use, by = late[0]
                self.report("REUSE", f"memory of {stream.name} for {Work.here(what)} beside {use} by {by}")
            if memory.owner is stream or not late:
                self._made.remove(key)
                del self._memory[key]
        self._memory_of(tensor, stream)
        self._made.add(tensor.untyped_storage()._cdata)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        given = dict(zip((argument.name for argument in func._schema.arguments), args)) | kwargs
        written = [
            given.get(argument.name)
            for argument in func._schema.arguments
            if argument.alias_info is not None and argument.alias_info.is_write
        ]
        theirs = {tensor.untyped_storage()._cdata for tensor in tensors_of([args, kwargs])}
        fresh = [tensor for tensor in tensors_of(out) if tensor.untyped_storage()._cdata not in theirs]
        for tensor in fresh:
            self._allocate(tensor, func.__name__)
        if fresh or tensors_of(written):  # a view touches nothing
            self.touch(func.__name__, [args, kwargs], [written, fresh])
        return out

    # What is put in the place of what

    def _install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        put = monkeypatch.setattr
        cuda = SimpleNamespace(
            Stream=self.stream, Event=lambda: Event(self), current_stream=self.current_stream, stream=self.on
        )
        put(side_streams, "torch", SimpleNamespace(cuda=cuda))
        for of, name in (
            (side_streams.SideStreams, "__init__"),
            (side_streams.SideStream, "__init__"),
            (side_streams.PendingTensors, "announce"),
        ):
            put(of, name, _on_a_card(getattr(of, name)))
        put(runtime, "has_triton", lambda device: True)
        put(runtime, "available", lambda device: True)
        for place in (gpu_parts, gpu_stylegan3):
            put(place, "dense", self._dense)
        for place in (gpu_stylegan2, gpu_stylegan3):
            put(place, "enter", self._enter)
        put(gpu_parts, "modulate", self._modulate)
        put(gpu_parts, "gains_of", self._gains_of)
        put(gpu_parts.cuda, "derive", self._derive)
        put(convolution, "layer", self._layer)
        put(convolution, "to_rgb", self._to_rgb)
        put(doubling, "layer", self._doubling)
        put(gpu_stylegan3, "waves", self._waves)

    def _dense(self, x: Tensor, rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        out = torch.empty(weight.shape[:2])
        self.touch("dense", [x, rows, weight, bias], out)
        return out

    def _enter(self, x: Tensor, style: Tensor, pitch: int, channels: int) -> Tensor:
        out = torch.empty(x.shape[0] * pitch, channels, dtype=torch.float16)
        self.touch("enter", [x, style], out)
        return out

    def _modulate(
        self, styles: Tensor, energy: Tensor, norms: Tensor, factor: Tensor, *, known: int | None = None, **_: object
    ) -> tuple[Tensor, Tensor]:
        unit, gain = torch.empty_like(styles), torch.empty(energy.shape[:2])
        self.touch("modulate", [styles, energy[:known], norms[:known], factor], [unit, gain[:known]])
        return unit, gain

    def _gains_of(
        self, layers: tuple[int, int], gain: Tensor, styles: Tensor, energy: Tensor, norms: Tensor, factor: Tensor,
        **_: object,
    ) -> None:  # fmt: skip
        some = slice(*layers)
        self.touch("gains_of", [styles[some], energy[some], norms[some], factor[some]], gain[some])

    def _derive(
        self, out: Tensor, energy: Tensor, norms: Tensor | None, weight: object, taps: Tensor | None, parts: object
    ) -> None:
        self.touch("derive", [weight, taps, parts], [out, energy, norms])

    def _layer(
        self, x: Tensor, weight: Tensor, field: object, activation: Activation, colours: Colours | None, **_: object
    ) -> None:
        made = [activation.styled, activation.plain, colours.picture if colours else None]
        self.touch("layer", [x, weight, activation, colours], made)

    def _doubling(self, x: Tensor, weight: Tensor, taps: Tensor, field: object, activation: Activation) -> None:
        self.touch("doubling", [x, weight, taps, activation], [activation.styled, activation.plain])

    def _to_rgb(self, plain: Tensor, height: int, width: int, colours: Colours) -> None:
        self.touch("to_rgb", [plain, colours], colours.picture)

    def _waves(
        self, motion: Tensor, transform: Tensor, freqs: Tensor, phases: Tensor, size: tuple[int, int], *_: object
    ) -> Tensor:
        out = torch.empty(size[0] * size[1], len(phases), dtype=torch.float16)
        self.touch("waves", [motion, transform, freqs, phases], out)
        return out


def tensors_of(value: object) -> list[Tensor]:
    """All tensors in nested lists, dictionaries and data classes."""
    if isinstance(value, Tensor):
        return [value]
    if dataclasses.is_dataclass(value):
        return tensors_of([getattr(value, field.name) for field in dataclasses.fields(value)])
    if isinstance(value, Mapping):
        return tensors_of(list(value.values()))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [tensor for each in value for tensor in tensors_of(each)]
    return []


def _on_a_card(method: Any) -> Any:
    """The method, told that the processor it is given is a card."""

    def told(*args: Any, **kwargs: Any) -> Any:
        return method(*(CARD if isinstance(each, torch.device) else each for each in args), **kwargs)

    return told
