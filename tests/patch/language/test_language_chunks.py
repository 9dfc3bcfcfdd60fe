"""Long texts: parsed in pieces to the same tree, at a cost that grows with their length and not with its square."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ganzfeld.errors import GanzfeldError, PatchError
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language import chunks
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.models import Patch


def steps(work: Callable[[], object]) -> int:
    """How many lines and calls of Python run: what work costs, without a clock."""
    count = 0

    def counted(frame, event, argument):
        nonlocal count
        count += 1
        return counted

    before = sys.gettrace()
    sys.settrace(counted)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def bends(lines: int) -> str:
    return (
        'face = network("planets")\n'
        f"for i in range({lines // 16}):\n    for k in range(16):\n        face.bend('b8', scale=i + k)\nout(face)\n"
    )


def outs(lines: int) -> str:
    return f'face = network("planets")\nfor i in range(2):\n    for k in range({lines // 2}):\n        out(face)\n'


def knobs(lines: int) -> str:
    return "".join(f"k{i} = knob(0, {i})\ns{i} = k{i} + 1  # ä\n" for i in range(lines)) + "out(noise())"


def measured(text: Callable[[int], str]) -> list[int]:
    """The steps for 64 lines and for 256."""
    parse(text(16))  # what is looked up once
    return [steps(lambda n=n: Graph(parse(text(n)))) for n in (64, 256)]


@pytest.mark.parametrize("text", ["bends", "outs", "knobs"])
def test_twice_the_lines_cost_twice_the_steps(text: str) -> None:
    # In a process of its own: a tracer in this one would count, and hold up, whatever other tests have left running.
    code = f"import test_language_chunks as own; print(*own.measured(own.{text}))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    small, large = map(int, found.stdout.split())
    assert 0 < large < 4.6 * small


@pytest.mark.parametrize("whole", [1, 200])
@pytest.mark.parametrize("name", ["parser.py", "chunks.py", "text.py"])
def test_a_text_in_pieces_is_the_same_tree(name: str, whole: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path(chunks.__file__).with_name(name).read_text("utf-8")
    monkeypatch.setattr(chunks, "WHOLE", whole)
    monkeypatch.setattr(chunks, "LONGEST_STATEMENT", len(text))
    tree = chunks.parse_in_pieces(text)
    assert ast.dump(tree, include_attributes=True) == ast.dump(ast.parse(text), include_attributes=True)


def test_a_mistake_far_down_is_at_its_line() -> None:
    text = "".join(f"a{i} = {i}  # ( '\n" for i in range(3000)) + "b = = 2\nout(noise())\n"
    with pytest.raises(PatchError) as caught:
        parse(text, "show.ganz")
    assert (caught.value.where.line, caught.value.where.column) == (3001, 5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("for k in range(1):\n    a = noise(f'" + "{k}" * 9_000 + "')\n", "f-strings"),
        ("a = [" + "1, " * 20_000 + "]\n", "characters"),
        ("a = 1\n" * 50_000, "longer"),
        ("for i in range(256):\n    for k in range(8):\n        a = [" + "1, " * 2000 + "]", "already given"),
        ("for k in [" + "1, " * 3000 + "]:\n    pass", "too long"),
        ("f = network()\nfor i in range(250):\n    f.bend('b8', name=f'x{i}', scale=" + "1+" * 2500 + "1)", "unrolls"),
    ],
    ids=["f-string", "statement", "text", "loop", "list", "unrolled"],
)
def test_what_would_hold_the_show_up_is_refused_with_a_number(text: str, words: str) -> None:
    with pytest.raises(GanzfeldError, match=words):
        Graph(parse(text))


def test_a_program_s_patch_may_name_what_is_not_there() -> None:
    patch = parse("a = noise()\nout(a)")
    with pytest.raises(PatchError, match="there is no such node"):
        Graph(Patch.from_json(patch.to_json().replace('"image":"a"', '"image":"b"')))
    odd = parse("a = noise()\nb = 2*t\nout(a)").to_json().replace('"b"', '"b\\u0000"')
    assert "/b\0" in Graph(Patch.from_json(odd)).slots
