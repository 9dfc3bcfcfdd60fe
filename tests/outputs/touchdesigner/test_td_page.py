"""The page of custom parameters: what changed is updated alone, and values go both ways."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from td_project import PATCH, Stage, tree_of, values_of


@pytest.fixture
def built(stage) -> Stage:
    one = stage()
    one.build()
    return one


def page_of(one: Stage) -> Any:
    return one.file("ganzfeld_page").ParameterPage(one.comp)


def test_names_are_as_touchdesigner_wants_them_and_nobodys(built):
    name_of = built.file("ganzfeld_page").name_of
    assert name_of("/face/spin/rotate", set()) == "Facespinrotate"
    assert name_of("/a_b/c", set()) == "Abc" and name_of("/a/bc", {"Abc"}) == "Abcx2"
    assert name_of("/1st/größe", set()) == "P1stgre"
    assert name_of("/ü", set()) == "P"
    assert len(name_of("/" + "x" * 300, set())) == 40


def test_what_stays_in_the_patch_keeps_value_expression_export_and_binding(built):
    mode, par = built.module.ParMode, built.comp.par
    par.Sourcegain.val = 0.25
    par.Sourceperiod.expr = "math.sin(absTime.seconds)"
    par.Sourcespread.mode, par.Sourcespread.bindExpr = mode.BIND, "op('/project1/basic').par.Speed"
    par.Sourcerz.mode, par.Sourcerz.exportSource = mode.EXPORT, lambda: 33.0
    kept = {name: par[name] for name in ("Sourcegain", "Sourceperiod", "Sourcespread", "Sourcerz")}
    text = PATCH.replace("-2, 3", "0, 8").replace("target", "top")
    page = page_of(built)
    added, changed, removed = page.rebuild(tree_of(text), values_of(text))
    assert (sorted(added), changed, sorted(removed)) == (["/top/x", "/top/y"], ["/push"], ["/target/x", "/target/y"])
    assert par["Targety"] is None and par.Topy.eval() is True
    assert (par.Push.normMin, par.Push.max, par.Push.eval()) == (0.0, 8.0, 0.0)
    assert {name: par[name] for name in kept} == kept  # the very same parameters
    assert par.Sourcegain.eval() == 0.25 and par.Sourceperiod.mode is mode.EXPRESSION
    assert par.Sourcespread.mode is mode.BIND and par.Sourcerz.eval() == 33.0
    assert page.rebuild(tree_of(text)) == ([], [], [])


def test_a_menu_that_grows_keeps_its_choice_and_another_type_is_made_anew(built):
    page, par = page_of(built), built.comp.par
    tree = tree_of(PATCH)
    source = tree["CONTENTS"]["source"]["CONTENTS"]
    par.Sourcetype.val = "perlin3d"
    source["type"]["RANGE"] = [{"VALS": ["perlin3d", "white"]}]
    source["gain"] = {**source["gain"], "TYPE": "T", "RANGE": [{}]}
    added, changed, removed = page.rebuild(tree)
    assert (added, changed, removed) == (["/source/gain"], ["/source/type"], [])
    assert par.Sourcetype.eval() == "perlin3d" and par.Sourcetype.menuNames == ["perlin3d", "white"]
    assert par.Sourcegain.style == "Toggle"


def test_a_saved_project_knows_its_page(built):
    again = page_of(built)
    assert again.rebuild(tree_of(PATCH)) == ([], [], [])
    built.comp.par.Push.destroy()  # by hand
    assert page_of(built).rebuild(tree_of(PATCH))[0] == ["/push"]


class OtherEnd:
    """A link without a network."""

    def __init__(self) -> None:
        self.state, self.session = "playing", 1
        self.values: dict[str, Any] = {}
        self.sent: list[tuple] = []
        self.news: dict[str, Any] = {}

    def send(self, *message: Any) -> None:
        self.sent.append(message)

    def received(self) -> dict[str, Any]:
        news, self.news = self.news, {}
        return news

    def said(self) -> dict[str, Any]:
        sent, self.sent = dict(self.sent), []
        return sent


@pytest.fixture
def both(built) -> Any:
    link = OtherEnd()
    link.values = {**values_of(PATCH), "/source/gain": 0.5, "/transport/speed": 1.0}
    sync = built.file("ganzfeld_page").ParameterSync(page_of(built), link, built.module.ParMode.CONSTANT)
    return SimpleNamespace(link=link, sync=sync, par=built.comp.par, one=built, mode=built.module.ParMode)


def test_a_show_that_is_met_says_what_is_and_nothing_is_sent_that_nobody_turned(both):
    both.sync.frame(0.0)
    assert both.par.Sourcegain.eval() == 0.5
    assert set(both.link.said()) <= {"/master/level", "/master/black", "/master/freeze", "/transport/pause"}


def test_hands_and_expressions_go_out_when_they_move(both):
    both.sync.frame(0.0)
    both.link.said()
    both.par.Sourcegain.val = 0.75
    both.par.Sourcetype.val = "perlin2d"
    both.par.Targety.val = False
    both.par.Push.expr = "absTime.seconds"
    both.one.project.absTime.seconds = 1.25
    both.sync.frame(0.1)
    assert both.link.said() == {
        "/source/gain": 0.75,
        "/source/type": "perlin2d",
        "/target/y": False,
        "/push": 1.25,
    }
    both.sync.frame(0.2)
    assert both.link.said() == {}
    assert {"/source/gain", "/source/type", "/target/y"} <= set(both.one.comp.fetch("ganzfeld_held"))
    assert "/push" not in both.one.comp.fetch("ganzfeld_held")


def test_what_moves_in_the_show_moves_here_where_nothing_else_does(both):
    both.par.Push.expr = "0.5"
    both.sync.frame(0.0)
    both.link.said()
    both.link.news = {"/source/gain": 0.125, "/push": 2.0, "/source/type": "nonsense", "/nobody": 1.0}
    both.sync.frame(0.1)
    assert both.par.Sourcegain.eval() == 0.125 and both.par.Push.eval() == 0.5
    assert both.par.Sourcetype.eval() == "simplex2d"
    assert both.link.said() == {}  # no echo


def test_an_older_word_of_the_show_does_not_pull_back_what_a_hand_holds(both):
    both.sync.frame(0.0)
    both.par.Sourcegain.val = 0.75
    both.sync.frame(1.0)
    both.link.news = {"/source/gain": 0.5}
    both.sync.frame(1.1)
    assert both.par.Sourcegain.eval() == 0.75
    both.link.news = {"/source/gain": 0.75}  # the echo
    both.sync.frame(1.2)
    both.sync.frame(2.0)
    assert both.par.Sourcegain.eval() == 0.75
    both.link.news = {"/source/gain": 0.25}
    both.sync.frame(2.1)
    assert both.par.Sourcegain.eval() == 0.25


def test_another_hand_right_after_ours_is_seen_when_ours_is_still(both):
    """The show tells what changed, and tells it once."""
    both.sync.frame(0.0)
    both.par.Sourcegain.val = 0.75
    both.sync.frame(1.0)
    both.link.said()
    both.link.news = {"/source/gain": 0.25}
    both.sync.frame(1.1)
    both.par.Sourcegain.val = 0.8
    both.sync.frame(1.4)
    both.sync.frame(1.8)
    assert both.par.Sourcegain.eval() == 0.8, "the hand still moves"
    both.sync.frame(2.0)
    assert both.par.Sourcegain.eval() == 0.25
    assert both.link.said() == {"/source/gain": 0.8}


def test_a_hand_that_goes_on_is_not_overwritten_by_its_echo(both):
    both.sync.frame(0.0)
    both.par.Sourcegain.val = 0.3
    both.sync.frame(1.0)
    both.link.said()
    both.link.news = {"/source/gain": 0.30000001192}  # as OSC has it
    both.sync.frame(1.1)
    both.sync.frame(1.6)
    assert both.par.Sourcegain.eval() == 0.3
    both.link.news = {"/source/gain": 0.5}
    both.par.Sourcegain.val = 0.9
    both.sync.frame(2.0)
    assert both.par.Sourcegain.eval() == 0.9 and both.link.said() == {"/source/gain": 0.9}


def test_a_show_that_is_back_gets_what_was_turned_here(both):
    both.sync.frame(0.0)
    both.par.Sourcegain.val = 0.75
    both.sync.frame(0.1)
    both.link.said()
    both.link.session, both.link.values["/source/gain"] = 2, 0.5
    both.sync.frame(10.0)
    assert both.link.said()["/source/gain"] == 0.75 and both.par.Sourcegain.eval() == 0.75


def test_numbers_that_are_none_and_pulses(both):
    both.sync.frame(0.0)
    both.link.news = {"/source/gain": math.nan, "/source/period": "much"}
    both.sync.frame(0.1)
    assert both.par.Sourcegain.eval() == 0.5
    both.link.said()
    assert both.sync.pulse("Drumkick") and both.sync.pulse("Tap") and not both.sync.pulse("Push")
    assert both.link.said() == {"/drum/kick": 1, "/tempo/tap": 1}
