"""Names and dots: the vocabulary's names, signals, parameters, loop variables; and what to say about all others."""

from __future__ import annotations

import ast

from ganzfeld.errors import ExpressionError, nearest
from ganzfeld.patch.expressions.bans import ELSEWHERE
from ganzfeld.patch.expressions.building import Builder, CompiledPart, at, chain, hint
from ganzfeld.patch.expressions.vocabulary import NAMES, Function, Kind, known_functions


def _first_dot(node: ast.AST) -> ast.AST:
    """Something to point at: the word behind the first dot of `a.b.c`."""
    while isinstance(node, ast.Attribute):
        node = node.value
    if not isinstance(node, ast.Name):
        return node
    return ast.Pass(lineno=node.lineno, col_offset=(node.end_col_offset or node.col_offset) + 1)


class Naming(Builder):
    """The part of the compiler for names."""

    def name(self, node: ast.Name) -> CompiledPart:
        word = node.id
        if word in self.constants:
            return self.constant(node, self.constants[word])
        if word in NAMES:
            return self.read(node, word)
        if word in self.scope.signals:
            return self.reference(node, word)
        raise self.unknown_name(node, word)

    def read(self, node: ast.AST, word: str) -> CompiledPart:
        """A name of the vocabulary."""
        if word == "c":
            if not self.scope.channels:
                raise self.error(node, "c, the channel, means nothing here", "It works in the amounts of bends")
            self.uses_channel = True
            return self.for_channels(node, "channel", self.frame(node))
        name = NAMES[word]
        if not name.path:
            return self.constant(node, name.value)
        self.uses_match |= word in ("i", "n")
        return CompiledPart(self.frame(node, *name.path), Kind.NUMBER)

    def reference(self, node: ast.AST, name: str) -> CompiledPart:
        """This frame's value of a signal or a parameter."""
        self.references.add(name)
        key = at(node, ast.Constant(name))
        return CompiledPart(at(node, ast.Subscript(self.frame(node, "values"), key, ast.Load())), Kind.ANY)

    def attribute(self, node: ast.Attribute) -> CompiledPart:
        parts = chain(node)
        if parts is None:
            raise self.error(node, "only nodes have parameters to read with a dot", "Such as face.psi")
        root, rest = parts
        if root in self.scope.parameters and root not in self.constants:
            if rest in self.scope.parameters[root]:
                return self.reference(node, f"{root}.{rest}")
            near = nearest(rest, self.scope.parameters[root]) or "It has none that can be read"
            raise self.error(_first_dot(node), f"{root} has no parameter '{rest}'", near)
        function = known_functions().get(f"{root}.{rest}")
        if function is None:
            raise self.unknown_attribute(node, root, rest)
        if function.called:
            raise self.error(node, f"{function.name} is a function", f"Write {function.signature}")
        return self.word(node, function)

    def word(self, node: ast.expr, function: Function) -> CompiledPart:
        """A function that is written without brackets."""
        raise NotImplementedError

    def unknown_name(self, node: ast.AST, word: str) -> ExpressionError:
        known = known_functions()
        if word in self.scope.parameters or word in self.scope.nodes:
            listed = ", ".join(f"{word}.{name}" for name in sorted(self.scope.parameters.get(word, ()))[:8])
            use = f"Use one of its parameters: {listed}" if listed else ""
            return self.error(node, f"{word} is a node, not a value", use)
        if word in known:
            return self.error(node, f"{word} is a function", f"Write {known[word].signature}")
        spaced = [name for name in known if name.startswith(f"{word}.")]
        if spaced:
            return self.error(node, f"{word} is not a value by itself", f"Use one of {', '.join(spaced)}")
        words = {*NAMES, *self.constants, *self.scope.signals, *self.scope.parameters, "True", "False"}
        return self.error(node, f"there is no name '{word}'", hint(word, words))

    def unknown_attribute(self, node: ast.AST, root: str, rest: str) -> ExpressionError:
        known = known_functions()
        spaced = [name for name in known if name.startswith(f"{root}.")]
        if spaced:
            return self.error(_first_dot(node), f"there is no '{root}.{rest}'", nearest(f"{root}.{rest}", spaced))
        if root in self.scope.signals or root in self.constants or root in NAMES:
            return self.error(node, f"{root} is a value and has no parameters", f"Write {root}")
        if root in self.scope.nodes:
            return self.error(node, f"{root} has no parameters that can be read")
        last = rest.rpartition(".")[2]
        ours = ELSEWHERE.get(f"{root}.{rest}") or (last if last in known or last in NAMES else "")
        if ours:
            return self.error(node, f"there is no '{root}' in a patch", f"Write {ours}")
        words = {*self.scope.parameters, *(name.partition(".")[0] for name in known if "." in name)}
        return self.error(node, f"there is no node '{root}'", nearest(root, words))
