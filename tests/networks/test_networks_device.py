"""Which device plays, how it plays there, and who hears of it: with cards that are only pretended."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import torch

from ganzfeld.cli._doctor.torch import check_gpu
from ganzfeld.errors import GanzfeldError
from ganzfeld.kernels import card
from ganzfeld.kernels.cuda import compiler
from ganzfeld.kernels.side_streams import PendingTensors
from ganzfeld.networks import device as devices
from ganzfeld.networks.cpu.stylegan2 import CpuStyleGAN2
from ganzfeld.networks.device import pick_device
from ganzfeld.networks.network import Network
from ganzfeld.networks.runtime import fastest, in_half
from ganzfeld.networks.stylegan2.config import StyleGAN2Config

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="the card that is here would be asked")
CARD = torch.device("cuda", 0)
TURING, PASCAL, AMPERE = (7, 5), (6, 1), (8, 6)
Pretend = Callable[[tuple[int, int]], None]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pretend]:
    """Every device is a card of this capability, where Triton is installed."""
    remembered = (card._runs_triton, card.why_without_triton, compiler._compiles_for, devices._tell_of_slow_card)

    def forget() -> None:
        for function in remembered:
            function.cache_clear()

    def pretended(capability: tuple[int, int]) -> None:
        forget()
        monkeypatch.setattr(card, "capability", lambda device: capability)
        monkeypatch.setattr(compiler, "capability", lambda device: capability)

    monkeypatch.setattr(card, "importlib", SimpleNamespace(util=SimpleNamespace(find_spec=lambda name: object())))
    yield pretended
    forget()


@pytest.mark.parametrize("capability", [PASCAL, TURING])
def test_older_cards_play_in_full_precision(capability: tuple[int, int], pretend: Pretend):
    config = StyleGAN2Config.design(16, channel_base=128, channel_max=16, mapping_layers=2, z_dim=16, w_dim=16)
    tensors = Network.random(config, seed=1).tensors
    pretend(AMPERE)
    assert in_half(config, tensors, "auto") and not in_half(config, tensors, "float32")
    pretend(capability)
    assert not in_half(config, tensors, "auto")
    assert isinstance(fastest(config, tensors, "auto", PendingTensors()), CpuStyleGAN2)


def test_a_slow_card_is_told_of_once(pretend: Pretend, caplog: pytest.LogCaptureFixture, monkeypatch):
    pretend(AMPERE)
    devices._tell_of_slow_card(CARD)
    assert not caplog.records
    pretend(TURING)
    for _ in range(2):
        devices._tell_of_slow_card(CARD)
    [told] = [record.getMessage() for record in caplog.records]
    assert "full precision" in told and "7.5" in told and "8.0" in told
    monkeypatch.setattr(card, "importlib", SimpleNamespace(util=SimpleNamespace(find_spec=lambda name: None)))
    pretend(AMPERE)
    devices._tell_of_slow_card(CARD)
    assert "Triton is not installed" in caplog.messages[1]


def failing(words: str) -> Callable[..., torch.Tensor]:
    """What calculates on a card that does not."""

    def fail(*size: int, device: object) -> torch.Tensor:
        raise RuntimeError(f"{words}\nand more")

    return fail


@pytest.fixture
def without_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that torch finds, but has no code for."""

    monkeypatch.setattr(torch, "ones", failing("CUDA error: no kernel image is available for execution on the device"))
    real = torch.empty
    monkeypatch.setattr(
        torch, "empty", lambda *size, device: real(*size, device="meta" if device.type == "cuda" else device)
    )
    for name, answer in {
        "is_available": True,
        "device_count": 1,
        "get_device_properties": SimpleNamespace(name="GTX 1080", total_memory=8 << 30, major=6, minor=1),
    }.items():
        monkeypatch.setattr(torch.cuda, name, lambda *arguments, answer=answer: answer)


def test_where_torch_has_no_code_for_the_card_the_processor_plays(without_code, caplog: pytest.LogCaptureFixture):
    assert pick_device("auto") == torch.device("cpu")
    assert "the processor plays: CUDA error: no kernel image" in caplog.text and "ganzfeld doctor" in caplog.text


def test_a_card_that_fails_otherwise_is_no_reason_to_play_elsewhere(without_code, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch, "ones", failing("CUDA error: out of memory"))
    with pytest.raises(GanzfeldError, match="the graphics card cannot be used: CUDA error: out of memory"):
        pick_device("auto")


def test_doctor_tells_of_such_cards(without_code, pretend: Pretend, monkeypatch: pytest.MonkeyPatch):
    state, found, do = check_gpu()
    assert state == "missing" and "GTX 1080" in found and "no kernel image" in found and "The processor plays" in do
    pretend(TURING)
    monkeypatch.setattr(torch, "ones", lambda *size, device: torch.zeros(1))
    state, found, _ = check_gpu()
    assert state == "works" and "full precision" in found and "7.5" in found


def test_kernels_are_compiled_for_cards_that_the_compiler_knows(pretend: Pretend, monkeypatch: pytest.MonkeyPatch):
    known = (75, 80, 86)

    def count(into) -> int:
        into._obj.value = len(known)
        return 0

    def fill(into: ctypes.Array) -> int:
        into[:] = known
        return 0

    stand_in = SimpleNamespace(nvrtcGetNumSupportedArchs=count, nvrtcGetSupportedArchs=fill)
    compiler._architectures.cache_clear()
    monkeypatch.setattr(compiler, "_nvrtc", lambda: stand_in)
    monkeypatch.setattr(compiler, "cuda_driver", lambda: None)
    try:
        for capability, answer in {TURING: True, AMPERE: True, PASCAL: False, (12, 0): False}.items():
            pretend(capability)
            assert compiler.available(CARD) is answer
    finally:
        compiler._architectures.cache_clear()
