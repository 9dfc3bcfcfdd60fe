"""The node `sheet`: every cell is what the network itself shows there, and each network runs once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ganzfeld.engine.player import Player
from ganzfeld.errors import PatchError
from ganzfeld.networks.network import Network
from ganzfeld.networks.stylegan3.config import StyleGAN3Config
from ganzfeld.patch.language.parser import parse

torch.set_num_threads(1)
GAP = 2


@pytest.fixture(scope="module")
def other_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A StyleGAN3 with a longer z than `small_network`'s."""
    path = tmp_path_factory.mktemp("other") / "other.safetensors"
    shape = {"channel_base": 128, "channel_max": 8, "num_layers": 4, "z_dim": 20, "w_dim": 16}
    Network.random(StyleGAN3Config.design("stylegan3-t", 16, **shape), seed=1).save(path)
    return path


def frame(text: str, count: int = 1) -> torch.Tensor:
    with Player(parse(text)) as player:
        for _ in range(count):
            picture = player.frame(0.1).image
            assert not player.problems, player.problems
        return picture


def cell(sheet: torch.Tensor, row: int, column: int, side: int = 32, strip: int = 0) -> torch.Tensor:
    top, left = GAP + row * (side + strip + GAP), GAP + column * (side + GAP)
    return sheet[top : top + side, left : left + side]


def test_cells_are_what_show_shows(small_network: Path) -> None:
    face = f"source = seeds('3', speed=1)\nface = network({str(small_network)!r}, latent=source, psi=0.6)"
    look = "normalise='frame', view='mean', map='magma', gain=1.3"
    sheet = frame(
        f"source = seeds('3', speed=1)\nout(sheet({str(small_network)!r}, source, ['image', 'b8', 'b32.conv1'], "
        f"psi=0.6, cell=32, labels=False, {look}))",
        2,
    )
    assert sheet.shape == (32 + 2 * GAP, 3 * 32 + 4 * GAP, 4)
    assert torch.equal(cell(sheet, 0, 0), frame(f"{face}\nout(face)", 2))
    for column, layer in enumerate(("b8", "b32"), 1):
        shown = frame(f"{face}\nface.show({layer!r}, {look})\nout(face, size=(32, 32), filter='nearest')", 2)
        assert torch.equal(cell(sheet, 0, column), shown)


def test_networks_of_two_kinds_and_lengths_share_a_latent(small_network: Path, other_network: Path) -> None:
    both = f"[{str(small_network)!r}, {str(other_network)!r}]"
    # A seed's latent of fewer numbers is the beginning of the longer one.
    sheet = frame(f"source = seeds('7')\nout(sheet({both}, source, ['image', 'b8', 'L1'], cell=32, labels=False))")
    for row, path in enumerate((small_network, other_network)):
        face = f"source = seeds('7')\nface = network({str(path)!r}, latent=source)"
        single = frame(f"{face}\nout(face, size=(32, 32), filter='nearest')")
        assert torch.equal(cell(sheet, row, 0), single)
    paper = sheet[0, 0]
    for row, column in ((0, 2), (1, 1)):
        assert (cell(sheet, row, column) == paper).all(), "no such layer there"
    assert not (cell(sheet, 1, 2) == paper).all()


def test_conditional_networks_take_the_label_and_others_do_not(
    small_network: Path, golden_file: Callable[[str], Path]
) -> None:
    conditional = golden_file("stylegan2-cond-16")
    source, both = "source = seeds('7')", [str(conditional), str(small_network)]
    shown, others = {}, []
    for label in ("0", "1", "0.5", "[0, 1]", "cos(t)"):
        sheet = frame(f"{source}\nout(sheet({both}, source, ['image'], psi=0.7, label={label}, cell=16, labels=False))")
        first, second = (cell(sheet, row, 0, side=16) for row in (0, 1))
        face = f"network({str(conditional)!r}, latent=source, psi=0.7, label={label})"
        assert torch.equal(first, frame(f"{source}\nout({face})")), label
        shown[label], others = first, [*others, second]
    assert all(torch.equal(other, others[0]) for other in others)
    assert torch.equal(shown["1"], shown["[0, 1]"])
    assert not torch.equal(shown["0"], shown["1"])
    assert not torch.equal(shown["0.5"], shown["1"]) and not torch.equal(shown["0.5"], shown["0"])


def test_labels_stand_under_the_cells_and_leave_them_alone(small_network: Path) -> None:
    text = f"out(sheet({str(small_network)!r}, layers=['image', 'b8'], cell=64, labels=%s))"
    plain, labelled = frame(text % False), frame(text % True)
    strip = labelled.shape[0] - plain.shape[0]
    assert strip > 8
    assert torch.equal(labelled[: GAP + 64], plain[: GAP + 64])
    under = labelled[GAP + 64 : GAP + 64 + strip].float().mean(2)
    assert under[:, :66].max() > 120 and under[:, 66:].max() > 120


def test_left_out_layers_are_chosen_for_each(small_network: Path, other_network: Path) -> None:
    sheet = frame(f"out(sheet([{str(small_network)!r}, {str(other_network)!r}], cell=16, labels=False))")
    # The picture and the four blocks of one; the picture, the input and L0 … L3 of the other.
    paper = sheet[0, 0]
    filled = [[not (cell(sheet, row, column, 16) == paper).all() for column in range(6)] for row in range(2)]
    assert filled == [[True] * 5 + [False], [True] * 6]


def test_each_network_runs_once_and_no_further_than_needed(small_network: Path, monkeypatch) -> None:
    calls = []
    synthesis = Network.synthesis

    def counted(self: Network, *arguments, **options):
        calls.append(options.get("until"))
        return synthesis(self, *arguments, **options)

    monkeypatch.setattr(Network, "synthesis", counted)
    with Player(parse(f"out(sheet({str(small_network)!r}, layers=['b4', 'b16', 'b8']))")) as player:
        calls.clear()
        player.frame(0.1)
    assert calls == ["b16"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("[]", "networks by name"),
        ("'planet'", "planets"),
        ("{path}, layers='b9'", "b8"),
        ("{path}, layers=[1]", "layers by name"),
        ("{path}, cell=2000", "cell"),
    ],
)
def test_what_is_refused(small_network: Path, arguments: str, word: str) -> None:
    with pytest.raises(PatchError) as caught:
        frame(f"out(sheet({arguments.format(path=repr(str(small_network)))}))")
    assert word in str(caught.value)
    assert caught.value.where.line == 1
