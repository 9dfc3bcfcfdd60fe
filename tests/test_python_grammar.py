"""Texts that several threads parse at a time."""

from __future__ import annotations

import ast

import pytest

from ganzfeld import python_grammar
from ganzfeld.python_grammar import TRIES, parse_python


def test_a_good_text_is_no_error_because_another_thread_had_its_turn(monkeypatch):
    tried = []

    def interrupted(text: str, mode: str) -> ast.AST:
        tried.append(text)
        if len(tried) < 3:
            raise SystemError("AST constructor recursion depth mismatch (before=60, after=40)")
        return compile(text, "", mode, ast.PyCF_ONLY_AST)

    monkeypatch.setattr(python_grammar.ast, "parse", interrupted)
    assert parse_python("1 + 2", "eval").body.op is not None and len(tried) == 3
    with pytest.raises(SyntaxError):
        parse_python("1 +", "eval")
    monkeypatch.setattr(python_grammar.ast, "parse", lambda text, mode: (_ for _ in ()).throw(SystemError(text)))
    with pytest.raises(SystemError):
        parse_python("x" * TRIES)
