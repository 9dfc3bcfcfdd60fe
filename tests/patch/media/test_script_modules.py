"""Modules beside a script are a part of it: its own, known by their files, and loaded anew when they change."""

from __future__ import annotations

import gc
import os
import pickle
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ganzfeld.patch.media import script_modules
from ganzfeld.patch.media.script_modules import files_beside
from ganzfeld.patch.media.scripts import Script, ScriptFrame
from ganzfeld.patch.node import ImageRequest, Named
from ganzfeld.values.hazards import Hazards, stamp_of
from ganzfeld.values.time import Moment

HEAD = "def frame(context, inputs):\n    "


def called(script: Script, t: float = 0.0):
    moment = Moment(0, t, 0.0, 0.0, 0.0, 120.0)
    return script.call(ScriptFrame(moment, Named({}), {}, ImageRequest(), torch.device("cpu")), {})


def written(folder: Path, **files: str) -> Path:
    """Write files, `lib__tools` as lib/tools.py, `lib___init` as lib/__init__.py; the script s.py."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/').replace('_init', '__init__')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "s.py"


def opened(folder: Path, **files: str) -> Script:
    return Script(written(folder, **files), lambda path: True, hazards=Hazards())


def saved(script: Script, **files: str) -> None:
    written(script.path.parent, **files)
    script.load()


WAYS = {
    "plain": ("import helper", "helper.V"),
    "as": ("import helper as h", "h.V"),
    "from": ("from helper import V", "V"),
    "all": ("from helper import *", "V"),
    "relative": ("from .helper import V", "V"),
    "dot": ("from . import helper", "helper.V"),
    "in the frame": ("", "__import__('helper').V"),
    "by name": ("import importlib", "importlib.import_module('helper').V"),
    "by name at once": ("from importlib import import_module\nV = import_module('lib.tools').V", "V"),
    "by name and place": ("import importlib.util", "importlib.import_module('.helper', __package__).V"),
    "with a path": ("import sys\nsys.path.insert(0, __file__[:-5])\nimport helper", "helper.V"),
    "of a folder": ("from lib import tools", "tools.V"),
    "dotted": ("import lib.tools", "lib.tools.V"),
    "dotted as": ("import lib.tools as x", "x.V"),
    "of a package": ("import package", "package.V"),
    "through another": ("import middle", "middle.helper.V"),
    "in a package": ("from package import inner", "inner.V"),
    "relative in a package": ("from package.sub import deep", "deep.V"),
    "a name above": ("from package.sub.deep import tools", "tools.V"),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_import_is_followed(tmp_path, way, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    line, value = WAYS[way]
    rest = {
        "middle": "import helper",
        "package___init": "from .inner import V",
        "package__sub___init": "",
        "package__sub__deep": "from ..inner import V\nfrom lib import tools",
    }
    names = ("helper", "lib__tools", "package__inner")
    script = opened(tmp_path, s=f"{line}\n{HEAD}return {value}", **rest, **dict.fromkeys(names, "V = 1"))
    assert called(script) == 1
    assert script.problem is None
    changed = [path for path in script.modules if path.exists() and path.read_text() == "V = 1"]
    assert len(changed) in (1, 2)
    assert all(script.modules[path] == stamp_of(path) for path in changed)
    saved(script, **dict.fromkeys(names, "V = 2"))
    assert called(script) == 2
    saved(script, **dict.fromkeys(names, "V = 1/0"))
    assert called(script) == 2, "the last version that worked plays on, with the modules that it had"
    assert "ZeroDivisionError" in script.problem.what
    assert script.problem.where.line == 1 and script.problem.where.file in map(str, changed)
    saved(script, **dict.fromkeys(names, "V = 3"))
    assert called(script) == 3
    assert script.problem is None


def test_two_scripts_do_not_get_each_others_modules(tmp_path):
    one = opened(tmp_path / "one", s=f"import helper\n{HEAD}return helper.V", helper="V = 1")
    two = opened(tmp_path / "two", s=f"import helper\n{HEAD}return helper.V", helper="V = 2")
    three = opened(tmp_path / "three", s=f"import helper\n{HEAD}return helper.V")
    assert (called(one), called(two), called(three)) == (1, 2, None)
    assert "No module named 'helper'" in three.problem.what
    saved(one, helper="V = 11")
    assert (called(one), called(two)) == (11, 2)
    assert "helper" not in sys.modules


@pytest.mark.parametrize("line", ["import helper", "from helper import V", "import helper.sub", "from . import helper"])
def test_a_missing_module_is_waited_for(tmp_path, line):
    script = opened(tmp_path, s=f"{line}\n{HEAD}return 1")
    assert called(script) is None
    assert "helper" in script.problem.what and "ganzfeld_script" not in script.problem.what
    assert tmp_path / "helper.py" in script.modules or tmp_path / "helper/__init__.py" in script.modules
    assert set(script.modules.values()) == {0}
    saved(script, helper___init="V = 1", helper__sub="")
    assert called(script) == 1
    assert script.problem is None


def test_a_missing_part_of_a_module_that_is_there(tmp_path):
    script = opened(tmp_path, s=f"from lib import tools\n{HEAD}return tools.V", lib___init="")
    assert called(script) is None
    assert {tmp_path / "lib/tools.py", tmp_path / "lib/__init__.py"} <= set(script.modules)
    saved(script, lib__tools="V = 4")
    assert called(script) == 4


def test_a_missing_module_may_appear_as_a_folder(tmp_path):
    """Which need not have an __init__.py."""
    script = opened(tmp_path, s=f"import middle\n{HEAD}return middle.tools.V", middle="from lib import tools")
    assert called(script) is None
    assert script.modules[tmp_path / "lib"] == 0
    saved(script, lib__tools="V = 6")
    assert called(script) == 6
    assert tmp_path / "lib/tools.py" in script.modules and tmp_path / "lib" not in script.modules


def test_what_has_not_changed_is_not_run_again(tmp_path):
    log = tmp_path / "log"
    noted = f"open({str(log)!r}, 'a').write(__file__[-4])\n"
    texts = {"a": f"{noted}import c", "b": f"{noted}V = 10", "c": f"{noted}V = 1"}
    script = opened(tmp_path, s=f"import a, b\n{HEAD}return a.c.V + b.V", **texts)
    assert called(script) == 11
    assert log.read_text() == "acb"
    saved(script, c=f"{noted}V = 2")
    assert called(script) == 12
    assert log.read_text() == "acbac", "and what imports a changed one is run again"
    saved(script, s=f"import b\n{HEAD}return b.V")
    assert called(script) == 10
    assert log.read_text() == "acbac"
    assert set(script.modules) == {tmp_path / "b.py"}, "the others are its modules no more"


def test_an_old_version_keeps_its_modules_though_it_imports_in_each_frame(tmp_path):
    script = opened(tmp_path, s=f"{HEAD}from helper import shade\n    return shade()", helper="def shade(): return 1")
    assert called(script) == 1
    saved(script, helper="def shade(): raise ValueError('no')")
    assert called(script) == 1
    assert script.problem.what == "ValueError: no"
    assert (script.problem.where.file, script.problem.where.line) == (str(tmp_path / "helper.py"), 1)
    saved(script, helper="def shade(): return 2")
    assert called(script) == 2
    assert script.problem is None


def test_mistakes_are_told_where_they_are(tmp_path):
    script = opened(tmp_path, s=f"import helper\n{HEAD}return helper.V", helper="V = 1")
    assert called(script) == 1
    for text, line, told in (
        ("V = 1\nV = = 2", 2, "SyntaxError"),
        ("\n\nimport nowhere", 3, "No module named 'nowhere'"),
        ("from s import V", 1, "cannot import name 'V'"),
        ("raise SystemExit", 1, "SystemExit"),
    ):
        saved(script, helper=text)
        assert called(script) == 1
        assert told in script.problem.what
        assert (script.problem.where.file, script.problem.where.line) == (str(tmp_path / "helper.py"), line)
        assert tmp_path / "helper.py" in script.modules
    saved(script, helper="V = 2", s=f"from helper import W\n{HEAD}return W")
    assert called(script) == 1
    assert "cannot import name 'W' from 'helper'" in script.problem.what
    assert tmp_path / "helper.py" in script.modules


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_module_that_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "helper.py")
    script = opened(tmp_path, s=f"import helper\n{HEAD}return 1")
    assert called(script) is None
    assert "helper.py cannot be read: it is a pipe" in script.problem.what
    (tmp_path / "helper.py").unlink()
    saved(script, helper="# data\n" * (1 << 18))
    assert called(script) is None
    assert "more than 1 MB" in script.problem.what
    saved(script, helper="\0")
    assert called(script) is None
    assert script.problem is not None
    saved(script, helper="")
    assert called(script) == 1


def test_modules_that_import_each_other_and_themselves(tmp_path):
    texts = {"a": "V = 5\nimport b\nimport a", "b": "import a\nimport b"}
    script = opened(tmp_path, s=f"import a\n{HEAD}return a.b.a.V", **texts)
    assert called(script) == 5
    assert set(script.modules) == {tmp_path / "a.py", tmp_path / "b.py"}
    saved(script, b="import a\nimport b\nW = 1")
    assert called(script) == 5


def test_what_is_installed_is_neither_shadowed_by_chance_nor_loaded_again(tmp_path):
    """A script does not import itself, a mere folder gives way to what is installed, and Ganzfeld is one."""
    (tmp_path / "numpy").mkdir()
    text = f"import random\nimport numpy, time\n{HEAD}return random.seed, numpy.ndarray"
    script = written(tmp_path, s="", random=text)
    script = Script(script.with_name("random.py"), lambda path: True, hazards=Hazards())
    import random

    import numpy

    assert called(script) == (random.seed, numpy.ndarray)
    assert not script.modules
    assert sys.modules["numpy"] is numpy
    beside = Path(script_modules.__file__).with_name("no_script_is_here.py")
    modules = script_modules.ScriptModules(beside, "p")
    assert modules.run(compile("import scripts", "x", "exec"))["scripts"] is not sys.modules.get("scripts")


def test_modules_are_modules_for_python_too(tmp_path):
    """Data classes find their annotations, things can be pickled, sources read and modules reloaded, also while a newer
    version is wrong."""
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nimport typing, sys\n"
        "@dataclass\nclass P:\n    x: typing.Optional[int] = 3\nV = 1\n"
    )
    uses = (
        "import helper, importlib, inspect, pickle, typing\n"
        "def frame(context, inputs):\n    p = pickle.loads(pickle.dumps(helper.P()))\n"
        "    return p.x, typing.get_type_hints(helper.P)['x'], 'class P' in inspect.getsource(helper.P)\n"
    )
    script = opened(tmp_path, s=uses, helper=text)
    expected = (3, int | None, True)
    assert called(script) == expected
    saved(script, helper=text + "1/0")
    assert called(script) == expected
    assert "ZeroDivisionError" in script.problem.what
    saved(script, helper=text, s=uses.replace("import helper,", "import helper\nhelper.V = 5\nimport").replace(
        "return p.x", "importlib.reload(helper)\n    return helper.V, p.x"
    ))  # fmt: skip
    assert called(script)[:2] == (1, 3)


def test_its_modules_are_forgotten_with_a_script(tmp_path):
    script = opened(tmp_path, s=f"import helper\n{HEAD}return helper.T()", helper="class T:\n    pass")
    thing = called(script)
    assert type(pickle.loads(pickle.dumps(thing))) is type(thing)
    name = type(thing).__module__
    assert name in sys.modules
    del script, thing
    gc.collect()
    assert name not in sys.modules


def test_only_the_newest_load_counts(tmp_path, monkeypatch):
    """A file that changes while it is loaded is loaded again beside that; the first may end last."""
    script = opened(tmp_path, s=f"import again\n{HEAD}return again.V", again="V = 1")
    assert called(script) == 1
    hook = SimpleNamespace(there=threading.Event(), go_on=threading.Event())
    monkeypatch.setitem(sys.modules, "meeting", hook)
    waits = "import meeting\nmeeting.there.set()\nmeeting.go_on.wait(20)\nV = 2"
    slow = threading.Thread(target=lambda: saved(script, again=waits))
    slow.start()
    assert hook.there.wait(20)
    saved(script, again="V = 3")
    hook.go_on.set()
    slow.join(20)
    assert called(script) == 3


def test_a_link_counts_as_what_it_points_to(tmp_path):
    """As it does where a person allows a script: what lies beside the link is none of the script's."""
    written(tmp_path / "real", s=f"import helper\n{HEAD}return helper.V", helper="V = 1")
    written(tmp_path / "other", helper="V = 2")
    (tmp_path / "other/s.py").symlink_to(tmp_path / "real/s.py")
    script = Script(tmp_path / "other/s.py", lambda path: True, hazards=Hazards())
    assert called(script) == 1
    assert set(script.modules) == {tmp_path / "real/helper.py"}


def test_a_script_that_may_not_run_runs_no_module(tmp_path):
    written(tmp_path, s=f"import helper\n{HEAD}return 1", helper="raise ValueError")
    script = Script(tmp_path / "s.py", lambda path: False, hazards=Hazards())
    assert called(script) is None
    assert "permission" in script.problem.what
    assert not script.modules


def test_what_it_was_made_of_makes_it_again(tmp_path):
    text = f"import helper\n{HEAD}from lib import tools\n    return helper.V + tools.V"
    script = opened(tmp_path, s=text, helper="V = 1", lib__tools="V = 10")
    assert script.witnessed is None, "nothing has played"
    assert called(script) == 11
    witnessed = script.witnessed
    assert witnessed == {"": text.encode(), "helper.py": b"V = 1", "lib/tools.py": b"V = 10"}
    assert script.witnessed is witnessed, "it is compared in every frame"
    elsewhere = Script(tmp_path / "elsewhere" / "s.py", lambda path: True, load=False, hazards=Hazards())
    written(tmp_path / "elsewhere", helper="V = 100")
    elsewhere.load(witnessed)
    assert called(elsewhere) == 11
    assert elsewhere.witnessed == witnessed
    alone = opened(tmp_path / "alone", s=HEAD + "return 1")
    assert called(alone) == 1
    assert isinstance(alone.witnessed, bytes)


def test_which_files_a_text_speaks_of(tmp_path):
    script = written(
        tmp_path,
        s="import a\nimport os, numpy\nfrom lib import tools, nothing\nfrom . import b\n",
        a="import c.d\nfrom .e import x",
        b="this is no Python",
        c___init="from . import f",
        c__d="from .. import e",
        c__f="from .d import y",
        e="",
        lib__tools="import s",
    )
    names = {path.relative_to(tmp_path).as_posix() for path in files_beside(script)}
    assert names == {"a.py", "b.py", "c/__init__.py", "c/d.py", "c/f.py", "e.py", "lib/tools.py"}
    assert files_beside(tmp_path / "none.py") == []
