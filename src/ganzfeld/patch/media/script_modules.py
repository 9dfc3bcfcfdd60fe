"""Modules that lie beside a script and that it imports: `import helper`, `from lib import tools`.

They belong to the script. They are loaded for it alone, so two scripts in different folders never get each other's
`helper`, and those that have changed are loaded anew when the script is. Which files they are is known, so a change of
one can be taken as a change of the script, and so can the appearance of one that was missing. What is installed is
imported as everywhere, once for the whole process.

How: the script and the modules beside it are run with an `__import__` of their own, which looks beside the script
first, as Python does for a program's own folder. Each load of a script has its own table of modules, so the version
that plays keeps its modules while a newer one is tried. In `sys.modules` they stand under a name that is the script's.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import itertools
import re
import sys
import weakref
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from ganzfeld.patch.text_file import LONGEST_TEXT
from ganzfeld.plain_file import read_plain, real_path
from ganzfeld.python_grammar import parse_python
from ganzfeld.values.hazards import stamp_of

MOST_MODULES = 256
"""That lie beside one script."""
_numbers = itertools.count(1)


class _Loaded:
    """A module of the script's, or the script itself. name: dotted, "" of the script. places: the folders in which its
    submodules are, of a package. source: what its file said (None of a folder without `__init__.py`); stamp: which
    version of the file that was. home: who loads what it imports. whole: it was run to its end. uses: the files of what
    it imported, and what they were; None: a file that it looked for and that was not there."""

    def __init__(self, name: str, module: ModuleType, path: Path | None, places: Sequence[Path], home: ScriptModules):
        self.name, self.module, self.path, self.places, self.home = name, module, path, tuple(places), home
        self.source: bytes | None = None
        self.stamp = 0
        self.whole = False
        self.uses: dict[Path, _Loaded | None] = {}

    @property
    def file(self) -> Path:
        """Its file; of a folder without one, the one that it could have."""
        return self.path or self.places[0] / "__init__.py"

    def reachable(self) -> dict[Path, _Loaded | None]:
        """All that it uses, and what that uses."""
        found: dict[Path, _Loaded | None] = {}
        waiting: list[_Loaded] = [self]
        while waiting:
            for path, used in list(waiting.pop().uses.items()):
                if path not in found:
                    found[path] = used
                    if used is not None:
                        waiting.append(used)
        return found


class ScriptModules:
    """The modules beside a script, as one load of it has them.

    count: how many it has loaded.

    package: the name under which they stand in `sys.modules` (see `package_of`). before: those of the load before;
    what has not changed since is taken from there, and not run again. given: what the files held once, by their paths
    from the script's folder, for replays; nothing is read from disk then.
    """

    def __init__(
        self,
        script: Path,
        package: str,
        before: ScriptModules | None = None,
        given: Mapping[str, bytes] | None = None,
    ) -> None:
        real = real_path(script)  # a link counts as what it points to, as it does where a person allows a script
        self.folder, self._package, self._given = real.parent, package, given
        self.count = 0
        self._spare = {**before._spare, **before._known} if before is not None else {}
        self._known: dict[str, _Loaded] = {}
        self._elsewhere: set[str] = set(sys.builtin_module_names)
        self._script = _Loaded("", ModuleType(package), real, (self.folder,), self)
        self._prepare(self._script)
        self._script.module.__file__ = str(script)

    def run(self, code: CodeType) -> dict[str, Any]:
        """Run the script's own code; its names afterwards."""
        module = self._script.module
        sys.modules[self._package] = module
        exec(code, module.__dict__)
        return module.__dict__

    @property
    def files(self) -> dict[Path, int]:
        """The files that the script has imported so far, directly or not, and those that it looked for in vain; which
        version of each it was (`values.hazards.stamp_of`)."""
        return {path: used.stamp if used is not None else 0 for path, used in self._script.reachable().items()}

    @property
    def sources(self) -> dict[str, bytes]:
        """What the files of its modules held, by their paths from the script's folder."""
        used = [each for each in self._script.reachable().values() if each is not None]
        return {self._relative(each.file): each.source for each in used if each.source is not None}

    def plain(self, words: str) -> str:
        """A sentence of Python's about these modules, with the names that the script gives them."""
        return words.replace(f"{self._package}.", "").replace(self._package, "the script")

    # What an import does

    def _import(
        self, user: _Loaded, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        if level:
            name = _absolute(user, name, level)
        elif not self._lies_beside(user, name.partition(".")[0]):
            try:
                found = builtins.__import__(name, globals, locals, fromlist or (), 0)
                self._elsewhere.add(name.partition(".")[0])
                return self._importlib(user) if found is importlib else found
            except ModuleNotFoundError as error:
                if error.name == name.partition(".")[0]:
                    user.uses |= dict.fromkeys(self._candidates(name.partition(".")[0], (self.folder,)))
                raise
        loaded = self._load(name, user) if name else self._script
        if not fromlist:
            return self._known[name.partition(".")[0]].module
        if loaded.places:
            for item in fromlist if "*" not in fromlist else getattr(loaded.module, "__all__", ()):
                if not hasattr(loaded.module, item):
                    self._load_if_there(f"{name}.{item}".strip("."), user)
        return loaded.module

    def _importlib(self, user: _Loaded) -> ModuleType:
        """`importlib` as a module of the script's sees it: its `import_module` looks beside the script, too."""

        def import_module(name: str, package: str | None = None) -> Any:
            if name.startswith(".") and package:
                name = importlib.util.resolve_name(name, package)
                name, ours = name.removeprefix(f"{self._package}."), name
                if name != ours:
                    return self._load(name, user).module
            return self._import(user, name, fromlist=("__name__",))

        module = ModuleType("importlib")
        module.__dict__.update(vars(importlib), import_module=import_module)
        return module

    def _lies_beside(self, user: _Loaded, name: str) -> bool:
        """Whether this name means something beside the script. As in a program of Python's own the script's folder
        comes first; but a script never imports itself, and what the process has already loaded from this very file
        (Ganzfeld, for a script that lies beside it) is not loaded twice."""
        if name in self._known:
            return True
        if name in self._elsewhere:
            return False
        path, places = self._find(name, (self.folder,))
        if path is not None:
            file = getattr(sys.modules.get(name), "__file__", None)
            return not (user is self._script and path == user.path) and not (file and _is_same(path, file))
        if not places or name in sys.modules:
            return False
        try:  # a mere folder gives way to what is installed, but not to another mere folder
            spec = importlib.util.find_spec(name)
            return spec is None or spec.origin is None
        except (ImportError, ValueError, AttributeError):
            return False

    def _load_if_there(self, name: str, user: _Loaded) -> None:
        try:
            self._load(name, user)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            # Python itself says that there is no such name.

    def _load(self, name: str, user: _Loaded) -> _Loaded:
        """The module of this name beside the script, loaded if it is not. Raises ModuleNotFoundError, and whatever the
        module raises."""
        above, _, last = name.rpartition(".")
        parent = self._load(above, user) if above else self._script
        loaded = self._known.get(name)
        if loaded is None:
            path, places = self._find(last, parent.places)
            if path is None and not places:
                user.uses |= dict.fromkeys(self._candidates(last, parent.places))
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            loaded = self._spared(name, path)
            if loaded is None:
                loaded = _Loaded(name, ModuleType(f"{self._package}.{name}"), path, places, self)
                user.uses[loaded.file] = loaded  # also if it fails: it is tried again
                self._run(loaded)
            if parent is not self._script:  # which shows its parts to whoever imports it
                parent.uses[loaded.file] = loaded
                setattr(parent.module, last, loaded.module)
        if loaded is not user:
            user.uses[loaded.file] = loaded
        return loaded

    def _run(self, loaded: _Loaded) -> None:
        if len(self._known) >= MOST_MODULES:
            raise ImportError(f"more than {MOST_MODULES} modules beside the script")
        self._prepare(loaded)
        name = loaded.module.__name__
        before = sys.modules.get(name)
        self._known[loaded.name] = loaded
        sys.modules[name] = loaded.module
        try:
            if loaded.path is not None:
                loaded.stamp = stamp_of(loaded.path)
                loaded.source = self._read(loaded.path)
                exec(_compiled(loaded.source, loaded.path), loaded.module.__dict__)
        except BaseException:
            self._known.pop(loaded.name, None)
            sys.modules.pop(name, None)
            if before is not None:  # of the version that plays
                sys.modules[name] = before
            raise
        loaded.whole = True
        self.count += 1

    def _prepare(self, loaded: _Loaded) -> None:
        """Give a module what every module has, and its own `__import__`."""
        module, is_package = loaded.module, bool(loaded.places)
        spec = ModuleSpec(module.__name__, None, origin=str(loaded.path or ""), is_package=is_package)
        module.__spec__ = spec
        module.__package__ = module.__name__ if is_package else module.__name__.rpartition(".")[0]
        if loaded.path is not None:
            module.__file__ = str(loaded.path)
        if is_package:
            spec.submodule_search_locations = [str(place) for place in loaded.places]
            module.__path__ = spec.submodule_search_locations

        def imports(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
            return loaded.home._import(loaded, name, globals, locals, fromlist, level)

        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": imports}

    def _spared(self, name: str, path: Path | None) -> _Loaded | None:
        """This module as the load before had it, if neither it nor what it imports has changed."""
        loaded = self._spare.get(name)
        if loaded is None or loaded.path != path or not self._is_as_it_was(loaded, set()):
            return None
        loaded.home = self
        self.count += 1
        self._known[name] = loaded
        return loaded

    def _is_as_it_was(self, loaded: _Loaded, seen: set[int]) -> bool:
        if id(loaded) in seen:
            return True
        seen.add(id(loaded))
        if not loaded.whole or (loaded.path is None and self._exists(loaded.file)):
            return False
        try:
            if loaded.path is not None and self._read(loaded.path) != loaded.source:
                return False
        except ImportError:
            return False
        return all(
            not self._exists(path) and not self._is_folder(path) if used is None else self._is_as_it_was(used, seen)
            for path, used in list(loaded.uses.items())
        )

    # Files

    def _find(self, name: str, places: Sequence[Path]) -> tuple[Path | None, tuple[Path, ...]]:
        """The file of a module of this name in one of these folders, and the folders of its submodules if it is a
        package. A folder without `__init__.py` has no file; neither: there is nothing."""
        for place in places:
            package, module, _ = self._candidates(name, (place,))
            if self._exists(package):
                return package, (place / name,)
            if self._exists(module):
                return module, ()
        return None, tuple(place / name for place in places if self._is_folder(place / name))

    def _candidates(self, name: str, places: Sequence[Path]) -> list[Path]:
        """What would be a module of this name: of each place a package's file, a file, a folder."""
        return [path for place in places for path in (place / name / "__init__.py", place / f"{name}.py", place / name)]

    def _exists(self, path: Path) -> bool:
        return self._relative(path) in self._given if self._given is not None else path.exists() and not path.is_dir()

    def _is_folder(self, path: Path) -> bool:
        if self._given is None:
            return path.is_dir()
        return any(name.startswith(f"{self._relative(path)}/") for name in self._given)

    def _read(self, path: Path) -> bytes:
        if self._given is not None:
            return self._given[self._relative(path)]
        try:
            return read_plain(path, LONGEST_TEXT)
        except OSError as error:
            raise ImportError(f"{path.name} cannot be read: {error.strerror or error}", path=str(path)) from None

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def package_of(owner: object, script: Path) -> str:
    """A name for the modules of a script that nobody else has; it is forgotten when its owner goes."""
    stem = re.sub(r"\W", "_", script.stem)
    package = f"ganzfeld_script_{stem}_{next(_numbers)}"
    weakref.finalize(owner, _forget, package).atexit = False
    return package


def _forget(package: str) -> None:
    for name in [name for name in list(sys.modules) if name == package or name.startswith(f"{package}.")]:
        sys.modules.pop(name, None)


def _absolute(user: _Loaded, name: str, level: int) -> str:
    """The name from the script's folder of what `user` calls `name` after so many dots."""
    parts = user.name.split(".") if user.name else []
    up = level - 1 if user.places else level
    if up > len(parts):
        raise ImportError("attempted relative import beyond the script's folder")
    return ".".join([*parts[: len(parts) - up], *([name] if name else [])])


def _compiled(source: bytes, path: Path) -> CodeType:
    try:
        return compile(source, str(path), "exec", dont_inherit=True)
    except SyntaxError:
        raise
    except ValueError as error:
        raise ImportError(f"{path.name} is not Python: {error}", path=str(path)) from None


def _is_same(path: Path, file: str) -> bool:
    try:
        return path.samefile(file)
    except OSError:
        return False


def files_beside(script: Path) -> list[Path]:
    """The files beside a script that its text, and theirs, speak of importing. Runs nothing; for a script that may not
    be run just now. What cannot be read or understood is left out."""
    modules = ScriptModules(script, "")
    found: dict[Path, None] = {}
    script = real_path(script)
    waiting = [(script, _Loaded("", ModuleType(""), script, (script.parent,), modules))]
    while waiting and len(found) < MOST_MODULES:
        path, user = waiting.pop()
        try:
            tree = parse_python(read_plain(path, LONGEST_TEXT))
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for name in _named(tree, user):
            parts, places = name.split("."), (script.parent,)
            for number, part in enumerate(parts, 1):
                file, places = modules._find(part, places)
                if file is not None and file not in found and file != script:
                    found[file] = None
                    waiting.append((file, _Loaded(".".join(parts[:number]), ModuleType(""), file, places, modules)))
                if not places:
                    break
    return list(found)


def _named(tree: ast.AST, user: _Loaded) -> Iterator[str]:
    """The modules that a text imports, by their names from the script's folder; some may be names of something else."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            try:
                base = _absolute(user, node.module or "", node.level) if node.level else node.module or ""
            except ImportError:
                continue
            yield from (f"{base}.{alias.name}".strip(".") for alias in node.names)
