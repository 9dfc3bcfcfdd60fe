"""The edit `connect`: an input reads another node."""

from __future__ import annotations

from typing import ClassVar

from ganzfeld.errors import PatchError
from ganzfeld.patch.language.edits.arguments import put
from ganzfeld.patch.language.edits.base import THINGS, Edit, Splice
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.places import give_name, is_named, positions, source_of, written_as


class Connect(Edit, frozen=True, kw_only=True):
    """node: the one that reads; input: by its name ("latent"; of a line: "ring.latent"); source: what it reads. Nodes
    that are written in place get a line of their own, so that nothing is lost."""

    word: ClassVar[str] = "connect"
    node: str
    input: str
    source: str

    def change(self, edited: EditedText) -> None:
        _check(edited, self.node, self.input, self.source)
        source = give_name(edited, self.source)
        # A node that was read here and is written in place stays in the text.
        before = edited.node(self.node).inputs.get(self.input)
        if before is not None and not is_named(edited, before):
            give_name(edited, before)
        connect(edited, self.node, self.input, source)


def connect(edited: EditedText, node: str, name: str, source: str) -> None:
    """An input reads a named node, in place of what stands there."""
    label = name.rpartition(".")[0]
    stands = source_of(edited, node, name)
    if stands is not None:
        edited.splice(Splice(*edited.range_of(stands), source))
        return
    if label:
        raise PatchError(f"The line '{label}' of {node} reads nothing", hint="Change the line by hand")
    call = edited.call(edited.node(node).span)
    written = written_as(edited, node, name)
    edited.splice(put(edited, call, written, source, positions(edited, node)))


def _check(edited: EditedText, node: str, name: str, source: str) -> None:
    """Raises PatchError if that input cannot read that node."""
    label, _, inner = name.rpartition(".")
    cls = edited.type_of(node)
    if label:
        method = edited.line(node, label).method
        inputs = next(each.declared_inputs() for each in cls.methods if each.method == method)
    else:
        inputs = cls.declared_inputs()
    if inner not in inputs:
        raise PatchError(f"{node} has no input '{name}'")
    makes, wanted = edited.type_of(source).makes, inputs[inner].makes
    if edited.type_of(source).is_output or wanted not in makes:
        made = "nothing" if edited.type_of(source).is_output else " or ".join(THINGS[each] for each in makes)
        raise PatchError(f"'{name}' of {node} reads {THINGS[wanted]}, but {source} makes {made}")
    passed, waiting = set(), [source]
    while waiting:
        each = waiting.pop()
        if each == node:
            raise PatchError(f"{source} is made of {node}: they would feed each other", hint="feedback() has a memory")
        if each not in passed:
            passed.add(each)
            waiting += edited.node(each).inputs.values()
