"""Calls of the vocabulary's functions: which argument is which, what must be written out, and where state is kept."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from ganzfeld.errors import ExpressionError, nearest
from ganzfeld.patch.expressions.bans import STATEMENTS
from ganzfeld.patch.expressions.building import NOT_NUMBERS, CompiledPart, at, chain, hint
from ganzfeld.patch.expressions.channels import each
from ganzfeld.patch.expressions.naming import Naming
from ganzfeld.patch.expressions.vocabulary import (
    NAMES,
    NO_DEFAULT,
    Function,
    FunctionParameter,
    Kind,
    Reads,
    UsageError,
    known_functions,
)
from ganzfeld.seeds import seed_number


@dataclass
class _Arguments:
    """What a call is given: by parameter, the rest, and further keywords. The nodes are for errors to point at."""

    given: dict[str, tuple[ast.expr, CompiledPart]] = field(default_factory=dict)
    rest: list[tuple[ast.expr, CompiledPart]] = field(default_factory=list)
    named: list[ast.keyword] = field(default_factory=list)
    channels: bool = False

    @property
    def constant(self) -> bool:
        return not self.named and all(piece.constant for _, piece in (*self.given.values(), *self.rest))


def _match_key(key: str, i: int) -> str:
    return f"{key}:{i}"


class Calls(Naming):
    """The part of the compiler for calls."""

    def call(self, node: ast.Call) -> CompiledPart:
        parts = chain(node.func)
        if parts is None:
            raise self.error(node, "only functions of the vocabulary can be called")
        word = ".".join(part for part in parts if part)
        function = known_functions().get(word)
        if function is None or not function.called:
            raise self.unknown_function(node, word, function)
        return self.use(node, function, node.args, node.keywords)

    def word(self, node: ast.expr, function: Function) -> CompiledPart:
        return self.use(node, function, [], [])

    def use(
        self, node: ast.expr, function: Function, args: list[ast.expr], keywords: list[ast.keyword]
    ) -> CompiledPart:
        """A call, given its arguments as they are written."""
        # Counted before the arguments are looked at, so that the calls of a function are numbered as they are read.
        key = self.state_key(function) if function.stateful else None
        arguments = self.arguments(node, function, args, keywords)
        trees: list[ast.expr] = []
        known: dict[str, Any] = {}
        for parameter in function.parameters:
            place, piece = arguments.given[parameter.name]
            if parameter.name in function.prepare:
                known[parameter.name] = self.prepared(place, function, parameter, piece)
                trees.append(self.owned(node, known[parameter.name]))
            else:
                known[parameter.name] = piece
                trees.append(self.fitting(place, piece, function, parameter))
        if function.rest is not None:
            trees += [self.fitting(place, piece, function, function.rest) for place, piece in arguments.rest]
        values = [
            known[parameter.name] if parameter.name in function.prepare else known[parameter.name].value
            for parameter in function.parameters
        ]
        if function.reads is not None and all(piece.constant for _, piece in arguments.given.values()):
            self.addresses[function.reads(*values)] = None
        if function.pure and arguments.constant:
            return self.fold(node, function.call, *values, *(piece.value for _, piece in arguments.rest))
        try:
            result = function.result(known)
        except UsageError as error:
            raise self.error(node, error.what, error.hint) from None
        if arguments.channels and result.kind in NOT_NUMBERS:
            raise self.error(node, f"each channel needs a number, found {result.kind.value}")
        tree = self.emit(node, function, key, trees, arguments)
        if arguments.channels:
            return CompiledPart(tree, Kind.NUMBER, channels=True)
        return CompiledPart(tree, result.kind, result.literals)

    def emit(
        self, node: ast.expr, function: Function, key: str | None, trees: list[ast.expr], arguments: _Arguments
    ) -> ast.expr:
        """The call itself, with the frame and the key of its state where the function takes them."""
        word = function.name.replace(".", "_")
        first = [self.frame(node)] if function.takes_frame else []
        place = [self.key_now(node, key)] if key is not None else []
        if not arguments.channels:
            tree = self.internal(node, f"f_{word}", function.call, *first, *place, *trees)
        elif function.channels is not None:
            tree = self.internal(node, f"c_{word}", function.channels, *first, *place, *trees)
        else:
            leading = at(node, ast.Tuple(first, ast.Load()))
            keys = place or [at(node, ast.Constant(None))]
            call = self.owned(node, function.call)
            tree = self.internal(node, "each_each", each, call, leading, *keys, self.frame(node), *trees)
        tree.keywords = arguments.named
        if key is None or not self.skippable:
            return tree
        local = f"s_{len(self.before)}"
        self.before.append(at(node, ast.Assign([at(node, ast.Name(local, ast.Store()))], tree)))
        return at(node, ast.Name(local, ast.Load()))

    def state_key(self, function: Function) -> str:
        ordinal = self.ordinals.get(function.name, 0)
        self.ordinals[function.name] = ordinal + 1
        key = f"{self.owner}:{function.name}:{ordinal}"
        self.state_keys.append(key)
        return key

    def key_now(self, node: ast.AST, key: str) -> ast.expr:
        """The key on this frame: each match of a glob has a state of its own."""
        alone = at(node, ast.Constant(key))
        single = ast.Compare(self.frame(node, "n"), [ast.Eq()], [ast.Constant(1)])
        return at(
            node, ast.IfExp(single, alone, self.internal(node, "match_key", _match_key, alone, self.frame(node, "i")))
        )

    def arguments(
        self, node: ast.expr, function: Function, args: list[ast.expr], keywords: list[ast.keyword]
    ) -> _Arguments:
        """Match what is written to the parameters."""
        found = _Arguments()
        parameters = {parameter.name: parameter for parameter in function.parameters}
        usage = f"Write {function.signature}"
        for place, argument in enumerate(args):
            if place < len(parameters):
                found.given[function.parameters[place].name] = (argument, self.visit(argument))
            elif function.rest is not None:
                found.rest.append((argument, self.visit(argument)))
            else:
                raise self.error(argument, f"{function.name} takes no more than {len(parameters)} arguments", usage)
        names = set(found.given)
        for keyword in keywords:
            word = keyword.arg
            if word is None:
                raise self.error(keyword, "'**' cannot spread values here", "Write the values out")
            if word in names:
                raise self.error(keyword, f"{function.name} is given '{word}' twice", usage)
            names.add(word)
            if word in parameters:
                found.given[word] = (keyword.value, self.visit(keyword.value))
            elif function.named and not word.startswith("__"):
                piece = self.visit(keyword.value)
                found.channels |= piece.channels
                found.named.append(at(keyword, ast.keyword(word, piece.tree)))
            else:
                near = nearest(word, parameters)
                raise self.error(keyword, f"{function.name} has no '{word}'", near if "mean" in near else usage)
        for parameter in function.parameters:
            if parameter.name not in found.given:
                found.given[parameter.name] = (node, self.default(node, function, parameter))
        found.channels |= any(piece.channels for _, piece in (*found.given.values(), *found.rest))
        return found

    def default(self, node: ast.expr, function: Function, parameter: FunctionParameter) -> CompiledPart:
        if parameter.default is NO_DEFAULT:
            raise self.error(node, f"{function.name} needs '{parameter.name}'", f"Write {function.signature}")
        if isinstance(parameter.default, Reads):
            return self.read(node, parameter.default.name)
        return self.constant(node, parameter.default)

    def prepared(self, node: ast.expr, function: Function, parameter: FunctionParameter, piece: CompiledPart) -> Any:
        """An argument that must be written out, as the function wants it."""
        what = f"'{parameter.name}' of {function.name}"
        example = f"As in {function.example}"
        if not piece.constant:
            raise self.error(node, f"{what} must be written out here", example)
        if piece.kind is not parameter.kind:
            raise self.error(node, f"{what} is {parameter.kind.value}, found {piece.kind.value}", example)
        try:
            prepared = function.prepare[parameter.name](piece.value)
        except UsageError as error:
            raise self.error(node, error.what, error.hint, error.offset) from None
        if parameter.name == function.hits:
            self.hits.add(prepared)
        return prepared

    def owned(self, node: ast.AST, value: Any) -> ast.expr:
        """A prepared object, reachable by a name of its own."""
        name = f"p_{len(self.globals)}"
        self.globals[name] = value
        return at(node, ast.Name(name, ast.Load()))

    def fitting(
        self, node: ast.expr, piece: CompiledPart, function: Function, parameter: FunctionParameter
    ) -> ast.expr:
        """An argument of the kind that the parameter takes."""
        what = function.name if parameter is function.rest else f"'{parameter.name}' of {function.name}"
        if parameter.kind is Kind.SEED and isinstance(piece.value, str) and piece.value.strip():
            return at(node, ast.Constant(seed_number(piece.value)))
        if parameter.kind in (Kind.NUMBER, Kind.SEED):
            return self.number(node, piece, what)
        if parameter.kind is Kind.EVENT and piece.kind in NOT_NUMBERS:
            use = 'Such as hit("/address"), every(1) or a comparison'
            raise self.error(node, f"{what} is an event, found {piece.kind.value}", use)
        return piece.tree

    def unknown_function(self, node: ast.Call, word: str, found: Function | None) -> ExpressionError:
        root, _, rest = word.partition(".")
        if found is not None:
            return self.error(node, f"{word} is not a function", f"Write {word}")
        statements = {**STATEMENTS, **self.scope.statements}
        if word in statements:
            return self.error(node, f"{word} is not part of an expression", f"On a line of its own: {statements[word]}")
        if word in NAMES or word in self.scope.signals or word in self.constants:
            return self.error(node, f"{word} is a value, not a function", f"Write {word}, or {word} * (…)")
        if root in self.scope.parameters or root in self.scope.nodes:
            return self.error(node, f"{word} cannot be called in an expression")
        if rest:
            return self.unknown_attribute(node.func, root, rest)
        called = [name for name, function in known_functions().items() if function.called]
        return self.error(node.func, f"there is no function '{word}'", hint(word, called))
