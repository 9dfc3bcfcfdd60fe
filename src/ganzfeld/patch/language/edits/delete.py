"""The edit `delete`: a node goes, with the lines that say something of it."""

from __future__ import annotations

from typing import ClassVar

from ganzfeld.errors import PatchError
from ganzfeld.patch.flags import passing_input
from ganzfeld.patch.language.edits.base import Edit, Splice
from ganzfeld.patch.language.edits.disconnect import disconnect
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.places import expression, is_named, removal, source_of


class Delete(Edit, frozen=True, kw_only=True):
    """node: the one that goes, or a signal or a knob. What read it reads its input instead, if it has one. Comments on
    lines of their own stay."""

    word: ClassVar[str] = "delete"
    node: str

    def change(self, edited: EditedText) -> None:
        patch = edited.patch
        if self.node in patch.signals or self.node in patch.knobs:
            span = patch.knobs[self.node].span if self.node in patch.knobs else patch.signals[self.node].term.span
            edited.splice(*removal(edited, [edited.statement(span)]))
            return
        cls = edited.type_of(self.node)
        if cls.is_output and sum(edited.type_of(name).is_output for name in patch.nodes) == 1:
            raise PatchError("This is the only output", hint="A patch has one at least")
        through = passing_input(cls)
        bridge = source_of(edited, self.node, through) if through is not None else None
        readers = [
            (name, given)
            for name, node in patch.nodes.items()
            for given, source in node.inputs.items()
            if source == self.node
        ]
        if not is_named(edited, self.node) and not cls.is_output:
            self._written_in_place(edited, readers, edited.written(bridge) if bridge is not None else None)
            return
        if bridge is not None:
            self._bridge(edited, readers, edited.written(bridge))
        else:
            self._unread(edited, readers)
        self._remove(edited)

    def _written_in_place(self, edited: EditedText, readers: list[tuple[str, str]], instead: str | None) -> None:
        if instead is not None:
            edited.splice(Splice(*expression(edited, self.node), instead))
        else:
            self._unread(edited, readers)

    def _bridge(self, edited: EditedText, readers: list[tuple[str, str]], instead: str) -> None:
        stand = [source_of(edited, name, given) for name, given in readers]
        places = {edited.range_of(each) for each in stand if each is not None}
        if not instead.isidentifier() and len(places) > 1:
            raise PatchError(
                f"{len(places)} nodes read {self.node}, and what feeds it has no name", hint="Name that node first"
            )
        edited.splice(*(Splice(*place, instead) for place in places))

    def _unread(self, edited: EditedText, readers: list[tuple[str, str]]) -> None:
        for name, given in readers:
            declared = edited.type_of(name).declared_inputs().get(given)
            if declared is None or declared.required:
                raise PatchError(f"{name} reads {self.node}", hint=f"Connect {name} to another node first")
        for name, given in readers:
            disconnect(edited, name, given)

    def _remove(self, edited: EditedText) -> None:
        node = edited.node(self.node)
        spans = [node.span, *(line.span for line in node.methods)]
        statements = {id(each): each for each in map(edited.statement, spans)}
        edited.splice(*removal(edited, list(statements.values())))
