"""Networks whose picture is no square, or of two channels, in a patch: held, shown, bent, blended, on a sheet."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import network_files as made
from ganzfeld.engine.player import Player
from ganzfeld.kernels.rgba import from_signed, to_rgba8
from ganzfeld.networks.network import Network
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.nodes.network import _smaller

torch.set_num_threads(1)


def saved(folder: Path, name: str, network: Network) -> Path:
    network.save(folder / f"{name}.safetensors")
    return folder / f"{name}.safetensors"


@pytest.fixture(scope="module")
def wide2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A StyleGAN2 of 40 × 24 pixels."""
    return saved(tmp_path_factory.mktemp("wide"), "wide2", made.small2(resolution=32, const_size=(5, 3)))


@pytest.fixture(scope="module")
def narrow3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A StyleGAN3 of 8 × 16 pixels."""
    return saved(tmp_path_factory.mktemp("narrow"), "narrow3", made.small3(width=8))


def frame(text: str, frames: int = 1) -> torch.Tensor:
    with Player(parse(text)) as player:
        for _ in range(frames):
            picture = player.frame(0.1).image.clone()
        assert not player.problems, player.problems
        return picture


def test_its_own_shape_is_what_is_sent_out(wide2: Path, narrow3: Path) -> None:
    for path, size in ((wide2, (40, 24)), (narrow3, (8, 16))):
        network = Network.from_file(made.open_network_file(path))
        picture = frame(f"out(network({str(path)!r}, latent=seeds('3')))")
        assert picture.shape == (*size[::-1], 4)
        expected = to_rgba8(from_signed(network.synthesis(network.mapping(network.latent(3)))))
        assert (picture.int() - expected.int()).abs().max() <= 1
        assert torch.equal(frame(f"out(network({str(path)!r}, latent=seeds('3'), size={size}))"), picture)
        assert frame(f"out(network({str(path)!r}, latent=seeds('3'), size=(31, 17)))").shape == (17, 31, 4)


def test_smaller_pictures_are_asked_for_by_their_height(wide2: Path, narrow3: Path) -> None:
    assert frame(f"out(network({str(wide2)!r}, latent=seeds('3'), resolution=6))").shape == (6, 10, 4)
    network, other = (Network.from_file(made.open_network_file(path)) for path in (wide2, narrow3))
    # Half of 24 is the last of which no side is below 8 pixels.
    assert _smaller(network, None) == [12] and _smaller(network, 12) == [] and _smaller(other, None) == []


def test_layers_are_shown_at_their_shape(wide2: Path, narrow3: Path) -> None:
    for path, layer, shape in ((wide2, "b8", (6, 10)), (wide2, "b16.conv0", (12, 20)), (narrow3, "image", (16, 8))):
        assert frame(f"face = network({str(path)!r})\nface.show({layer!r})\nout(face)").shape == (*shape, 4)


def test_it_is_bent_and_blended(wide2: Path, narrow3: Path) -> None:
    for path, layer, weights in ((wide2, "b16", "b*.conv?.weight"), (narrow3, "L1", "L*[0-9].weight")):
        face = f"face = network({str(path)!r}, latent=seeds('3'))"
        plain = frame(f"{face}\nout(face)")
        for line in (
            f"bend({layer!r}, rotate=30, scale=1.2, x=0.2, feedback=0.5, blur=1, dilate=1)",
            f"bend({layer!r}, noise=0.5, channels=0.5, seed='rain')",
            f"bend({weights!r}, add_noise=0.3, seed=-1)",
            f"blend({str(path)!r}, {weights!r}, amount=0.5*i, crossover=12)" if path == wide2 else "move(amount=2)",
        ):
            bent = frame(f"{face}\nface.{line}\nout(face)", 2)
            assert bent.shape == plain.shape
        words = [
            frame(f"{face}\nface.bend({layer!r}, noise=0.5, seed={seed})\nout(face)") for seed in ("-1", "2**32-1")
        ]
        assert torch.equal(*words)


def test_cells_of_a_sheet_keep_its_shape(wide2: Path, narrow3: Path) -> None:
    both = f"[{str(wide2)!r}, {str(narrow3)!r}]"
    sheet = frame(f"out(sheet({both}, latent=seeds('3'), layers=['image', 'b8', 'L1'], cell=40, labels=False))")
    cell = sheet[2:42, 2:42]
    assert torch.equal(cell[8:32], frame(f"out(network({str(wide2)!r}, latent=seeds('3')))")), "in the middle"
    paper = sheet[0, 0]
    assert torch.equal(cell[:8], paper.expand(8, 40, 4)) and torch.equal(cell[32:], paper.expand(8, 40, 4))
    narrow = sheet[44:84, 2:42]
    assert torch.equal(narrow[:, :10], paper.expand(40, 10, 4)) and not torch.equal(narrow[:, 10:30], narrow[:, :20])
    assert frame(f"out(sheet({both}, cell=40))").shape[1] > 100


def test_two_channels_are_grey_and_alpha(tmp_path: Path) -> None:
    network = made.small2(img_channels=2)
    path = saved(tmp_path, "two", network)
    picture = frame(f"out(network({str(path)!r}, latent=seeds('3')))")
    assert torch.equal(picture, to_rgba8(from_signed(network.synthesis(network.mapping(network.latent(3))))))
    assert torch.equal(picture[..., 0], picture[..., 2]) and picture[..., 3].float().std() > 1


@pytest.mark.parametrize("latent", ["noise()", "seeds()", "latent([1, 2])", "seeds('rain', space='z')"])
def test_a_network_that_reads_classes_alone(latent: str, tmp_path: Path) -> None:
    path = saved(tmp_path, "classes", made.small2(z_dim=0, c_dim=3))
    shown = [frame(f"out(network({str(path)!r}, latent={latent}, label={label}))") for label in (0, 2)]
    assert not torch.equal(*shown)


def test_a_class_draws_its_own_average(tmp_path: Path) -> None:
    network = made.small_xl()
    path = saved(tmp_path, "xl", network)
    for label in (0, 2, 1.5):
        expected = to_rgba8(from_signed(network.synthesis(network.average_w(label))))
        for latent in ("", "latent=seeds('3'), psi=0, "):
            picture = frame(f"out(network({str(path)!r}, {latent}label={label}))")
            assert (picture.int() - expected.int()).abs().max() <= 1
