"""Building a patch beside the one that plays: files opened, every variant rehearsed and captured, or refused.

What the show has in use is never touched: a rehearsal runs on scratch state, and of the real state only what is missing
is added. If the device has too little memory for both patches, what was opened for the new one is given back.
"""

from __future__ import annotations

import gc
import logging

import torch

from ganzfeld.engine.foresight import foreseen
from ganzfeld.engine.program.built_patch import BuiltPatch
from ganzfeld.engine.program.capture import Graphs
from ganzfeld.engine.program.state import State
from ganzfeld.errors import PatchError
from ganzfeld.patch.evaluation import Evaluator
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.resources import Resources
from ganzfeld.values.outside import Inbox
from ganzfeld.values.time import Moment

log = logging.getLogger(__name__)

MOST_REHEARSED_VARIANTS = 16
"""Variants that are made ready before a patch plays; others play their first frame from Python, and are then captured.
"""


def build(
    graph: Graph, resources: Resources, device: torch.device, graphs: Graphs, state: State, moment: Moment
) -> BuiltPatch:
    """A patch made ready to play on `state`. Raises PatchError; nothing is left behind then."""
    opened = resources.opened()
    for attempt in (1, 2):
        try:
            return _built(graph, resources, device, graphs, state, moment)
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
            log.warning("attempt %d to build the patch ran out of memory: %s", attempt, error)
        # Here, where the exception is gone and with it what its frames held.
        resources.keep(opened)
        gc.collect()
        graphs.give_back()
    what = "There is too little memory for this patch beside the one that plays"
    raise PatchError(what, hint="The show goes on. Ask for smaller sizes or fewer networks")


def ran_out_of_memory(error: BaseException | None) -> bool:
    """Whether an exception, or what led to it, says that a device or the host has no memory left."""
    while error is not None:
        if isinstance(error, torch.OutOfMemoryError | MemoryError):
            return True
        words = str(error).lower()
        if isinstance(error, RuntimeError) and any(
            said in words for said in ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
        ):
            return True
        error = error.__cause__ or error.__context__
    return False


def _built(
    graph: Graph, resources: Resources, device: torch.device, graphs: Graphs, state: State, moment: Moment
) -> BuiltPatch:
    with graphs.beside():
        built = BuiltPatch(graph, resources, device, graphs)
        resources.await_kernels()
        scratch = State()
        values = Evaluator(graph, built.matched).evaluate(moment, Inbox(), scratch.expressions, {})
        holds = graph.patch.settings.hold is not None and not resources.exact
        smaller = [(values, halvings) for halvings in range(1, built.most_halvings + 1)] if holds else []
        soon = foreseen(graph, built.matched, built.choices, moment)
        variants = built.variants(values, soon, MOST_REHEARSED_VARIANTS)
        with torch.inference_mode():
            for variant, halvings in [(variants[0], 0), *smaller, *((variant, 0) for variant in variants[1:])]:
                program = built.program(variant, scratch, lambda path, error: None, halvings)
                program.prepare(moment, variant)
                pictures = program.run()
                built.sizes = built.sizes or {name: (x.shape[1], x.shape[0]) for name, x in pictures.items()}
                if program.wants_capture:
                    program.capture(state)
                program.binding.state = state  # the scratch state goes
                resources.hazards.step()
        return built
