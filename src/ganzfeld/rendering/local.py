"""Makes the pieces of a render in this process, or in several of this machine."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.rendering.pieces import Job, Maker, Shelf, is_whole, make_chain

MOST_ATTEMPTS = 4
Report = Callable[[int, list[GanzfeldError]], None]


def make_here(maker: Maker, shelf: Shelf, report: Report) -> None:
    """Everything, in this process, one piece after the other."""
    for chain in range(len(maker.chains)):
        make_chain(maker, shelf, chain, report)


def make_side_by_side(maker: Maker, shelf: Shelf, workers: int, report: Report) -> None:
    """Chains in `workers` processes, over all GPUs. A process that dies is replaced, and what it had finished is kept.
    Raises GanzfeldError if a chain kills its process again and again."""
    todo = {chain for chain, place in enumerate(maker.chains) if not is_whole(place, shelf.made(chain))}
    context = multiprocessing.get_context("spawn")
    made, turn = context.Value("q", 0), context.Value("q", 0)
    told = 0
    ended = threading.Event()

    def tell() -> None:
        nonlocal told
        while not ended.wait(0.1):
            now = made.value
            if now > told:
                report(now - told, [])
                told = now

    teller = threading.Thread(target=tell, name="ganzfeld-progress", daemon=True)
    teller.start()
    try:
        for attempt in range(MOST_ATTEMPTS):
            if not todo:
                break
            time.sleep(min(attempt, 3))
            workers = min(workers, len(todo))
            with ProcessPoolExecutor(workers, context, _begin, (maker.job, made, turn)) as pool:
                futures = {chain: pool.submit(_make, chain) for chain in sorted(todo)}
                for chain, future in futures.items():
                    try:
                        future.result()
                        todo.discard(chain)
                    except BrokenProcessPool:
                        continue
                    except BaseException:
                        pool.shutdown(wait=False, cancel_futures=True)
                        raise
    finally:
        ended.set()
        teller.join()
        if made.value > told:
            report(made.value - told, [])
    if todo:
        raise GanzfeldError(
            f"the processes that render die, {MOST_ATTEMPTS} times in a row",
            hint="Try fewer: --workers 1. What is finished is kept; the same command goes on",
        )


_maker: Maker | None = None
_made: Any = None


def _begin(job: Job, made: Any, turn: Any) -> None:
    """A worker's beginning: it opens the take, and takes its turn at the GPUs."""
    global _maker, _made
    import torch

    if job.device in ("auto", "cuda") and torch.cuda.is_available():
        with turn.get_lock():
            mine, turn.value = turn.value, turn.value + 1
        job = msgspec.structs.replace(job, device=f"cuda:{mine % torch.cuda.device_count()}")
    _maker, _made = Maker(job), made


def _make(chain: int) -> None:
    assert _maker is not None

    def report(count: int, problems: list[GanzfeldError]) -> None:
        with _made.get_lock():
            _made.value += count

    make_chain(_maker, Shelf(_maker.job), chain, report)
