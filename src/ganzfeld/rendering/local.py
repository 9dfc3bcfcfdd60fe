"""Renders the pieces of a take in this process, or in several processes of this machine."""

from __future__ import annotations

import multiprocessing
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.rendering.jobs import RenderJob, is_whole
from ganzfeld.rendering.piece_folder import PieceFolder, render_chain
from ganzfeld.rendering.piece_renderer import PieceRenderer, Report

MOST_ATTEMPTS = 4
"""How often processes are started anew after one died."""
MOST_REST_SECONDS = 3.0
"""Before processes are started anew; the first time a second."""
TELL_SECONDS = 0.1
"""Between two looks at how many frames the processes have rendered."""


def render_here(renderer: PieceRenderer, folder: PieceFolder, report: Report) -> None:
    """Everything, in this process, one piece after the other."""
    for chain in range(len(renderer.chains)):
        render_chain(renderer, folder, chain, report)


def render_in_processes(renderer: PieceRenderer, folder: PieceFolder, workers: int, report: Report) -> None:
    """Chains in `workers` processes, over all GPUs. A process that dies is replaced, and what it had finished is kept.
    Raises GanzfeldError if a chain kills its process again and again."""
    todo = {chain for chain, place in enumerate(renderer.chains) if not is_whole(place, folder.finished_pieces(chain))}
    context = multiprocessing.get_context("spawn")
    made, turn = context.Value("q", 0), context.Value("q", 0)
    told = 0
    ended = threading.Event()

    def tell() -> None:
        nonlocal told
        while not ended.wait(TELL_SECONDS):
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
            time.sleep(min(attempt, MOST_REST_SECONDS))
            workers = min(workers, len(todo))
            with ProcessPoolExecutor(workers, context, _begin, (renderer.job, made, turn)) as pool:
                futures = {chain: pool.submit(_render, chain) for chain in sorted(todo)}
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


_renderer: PieceRenderer | None = None
_made: Any = None
"""Of a worker process: its renderer, and the number of frames that all workers share."""


def _begin(job: RenderJob, made: Any, turn: Any) -> None:
    """Runs first in each process: chooses one of the GPUs by turns, and opens the take."""
    global _renderer, _made
    import torch

    if job.device in ("auto", "cuda") and torch.cuda.is_available():
        with turn.get_lock():
            mine, turn.value = turn.value, turn.value + 1
        job = msgspec.structs.replace(job, device=f"cuda:{mine % torch.cuda.device_count()}")
    _renderer, _made = PieceRenderer(job), made


def _render(chain: int) -> None:
    assert _renderer is not None

    def report(count: int, problems: list[GanzfeldError]) -> None:
        with _made.get_lock():
            _made.value += count

    render_chain(_renderer, PieceFolder(_renderer.job), chain, report)
