"""A card of torch's: memory of our own on it, for other processes, and pictures laid out into that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ganzfeld.errors import OutputError
from ganzfeld.outputs.shared.ganzfeld_cuda import CudaError, Driver
from ganzfeld.process.card_shares import no_card
from ganzfeld.process.messages import CardShare

if TYPE_CHECKING:
    import torch

HINT = "Take shared memory: shared:NAME"


class DriverCard:
    """Memory of our own on a card, by its driver. number: the driver's, of the card. Raises OutputError where its
    memory cannot be shared."""

    def __init__(self, number: int, driver: Driver | None = None) -> None:
        try:
            self._driver = driver or Driver()
            card = self._driver.card(number)
            if card.problem:
                raise CudaError(card.problem)
            self._context = self._driver.context(number)
        except CudaError as error:
            raise OutputError(f"pictures cannot be shared on the card: {error}", hint=HINT) from None
        self.uuid: bytes = card.uuid

    def allocate(self, size: int) -> tuple[int, bytes]:
        """See `CardMemory`."""
        try:
            with self._driver.within(self._context):
                address = self._driver.allocate(size)
                try:
                    return address, self._driver.handle(address)
                except CudaError:
                    self._driver.free(address)
                    raise
        except CudaError as error:
            what = f"{size / 1e6:.0f} MB of the card cannot be shared: {error}"
            raise OutputError(what, hint=HINT) from None

    def free(self, address: int) -> None:
        """See `CardMemory`. Raises OutputError."""
        try:
            with self._driver.within(self._context):
                self._driver.free(address)
        except CudaError as error:
            raise OutputError(f"memory of the card could not be given back: {error}") from None


class TorchCard(DriverCard):
    """A `CardMemory`. device: of the pictures, with its number."""

    def __init__(self, device: torch.device) -> None:
        import torch

        from ganzfeld.engine.program.capture import COPYING

        super().__init__(device.index or 0)
        self._device = device
        self._stream = torch.cuda.Stream(device, COPYING)
        self._drawn = torch.cuda.Event()
        self._free: list[torch.cuda.Event] = []

    def copy(self, picture: torch.Tensor, address: int, layout: tuple[CardShare, float]) -> Callable[[], None]:
        """See `CardMemory`. picture: uint8 [H, W, 4] on the device."""
        import torch

        # Waiting must not spin: the building thread wants this core.
        done = self._free.pop() if self._free else torch.cuda.Event(blocking=True)
        drawing = torch.cuda.current_stream(self._device)
        self._drawn.record(drawing)
        self._stream.wait_event(self._drawn)
        torch.cuda.set_stream(self._stream)
        try:
            place = _Place(shape_of(picture, layout[0]), address)
            lay_out(picture, torch.as_tensor(place, device=self._device), *layout)
            done.record(self._stream)
        finally:
            torch.cuda.set_stream(drawing)

        def wait() -> None:
            done.synchronize()
            self._free.append(done)

        return wait


class _Place:
    """Memory that torch does not own."""

    def __init__(self, shape: tuple[int, int, int], address: int) -> None:
        self.__cuda_array_interface__ = {
            "shape": shape,
            "typestr": "|u1",
            "data": (address, False),
            "strides": None,
            "version": 3,
        }


def torch_card(device: torch.device) -> TorchCard:
    """The card of a device. Raises OutputError."""
    if device.type != "cuda":
        no_card(device)
    return TorchCard(device)


def shape_of(picture: torch.Tensor, asked: CardShare) -> tuple[int, int, int]:
    """Height, width and channels of what leaves."""
    height, width = picture.shape[:2] if asked.region is None else (asked.region[3], asked.region[2])
    return height, width, 4


def lay_out(picture: torch.Tensor, into: torch.Tensor, asked: CardShare, gain: float) -> None:
    """Write a picture as it is asked for: cut, under the master, in its order of channels and rows.

    picture: uint8 [H, W, 4], straight RGBA from the top. into: uint8 [h, w, 4] of the region's size, every byte of
    which is written. As `outputs.doors.feed` does it on the host, but for rounding of the gain.
    """
    import torch

    if asked.region is not None:
        picture = _cut(picture, asked.region)
    if asked.origin == "bottom":
        picture = picture.flip(0)
    solid = asked.alpha == "straight"
    if solid and gain >= 1 and asked.order == "RGBA":
        into.copy_(picture)
        return
    colours: Any = picture[..., :3]
    if not solid:
        product = colours.to(torch.int32) * picture[..., 3:]
        colours = ((product + 127) // 255).to(torch.uint8)
    if gain < 1:
        colours = (colours * max(gain, 0.0)).round_().to(torch.uint8)
    into[..., :3].copy_(colours.flip(2) if asked.order == "BGRA" else colours)
    if asked.alpha == "opaque":
        into[..., 3].fill_(255)
    else:
        into[..., 3].copy_(picture[..., 3])


def _cut(picture: torch.Tensor, region: tuple[int, int, int, int]) -> torch.Tensor:
    x, y, width, height = region
    part = picture[y : y + height, x : x + width]
    if part.shape[:2] == (height, width):
        return part
    whole = picture.new_zeros((height, width, 4))
    whole[: part.shape[0], : part.shape[1]] = part
    return whole
