"""The edit `add`: a node more."""

from __future__ import annotations

import ast
from typing import Any, ClassVar

from ganzfeld.errors import PatchError, nearest
from ganzfeld.patch.examples import examples_of
from ganzfeld.patch.language.edits.arguments import in_quotes
from ganzfeld.patch.language.edits.base import THINGS, Edit, Splice
from ganzfeld.patch.language.edits.connect import connect
from ganzfeld.patch.language.edits.edited_text import EditedText
from ganzfeld.patch.language.edits.places import give_name
from ganzfeld.patch.node import Input, Node, Parameter
from ganzfeld.patch.nodes import node_types


class Add(Edit, frozen=True, kw_only=True):
    """type: the node's; of: a node that it reads, "": the nearest that fits; name: what it is called, "": a free name;
    file: what its first parameter says ("film.mp4"), "": what its type has; reader and input: who reads it from now on,
    "": nobody yet. It is written below what it reads."""

    word: ClassVar[str] = "add"
    type: str
    of: str = ""
    name: str = ""
    file: str = ""
    reader: str = ""
    input: str = ""

    def change(self, edited: EditedText) -> None:
        cls = node_types().get(self.type)
        if cls is None:
            raise PatchError(f"There is no node '{self.type}'", hint=nearest(self.type, node_types()))
        if self.name:
            edited.check_name(self.name)
        of = give_name(edited, self.of) if self.of else ""
        fed = _fed(edited, cls, of)
        name = self.name or edited.free_name(self.type)
        call = f"{self.type}({', '.join(_arguments(cls, fed, self.file))})"
        if cls.is_output:
            line = call if not self.name else f'{call[:-1]}, name="{name}")'
        else:
            line = f"{name} = {call}"
        _put(edited, line, [node for node in fed.values() if node.isidentifier()])
        if self.reader:
            connect(edited, self.reader, self.input, name)


def _put(edited: EditedText, line: str, below: list[str]) -> None:
    """Writes a line below what these nodes say; else above the first output."""
    feed = edited.end_of_line
    if below:
        place = max(edited.after_node(name) for name in below)
        edited.splice(Splice(place, place, feed + line))
        return
    outputs = [node for node in edited.patch.nodes.values() if node_types()[node.type].is_output]
    if outputs:
        place = min(edited.before(node.span) for node in outputs)
        edited.splice(Splice(place, place, line + feed))
        return
    end = len(edited.text)
    apart = "" if not edited.text or edited.text.endswith("\n") else feed
    edited.splice(Splice(end, end, f"{apart}{line}{feed}"))


def _fed(edited: EditedText, cls: type[Node], of: str) -> dict[str, str]:
    """What the inputs read: `of` the first that it fits, others what makes the like and stands last in the text."""
    inputs = cls.declared_inputs()
    found: dict[str, str] = {}
    if of:
        makes = edited.type_of(of).makes
        fits = next((name for name, declared in inputs.items() if declared.makes in makes), None)
        if fits is None and inputs:
            wanted = " or ".join(sorted({THINGS[declared.makes] for declared in inputs.values()}))
            made = " or ".join(THINGS[each] for each in makes)
            raise PatchError(f"{cls.word} reads {wanted}, but {of} makes {made}")
        if fits is not None:
            found[fits] = of
    for name, declared in inputs.items():
        if name not in found and (declared.required or (declared.makes == "latent" and cls.plays_network)):
            nearest_one = _last(edited, declared, set(found.values()))
            if nearest_one:
                found[name] = nearest_one
            elif declared.required:
                found[name] = "noise()"
    return {name: found[name] for name in inputs if name in found}


def _last(edited: EditedText, declared: Input, used: set[str]) -> str | None:
    """The last named node that makes what an input reads, preferably one that is not used."""
    fitting = [
        node.name
        for node in edited.patch.nodes.values()
        if node.name.isidentifier()
        and not node_types()[node.type].is_output
        and declared.makes in node_types()[node.type].makes
    ]
    # A noise makes both: what makes nothing else comes first.
    fitting.sort(key=lambda name: len(edited.type_of(name).makes) == 1)
    return next((name for name in reversed(fitting) if name not in used), fitting[-1] if fitting else None)


def _arguments(cls: type[Node], fed: dict[str, str], file: str) -> list[str]:
    first, declared = next(iter(cls.declared.items()))
    found = []
    if isinstance(declared, Parameter) and not cls.is_output:
        given = in_quotes(file) if file else _written(cls, first, declared.default)
        found = [given] if given else []
    elif file:
        raise PatchError(f"{cls.word} names no file")
    for name, node in fed.items():
        found.append(node if not found and name == first else f"{name}={node}")
    return found


def _written(cls: type[Node], name: str, default: Any) -> str:
    """The first argument as one would write it: the default, or what the type's first example says."""
    if default not in (None, ""):
        if isinstance(default, str):
            return f'"{default}"'
        return repr(list(default)) if isinstance(default, tuple) else repr(default)
    for example in examples_of(cls)[:1]:
        for call in ast.walk(ast.parse(example.text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == cls.word:
                given = call.args[:1] or [keyword.value for keyword in call.keywords if keyword.arg == name]
                return ast.unparse(given[0]).replace("'", '"') if given else ""
    return ""
