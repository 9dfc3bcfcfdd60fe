"""The gallery shows every operation, and what it shows is true."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from ganzfeld import Player
from ganzfeld.bending.base import TARGETS, bends, blend_modes
from ganzfeld.kernels.colour_map import MAPS
from ganzfeld.kernels.layer_view import VIEWS
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.nodes import node_types

ROOT = Path(__file__).parents[2]
MOST_BYTES = 1_500_000


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_gallery", ROOT / "docs" / "make_gallery.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for their annotations
    spec.loader.exec_module(module)
    return module


def test_every_bend_has_its_pictures(maker: ModuleType) -> None:
    """A bend carries its examples in its own file: one for each amount."""
    names = {strip.name for strip in maker.strips()}
    for target in TARGETS:
        for bend in bends(target).values():
            for amount in bend.amounts:
                wanted = {f"activation-{amount}-b16", f"activation-{amount}-b64"}
                assert (wanted if target == "activation" else {f"{target}-{amount}"}) <= names, f"{target} {amount}"


def test_every_look_blend_and_picture_node_is_there(maker: ModuleType) -> None:
    strips = list(maker.strips())
    text = "\n".join(strip.patch(value) for strip in strips for value in strip.values)
    types = node_types()
    wanted = [f'view="{view}"' for view in VIEWS] + [f"map='{name}'" for name in MAPS if name != "none"]
    wanted += [f'mode="{mode}"' for mode in blend_modes() if mode != "lerp"]
    wanted += [f"face.{method.method}(" for method in types["network"].methods]
    for name, cls in types.items():
        if {"image"} <= {given.makes for given in cls.declared_inputs().values()} & set(cls.makes) and cls.captured:
            wanted += [f" {name}("]  # an example may also have it within another node
    missing = [word for word in wanted if word not in text]
    assert not missing


def test_every_strip_can_be_played(maker: ModuleType) -> None:
    names = [strip.name for strip in maker.strips()]
    assert len(names) == len(set(names))
    for strip in maker.strips():
        for value in strip.values:
            Graph(parse(strip.patch(value)))


def test_the_page_is_up_to_date_and_small(maker: ModuleType) -> None:
    assert maker.page() == maker.TARGET.read_text(encoding="utf-8"), "run python docs/make_gallery.py"
    shown = set(re.findall(r"pictures/gallery/([\w-]+)\.jpg", maker.page()))
    files = {path.stem: path for path in maker.PICTURES.iterdir()}
    assert shown == set(files), "run python docs/make_gallery.py"
    assert sum(path.stat().st_size for path in files.values()) < MOST_BYTES


def test_the_pictures_are_what_the_lines_make(maker: ModuleType) -> None:
    strips = {strip.name: strip for strip in maker.strips()}
    with Player(parse("out(noise())"), device="cpu") as player:
        for name in ("weight-scale", "activation-rotate-b16", "levels-hue"):
            now = np.asarray(maker.drawn(strips[name], player), np.float32)
            then = np.asarray(Image.open(maker.PICTURES / f"{name}.jpg").convert("RGB"), np.float32)
            assert now.shape == then.shape
            assert np.abs(now - then).mean() < 6, f"{name}: run python docs/make_gallery.py {name}"
