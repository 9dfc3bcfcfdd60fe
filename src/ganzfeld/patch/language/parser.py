"""The patch language: a short text in Python's grammar that is parsed and never run.

Statements: `name = node(…)`, `name = expression`, `name = knob(…)`, `node.method(…)`, `a >> node(…)`, the settings
`bpm(…)`, `swap(…)`, `hold(…)` and `audio(…)`, outputs such as `out(…)`, and `for` over a range or literals, unrolled.
Nothing else exists.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any

import msgspec

from ganzfeld.errors import nearest
from ganzfeld.patch.constants import constant
from ganzfeld.patch.expressions import known_functions, reserved_words
from ganzfeld.patch.flags import LINE_FLAGS, NODE_FLAGS
from ganzfeld.patch.language.text import PatchText
from ganzfeld.patch.models import (
    TEMPO_SOURCES,
    KnobModel,
    MethodModel,
    NodeModel,
    Patch,
    Settings,
    SignalModel,
    Span,
    Term,
    checked,
)
from ganzfeld.patch.node import Choice, Method
from ganzfeld.patch.nodes import node_types

MOST_TURNS = 256
MOST_STATEMENTS = 4096
MOST_UNROLLED = 1_000_000
"""Characters of all expressions, those in loops counted once for each turn."""
DEEPEST_CHAIN = 64

_SETTINGS = {"bpm": ("bpm", "follow"), "swap": ("when", "fade"), "hold": ("fps",), "audio": ("floor",)}
_KNOB = ("low", "high", "default", "midi", "osc", "curve")
_REFUSED = {
    ast.Import: "'import' is not part of a patch: Python enters only through a script node",
    ast.ImportFrom: "'import' is not part of a patch: Python enters only through a script node",
    ast.FunctionDef: "'def' is not part of a patch: put Python functions in a script node's file",
    ast.AsyncFunctionDef: "'def' is not part of a patch: put Python functions in a script node's file",
    ast.ClassDef: "'class' is not part of a patch",
    ast.If: "'if' is not a statement of a patch: inside an expression write 'a if condition else b'",
    ast.While: "'while' is not part of a patch: 'for name in range(8):' repeats lines",
    ast.With: "'with' is not part of a patch",
    ast.Try: "'try' is not part of a patch",
    ast.AugAssign: "a name is given once: write the whole expression instead of changing it",
    ast.AnnAssign: "names carry no type annotations in a patch",
    ast.Delete: "'del' is not part of a patch: delete the line instead",
}


def parse(text: str, file: str | None = None, version: int = 0) -> Patch:
    """Read a patch. Raises PatchError with file, line, column and, where it helps, the nearest valid word.

    file: where the text is from, for errors and for the files that it names. version: see `Patch`.
    """
    return _Parser(text, file).read(version)


class _Parser:
    def __init__(self, text: str, file: str | None) -> None:
        self.text, self.file = PatchText(text, file), file
        self.types = node_types()
        self.nodes: dict[str, dict[str, Any]] = {}
        self.signals: dict[str, SignalModel] = {}
        self.knobs: dict[str, KnobModel] = {}
        self.settings = Settings()
        self.spans: dict[str, Span] = {}
        self.constants: dict[str, Any] = {}
        self.statements = self.unrolled = 0
        self.labels: dict[str, set[str]] = {}
        self.numbers: dict[tuple[str, str], Iterator[int]] = {}
        self.reads: list[tuple[str, ast.Name]] = []
        self.choices: list[tuple[dict[str, Any], str, str, ast.Name]] = []

    def read(self, version: int) -> Patch:
        for statement in self.text.tree().body:
            self._statement(statement)
        self._check_inputs()
        return Patch(
            file=self.file,
            nodes={name: NodeModel(**{**node, "methods": tuple(node["methods"])}) for name, node in self.nodes.items()},
            signals=self.signals,
            knobs=self.knobs,
            settings=self.settings,
            version=version,
        )

    def _term(self, node: ast.expr) -> Term:
        span = self.text.span(node)
        text = self.text.between(span)
        self.unrolled += len(text)
        if self.unrolled > MOST_UNROLLED:
            raise self.text.error(f"The patch unrolls to more than {MOST_UNROLLED} characters of expressions", node)
        return Term(text=text, span=span, constants=self.constants)

    def _constant(self, node: ast.expr) -> Any:
        return constant(self._term(node), self.text.where(node))

    # Statements

    def _statement(self, statement: ast.stmt) -> None:
        self.statements += 1
        if self.statements > MOST_STATEMENTS:
            raise self.text.error(f"The patch unrolls to more than {MOST_STATEMENTS} lines", statement)
        match statement:
            case ast.Assign(targets=[ast.Name(id=name) as target], value=value):
                self._assign(name, target, value)
            case ast.Assign(targets=[target, *_]):
                raise self.text.error("One name stands on the left of '='", target)
            case ast.Expr(value=value):
                self._bare(value)
            case ast.For():
                self._loop(statement)
            case ast.Pass():
                pass
            case _:
                what = _REFUSED.get(type(statement), "This statement is not part of a patch")
                raise self.text.error(what, statement)

    def _claim(self, name: str, node: ast.expr) -> None:
        if name in reserved_words() or name in ("knob", *_SETTINGS):
            raise self.text.error(f"'{name}' is a word of the language", node, "Choose another name")
        if name.startswith("_"):
            raise self.text.error("Names do not begin with '_'", node)
        if name in self.spans:
            first = self.spans[name].line
            raise self.text.error(f"'{name}' was already given on line {first}", node, "Choose another name")
        self.spans[name] = self.text.span(node)

    def _assign(self, name: str, target: ast.expr, value: ast.expr) -> None:
        self._claim(name, target)
        called = _called(value)
        if self._is_chain(value) or called in self.types:
            self._node(value, name)
        elif called == "knob":
            assert isinstance(value, ast.Call)
            self._knob(name, value)
        else:
            if called and called not in known_functions():
                assert isinstance(value, ast.Call)
                known = [*self.types, "knob", *known_functions()]
                raise self.text.error(f"There is no node or function '{called}'", value.func, nearest(called, known))
            self.signals[name] = SignalModel(name=name, term=self._term(value))

    def _bare(self, value: ast.expr) -> None:
        match value:
            case ast.Call(func=ast.Name(id=name)) if name in _SETTINGS:
                self._setting(name, value)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
                self._method(name, method, value)
            case ast.Call(func=ast.Attribute()):
                raise self.text.error("A method is called on a node's name, as in face.show(…)", value)
            case _ if self._is_chain(value) or _called(value):
                called = _called(value.right if isinstance(value, ast.BinOp) else value) or ""
                if called not in self.types:
                    known = [*self.types, *_SETTINGS]
                    raise self.text.error(f"There is no node or setting '{called}'", value, nearest(called, known))
                if not self.types[called].is_output:
                    outputs = " or ".join(f"{word}(…)" for word, cls in self.types.items() if cls.is_output)
                    raise self.text.error(
                        f"This {called} goes nowhere", value, f"Give it a name, or send it to {outputs}"
                    )
                self._node(value, self._free_name(called))
            case _:
                raise self.text.error("This line does nothing", value, "Give the value a name: name = …")

    def _loop(self, loop: ast.For) -> None:
        if loop.orelse:
            raise self.text.error("'for … else' is not part of a patch", loop)
        before = self.constants
        for turn, bound in enumerate(self._turns(loop)):
            if turn == MOST_TURNS:
                raise self.text.error(f"A loop turns at most {MOST_TURNS} times", loop.iter)
            self.constants = {**before, **bound}
            for statement in loop.body:
                self._statement(statement)
        self.constants = before

    def _turns(self, loop: ast.For) -> Iterator[dict[str, Any]]:
        names = self._loop_names(loop.target)
        match loop.iter:
            case ast.Call(func=ast.Name(id="range"), args=arguments, keywords=[]) if 1 <= len(arguments) <= 3:
                numbers = [self._constant(argument) for argument in arguments]
                if not all(isinstance(number, int) for number in numbers) or (len(numbers) == 3 and numbers[2] == 0):
                    raise self.text.error("range takes whole numbers, and a step that is not 0", loop.iter)
                items: Any = range(*numbers)
            case ast.List() | ast.Tuple():
                items = self._constant(loop.iter)
            case _:
                raise self.text.error("A loop goes over range(…) or a list of literals", loop.iter)
        for item in items:
            values = [item] if len(names) == 1 else list(item) if isinstance(item, list | tuple) else []
            if len(values) != len(names):
                raise self.text.error(f"Each item has to give {len(names)} values", loop.iter)
            if not all(isinstance(value, int | float | str | bool) for value in values):
                raise self.text.error("Loops go over numbers and words", loop.iter)
            yield dict(zip(names, values))

    def _loop_names(self, target: ast.expr) -> list[str]:
        targets = target.elts if isinstance(target, ast.Tuple) else [target]
        names = []
        for name in targets:
            if not isinstance(name, ast.Name):
                raise self.text.error("A loop gives its items plain names", name)
            if name.id in reserved_words() and name.id not in ("i", "n", "c"):
                raise self.text.error(f"'{name.id}' is a word of the language", name, "Choose another name")
            names.append(name.id)
        return names

    # Settings and knobs

    def _constants_of(self, call: ast.Call, order: tuple[str, ...], thing: str) -> dict[str, Any]:
        given = self.text.arguments(call, order, thing)
        for name, argument in given.items():
            if name not in order:
                raise self.text.unknown(thing, name, argument, order)
        return {name: self._constant(argument) for name, argument in given.items()}

    def _setting(self, name: str, call: ast.Call) -> None:
        values = self._constants_of(call, _SETTINGS[name], name)
        if name == "swap" and "when" in values:
            values["swap"] = values.pop("when")
        if name == "hold":
            if "fps" not in values:
                raise self.text.error("hold needs a rate", call, "For example: hold(60)")
            values = {"hold": values["fps"]}
        if name == "audio" and "floor" not in values:
            raise self.text.error("audio needs a floor", call, "For example: audio(floor=-50)")
        if name == "bpm":
            values = self._tempo(values, call)
        try:
            self.settings = checked(Settings, {**msgspec.structs.asdict(self.settings), **values})
        except ValueError as error:
            raise self.text.error(str(error), call) from None

    def _tempo(self, values: dict[str, Any], call: ast.Call) -> dict[str, Any]:
        """`bpm(124)`, `bpm("midi")` (the tempo stays as it is until one is heard), `bpm(124, "midi")`."""
        tempo = {"bpm": None, "follow": None, **values}
        if isinstance(tempo["bpm"], str):
            if tempo["follow"] is not None:
                raise self.text.error("bpm takes a number and what it follows", call, 'For example: bpm(124, "midi")')
            tempo = {"bpm": None, "follow": tempo["bpm"]}
        if tempo["follow"] not in (None, *TEMPO_SOURCES):
            hint = nearest(str(tempo["follow"]), TEMPO_SOURCES)
            raise self.text.error(f"The tempo cannot follow '{tempo['follow']}'", call, hint)
        return tempo

    def _knob(self, name: str, call: ast.Call) -> None:
        values = {"low": 0.0, "high": 1.0, **self._constants_of(call, _KNOB, "knob")}
        low, high = values["low"], values["high"]
        if isinstance(low, int | float) and isinstance(high, int | float):
            values.setdefault("default", 0.0 if low <= 0 <= high else low)
        try:
            self.knobs[name] = checked(KnobModel, {"name": name, "span": self.text.span(call), **values})
        except ValueError as error:
            raise self.text.error(str(error), call) from None

    # Nodes

    def _is_chain(self, value: ast.expr) -> bool:
        return isinstance(value, ast.BinOp) and isinstance(value.op, ast.RShift)

    def _free_name(self, stem: str) -> str:
        return self._free("", stem, "", lambda name: name in self.nodes or name in self.spans)

    def _free(self, owner: str, stem: str, between: str, taken: Callable[[str], bool]) -> str:
        """stem, stem-2, stem-3, …: the first that is not taken. `owner`: whose name it will be; counting goes on where
        it ended the last time, so that a thousand lines of one name cost a thousand steps."""
        if not taken(stem):
            return stem
        numbers = self.numbers.setdefault((owner, stem), itertools.count(2))
        return next(name for number in numbers if not taken(name := f"{stem}{between}{number}"))

    def _node(self, value: ast.expr, name: str, depth: int = 0) -> None:
        """Read `type(…)` or `a >> type(…)` as the node `name`; a node nested in it takes the name of its input."""
        if depth > DEEPEST_CHAIN:
            raise self.text.error("Too many nodes in one chain", value, "Give some of them names")
        feeding: ast.expr | None = None
        if isinstance(value, ast.BinOp):
            feeding, value = value.left, value.right
        called = _called(value)
        if not isinstance(value, ast.Call) or called not in self.types:
            hint = nearest(called, self.types) if called else "A chain reads: source >> network(…) >> out()"
            raise self.text.error(f"There is no node '{called}'" if called else "'>>' leads into a node", value, hint)
        cls = self.types[called]
        inputs = cls.declared_inputs()
        given = self.text.arguments(value, tuple(cls.declared), called)
        if feeding is not None:
            if not inputs:
                raise self.text.error(f"{called} has no input", value)
            first = next(iter(inputs))
            if first in given and not (value.args and given[first] is value.args[0]):
                raise self.text.error(f"'{first}' is fed twice", value)
            if first in given:
                # Positional arguments follow the fed input: `a >> flip(True)` sets flip's next parameter.
                given = self.text.arguments(value, tuple(key for key in cls.declared if key != first), called)
            given[first] = feeding
        if cls.is_output and "name" in given:
            wanted = self._constant(given.pop("name"))
            if not isinstance(wanted, str) or not re.fullmatch(r"[A-Za-z]\w*", wanted):
                raise self.text.error("An output's name is one word in quotes", value)
            name = wanted
            if name in self.spans or name in self.nodes:
                raise self.text.error(f"'{name}' was already given", value, "Choose another name")
        node: dict[str, Any] = {
            "name": name, "type": called, "arguments": {}, "inputs": {}, "methods": [], "span": self.text.span(value),
            **self._flags({} if cls.is_output else NODE_FLAGS, given, cls.declared),
        }  # fmt: skip
        self.nodes[name] = node
        for key, argument in given.items():
            if key in inputs:
                node["inputs"][key] = self._input(argument, called, f"{name}/{key}", depth)
            elif key in cls.declared or cls.extra is not None:
                node["arguments"][key] = self._term(argument)
                self._node_instead(node, key, cls.declared.get(key), argument, depth)
            else:
                raise self.text.unknown(called, key, argument, cls.declared)

    def _node_instead(self, node: dict[str, Any], key: str, declared: Any, argument: ast.expr, depth: int) -> None:
        """A node that stands where a choice does (`Choice.instead`). What a name means is known at the end."""
        wanted = declared.instead if isinstance(declared, Choice) else None
        if wanted is None:
            return
        if isinstance(argument, ast.Name):
            self.choices.append((node, key, wanted, argument))
        elif self._is_chain(argument) or _called(argument) in self.types:
            self._choose_node(node, key, wanted, self._input(argument, "", f"{node['name']}/{key}", depth))

    def _choose_node(self, node: dict[str, Any], key: str, wanted: str, source: str) -> None:
        node["inputs"][wanted] = source
        node["arguments"][key] = msgspec.structs.replace(node["arguments"][key], text=repr(wanted))

    def _input(self, argument: ast.expr, reader: str, path: str, depth: int) -> str:
        if isinstance(argument, ast.Name):
            self.reads.append((reader, argument))
            return argument.id
        if self._is_chain(argument) or _called(argument) in self.types:
            self._node(argument, path, depth + 1)
            return path
        raise self.text.error(
            "This input takes a node", argument, f"Write a node's name, or one of {', '.join(self.types)}"
        )

    def _method(self, name: str, method: str, call: ast.Call) -> None:
        if name not in self.nodes:
            raise self.text.error(f"There is no node '{name}'", call, nearest(name, self.nodes))
        node = self.nodes[name]
        methods = {cls.method: cls for cls in self.types[node["type"]].methods}
        if method not in methods:
            raise self.text.error(f"{node['type']} has no method '{method}'", call, nearest(method, methods))
        cls = methods[method]
        given = self.text.arguments(call, tuple(cls.declared), method)
        named = set(given)
        label = self._label(cls, given, call)
        taken = self.labels.setdefault(name, set())
        if label in taken and cls.single:
            raise self.text.error(f"{name}.{method} stands twice", call, "Only one of them can be true")
        if label in taken and "name" in named:
            raise self.text.error(f"'{label}' was already given to {name}", call, 'Give it another name: name="…"')
        label = self._free(name, label, "-", taken.__contains__)
        taken.add(label)
        flags = self._flags(LINE_FLAGS, given, cls.declared)
        arguments = {}
        for key, argument in given.items():
            if key not in cls.declared:
                raise self.text.unknown(method, key, argument, [*cls.declared, "name"])
            if key in cls.declared_inputs():
                path = f"{label}.{key}"
                node["inputs"][path] = self._input(argument, f"{name}.{method}", f"{name}/{label}/{key}", 0)
                continue
            meant = cls.meant(key, _lists(argument))
            if meant in arguments or (meant != key and meant in given):
                raise self.text.error(f"'{key}' and '{meant}' say the same here", argument, "Leave one of them out")
            arguments[meant] = self._term(argument)
        span = self.text.span(call)
        node["methods"].append(MethodModel(method=method, name=label, arguments=arguments, span=span, **flags))

    def _flags(self, known: Iterable[str], given: dict[str, ast.expr], declared: Container[str]) -> dict[str, bool]:
        """Takes the flags (`patch.flags`) out of what is given to a node or a line."""
        found = {}
        for name in known:
            if name in given and name not in declared:
                argument = given.pop(name)
                value = self._constant(argument)
                if not isinstance(value, bool):
                    raise self.text.error(f"{name} is True or False", argument)
                found[name] = value
        return found

    def _label(self, cls: type[Method], given: dict[str, ast.expr], call: ast.Call) -> str:
        """The part of an address that belongs to a method line: its name, else one made from its first argument."""
        if cls.single:
            return cls.method
        if "name" in given:
            label = self._constant(given.pop("name"))
            if not isinstance(label, str) or not re.fullmatch(r"[A-Za-z][\w.-]*", label):
                raise self.text.error("A name is one word in quotes", call)
            return label
        if call.args and next(iter(cls.declared)) in cls.declared_inputs():
            return call.args[0].id if isinstance(call.args[0], ast.Name) else cls.method
        target = self._constant(call.args[0]) if call.args else cls.method
        # OSC gives these characters a meaning in addresses.
        return re.sub(r"[^\w.-]", "_", str(target))

    def _check_inputs(self) -> None:
        for node, key, wanted, name in self.choices:
            if name.id in self.nodes:
                self._choose_node(node, key, wanted, name.id)
        for type_, name in self.reads:
            if name.id in self.nodes:
                continue
            if name.id in self.signals or name.id in self.knobs:
                raise self.text.error(f"'{name.id}' is a number, and {type_} reads a node here", name)
            raise self.text.error(f"There is no node '{name.id}'", name, nearest(name.id, self.nodes))


def _lists(value: ast.expr) -> bool:
    """Whether a list or a text stands there."""
    return isinstance(value, ast.List | ast.Tuple) or (isinstance(value, ast.Constant) and isinstance(value.value, str))


def _called(value: ast.expr) -> str | None:
    return value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else None
