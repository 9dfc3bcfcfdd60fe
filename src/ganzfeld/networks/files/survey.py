"""What lies where in the data of a file: its tensors by whole names, its modules by their places.

Training loops keep a generator under many names ("G_ema", "g_ema", "params_ema", "state_dict", or none), as a pickled
module or as a state dict, wrapped once or twice ("module.", "_orig_mod."), among encoders and discriminators. A format
asks for the place where the tensors that it knows lie together; what the way there is called does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.values import Array, Record

MAX_PARTS = 200_000
"""Things looked at. A full snapshot with its optimizers holds some 10,000."""
MAX_DEPTH = 24
MAX_NAME = 300

_AVERAGED = re.compile(r"(?:^|[^a-z])(?:g?ema|gs|smooth|averaged?)(?:[^a-z]|$)")
_DISCRIMINATOR = re.compile(r"(?:net_?)?d(?:_\w*)?|disc\w*|critic\w*")


@dataclass(frozen=True)
class Survey:
    """tensors: whole name -> array, "G_ema.synthesis.b4.const". modules: place -> the pickled module, "G_ema"."""

    tensors: dict[str, Array] = field(default_factory=dict)
    modules: dict[str, Record] = field(default_factory=dict)

    def place(self, *names: str) -> str | None:
        """Where tensors of all these `names` lie together, as what comes before them: "G_ema.", "" or None for nowhere.

        A running average is preferred to the generator that was trained, and what lies higher to what lies deeper.
        """
        found = None
        for name in names:
            ends = (name, f".{name}")
            here = [whole.removesuffix(name) for whole in self.tensors if whole == ends[0] or whole.endswith(ends[1])]
            found = here if found is None else [place for place in found if place in set(here)]
        return min(found or (), key=_rank, default=None)

    def state(self, place: str) -> dict[str, Array]:
        """The tensors at a place by the rest of their names: a state dict."""
        return {name.removeprefix(place): array for name, array in self.tensors.items() if name.startswith(place)}

    def module(self, place: str) -> Record | None:
        """The pickled module at a place, if it was pickled as one."""
        return self.modules.get(place.removesuffix("."))


def is_discriminator(name: str) -> bool:
    """Whether one of the first words of a name says that it belongs to a discriminator."""
    return any(_DISCRIMINATOR.fullmatch(word) for word in name.lower().split(".", 4)[:4])


def _rank(place: str) -> tuple[bool, bool, int]:
    return is_discriminator(place), not is_averaged(place), place.count(".")


def is_averaged(place: str) -> bool:
    """Whether the name of a place says that a running average lies there."""
    return _AVERAGED.search(place.lower()) is not None


def survey(content: object) -> Survey:
    """Look through what a file holds. Raises NetworkFileError where that has no end."""
    found = Survey()
    waiting: list[tuple[str, object, int]] = [("", content, 0)]
    for _ in range(MAX_PARTS):
        if not waiting:
            return found
        name, value, depth = waiting.pop()
        if isinstance(value, Array):
            found.tensors[name] = value
            continue
        if isinstance(value, Record) and is_module(value):
            found.modules[name] = value
        parts = list(_parts(value)) if depth < MAX_DEPTH else []
        if len(waiting) + len(parts) > MAX_PARTS:
            break
        inner = [(f"{name}.{key}" if name else key, part, depth + 1) for key, part in parts]
        # Last in, first out: the order of the file is kept.
        waiting.extend(item for item in reversed(inner) if len(item[0]) <= MAX_NAME)
    raise NetworkFileError(
        f"the file holds more than {MAX_PARTS:,} parts",
        hint="No network has that many: it is damaged, or something else.",
    )


def is_module(record: Record) -> bool:
    """Whether an object of the file is a PyTorch module, pickled whole."""
    return isinstance(record.state.get("_modules"), dict) and isinstance(record.state.get("_parameters"), dict)


def mapping_of(value: object) -> Mapping[object, object] | None:
    """A dictionary of the file, or the items of an object that is some kind of dictionary; None for anything else."""
    if isinstance(value, dict):
        return value
    return value.items if isinstance(value, Record) and value.items else None


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """What an object holds by name, as far as tensors may lie there."""
    if isinstance(value, Record) and is_module(value):
        groups = [value.state.get(name) for name in ("_parameters", "_buffers", "_modules")]
    elif isinstance(value, (list, tuple)):
        groups = [dict(enumerate(value))] if len(value) <= 1000 else []
    else:
        groups = [mapping_of(value)]
    for group in groups:
        if isinstance(group, Mapping):
            for key, part in group.items():
                if isinstance(key, (str, int)) and isinstance(part, (Array, Record, dict, list, tuple)):
                    yield str(key), part
