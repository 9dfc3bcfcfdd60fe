"""Kernels that have never been compiled are compiled by another process, while this one draws.

Triton compiles a kernel when it is first launched, and holds Python's lock for up to two seconds then, in which no
other thread of the process draws a frame. Here a thread that finds a kernel missing asks another process to put it into
Triton's cache on disk, and takes it from there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from triton import knobs
from triton.runtime.cache import get_cache_key, get_cache_manager
from triton.runtime.driver import driver

from ganzfeld.kernels.triton.driver import OURS
from ganzfeld.repeated_log import RepeatedLog

said = RepeatedLog(logging.getLogger(__name__))

Compile = Callable[[str, str, str], None]
"""Has a kernel compiled: (module, name of the function, Triton's description of what it is compiled for). Raises
whatever hinders it."""


def install(compile_it: Compile) -> None:
    """From now on kernels of ours that are not on disk are compiled by `compile_it`, on all threads but the main one:
    nobody would draw meanwhile if that one waited."""

    def hook(*, fn: Any, compile: dict[str, Any], **more: Any) -> bool:
        if threading.current_thread() is not threading.main_thread() and str(fn.module).startswith(OURS):
            # What cannot be done elsewhere is done here, and holds the show up.
            try:
                if not is_on_disk(fn.jit_function, compile):
                    compile_it(fn.module, fn.name, compile["specialization_data"])
            except Exception as error:
                said.warning(f"the kernel {fn.name} could not be compiled beside the show: {error!r}")
        return False  # and Triton goes on

    knobs.runtime.jit_cache_hook = hook


def is_on_disk(kernel: Any, wanted: dict[str, Any]) -> bool:
    """Whether a kernel is in Triton's cache. kernel: its JITFunction; wanted: what Triton tells its hook."""
    backend = kernel.device_caches[driver.active.get_current_device()][3]
    asked = json.loads(wanted["specialization_data"])["options"]
    options = backend.parse_options({key: tuple(v) if isinstance(v, list) else v for key, v in asked.items()})
    source = kernel.ASTSource(kernel, wanted["signature"], wanted["constants"], wanted["configs"][0])
    key = get_cache_key(source, backend, options, env_vars=_variables())
    folder = get_cache_manager(hashlib.sha256(key.encode()).hexdigest())
    name = f"{source.name[:150]}.json"
    return name in (folder.get_group(name) or {})


def _variables() -> Any:
    """Environment variables that change what is compiled."""
    from triton._C.libtriton import get_cache_invalidating_env_vars

    return get_cache_invalidating_env_vars()
