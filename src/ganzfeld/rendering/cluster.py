"""Makes the pieces of a render on a Ray cluster (extra `cluster`).

Each piece is a task. What it needs goes with it (the take, the state the piece before it left), and the piece comes
back with its state, so machines share no folder; only the networks and media must lie where they lay. A task whose
worker dies is given to another one by Ray; pieces that came back are on the shelf here and are never made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ganzfeld.errors import GanzfeldError
from ganzfeld.rendering.pieces import Job, Made, Maker, Shelf, is_whole

MOST_ATTEMPTS = 4
"""How often a piece may lose its worker."""
Files = dict[str, bytes]
Report = Callable[[int, list[GanzfeldError]], None]


def make_on_cluster(maker: Maker, shelf: Shelf, address: str, workers: int, report: Report) -> None:
    """Everything, on the cluster at `address` ("auto": the one of this machine; "local": one that is started for it).
    workers: at most so many pieces at once; 1: as many as there is room for. Raises GanzfeldError."""
    ray = _ray()
    with _connected(ray, address, workers):
        _make_all(ray, maker, shelf, workers if workers > 1 else 1 << 20, report)


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


def _make_all(ray: Any, maker: Maker, shelf: Shelf, most: int, report: Report) -> None:
    job = maker.job
    on_gpu = job.device.startswith("cuda") or (job.device == "auto" and _gpus(ray) > 0)
    task = ray.remote(num_cpus=1, num_gpus=1 if on_gpu else 0, num_returns=2, max_retries=MOST_ATTEMPTS, max_calls=0)(
        _make_piece
    )
    take = ray.put(Path(job.take).read_bytes())
    waiting = [chain for chain, place in enumerate(maker.chains) if not is_whole(place, shelf.made(chain))]
    running: dict[Any, tuple[int, int, Any]] = {}

    def begin(chain: int) -> None:
        made = shelf.made(chain)
        note, files = task.remote(job, take, chain, made[-1] if made else None)
        running[note] = (chain, len(made), files)

    while waiting or running:
        while waiting and len(running) < most:
            begin(waiting.pop(0))
        ready, _ = ray.wait(list(running), num_returns=1)
        for note in ready:
            chain, number, files = running.pop(note)
            made = _fetched(ray, note)
            _put_down(shelf, chain, number, _fetched(ray, files))
            shelf.put(chain, number, made)
            report(made.count, [])
            if not is_whole(maker.chains[chain], [made]):
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


def _put_down(shelf: Shelf, chain: int, number: int, files: Files) -> None:
    target = shelf.unfinished(chain, number)
    if shelf.many_files:
        shutil.rmtree(target.parent, ignore_errors=True)
    for name, data in files.items():
        path = target.parent / name if shelf.many_files else target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


# On a worker

_kept: tuple[str, Maker] | None = None
"""The maker of the last piece, with what it has open: networks are not opened for each piece anew."""


def _make_piece(job: Job, take: bytes, chain: int, before: Made | None) -> tuple[Made, Files]:
    """A piece, and what it came to: its files' contents by their names, in the order of a shelf."""
    global _kept
    key = hashlib.sha256(msgspec.msgpack.encode(job)).hexdigest()
    if _kept is None or _kept[0] != key:
        folder = Path(tempfile.gettempdir()) / f"ganzfeld-{os.getpid()}"
        folder.mkdir(exist_ok=True)
        here = folder / "cluster.ganztake"
        here.write_bytes(take)
        if _kept is not None:
            _kept[1].close()
        _kept = key, Maker(msgspec.structs.replace(job, take=str(here)))
    maker = _kept[1]
    with tempfile.TemporaryDirectory(prefix="ganzfeld-") as name:
        shelf = Shelf(job, Path(name))
        target = shelf.unfinished(chain, 0)
        made = maker.piece(chain, before, target)
        root = target.parent if shelf.many_files else shelf.folder
        files = {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    return made, files
