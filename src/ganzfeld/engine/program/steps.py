"""The steps of a program: one node rendering one request each, and what they run on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, Protocol

import torch

from ganzfeld.engine.picture_watch import PictureSample
from ganzfeld.engine.program.state import State
from ganzfeld.engine.program.uniform_buffer import UniformBuffer
from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.graph import GraphNode
from ganzfeld.patch.node import Node, NodeTap, RenderContext, Request

Report = Callable[[str, Exception], None]


class StepTap(Protocol):
    """Looks at what a program's steps make, and changes nothing of it (`engine.taps`)."""

    def of(self, name: str) -> NodeTap | None:
        """What looks into a node."""
        ...

    def step(self, number: int, result: Any) -> None:
        """A step has made this."""
        ...

    def join(self) -> None:
        """What is asked of the device from now on comes after all the looking."""
        ...


@dataclass(slots=True)
class Staged:
    """One step's part of the staging buffers."""

    uniforms: UniformBuffer
    step: int

    @property
    def buffers(self) -> Mapping[str, torch.Tensor]:
        return self.uniforms.buffers(self.step)


@dataclass
class ProgramStep:
    """One node rendering one request on one device. sample: of a network's, some pixels of what it made last."""

    node: Node
    graph: GraphNode
    request: Request
    inputs: dict[str, int]
    context: RenderContext
    staged: Staged
    device: torch.device
    sample: PictureSample | None = None

    def __post_init__(self) -> None:
        self._names, addresses = tuple(self.graph.addresses), tuple(self.graph.addresses.values())
        self._values = itemgetter(*addresses) if len(addresses) > 1 else None
        self.stage = partial(self.staged.uniforms.stage, self.staged.step)

    def host(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """This frame's value of every parameter that has an address."""
        if self._values is None:
            return {name: values[address] for name, address in self.graph.addresses.items()}
        return dict(zip(self._names, self._values(values)))


class Binding:
    """The state that a program runs on now, and where its problems are reported. Its steps hold this object, so the
    program can be run on another state (scratch, or a fork) without making the steps anew.

    touched: the arguments of every tensor that the steps have asked for.
    """

    __slots__ = ("report", "state", "touched")

    def __init__(self) -> None:
        self.state = State()
        self.report: Report = lambda path, error: None
        self.touched: set[tuple] = set()

    def tensor(
        self, path: str, device: torch.device, name: str, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
    ) -> torch.Tensor:
        arguments = (path, device, name, tuple(shape), dtype)
        self.touched.add(arguments)
        return self.state.tensor(*arguments)

    def tell(self, path: str, error: Exception) -> None:
        self.report(path, error)


def of_line(parameters: Mapping[str, Any], line: str) -> dict[str, Any]:
    """The parameters of one method line, by their own names."""
    return {key[len(line) + 1 :]: value for key, value in parameters.items() if key.rpartition(".")[0] == line}


class blamed_on:  # noqa: N801
    """Within it, an error of a node becomes a PatchError that points at the node's line. This is a class because a
    generator-based context manager takes longer to enter than the 0.2 µs of this one."""

    __slots__ = ("step",)

    def __init__(self, step: ProgramStep) -> None:
        self.step = step

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if error is None or not isinstance(error, Exception) or isinstance(error, PatchError):
            return
        graph = self.step.graph
        if isinstance(error, GanzfeldError):
            raise PatchError(error.what, where=graph.where, hint=error.hint) from error
        if isinstance(error, torch.OutOfMemoryError):
            hint = "Show a smaller size or fewer networks"
            raise PatchError(f"The device has no memory left for {graph.name}", where=graph.where, hint=hint) from error
        what = f"{graph.cls.word} failed: {type(error).__name__}: {error}"
        raise PatchError(what, where=graph.where) from error
