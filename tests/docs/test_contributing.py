"""The examples of CONTRIBUTING.md, added to a copy of the package, are found and work.

Their own tests run, and the conformance tests that find new things through registries.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ganzfeld

ROOT = Path(__file__).parents[2]
PACKAGE = Path(ganzfeld.__file__).parent
BLOCK = re.compile(r"^```python\n# ((?:src|tests)/[\w/]+\.py)\n(.*?)^```$", re.S | re.M)
CONFORMANCE = {
    "tests/patch/nodes/test_nodes.py": "posterise",
    "tests/bending/test_bending.py": "fold",
    "tests/outputs/test_outputs.py": "frames.rgba or rules or heavy",
    "tests/test_rooms.py": "imports_nothing or comes_back",
}
"""Test files that find a new thing by themselves, and which of their cases are about the examples."""
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", "web", "page")


@pytest.fixture(scope="module")
def blocks() -> dict[str, str]:
    """The examples' files: path in the repository → text."""
    found = BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(found) == len(dict(found)), "a file is there twice"
    return dict(found)


@pytest.fixture(scope="module")
def copy(blocks: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package and the tests with the examples' files in it. The networks are links where links go."""
    folder = tmp_path_factory.mktemp("contributing")
    shutil.copytree(PACKAGE, folder / "src" / "ganzfeld", ignore=LEFT_OUT, copy_function=_linked)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=LEFT_OUT)
    shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")
    for name, text in blocks.items():
        path = folder / name
        assert path.parent.is_dir(), f"{name}: there is no such folder"
        assert not path.exists(), f"{name} exists: the example is not one any more"
        path.write_text(text, encoding="utf-8")
    return folder


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copyfile(source, target)


def test_there_is_an_example_of_each(blocks: dict[str, str]) -> None:
    folders = {str(Path(name).parent) for name in blocks}
    rooms = ("patch/nodes", "bending/activations", "kernels", "kernels/triton", "outputs", "networks/files/formats")
    assert {f"src/ganzfeld/{room}" for room in rooms} <= folders
    assert len([name for name in blocks if name.startswith("tests/")]) == 5


def test_the_examples_work(copy: Path, blocks: dict[str, str]) -> None:
    own = [name for name in blocks if name.startswith("tests/")]
    environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
    words = "import ganzfeld, sys, pytest; assert ganzfeld.__file__.startswith(sys.argv[1]); "
    words += "sys.exit(pytest.main(sys.argv[2:]))"
    command = [sys.executable, "-c", words, str(copy), "-q", "-p", "no:cacheprovider"]
    chosen = [*own, *CONFORMANCE]
    only = " or ".join([*(Path(name).stem for name in own), *(f"({each})" for each in CONFORMANCE.values())])
    done = subprocess.run(
        [*command, *chosen, "-k", only], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout, done.stdout[-2000:]


def test_the_examples_are_written_as_the_rest_is(copy: Path, blocks: dict[str, str]) -> None:
    ruff = shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed: the extra dev")
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run([ruff, *command, *blocks], cwd=copy, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
