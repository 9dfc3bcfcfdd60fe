"""Triton's interpreter, quicker: what it does for each call of a function within a kernel, it does once a launch.

Before a kernel is interpreted, Triton puts its own functions in the place of those of `triton.language`, and it does so
again whenever the kernel calls another function, some hundred attributes each time, though they are still there. A
kernel that is unrolled calls hundreds of functions for each of its programs, so that was most of the time.
"""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import Any


def quicken() -> None:
    """If Triton has been imported to interpret. May be called again."""
    interpreter: Any = sys.modules.get("triton.runtime.interpreter")
    if interpreter is None or hasattr(interpreter, "_replaced"):
        return
    interpreter._replaced = replaced = set[int]()
    patch, launch = interpreter._patch_lang, interpreter.GridExecutor.__call__

    @functools.cache
    def languages(function: Any) -> frozenset[int]:
        """The modules of Triton's language that a function sees."""
        known = interpreter.tl, interpreter.tl.core
        seen = [value for value in function.__globals__.values() if isinstance(value, ModuleType)]
        return frozenset(id(value) for value in seen if any(value is each for each in known))

    def patch_once(function: Any) -> Any:
        if not languages(function) <= replaced:
            replaced.update(languages(function))
            return patch(function)
        return interpreter._LangPatchScope()

    @functools.wraps(launch)
    def launched(self: Any, *arguments: Any, **more: Any) -> Any:
        replaced.clear()  # they are put back after a launch
        try:
            return launch(self, *arguments, **more)
        finally:
            replaced.clear()

    interpreter._patch_lang = patch_once
    interpreter.GridExecutor.__call__ = launched
