"""`face.style(…)`, `face.move(…)`, labels and truncation, in patches."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzfeld import Player, load_network
from ganzfeld.errors import PatchError
from ganzfeld.networks.network import to_uint8
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse

OWN, OTHER = "latent=seeds([1], speed=0)", "seeds([2], speed=0)"


def shown(text: str, frames: int = 1) -> torch.Tensor:
    """The last of so many frames, [H, W, 3] int."""
    with Player(parse(text), device="cpu") as player:
        return [frame.image.clone() for frame in player.frames(count=frames, fps=10)][-1][..., :3].int()


def patch(path: Path, lines: str, arguments: str = OWN) -> str:
    return f"face = network({str(path)!r}, {arguments})\nother = {OTHER}\n{lines}\nout(face)"


def drawn(path: Path, change: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], psi: float = 1.0) -> torch.Tensor:
    """What the API draws from the two latents' w."""
    network = load_network(path)
    with torch.inference_mode():
        own, other = (network.mapping(network.latent(seed), truncation_psi=torch.tensor(psi)) for seed in (1, 2))
        return to_uint8(network.synthesis(change(own, other)))[0].int()


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return int((one - other).abs().max()) <= 1


def test_style_takes_layers_from_another_latent(small_network: Path) -> None:
    def half(own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return torch.cat([own[:, :3], torch.lerp(own, other, 0.5)[:, 3:5], own[:, 5:]], 1)

    mixed = drawn(small_network, half, psi=0.7)
    for layers in ('"b16*"', '"3-4"', "[3, 4]", 'layers="b16"'):
        line = f"face.style(other, {layers}, amount=0.5)"
        assert close(shown(patch(small_network, line, f"{OWN}, psi=0.7")), mixed)
    nested = f'face.style({OTHER}, "3-4", amount=0.5)'
    assert close(shown(patch(small_network, nested, f"{OWN}, psi=0.7")), mixed)
    whole = shown(patch(small_network, "face.style(other)"))
    assert torch.equal(whole, shown(patch(small_network, "", f"latent={OTHER}")))
    plain = shown(patch(small_network, ""))
    assert torch.equal(shown(patch(small_network, 'face.style(other, "b8*", amount=0)')), plain)
    moving = patch(small_network, 'face.style(other, "b8*", amount=t)')
    assert torch.equal(shown(moving), plain)
    assert not torch.equal(shown(moving, 2), plain)


def test_a_fan_gives_each_layer_its_own_share(small_network: Path) -> None:
    def rising(own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return torch.lerp(own, other, torch.linspace(0, 1, own.shape[1])[:, None])

    fan = shown(patch(small_network, "face.style(other, amount=i/(n - 1))"))
    assert close(fan, drawn(small_network, rising))


def test_addresses_come_from_the_latents_and_directions() -> None:
    text = f"""face = network("planets")
other = {OTHER}
face.style(other, "b8*")
face.style(other, "b32*")
face.style({OTHER}, "b64")
face.move("b16.3", amount=2)
face.move(seed=4)
face.move("1", "0-2", name="warmth")
out(face)"""
    addresses = Graph(parse(text)).slots.keys()
    expected = ("other", "other-2", "style", "b16.3", "move", "warmth")
    assert {f"/face/{name}/amount" for name in expected} <= addresses
    assert "/face/move/seed" in addresses
    assert "/face/warmth/seed" not in addresses


def test_move_adds_a_direction_from_beside_the_network_or_from_a_file(small_network: Path, tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    path.write_bytes(small_network.read_bytes())
    network = load_network(path)
    smile = torch.linspace(-1, 1, network.w_dim)
    np.savez(tmp_path / "mine.npz", smile=smile.numpy(), each=np.ones((network.num_ws, network.w_dim)))
    mine = f"file={str(tmp_path / 'mine.npz')!r}"

    def moved(own: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return torch.cat([own[:, :3], own[:, 3:] + 1.5 * smile], 1)

    assert close(shown(patch(path, f'face.move("smile", "3-7", amount=1.5, {mine})')), drawn(path, moved))
    first = shown(patch(path, 'face.move("1", amount=2)'))
    assert not torch.equal(first, shown(patch(path, "")))
    np.savez(tmp_path / "small.directions.npz", **{"1": smile.numpy()})
    beside = shown(patch(path, 'face.move("1", "3-7", amount=1.5)'))
    assert close(beside, drawn(path, moved))
    assert not torch.equal(shown(patch(path, 'face.move("2", amount=2)')), shown(patch(path, "")))
    turned = [shown(patch(path, f"face.move(seed={seed}, amount=1)")) for seed in (1, 2, 1)]
    assert torch.equal(turned[0], turned[2])
    assert not torch.equal(turned[0], turned[1])


@pytest.mark.parametrize(
    ("line", "words", "column"),
    [
        ('face.style(other, "b33")', "b32", 19),
        ('face.style(other, "4-8")', "0 to 7", 19),
        ('face.style(other, "")', "layers by name", 19),
        ("face.style()", "needs its input", 1),
        ("face.style(other, latent=other)", "twice", 19),
        ("face.style(3)", "takes a node", 12),
        ("face.style(picture)", "reads a latent", 1),
        ("face.style(face)", "reads a latent", 1),
        ("face.style(nobody)", "no node", 12),
        ('face.move("b8.3")', "no direction", 11),
        ('face.move("21")', "no direction", 11),
        ('face.move("1", file="nowhere.npz")', "no file", 21),
        ("face.move(1)", "in quotes", 11),
        ('face.move("1", "x")', "reads w", 16),
        ("face.move(amount=c)", "channel", 18),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(small_network: Path, line: str, words: str, column: int) -> None:
    text = f"{line}\npicture = flip(noise())\n"
    with pytest.raises(PatchError, match=words) as caught:
        shown(f"face = network({str(small_network)!r}, {OWN})\nother = {OTHER}\n{text}out(face)")
    assert (caught.value.where.line, caught.value.where.column) == (3, column)


def test_a_direction_that_is_none_is_refused_where_it_is_named_and_the_others_play(small_network: Path, tmp_path: Path):
    width = load_network(small_network).w_dim
    far = np.ones(width)
    far[5] = 3e38
    np.savez(tmp_path / "mine.npz", far=far, fine=np.ones(width))
    mine = str(tmp_path / "mine.npz")
    text = f'face = network({str(small_network)!r}, {OWN})\nface.move("NAME", file={mine!r})\nout(face)'
    shown(text.replace("NAME", "fine"))
    with pytest.raises(PatchError, match=re.escape("number [5] of 'far' in mine.npz is 3e+38")) as caught:
        shown(text.replace("NAME", "far"))
    assert (caught.value.where.line, caught.value.where.column) == (2, 11)


def test_truncation_acts_on_the_first_layers_only(small_network: Path) -> None:
    network = load_network(small_network)
    with torch.inference_mode():
        w = network.mapping(network.latent(1), truncation_psi=0.3, truncation_cutoff=3)
        expected = to_uint8(network.synthesis(w))[0].int()
    assert close(shown(patch(small_network, "", f"{OWN}, psi=0.3, cutoff=3")), expected)
    plain = shown(patch(small_network, ""))
    assert torch.equal(shown(patch(small_network, "", f"{OWN}, psi=0.3, cutoff=0")), plain)
    whole = shown(patch(small_network, "", f"{OWN}, psi=0.3"))
    assert torch.equal(whole, shown(patch(small_network, "", f"{OWN}, psi=0.3, cutoff={network.num_ws}")))


def test_a_style_may_be_of_another_class(golden_file: Callable[[str], Path]) -> None:
    path = golden_file("stylegan2-cond-16")
    second = shown(patch(path, "", f"{OWN}, label=1"))
    same = "face.style(seeds([1], speed=0), label={})"
    assert torch.equal(shown(patch(path, same.format(1))), second)
    assert torch.equal(shown(patch(path, same.format("[0, 1]"))), second)
    assert not torch.equal(shown(patch(path, same.format(0.5))), second)
    inherited = shown(patch(path, "face.style(other)", f"{OWN}, label=2"))
    assert torch.equal(inherited, shown(patch(path, "", f"latent={OTHER}, label=2")))
    for extreme in ("[1e300, -1e300]", "1e300", "-1e9"):
        assert (
            shown(patch(path, f"face.style(other, amount=0.5, label={extreme})", f"{OWN}, label={extreme}")).max() > 0
        )


def test_noise_strengths_fan_over_layers(small_network: Path) -> None:
    network = load_network(small_network)
    strengths = [name for name in network.weights if name.endswith("noise_strength")]
    blend = 'face.bend("*.noise_strength", offset=1 + i, name="noise")'
    with torch.inference_mode():
        louder = network.variant(strengths)
        for match, name in enumerate(strengths):
            # An untrained network's strengths are 0, of which the deviation counts as 1.
            louder.tensors[name].add_(1 + match)
        louder.runtime.rederive(strengths)
        expected = to_uint8(louder.synthesis(louder.mapping(louder.latent(1))))[0].int()
    assert close(shown(patch(small_network, blend)), expected)
    one = shown(patch(small_network, 'face.bend("b32.conv0.noise_strength", offset=2)'))
    assert not torch.equal(one, shown(patch(small_network, "")))
