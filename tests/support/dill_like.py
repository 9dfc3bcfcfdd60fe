"""Pickles as dill and cloudpickle write functions: calls that would make code."""

from __future__ import annotations

import sys
import types


class Call:
    """Pickles as a call of a function that this module made up."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        words = module.split(".")
        for end in range(1, len(words) + 1):
            name_of = ".".join(words[:end])
            sys.modules.setdefault(name_of, types.ModuleType(name_of))
        holder = sys.modules[module]
        function = getattr(holder, name, None)
        if function is None:

            def function(*_):
                raise AssertionError("named in pickles, never called")

            function.__module__, function.__qualname__, function.__name__ = module, name, name
            setattr(holder, name, function)
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def function() -> list[Call]:
    """A function as dill and as cloudpickle write it."""
    code = Call("dill._dill", "_create_code", 0, 0, 0, b"\x97\x00", (None,), ("print",), ("x",), "<stdin>")
    dilled = Call("dill._dill", "_create_function", code, {"__name__": "training"}, "f", None, None)
    clouded = Call("cloudpickle.cloudpickle", "_make_function", code, None, None, None)
    return [dilled, clouded, Call("dill._dill", "_load_type", "CodeType")]
