"""Many small operations side by side on one device."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress

import torch

COUNT = 8
PRIORITY = -1
"""Streams of this priority come from a pool of their own, so that a capture cannot catch what others do on theirs."""


@contextmanager
def _in_the_end(join: Callable[[], object]) -> Iterator[None]:
    """Join what works beside, also after an error: others may be given the memory that it works on."""
    try:
        yield
    except BaseException:
        # A capture that has failed has nothing left to join.
        with suppress(RuntimeError):
            join()
        raise
    join()


class Lanes:
    """Queues of work that do not wait for each other: CUDA streams on a GPU, nothing at all elsewhere.

    A kernel that changes a few hundred numbers takes a microsecond or two however few they are; a network has hundreds
    of such tensors, which do not depend on each other.

        with lanes.open():            # after everything that was asked for before
            for each in many:
                with lanes.next():
                    ...               # in its order, beside the others
        ...                           # after all of it

    Captured in a CUDA graph, the lanes become branches of the graph.
    """

    def __init__(self, device: torch.device, count: int = COUNT) -> None:
        on_gpu = device.type == "cuda"
        self._streams = [torch.cuda.Stream(device, PRIORITY) for _ in range(count)] if on_gpu else []
        self._taken = 0

    @contextmanager
    def open(self) -> Iterator[None]:
        """Fork the lanes off the current stream, and join them again at the end."""
        if not self._streams:
            yield
            return
        current = torch.cuda.current_stream(self._streams[0].device)
        for stream in self._streams:
            stream.wait_stream(current)
        with _in_the_end(lambda: [current.wait_stream(stream) for stream in self._streams]):
            yield

    def next(self) -> AbstractContextManager[object]:
        """The next lane in turn."""
        if not self._streams:
            return nullcontext()
        self._taken = (self._taken + 1) % len(self._streams)
        return torch.cuda.stream(self._streams[self._taken])


class Branch:
    """One queue of work beside the current one, which goes on meanwhile. What a thread forks, it joins itself.

    with branch.fork():    # after everything that was asked for before
        ...
    ...                    # beside it: what the branch uses must be held, and left as it is, until
    branch.join()          # after it
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device, PRIORITY) if device.type == "cuda" else None
        self._forked = threading.local()

    @contextmanager
    def fork(self) -> Iterator[None]:
        """The work inside goes to the branch."""
        if self._stream is None:
            yield
            return
        self._stream.wait_stream(torch.cuda.current_stream(self._stream.device))
        self._forked.now = True
        with torch.cuda.stream(self._stream):
            yield

    def join(self) -> None:
        """What follows comes after all that went to the branch."""
        if self._stream is not None and getattr(self._forked, "now", False):
            self._forked.now = False
            torch.cuda.current_stream(self._stream.device).wait_stream(self._stream)


@contextmanager
def joined_at_the_latest(*branches: Branch) -> Iterator[None]:
    """These branches are joined even if an error ends what is inside."""
    with ExitStack() as stack:
        for branch in branches:
            stack.enter_context(_in_the_end(branch.join))
        yield


class Coming:
    """What is being made beside the current queue, by name. Whoever reads one of these waits for it before.

    Nothing comes on a processor, where all is done in its order. Threads know nothing of each other's.
    """

    def __init__(self) -> None:
        self._local = threading.local()

    @property
    def _made(self) -> dict[str, torch.cuda.Event]:
        return self._local.__dict__.setdefault("made", {})

    def announce(self, names: Iterable[str], device: torch.device) -> None:
        """They will be there when what was asked for up to now, of the current queue or lane, is done."""
        if device.type == "cuda":
            event = torch.cuda.Event()
            event.record(torch.cuda.current_stream(device))
            self._made.update(dict.fromkeys(names, event))

    def any_of(self, names: Iterable[str]) -> bool:
        """Whether one of them would have to be waited for."""
        return not self._made.keys().isdisjoint(names)

    def wait(self, names: Iterable[str] | None = None, *, but: Collection[str] = ()) -> None:
        """What follows in the current queue comes after they are there: these names (None: all), but not those."""
        waited = set()
        for name in list(self._made) if names is None else names:
            if name in self._made and name not in but:
                event = self._made.pop(name)
                if event not in waited:
                    waited.add(event)
                    event.wait(torch.cuda.current_stream(event.device))

    def forget(self) -> None:
        """Nothing is coming."""
        self._made.clear()
