"""Side streams of CUDA: small operations that do not depend on each other, run side by side on one device.

A kernel that changes a few hundred numbers takes a microsecond or two however few they are, and a network has hundreds
of such tensors. Captured in a CUDA graph, side streams become branches of the graph. On a processor there are none, and
everything happens in the order in which it is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress

import torch

COUNT = 8
PRIORITY = -1
"""PyTorch keeps the streams of each priority in a pool of their own. Nobody else asks for this one, so a capture cannot
catch what others put on their streams."""


@contextmanager
def _in_the_end(join: Callable[[], object]) -> Iterator[None]:
    """Join side streams at the end, also after an error: the memory that they work on may be given to others then."""
    try:
        yield
    except BaseException:
        # A capture that has failed has nothing left to join.
        with suppress(RuntimeError):
            join()
        raise
    join()


class SideStreams:
    """Several side streams, to which operations are given in turn.

    with streams.open():          # each begins after everything that was queued before
        for each in many:
            with streams.next():
                ...               # what is queued here keeps its order, and runs beside the others
    ...                           # what is queued here comes after all of it
    """

    def __init__(self, device: torch.device, count: int = COUNT) -> None:
        on_gpu = device.type == "cuda"
        self._streams = [torch.cuda.Stream(device, PRIORITY) for _ in range(count)] if on_gpu else []
        self._taken = 0

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._streams)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Fork the streams off the current one, and join them again at the end."""
        if not self._streams:
            yield
            return
        current = torch.cuda.current_stream(self._streams[0].device)
        for stream in self._streams:
            stream.wait_stream(current)
        with _in_the_end(lambda: [current.wait_stream(stream) for stream in self._streams]):
            yield

    def next(self) -> AbstractContextManager[object]:
        """The next stream in turn is the current one inside."""
        if not self._streams:
            return nullcontext()
        self._taken = (self._taken + 1) % len(self._streams)
        return torch.cuda.stream(self._streams[self._taken])


class SideStream:
    """One side stream, forked and joined by hand. A thread joins what it has forked itself.

    with stream.fork():    # begins after everything that was queued before
        ...
    ...                    # runs beside it: until the join, what the side stream reads must not be freed or written
    stream.join()          # what is queued after this comes after it
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device, PRIORITY) if device.type == "cuda" else None
        self._forked = threading.local()

    @contextmanager
    def fork(self) -> Iterator[None]:
        """The side stream is the current one inside."""
        if self._stream is None:
            yield
            return
        self._stream.wait_stream(torch.cuda.current_stream(self._stream.device))
        self._forked.now = True
        with torch.cuda.stream(self._stream):
            yield

    def join(self) -> None:
        """What the current stream is given from now on comes after all that the side stream was given."""
        if self._stream is not None and getattr(self._forked, "now", False):
            self._forked.now = False
            torch.cuda.current_stream(self._stream.device).wait_stream(self._stream)


@contextmanager
def joined_at_the_latest(*streams: SideStream) -> Iterator[None]:
    """These side streams are joined at the end, even if an error ends what is inside."""
    with ExitStack() as stack:
        for stream in streams:
            stack.enter_context(_in_the_end(stream.join))
        yield


class PendingTensors:
    """Tensors that side streams are still making, by name. Whoever reads one of them waits for it before.

    Each thread has its own. On a processor nothing is ever pending.
    """

    def __init__(self) -> None:
        self._local = threading.local()

    @property
    def _made(self) -> dict[str, torch.cuda.Event]:
        return self._local.__dict__.setdefault("made", {})

    def announce(self, names: Iterable[str], device: torch.device) -> None:
        """They are there when what the current stream was given up to now is done."""
        if device.type == "cuda":
            event = torch.cuda.Event()
            event.record(torch.cuda.current_stream(device))
            self._made.update(dict.fromkeys(names, event))

    def any_of(self, names: Iterable[str]) -> bool:
        """Whether one of them would have to be waited for."""
        return not self._made.keys().isdisjoint(names)

    def wait(self, names: Iterable[str] | None = None, *, but: Collection[str] = ()) -> None:
        """What the current stream is given from now on comes after these tensors (None: all), but not after those."""
        waited = set()
        for name in list(self._made) if names is None else names:
            if name in self._made and name not in but:
                event = self._made.pop(name)
                if event not in waited:
                    waited.add(event)
                    event.wait(torch.cuda.current_stream(event.device))

    def forget(self) -> None:
        """Nothing is pending."""
        self._made.clear()
