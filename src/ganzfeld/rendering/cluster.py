"""Renders the pieces of a take on a Ray cluster (extra `cluster`).

Each piece is a task. What it needs goes with it (the take, the state the piece before it left), and the piece comes
back with its state, so machines share no folder; only the networks and media must lie where they lay. A task whose
worker dies is given to another one by Ray; pieces that came back are in the folder here and are not rendered again.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.rendering.jobs import FinishedPiece, RenderJob, is_whole
from ganzfeld.rendering.piece_folder import PieceFolder
from ganzfeld.rendering.piece_renderer import PieceRenderer, Report

MOST_ATTEMPTS = 4
"""How often a piece may lose its worker."""
Files = dict[str, bytes]


def render_on_cluster(renderer: PieceRenderer, folder: PieceFolder, address: str, workers: int, report: Report) -> None:
    """Everything, on the cluster at `address` ("auto": the one of this machine; "local": one that is started for it).
    workers: at most so many pieces at once; 1: as many as there is room for. Raises GanzfeldError."""
    ray = _ray()
    with _connected(ray, address, workers):
        _render_all(ray, renderer, folder, workers if workers > 1 else 1 << 20, report)


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told what is rendered here
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ImportError:
        hint = 'In the folder of Ganzfeld: pip install -c constraints.txt ".[cluster]"'
        raise GanzfeldError("a cluster needs the package ray, which is not here", hint=hint) from None
    return ray


@contextlib.contextmanager
def _connected(ray: Any, address: str, workers: int) -> Iterator[None]:
    if ray.is_initialized():  # by whoever calls us
        yield
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == "local":
        options |= {"address": "local", "include_dashboard": False}
        if workers > 1:
            options["num_cpus"] = workers
    else:
        options["address"] = address
    try:
        ray.init(**options)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        reason = (str(error).strip().splitlines() or ["no answer"])[0].rstrip(".")
        hint = "Start one with: ray start --head; or use --cluster local"
        raise GanzfeldError(f"the cluster '{address}' cannot be reached: {reason}", hint=hint) from None
    try:
        yield
    finally:
        ray.shutdown()


def _render_all(ray: Any, renderer: PieceRenderer, folder: PieceFolder, most: int, report: Report) -> None:
    job = renderer.job
    on_gpu = job.device.startswith("cuda") or (job.device == "auto" and _gpus(ray) > 0)
    task = ray.remote(num_cpus=1, num_gpus=1 if on_gpu else 0, num_returns=2, max_retries=MOST_ATTEMPTS, max_calls=0)(
        _render_piece
    )
    take = ray.put(Path(job.take).read_bytes())
    waiting = [
        chain for chain, place in enumerate(renderer.chains) if not is_whole(place, folder.finished_pieces(chain))
    ]
    running: dict[Any, tuple[int, int, Any]] = {}

    def begin(chain: int) -> None:
        made = folder.finished_pieces(chain)
        note, files = task.remote(job, take, chain, made[-1] if made else None)
        running[note] = (chain, len(made), files)

    while waiting or running:
        while waiting and len(running) < most:
            begin(waiting.pop(0))
        ready, _ = ray.wait(list(running), num_returns=1)
        for note in ready:
            chain, number, files = running.pop(note)
            made = _fetched(ray, note)
            _write_files(folder, chain, number, _fetched(ray, files))
            folder.put(chain, number, made)
            report(made.count, [])
            if not is_whole(renderer.chains[chain], [made]):
                waiting.insert(0, chain)  # its state is fresh: others can wait


def _fetched(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, GanzfeldError):
            raise cause from None
        raise GanzfeldError(f"a piece could not be made on the cluster: {cause or error}") from None
    except ray.exceptions.RayError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        hint = "What is finished is kept; the same command goes on"
        raise GanzfeldError(f"the cluster lost a piece: {reason}", hint=hint) from None


def _gpus(ray: Any) -> float:
    return ray.cluster_resources().get("GPU", 0)


def _write_files(folder: PieceFolder, chain: int, number: int, files: Files) -> None:
    target = folder.unfinished(chain, number)
    if folder.many_files:
        shutil.rmtree(target.parent, ignore_errors=True)
    for name, data in files.items():
        path = target.parent / name if folder.many_files else target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


# On a worker

_kept: tuple[str, PieceRenderer] | None = None
"""The renderer of the last piece and what it was made from. It keeps its networks open for the next piece."""


def _render_piece(job: RenderJob, take: bytes, chain: int, before: FinishedPiece | None) -> tuple[FinishedPiece, Files]:
    """A piece, and its files' contents by their names in a piece folder."""
    global _kept
    key = hashlib.sha256(msgspec.msgpack.encode(job)).hexdigest()
    if _kept is None or _kept[0] != key:
        own = Path(tempfile.gettempdir()) / f"ganzfeld-{os.getpid()}"
        own.mkdir(exist_ok=True)
        here = own / "cluster.ganztake"
        here.write_bytes(take)
        if _kept is not None:
            _kept[1].close()
        _kept = key, PieceRenderer(msgspec.structs.replace(job, take=str(here)))
    renderer = _kept[1]
    with tempfile.TemporaryDirectory(prefix="ganzfeld-") as name:
        folder = PieceFolder(job, Path(name))
        target = folder.unfinished(chain, 0)
        target.parent.mkdir(exist_ok=True)
        made = renderer.piece(chain, before, target)
        root = target.parent if folder.many_files else folder.path
        files = {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    return made, files
