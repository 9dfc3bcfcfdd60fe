"""`ganzfeld touchdesigner`: the folder it writes, and every set-up of it built in the imitation of TouchDesigner."""

from __future__ import annotations

import ast
import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest

import fake_td
from ganzfeld.cli import main
from ganzfeld.cli._osc_query import OscQuery
from ganzfeld.cli.touchdesigner import set_up_of
from ganzfeld.errors import GanzfeldError
from ganzfeld.outputs.doors.rig import RigOsc
from ganzfeld.outputs.touchdesigner import ANCESTORS, SHIPPED
from td_project import forget

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.ganz"))


def run(capfd, *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["touchdesigner", *map(str, words)])
    return (int(ended.value.code or 0), *capfd.readouterr())


@pytest.fixture
def project(monkeypatch):
    """A project of the imitation; afterwards this Python is as it was."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    forget()
    sys.modules["td"], made = fake_td.make()
    yield made
    forget()


def pasted(script: Path) -> str:
    with redirect_stdout(io.StringIO()) as said:
        exec(script.read_text("utf-8"), {})
    return said.getvalue()


def test_the_ancestors_set_ups_are_built_beside_each_other(capfd, tmp_path, project):
    folder = tmp_path / "for td"
    code, out, err = run(capfd, "--out", folder)
    assert (code, err) == (0, "")
    script = folder / "build.py"
    assert f'exec(open(r"{script}", encoding="utf-8").read())' in out.replace("\n", "")
    readme = (folder / "README.txt").read_text("utf-8")
    assert "@" not in readme and "Not yet run inside TouchDesigner" in readme
    assert f'FOLDER = r"{folder}"' in (folder / "capture.py").read_text("utf-8")
    for each in folder.rglob("*.py"):
        ast.parse(each.read_text("utf-8"), feature_version=(3, 9))  # TouchDesigner 2022's
    scripts = [script, *sorted((folder / "setups").glob("*.py"))]
    assert len(scripts) == len(ANCESTORS)
    assert all("made" in pasted(each) for each in scripts)
    assert all("nothing was changed" in pasted(each) for each in scripts)
    comps = {each.name: each for each in project.home.children}
    assert comps.keys() == ANCESTORS.keys()
    for name in ("Port", "Sharedname", "Inputname"):  # so that all of them may play at once
        assert len({each.par[name].eval() for each in comps.values()}) == len(comps)
    for name, expressions in ANCESTORS.items():
        moved = [par.expr for par in comps[name].customPars if par.mode is fake_td.ParMode.EXPRESSION]
        assert moved == list(expressions.values())
    assert comps["synthesis_layer"].par.Faceshowlayer.menuNames == ["b8", "b16", "b32", "image"]


def test_what_is_captured_in_touchdesigner(capfd, tmp_path, project):
    run(capfd, "--out", tmp_path / "td")
    pasted(tmp_path / "td" / "build.py")
    before = project.home.children
    assert "Written" in pasted(tmp_path / "td" / "capture.py")
    found = json.loads((tmp_path / "td" / "capture.json").read_text("utf-8"))
    assert found["noiseTOP"]["amp"][0] == "Float" and "callbacks" in found["scriptTOP"]
    assert found["lowest_left_sample"] == [1, 0, 0, 1] and found["inputs_seen"] == 1
    assert found["custom"]["Good2"] == "Good2" and found["custom"]["Bad_name"].startswith("failed")
    assert found["components"].keys() == {"basic"} and found["warnings"] == "a warning"
    assert project.home.children == before


def test_a_patch_of_ones_own_comes_first(capfd, tmp_path, project):
    patch = tmp_path / "my organ.ganz"
    patch.write_text('push = knob(0, 4)\nface = network("planets", psi=push)\nout(face)\n')
    assert run(capfd, "--out", tmp_path / "td", patch)[0] == 0
    assert "made" in pasted(tmp_path / "td" / "build.py")
    (comp,) = project.home.children
    assert comp.name == "my_organ" and comp.par.Patch.eval() == str(patch)
    assert comp.op("source") is None and comp.par.Push.normMax == 4.0
    assert all((tmp_path / "td" / name).is_file() for name in SHIPPED)


def test_mistakes_are_told_with_their_place(capfd, tmp_path):
    patch = tmp_path / "organ.ganz"
    patch.write_text('face = netwok("planets")\nout(face)\n')
    code, _, err = run(capfd, "--out", tmp_path / "td", patch)
    assert code == 1 and "netwok" in err and "organ.ganz" in err
    (tmp_path / "file").write_text("")
    code, _, err = run(capfd, "--out", tmp_path / "file")
    assert code == 1 and "cannot be written" in err


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_has_a_page(example, capfd, tmp_path, project):
    setup = set_up_of("example", "x.ganz", example.read_text("utf-8"), {})
    json.dumps(setup.tree, allow_nan=False)
    run(capfd, "--out", tmp_path / "td")
    sys.path.append(str(tmp_path / "td"))
    comp = project.home.create(sys.modules["td"].baseCOMP, "example")
    page = __import__("ganzfeld_page").ParameterPage(comp)
    added, _, _ = page.rebuild(setup.tree, setup.values)
    assert len(added) == len(comp.customPars) > 0
    assert page.rebuild(setup.tree, setup.values) == ([], [], [])


def test_a_show_that_is_left_has_to_be_asked():
    signals = SimpleNamespace(osc=None)
    with pytest.raises(GanzfeldError, match="without OSCQuery"):
        OscQuery(None, signals, RigOsc(), until_left=60)  # type: ignore[arg-type]
    query = OscQuery(None, signals, RigOsc(query=0), until_left=60)  # type: ignore[arg-type]
    assert not query.is_left
    for seconds, is_left in ((59.0, False), (61.0, True)):
        query._server = SimpleNamespace(alone_for=lambda seconds=seconds: seconds)  # type: ignore[assignment]
        assert query.is_left is is_left
