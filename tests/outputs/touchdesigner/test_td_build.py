"""The builder script, executed unchanged in the imitation of TouchDesigner."""

from __future__ import annotations

import json
from typing import Any

from td_project import PATCH

EDIT = """
face = network("orbits", psi=0.8)
face.bend("synthesis.input.weight", scale=1, name="edit")
out(face)
"""


def everything(project: Any) -> dict[str, Any]:
    """All that a project holds: operators, places, wires, texts, parameters with values and expressions."""
    return {
        each.path: (
            each.OPType,
            (each.nodeX, each.nodeY),
            [source.path for source in each.inputs],
            each.text,
            {
                par.name: (par.style, par.val, par.mode, par.expr, par.default, par.normMin, par.normMax, par.menuNames)
                for par in each._pars.values()
            },
            dict(each._storage),
        )
        for each in project.all()
    }


def with_noise(one: Any) -> None:
    """The patch reads what TouchDesigner sends."""
    path = one.folder / "setups" / f"{one.name}.json"
    said = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**said, "noise": True, "input": "td-test"}), "utf-8")


def test_it_builds_what_the_ancestor_had(stage):
    one = stage()
    with_noise(one)
    said = one.build()
    assert said.startswith("/project1/basic: made basic, ") and "\n" not in said
    comp = one.comp
    source, target, flip, out = (comp.op(name) for name in ("source", "target", "flip1", "out1"))
    assert (source.OPType, target.OPType, flip.OPType, out.OPType) == ("noiseTOP", "scriptTOP", "flipTOP", "outTOP")
    assert target.inputs == [source] and flip.inputs == [target] and out.inputs == [flip]
    par = source.par
    assert (par.type.eval(), par.amp.eval(), par.offset.eval(), par.mono.eval()) == ("simplex2d", 0.9, 0.0, True)
    assert (par.resolutionw.eval(), par.resolutionh.eval(), par.format.eval()) == (1, 512, "mono32float")
    one.project.absTime.seconds = 5.0
    assert par.tx.eval() == 0.5
    assert target.par.callbacks.eval() == "target_callbacks" and target.docked == []
    assert [each.nodeX for each in (source, target, flip, out)] == [0, 200, 400, 600]
    for name in ("target_callbacks", "execute", "pulses"):
        assert comp.op(name).text == (one.folder / f"{name}.py").read_text("utf-8")
        assert comp.op(name).par.syncfile.eval()
    assert comp.par.Patch.eval() == "basic-patch.ganz" and comp.par.Inputname.eval() == "td-test"


def test_its_page_has_the_patch_before_anything_plays(stage):
    one = stage()
    one.build()
    par = one.comp.par
    assert (par.Push.normMin, par.Push.normMax, par.Push.clampMin, par.Push.max) == (-2.0, 3.0, True, 3.0)
    assert par.Sourcetype.menuNames[:1] and "simplex2d" in par.Sourcetype.menuNames
    assert par.Sourcetype.eval() == "simplex2d" and par.Targety.eval() is True
    assert par.Drumkick.style == "Pulse" and par.Sourceamplitude.normMax == 2.0
    assert par.Push.startSection and par.Sourcetype.startSection and not par.Sourceseed.startSection


def test_running_it_twice_changes_nothing(stage):
    one = stage()
    one.build()
    comp = one.comp
    comp.par.Sourcegain.val = 0.25
    comp.par.Push.expr = "absTime.seconds"
    comp.op("flip1").par.flipx.val = True
    before = everything(one.project)
    assert one.build() == "/project1/basic is complete; nothing was changed."
    assert everything(one.project) == before


def test_what_a_user_deleted_is_made_again_and_nothing_else(stage):
    one = stage()
    one.build()
    one.comp.op("status").destroy()
    one.comp.op("flip1").par.flipy.val = True
    assert one.build().startswith("/project1/basic: made status.")
    assert one.comp.op("flip1").par.flipy.eval() is True


def test_an_expression_of_the_ancestor_is_on_the_parameter(stage):
    one = stage(EDIT, "edit_layer", expressions={"/face/edit/scale": "math.sin(absTime.seconds)"})
    one.build()
    one.project.absTime.seconds = 1.5
    par = one.comp.par.Faceeditscale
    assert par.mode is one.module.ParMode.EXPRESSION and abs(par.eval() - 0.9974949866) < 1e-9
    one.build()
    assert par.mode is one.module.ParMode.EXPRESSION


def test_what_is_missing_is_told_in_one_sentence(stage):
    one = stage()
    (one.folder / "ganzfeld_link.py").rename(one.folder / "away.py")
    said = one.build()
    assert "these are missing: ganzfeld_link.py" in said and "ganzfeld touchdesigner --out" in said
    (one.folder / "away.py").rename(one.folder / "ganzfeld_link.py")
    one.project.home.destroy()
    assert "There is no /project1" in one.build()
    setup = one.folder / "setups" / "basic.json"
    said = json.loads(setup.read_text("utf-8"))
    setup.write_text(json.dumps({**said, "python": "/nowhere/python"}))
    assert "Python with Ganzfeld is not at /nowhere/python" in one.build()
    setup.write_text("{")
    assert one.build().startswith("The set-up 'basic' cannot be read")
    assert one.project.root.children == []


def test_a_patch_of_any_name_becomes_a_component(stage):
    one = stage(PATCH, "night_1")
    one.build()
    assert one.comp.path == "/project1/night_1"
