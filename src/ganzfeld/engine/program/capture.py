"""Capturing the device's work: recorded once, then repeated with one launch a frame.

`Graphs` is what the engine needs of a device. `CudaGraphs` captures CUDA graphs; `NoGraphs` captures nothing, so that
every step runs from Python, which is all there is on a CPU.

What makes capturing beside a running show safe on CUDA:

- Capturing executes nothing. What a graph needs (state, tables, buffers, compiled kernels) is made before, by a
  *rehearsal*: the same steps run from Python on scratch state, on a stream of the lowest priority.
- A capture belongs to its thread (`thread_local`): other threads may use the device as they please meanwhile.
- Captures take place on a stream of a priority that nothing else uses: streams come from a small pool by priority, and
  work that somebody puts on a stream while it is captured becomes part of the capture. The kernels keep the stream's
  priority when they are replayed, so that the show goes before rehearsals.
- Side streams (`kernels.side_streams`) are shared by all who fork into them, and torch's generator of random numbers is
  one for all: what runs from Python and what is captured share `capture_lock`.
- Nothing here synchronises the device or empties its caches, as `torch.cuda.graph` does at every capture; a rehearsal's
  end waits for its own stream alone.

Memory: graphs that never run at the same time may share a pool, each using what the others leave between their
replays. That holds for all programs of one patch: they are replayed one after the other on one stream, a replay reads
nothing that another replay left in the pool (state, uniforms and staging lie outside it), and what leaves a program is
copied out directly after its replay. Results that a later graph of the same program reads are held while that graph is
captured, so it does not take their memory.

When a patch has gone, its pool waits for the next one, and what rehearsals used stays with the allocator: giving memory
back to the device and asking for it again makes everybody wait who launches anything. So reloads in a row go on in two
pools that take turns. Only when nothing has been built for a while is the rest given back.
"""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ganzfeld.engine.program.reader_writer_lock import ReaderWriterLock

RENDERING = CAPTURING = -3
COPYING, REHEARSING = -2, 0
"""Priorities of streams, the lower the more urgent. `kernels.side_streams` has −1."""


@dataclass(frozen=True, slots=True)
class Captured:
    """replay: repeat the work. result: what the captured function returned, its tensors filled anew by each replay.
    kept: tensors from outside that the work reads or writes; they must live as long as it may be replayed."""

    replay: Callable[[], None]
    result: Any
    kept: tuple[torch.Tensor, ...] = ()


class Timer(Protocol):
    """How long frames take on the device."""

    def start(self) -> None:
        """A frame's work begins."""
        ...

    def stop(self) -> None:
        """All of it has been asked for."""
        ...

    def finished(self) -> list[float]:
        """Seconds of each frame that was done since the last call."""
        ...


class Graphs(Protocol):
    """How the work of a device is captured."""

    capture_lock: ReaderWriterLock
    """A thread holds it exclusively while it captures, and shared while it runs steps from Python."""

    def captures(self, device: torch.device) -> bool:
        """Whether work on this device can be captured."""
        ...

    def prime(self) -> None:
        """Make what this thread will need to rehearse and to capture; it takes long the first time."""
        ...

    def pool(self, device: torch.device) -> Any:
        """A pool of memory, for graphs that never run at the same time. It lives as long as what is returned, or its
        graphs."""
        ...

    def put_back(self, device: torch.device, pool: Any) -> None:
        """The graphs of this pool are gone: the next patch may have it."""
        ...

    def capture(self, device: torch.device, pool: Any, work: Callable[[], Any]) -> Captured:
        """Capture what `work` asks of the device, without executing it; in its turn. Raises what `work` raises, and
        RuntimeError for what cannot be captured."""
        ...

    def beside(self) -> AbstractContextManager[None]:
        """Within it, what is asked of the devices runs beside the show and gives way to it; it is done at the end."""
        ...

    def now(self) -> Callable[[], None]:
        """Marks this place in the queue of the show's device; what is returned waits until it is reached."""
        ...

    def give_back(self) -> None:
        """Give memory that is kept for the next patch back to the device."""
        ...

    def timer(self) -> Timer:
        """Measures frames."""
        ...


@dataclass(frozen=True, slots=True)
class _Pool:
    name: Any
    anchor: Captured | None = None


class NoGraphs:
    """Nothing is captured."""

    def __init__(self) -> None:
        self.capture_lock = ReaderWriterLock()

    def captures(self, device: torch.device) -> bool:
        return False

    def prime(self) -> None:
        pass

    def pool(self, device: torch.device) -> Any:
        return None

    def put_back(self, device: torch.device, pool: Any) -> None:
        pass

    def capture(self, device: torch.device, pool: Any, work: Callable[[], Any]) -> Captured:
        raise RuntimeError(f"work on {device} cannot be captured")

    @contextmanager
    def beside(self) -> Iterator[None]:
        yield

    def now(self) -> Callable[[], None]:
        return lambda: None

    def give_back(self) -> None:
        pass

    def timer(self) -> Timer:
        return HostTimer()


class CudaGraphs(NoGraphs):
    """CUDA graphs, on any number of devices."""

    def __init__(self, device: torch.device) -> None:
        """`device`: the show's."""
        super().__init__()
        self._device = device
        self._capturing: dict[torch.device, torch.cuda.Stream] = {}
        # Always the same ones: memory that was freed on a stream is kept for that stream.
        self._rehearsing = [
            torch.cuda.Stream(each, REHEARSING)
            for each in [*_other_devices(device), device]  # the last one becomes the current device
        ]
        self._primed = threading.local()
        self._abandoned: list[torch.cuda.CUDAGraph] = []
        self._waiting: dict[torch.device, list[_Pool]] = {}

    def captures(self, device: torch.device) -> bool:
        return device.type == "cuda"

    def prime(self) -> None:
        with torch.inference_mode():
            self._stream(self._device)

    def pool(self, device: torch.device) -> _Pool:
        if waiting := self._waiting.get(device):
            return waiting.pop()
        # The allocator forgets a pool with its last graph, and captures into a forgotten one fail: one stays.
        name = torch.cuda.graph_pool_handle()
        return _Pool(name, self.capture(device, _Pool(name), lambda: torch.zeros(1, device=device)))

    def put_back(self, device: torch.device, pool: _Pool) -> None:
        self._waiting.setdefault(device, []).append(pool)

    def capture(self, device: torch.device, pool: _Pool, work: Callable[[], Any]) -> Captured:
        stream = self._stream(device)
        graph = torch.cuda.CUDAGraph()
        outside = _FromOutside()
        # A collection could destroy CUDA objects in the middle of a capture, which would spoil it.
        with _no_collection(), torch.cuda.stream(stream):
            graph.capture_begin(pool=pool.name, capture_error_mode="thread_local")
            try:
                with outside:
                    result = work()
            except BaseException:
                self._abandon(graph, device, pool.name)
                raise
            graph.capture_end()
        return Captured(graph.replay, result, outside.tensors)

    def _abandon(self, graph: torch.cuda.CUDAGraph, device: torch.device, pool: Any) -> None:
        """End a capture that has failed. Ending it says so again, and may leave the allocator with a pointer to it."""
        with contextlib.suppress(Exception):
            graph.capture_end()
        with contextlib.suppress(Exception):
            torch._C._cuda_endAllocateToPool(device.index, pool)
        self._abandoned.append(graph)

    def _stream(self, device: torch.device) -> torch.cuda.Stream:
        if device not in self._capturing:
            self._capturing[device] = torch.cuda.Stream(device, CAPTURING)
        stream = self._capturing[device]
        primed = self._primed.__dict__.setdefault("devices", set())
        if device not in primed:
            # Libraries make a handle for each thread, and a workspace for each stream, when first used: before a
            # capture, or the workspace lies in that capture's pool.
            primed.add(device)
            with torch.cuda.stream(stream):
                for dtype in (torch.float32, torch.float16):
                    square = torch.zeros(64, 64, dtype=dtype, device=device)
                    torch.addmm(square[0], square, square)
                    torch.bmm(square[None], square[None])
                    torch.conv2d(square[None, None], square[None, None, :3, :3])
            stream.synchronize()
        return stream

    @contextmanager
    def beside(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for stream in self._rehearsing:
                stack.enter_context(torch.cuda.stream(stream))
            yield
            for stream in self._rehearsing:
                stream.synchronize()

    def now(self) -> Callable[[], None]:
        event = torch.cuda.Event()
        event.record(torch.cuda.current_stream(self._device))
        return event.synchronize

    def give_back(self) -> None:
        self._waiting.clear()
        torch.cuda.empty_cache()

    def timer(self) -> Timer:
        return CudaTimer(self._device)


def graphs_for(device: torch.device) -> Graphs:
    """How work for a show on this device is captured."""
    return CudaGraphs(device) if device.type == "cuda" else NoGraphs()


def _other_devices(device: torch.device) -> list[torch.device]:
    return [other for index in range(torch.cuda.device_count()) if (other := torch.device("cuda", index)) != device]


@contextmanager
def _no_collection() -> Iterator[None]:
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _FromOutside(TorchDispatchMode):
    """Collects the tensors that operations are given and that none of them has made.

    A graph knows addresses only. Most of what it reads belongs to the patch and lives as long; but a table that a
    kernel keeps in a cache of limited size may be dropped from there while a graph still reads it.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Tells torch that this mode is never compiled. Else torch imports its compiler to find out, for seconds."""
        return False

    def __init__(self) -> None:
        super().__init__()
        self._made: set[int] = set()
        self._found: dict[int, torch.Tensor] = {}

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        return tuple(self._found.values())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        for tensor in _tensors_in((args, kwargs)):
            memory = tensor.untyped_storage().data_ptr()
            if memory and memory not in self._made:
                self._found.setdefault(memory, tensor)
        made = func(*args, **kwargs)
        for tensor in _tensors_in(made):
            memory = tensor.untyped_storage().data_ptr()
            if memory not in self._found:
                self._made.add(memory)
        return made


def _tensors_in(values: Any) -> Iterator[torch.Tensor]:
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, dict):
        for value in values.values():
            yield from _tensors_in(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _tensors_in(value)


class HostTimer:
    """Where what is asked for is done at once."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._began = 0.0
        self._done: list[float] = []

    def start(self) -> None:
        self._began = self._now()

    def stop(self) -> None:
        self._done.append(self._now() - self._began)

    def finished(self) -> list[float]:
        done, self._done = self._done, []
        return done


class CudaTimer:
    """With events in the device's own queue."""

    EVERY = 4
    """One frame in so many is measured: that costs the host a tenth of its time for a frame."""
    MOST_WAITING = 8
    """Frames under way that are measured; beyond them, the device is so far behind that one frame more says nothing."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._free: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        self._waiting: deque[tuple[torch.cuda.Event, torch.cuda.Event]] = deque()
        self._now: tuple[torch.cuda.Event, torch.cuda.Event] | None = None
        self._turn = 0

    def start(self) -> None:
        self._now = None
        self._turn = (self._turn + 1) % self.EVERY
        if self._turn or len(self._waiting) >= self.MOST_WAITING:
            return
        self._now = self._free.pop() if self._free else (self._event(), self._event())
        self._now[0].record(torch.cuda.current_stream(self._device))

    def stop(self) -> None:
        if self._now is not None:
            self._now[1].record(torch.cuda.current_stream(self._device))
            self._waiting.append(self._now)

    def finished(self) -> list[float]:
        done = []
        while self._waiting and self._waiting[0][1].query():
            pair = self._waiting.popleft()
            done.append(pair[0].elapsed_time(pair[1]) / 1000)
            self._free.append(pair)
        return done

    def _event(self) -> torch.cuda.Event:
        return torch.cuda.Event(enable_timing=True)
