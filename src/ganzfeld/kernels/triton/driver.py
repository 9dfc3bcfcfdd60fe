"""How Triton's compiled kernels are loaded and launched: by the graphics driver's own interface, with ctypes.

Triton itself has a small C program compiled on the person's machine before the first launch (in some versions one for
every kernel), so it wants a C compiler and Python's headers, which many machines lack. This does without. Kernels
that are not ours (a script may have its own) are launched as Triton does it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from triton.backends.driver import GPUDriver
from triton.backends.nvidia.driver import CudaDriver, CudaLauncher, CudaUtils
from triton.runtime import driver

from ganzfeld.kernels.cuda.compiler import KernelError, allow_shared, check_driver, encoded_map, launch_function, loaded
from ganzfeld.kernels.cuda.library import cuda_driver

OURS = __name__.partition(".")[0] + "."
WARP = 32
PROMOTE_TO_128_BYTES = 2  # of the driver's CUtensorMapL2promotion
REGISTERS, LOCAL_BYTES, MOST_THREADS = 4, 3, 0  # of its CUfunction_attribute
PROPERTIES = {
    "max_shared_mem": 97, "max_num_regs": 12, "multiprocessor_count": 16, "warpSize": 10, "sm_clock_rate": 13,
    "mem_clock_rate": 36, "mem_bus_width": 37,
}  # fmt: skip
"""Of its CUdevice_attribute, by Triton's names."""
NUMBERS: dict[str, Callable[[Any], Any]] = {
    "i1": ctypes.c_int8, "i8": ctypes.c_int8, "i16": ctypes.c_int16, "i32": ctypes.c_int32, "i64": ctypes.c_int64,
    "u1": ctypes.c_uint8, "u8": ctypes.c_uint8, "u16": ctypes.c_uint16, "u32": ctypes.c_uint32,
    "u64": ctypes.c_uint64, "fp32": ctypes.c_float, "fp64": ctypes.c_double,
}  # fmt: skip
"""What a kernel's parameters are in C, by Triton's names."""


class Launcher:
    """Launches one kernel of ours. source, metadata: as Triton hands them to its own. Raises KernelError for a kernel
    of a kind that none of ours is."""

    def __init__(self, source: Any, metadata: Any) -> None:
        if getattr(metadata, "num_ctas", 1) != 1 or metadata.global_scratch_size or metadata.profile_scratch_size:
            raise KernelError(f"the kernel {source.name} wants more than it can be launched with")
        self._types: tuple[str, ...] = tuple(source.signature.values())
        self._maps: Sequence[Any] = getattr(metadata, "tensordesc_meta", None) or ()
        self._threads, self._shared = WARP * metadata.num_warps, metadata.shared

    def __call__(
        self, x: int, y: int, z: int, stream: int, function: int, packed: object, launch: object, enter: object,
        leave: object, *arguments: Any,
    ) -> None:  # fmt: skip
        """Start it; arguments: of all its parameters, those too that it was compiled for."""
        if x * y * z == 0:
            return
        values = [*self.values(arguments), ctypes.c_void_p(None), ctypes.c_void_p(None)]  # no scratch memory
        place, queue = ctypes.c_void_p(function), ctypes.c_void_p(stream)
        launch_function(place, (x, y, z), self._threads, self._shared, queue, values)

    def values(self, arguments: Sequence[Any]) -> Iterator[Any]:
        """What the kernel is given, as C has it."""
        maps = iter(self._maps)
        for kind, value in zip(self._types, arguments, strict=True):
            if kind == "constexpr":
                continue
            if kind.startswith("tensordesc"):
                yield from _described(value, next(maps))
            elif kind.startswith("*"):
                yield ctypes.c_void_p(None if value is None else value.data_ptr())
            else:
                yield NUMBERS[kind](value)


def _described(value: Any, meta: Any) -> Iterator[Any]:
    """The parameters of one tensor that is fetched in blocks: the map, its shape, its strides. value: Triton's
    TensorDescriptor, of half precision; meta: what Triton has made of it."""
    if value.base.dtype != torch.float16:
        raise KernelError(f"memory of {value.base.dtype} is not fetched in blocks here")
    shape, strides = list(value.shape), list(value.strides)
    bytes_of = [value.base.element_size() * stride for stride in reversed(strides[:-1])]
    box, swizzle = list(meta["block_size"])[::-1], meta["swizzle"]
    packed = encoded_map(value.base.data_ptr(), shape[::-1], bytes_of, box, swizzle, PROMOTE_TO_128_BYTES)
    yield ctypes.create_string_buffer(packed, len(packed))
    yield from map(ctypes.c_int32, shape)
    yield from map(ctypes.c_int64, strides)


class Utils:
    """Of Triton's own what loading a kernel needs; the rest is Triton's own, which then wants its compiler."""

    def load_binary(self, name: str, binary: bytes, shared: int, device: int) -> tuple[int, int, int, int, int]:
        """Load a compiled kernel: (module, function, registers of a thread, numbers that it spills, most threads of a
        block). shared: bytes that a block shares."""
        cuda, context, found = cuda_driver(), ctypes.c_void_p(), ctypes.c_int()
        check_driver(cuda.cuCtxGetCurrent(ctypes.byref(context)), "name the context of")
        if not context:  # a thread that has done nothing on the card so far
            check_driver(cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device), "open the card for")
            check_driver(cuda.cuCtxSetCurrent(context), "open the card for")
        module, function = loaded(binary, name)
        allow_shared(function, shared)
        facts = []
        for attribute in (REGISTERS, LOCAL_BYTES, MOST_THREADS):
            check_driver(cuda.cuFuncGetAttribute(ctypes.byref(found), attribute, function), f"describe {name},")
            facts.append(found.value)
        return module.value or 0, function.value or 0, facts[0], facts[1] // 4, facts[2]

    def get_device_properties(self, device: int) -> dict[str, int]:
        """What Triton asks of a card, by its names."""
        place, found = ctypes.c_int(), ctypes.c_int()
        check_driver(cuda_driver().cuDeviceGet(ctypes.byref(place), device), "name the card to")
        facts = {}
        for name, attribute in PROPERTIES.items():
            result = cuda_driver().cuDeviceGetAttribute(ctypes.byref(found), attribute, place)
            check_driver(result, "describe the card to")
            facts[name] = found.value
        return facts

    def __getattr__(self, name: str) -> Any:
        return getattr(CudaUtils(), name)


class Driver(CudaDriver):
    """Triton's own, but for how kernels of ours are loaded and launched."""

    def __init__(self) -> None:
        GPUDriver.__init__(self)
        self.utils = Utils()
        self.launcher_cls = launcher


def launcher(source: Any, metadata: Any) -> Any:
    """What launches a kernel."""
    ours = getattr(source.fn, "fn", source.fn).__module__.startswith(OURS)
    return Launcher(source, metadata) if ours else CudaLauncher(source, metadata)


def install() -> None:
    """Put it in the place of Triton's own, in this process."""
    driver.set_active(Driver())
