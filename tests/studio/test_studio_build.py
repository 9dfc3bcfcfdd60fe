"""What the page is built from, and when the build hook builds it again."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "src/ganzfeld/studio/web"


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    pytest.importorskip("hatchling", reason="the build hook needs hatchling: pip install hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def web(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WEB, tmp_path / "web", ignore=shutil.ignore_patterns("node_modules")))


def test_the_lock_file_names_no_registry_and_misses_no_platform():
    packages = json.loads((WEB / "package-lock.json").read_text("utf-8"))["packages"]
    names = {place.rpartition("node_modules/")[2] for place in packages}
    for place, package in packages.items():
        assert "resolved" not in package, place
        if place:
            assert package.get("version") and package.get("integrity"), place
        wanted = {**package.get("dependencies", {}), **package.get("optionalDependencies", {})}
        assert set(wanted) <= names, place


def test_the_digest_follows_contents_and_names_not_times(hook, web):
    before = hook.digest_of(web)
    for path in web.rglob("*"):
        os.utime(path, (0, 0))
    style = web / "src/studio.css"
    style.write_bytes(style.read_bytes().replace(b"\n", b"\r\n"))
    (web / "node_modules").mkdir()
    (web / "node_modules/x.js").write_text("x")
    assert hook.digest_of(web) == before
    moved = web / "src/idle.ts"
    moved.rename(web / "src/idler.ts")
    renamed = hook.digest_of(web)
    assert renamed != before
    with style.open("a") as file:
        file.write("/* */")
    assert hook.digest_of(web) not in (before, renamed)


def test_a_page_built_from_these_sources_is_not_built_again(hook, web, tmp_path, monkeypatch):
    commands: list[tuple] = []

    def pretend(node: Path, script: Path, *arguments: str, cwd: Path) -> None:
        commands.append((script.name, *arguments))
        if arguments[0] == "build":
            (tmp_path / "page").mkdir(exist_ok=True)
            (tmp_path / "page/index.html").write_text("built")

    monkeypatch.setattr(hook, "run", pretend)
    monkeypatch.setattr(hook, "find_node", lambda: (Path("node"), Path("npm-cli.js")))
    assert hook.build_page(web, tmp_path / "page") is True
    assert [(name, first) for name, first, *_ in commands] == [("npm-cli.js", "ci"), ("vite.js", "build")]
    assert hook.build_page(web, tmp_path / "page") is False
    (web / "src/main.tsx").write_text("changed")
    assert hook.build_page(web, tmp_path / "page") is True
    (tmp_path / "page/index.html").unlink()
    assert hook.build_page(web, tmp_path / "page") is True


def test_a_build_that_fails_says_which_command(hook, tmp_path):
    script = tmp_path / "npm-cli.js"
    script.write_text("raise SystemExit(3)")
    with pytest.raises(SystemExit, match=r"npm-cli\.js ci .* ended with 3"):
        hook.run(Path(shutil.which("python3") or "python"), script, "ci", cwd=tmp_path)
    with pytest.raises(SystemExit, match="is missing"):
        hook.build_page(tmp_path / "nowhere", tmp_path / "page")
