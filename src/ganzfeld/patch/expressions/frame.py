"""What an expression is given: the names it may refer to when it is compiled, the frame when it is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ganzfeld.values.outside import Inbox
from ganzfeld.values.time import Moment

if TYPE_CHECKING:
    import numpy as np


@dataclass(slots=True)
class FrameContext:
    """One frame, as its expressions see it.

    values: this frame's host values of the named signals ("kick") and the nodes' parameters ("face.psi").
    state: what `phase`, `lag`, `env` … remember. It outlives programs and goes into checkpoints: strings as keys,
      numbers, strings, bools and lists of them as values. Entries are replaced, never changed in place.
    i, n: which match of a glob, of how many. c: the channels' numbers, float64 [channels], where there are channels.
    """

    moment: Moment
    inbox: Inbox = field(default_factory=Inbox)
    values: Mapping[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    i: int = 0
    n: int = 1
    c: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """The names an expression may refer to, besides the vocabulary.

    signals: named signals and knobs ("kick"). parameters: node -> the parameters that can be read (`face.psi`).
    nodes: further nodes, without readable parameters. channels: whether `c`, the channel, may be used.
    statements: words that stand on lines of their own, and such a line, for a hint.
    """

    signals: AbstractSet[str] = frozenset()
    parameters: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    nodes: AbstractSet[str] = frozenset()
    channels: bool = False
    statements: Mapping[str, str] = field(default_factory=dict)
