"""Tensors made from a network's own tensors: what they are made of, and making them again when that changes.

The numbers of a file stay as they are. A faster path wants them otherwise: multiplied by their gains, stacked,
in another memory layout. Each such tensor names its sources, so that whoever changes a weight in place
(a bend) has exactly what depends on it made again, into the same memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ganzfeld.kernels.copies import Copies, Copy
from ganzfeld.kernels.side_streams import SideStreams


@dataclass(frozen=True, eq=False)
class Derived:
    """`target` holds compute(*the tensors named in sources); without one, `compute` writes its results itself. copies:
    the same, where it is one of those that are made all at once. degree: as `DerivedTensors.make` takes it."""

    sources: tuple[str, ...]
    compute: Callable[..., Tensor | None]
    target: Tensor | None
    copies: tuple[Copy, ...] = ()
    degree: int = 0


@dataclass(frozen=True, slots=True)
class DerivedBlend:
    """A derived tensor of a tensor x drawn towards another, y, nothing made in between. own, other: what is derived
    from x and from y. cross: of one that is quadratic in its source, half of what f(x + y) has beyond both."""

    target: Tensor
    own: Tensor
    other: Tensor
    cross: Tensor | None

    def make(self, amount: Tensor) -> None:
        """Of x + amount · (y − x). amount: 0-d."""
        if self.cross is None:
            torch.lerp(self.own, self.other, amount, out=self.target)
            return
        rest = 1 - amount
        torch.mul(self.own, rest * rest, out=self.target)
        self.target.addcmul_(self.cross, 2 * amount * rest).addcmul_(self.other, amount * amount)
        self.target.clamp_(min=0)  # a sum of squares; rounding makes it a little less


class DerivedTensors:
    """All the derived tensors of one network."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        """`tensors` by official names; they may be changed in place later, but not replaced."""
        self.tensors = tensors
        self.all: list[Derived] = []
        self.again: set[str] = set()
        """Tensors that were changed since: what a path knows of their first values no longer holds."""
        self._versions = self._read_versions()
        self._copies: dict[tuple[Derived, ...], Copies] = {}
        self._streams = SideStreams(next((tensor.device for tensor in tensors.values()), torch.device("cpu")))

    @torch.no_grad()
    def make(
        self, *sources: str, compute: Callable[..., Tensor], into: Tensor | None = None, degree: int = 0
    ) -> Tensor:
        """Compute a tensor now and remember how. It is written into `into` (a slice of a stack, say) if given.

        degree: 1 if `compute` is linear in its one source, 2 if it is a sum of squares of it, 0 otherwise, or if
        something that plays reads that source itself as well.
        """
        value = compute(*(self.tensors[name] for name in sources))
        # An answer that is a view of its source would change with it, and be written when made again.
        target = value.clone(memory_format=torch.preserve_format) if into is None else into.copy_(value)
        self.all.append(Derived(sources, compute, target, degree=degree))
        return target

    @torch.no_grad()
    def scale(self, source: str, factor: float, *, limit: float | None = None, into: Tensor | None = None) -> Tensor:
        """As `make`, of factor · the tensor, held to ±limit. Nothing that plays may read the tensor itself as well:
        what is done to it may be done on the way, and it left as it was."""
        x = self.tensors[source]
        target = torch.empty_like(x) if into is None else into

        def compute(x: Tensor) -> Tensor:
            x = x.reshape(target.shape)
            return x * factor if limit is None else (x * factor).clamp(-limit, limit)

        target.copy_(compute(x))
        copies: tuple[Copy, ...] = ()
        if x.is_contiguous():
            x = x.view(target.shape)
            # Memory of a stack has room between its rows: a copy each.
            rows = [(x, target)] if target.is_contiguous() or target.dim() < 2 else zip(x, target)
            copies = tuple(Copy(row, out, factor, limit) for row, out in rows)
        flat = copies if all(copy.flat for copy in copies) else ()
        self.all.append(Derived((source,), compute, target, flat, degree=int(limit is None)))
        return target

    @torch.no_grad()
    def blends(self, source: str, other: Tensor) -> list[DerivedBlend]:
        """All that is derived from a tensor, ready to be made of it drawn towards `other`, which is as large; none if
        that is not to be had from what is derived from either."""
        due = [derived for derived in self.all if source in derived.sources]
        found = []
        for derived in due:
            target = derived.target
            if not derived.degree or len(derived.sources) != 1 or target is None or target.dtype != torch.float32:
                return []
            x = self.tensors[source]
            y = other.reshape(x.shape).to(x)
            its, cross = derived.compute(y), None
            assert its is not None
            if derived.degree == 2:
                both = derived.compute(x + y)
                assert both is not None
                cross = (both - target - its) / 2
            place = torch.empty_like(target, memory_format=torch.preserve_format)
            found.append(DerivedBlend(target, target.clone(), place.copy_(its), cross))
        return found

    def on_the_way(self, source: str, other: Tensor, number: int) -> list[Copy]:
        """Copies that make all that depends on a tensor, of it drawn towards `other` by amount `number`, in one step;
        none if that is more than copies."""
        due = [derived for derived in self.all if source in derived.sources]
        found = []
        for copy in (copy for derived in due for copy in derived.copies):
            start = (copy.x.data_ptr() - self.tensors[source].data_ptr()) // copy.x.element_size()
            part = other.contiguous().flatten()[start : start + copy.x.numel()].view(copy.x.shape)
            found.append(replace(copy, other=part, number=number))
        return found if all(derived.copies for derived in due) and all(copy.flat for copy in found) else []

    @torch.no_grad()
    def fill(self, *sources: str, compute: Callable[..., None]) -> None:
        """Call compute(*the tensors named), which writes derived tensors of its own, now and after every change."""
        compute(*(self.tensors[name] for name in sources))
        self.all.append(Derived(sources, compute, None))

    @torch.no_grad()
    def derive(self, changed: Iterable[str] | None = None, streams: SideStreams | None = None) -> None:
        """Make everything again that depends on the tensors `changed` (None: everything), side by side in `streams`."""
        streams = self._streams if streams is None else streams
        names = set(self.tensors if changed is None else changed)
        self.again |= names
        # `refresh` need not do again what is done here.
        self._versions |= {name: version for name, version in self._read_versions().items() if name in names}
        due = [derived for derived in self.all if not names.isdisjoint(derived.sources)]
        together = tuple(derived for derived in due if derived.copies)
        if not due:
            return
        with streams.open():
            if together:
                with streams.next():
                    self._made_together(together).make()
            for derived in due:
                if not derived.copies:
                    with streams.next():
                        value = derived.compute(*(self.tensors[name] for name in derived.sources))
                        if derived.target is not None and value is not None:
                            derived.target.copy_(value)

    def _made_together(self, together: tuple[Derived, ...]) -> Copies:
        # Kept for ever: a captured graph knows where their tables lie.
        if together not in self._copies:
            self._copies[together] = Copies([copy for derived in together for copy in derived.copies])
        return self._copies[together]

    def forget(self, targets: Iterable[Tensor]) -> None:
        """No longer make these derived tensors again."""
        gone = {id(target) for target in targets}
        self.all = [derived for derived in self.all if id(derived.target) not in gone]

    def refresh(self) -> None:
        """Make again what depends on tensors that were changed in place since the last call (host work: 10 µs)."""
        versions = self._read_versions()
        if versions != self._versions:
            self.derive([name for name, version in versions.items() if version != self._versions[name]])

    def _read_versions(self) -> dict[str, int]:
        # Tensors made in inference mode do not count their changes.
        return {name: 0 if tensor.is_inference() else tensor._version for name, tensor in self.tensors.items()}
