"""Compile CUDA C++ with NVRTC and launch it, through the C interfaces of NVRTC and of the driver.

No compiler, no headers and no toolkit are needed: torch brings NVRTC, the graphics driver the rest. Compiled
programs are kept on disk; what is kept there is never trusted further than the driver trusts it, and a broken
one is compiled again.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import struct
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ganzfeld.errors import GanzfeldError
from ganzfeld.folders import cache_folder
from ganzfeld.kernels.card import capability, is_plain
from ganzfeld.kernels.cuda.library import cuda_driver


class KernelError(GanzfeldError):
    """A kernel could not be compiled or started."""


USUALLY_SHARED = 48 * 1024
"""Bytes that a block's threads may share without asking."""
MAX_DYNAMIC_SHARED_SIZE_BYTES = 8  # of the driver's CUfunction_attribute
NON_PORTABLE_CLUSTER_SIZE_ALLOWED = 14  # likewise
HALF_PRECISION = 6  # of its CUtensorMapDataType
PROMOTE_TO_256_BYTES = 3  # of its CUtensorMapL2promotion


class Kernel:
    """A compiled kernel on one device."""

    def __init__(
        self, function: ctypes.c_void_p, device: torch.device, shared: int = 0, *, many_coupled: bool = False
    ) -> None:
        self._function, self._device, self._shared = function, device, shared
        if many_coupled:
            check_driver(cuda_driver().cuFuncSetAttribute(function, NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1), "load")
        allow_shared(function, shared)

    def launch(self, grid: tuple[int, int], threads: int, arguments: Sequence[object]) -> None:
        """Start it on torch's present stream. Arguments: tensors or None, ints (32 bits), floats (32 bits), or bytes
        of a struct that is passed by value."""
        values = [_argument(argument) for argument in arguments]
        stream = ctypes.c_void_p(torch.cuda.current_stream(self._device).cuda_stream)
        launch_function(self._function, (*grid, 1), threads, self._shared, stream, values)


@functools.cache
def kernel(
    source: Path,
    name: str,
    defines: tuple[tuple[str, int], ...],
    device: torch.device,
    shared: int = 0,
    options: tuple[str, ...] = (),
    insert: tuple[str, str] | None = None,
    many_coupled: bool = False,
) -> Kernel:
    """The function `name` of a source file, with these macros, for this device. shared: bytes of memory that a block's
    threads share, beyond what the source itself sets aside. options: more of the compiler's. insert: a mark in the
    source, and the text that stands in its place. many_coupled: more than eight blocks may be coupled."""
    text, options = _translation(source, architecture(device), defines, options, insert)
    kept = _kept(text, options)
    # The driver loads into the context of this thread's present device, which torch makes when it is first asked.
    with torch.cuda.device(device):
        torch.zeros(1, device=device)
        with contextlib.suppress(OSError, KernelError):
            return Kernel(loaded(kept.read_bytes(), name)[1], device, shared, many_coupled=many_coupled)
        binary = compiled(text, options)
        _keep(kept, binary)
        return Kernel(loaded(binary, name)[1], device, shared, many_coupled=many_coupled)


def compile_ahead(
    source: Path,
    architecture: str,
    defines: tuple[tuple[str, int], ...],
    options: tuple[str, ...] = (),
    insert: tuple[str, str] | None = None,
) -> None:
    """Put what `kernel` will look for where it is kept, for cards of this `architecture`; none needs to be here. Raises
    KernelError."""
    text, options = _translation(source, architecture, defines, options, insert)
    kept = _kept(text, options)
    if not kept.exists():
        _keep(kept, compiled(text, options))


def _translation(
    source: Path,
    architecture: str,
    defines: tuple[tuple[str, int], ...],
    options: tuple[str, ...],
    insert: tuple[str, str] | None,
) -> tuple[str, tuple[str, ...]]:
    """What is given to the compiler: (text, options)."""
    macros = [f"-D{key}={value}" for key, value in defines]
    text = source.read_text(encoding="utf-8")
    return text if insert is None else text.replace(*insert), (f"-arch={architecture}", "-std=c++17", *macros, *options)


def available(device: torch.device) -> bool:
    """Whether kernels can be compiled for this device, an NVIDIA card that NVRTC knows, which knows cards of some ten
    years; and are wanted (`card.plainly`)."""
    return _compiles_for(device) and not is_plain()


@functools.cache
def _compiles_for(device: torch.device) -> bool:
    if capability(device) == (0, 0):
        return False
    try:
        cuda_driver()
        major, minor = capability(device)
        return 10 * major + minor in _architectures()
    except (OSError, KernelError):
        return False


def architecture(device: torch.device) -> str:
    """The name by which the compiler knows this device, with the instructions that no other has."""
    return architecture_of(*capability(device))


def architecture_of(major: int, minor: int) -> str:
    """The same by the card's capability."""
    return f"sm_{major}{minor}{'a' if major >= 9 else ''}"


def amount_bytes(amount: float | torch.Tensor) -> bytes:
    """A kernel's `Amount`: a number, or a 0-d float32 tensor on the device that holds it."""
    if isinstance(amount, torch.Tensor):
        return struct.pack("Qf4x", amount.data_ptr(), 0.0)
    return struct.pack("Qf4x", 0, amount)


def tensor_map(x: torch.Tensor, size: Sequence[int], strides: Sequence[int], box: Sequence[int]) -> bytes:
    """What the unit that fetches blocks of memory (Hopper and later) must know of a half-precision tensor, the
    innermost axis first: size in numbers, strides of all axes but the innermost in bytes, the block fetched at once.

    A block's innermost line is 64 or 128 bytes and is swizzled by as much. What lies outside comes as zeros.
    """
    return encoded_map(x.data_ptr(), size, strides, box, {64: 2, 128: 3}[2 * box[0]], PROMOTE_TO_256_BYTES)


def encoded_map(
    address: int, size: Sequence[int], strides: Sequence[int], box: Sequence[int], swizzle: int, promotion: int
) -> bytes:
    """The same with the driver's own numbers for how a block is swizzled, and how much of it is read at once."""
    memory = ctypes.create_string_buffer(192)
    start = -ctypes.addressof(memory) % 64  # the driver wants it aligned
    rank = len(size)
    result = cuda_driver().cuTensorMapEncodeTiled(
        ctypes.c_void_p(ctypes.addressof(memory) + start), HALF_PRECISION, rank, ctypes.c_void_p(address),
        (ctypes.c_uint64 * rank)(*size), (ctypes.c_uint64 * (rank - 1))(*strides), (ctypes.c_uint32 * rank)(*box),
        (ctypes.c_uint32 * rank)(*[1] * rank), 0, swizzle, promotion, 0,
    )  # fmt: skip
    check_driver(result, "describe memory to")
    return memory.raw[start : start + 128]


def compiled(source: str, options: Sequence[str]) -> bytes:
    """CUDA C++ to machine code. Raises `KernelError` with the compiler's own words."""
    nvrtc = _nvrtc()
    program = ctypes.c_void_p()
    _check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None))
    try:
        encoded = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
        failed = nvrtc.nvrtcCompileProgram(program, len(options), encoded)
        if failed:
            words = _answer(program, nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog)
            raise KernelError(f"a kernel does not compile: {words.rstrip(bytes(1)).decode(errors='replace').strip()}")
        return _answer(program, nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _argument(value: object) -> ctypes._SimpleCData | ctypes.Array:  # type: ignore[type-arg]
    if value is None or isinstance(value, torch.Tensor):
        return ctypes.c_void_p(None if value is None else value.data_ptr())
    if isinstance(value, bytes):
        return ctypes.create_string_buffer(value, len(value))
    return ctypes.c_float(value) if isinstance(value, float) else ctypes.c_int(value)  # type: ignore[arg-type]


def _answer(program: ctypes.c_void_p, size_of: ctypes._FuncPointer, get: ctypes._FuncPointer) -> bytes:  # type: ignore[name-defined]
    size = ctypes.c_size_t()
    _check(size_of(program, ctypes.byref(size)))
    text = ctypes.create_string_buffer(size.value)
    _check(get(program, text))
    return text.raw


def check_driver(result: int, what: str) -> None:
    """Raise KernelError if the driver refused `what`."""
    if result:
        raise KernelError(f"the driver refused to {what} a kernel (error {result})")


def _check(result: int) -> None:
    if result:
        raise KernelError(f"NVRTC failed (error {result})")


def loaded(binary: bytes, name: str) -> tuple[ctypes.c_void_p, ctypes.c_void_p]:
    """Machine code in the driver's present context: its module, and the function of this name. Raises KernelError."""
    module, function = ctypes.c_void_p(), ctypes.c_void_p()
    driver = cuda_driver()
    result = driver.cuModuleLoadData(ctypes.byref(module), binary)
    result = result or driver.cuModuleGetFunction(ctypes.byref(function), module, name.encode())
    if result:
        raise KernelError(f"the driver does not load the kernel {name} (error {result})")
    return module, function


def allow_shared(function: ctypes.c_void_p, shared: int) -> None:
    """Let a function's blocks share so many bytes. Raises KernelError for more than the card has."""
    if shared > USUALLY_SHARED:
        check_driver(cuda_driver().cuFuncSetAttribute(function, MAX_DYNAMIC_SHARED_SIZE_BYTES, shared), "load")


def launch_function(
    function: ctypes.c_void_p,
    grid: tuple[int, int, int],
    threads: int,
    shared: int,
    stream: ctypes.c_void_p,
    values: Sequence[Any],
) -> None:
    """Start a function on a stream. threads: of a block. shared: bytes that they share. values: its parameters, as C
    has them. Raises KernelError."""
    addresses = (ctypes.c_void_p * len(values))(*map(ctypes.addressof, values))
    check_driver(cuda_driver().cuLaunchKernel(function, *grid, threads, 1, 1, shared, stream, addresses, None), "start")


def _kept(source: str, options: Sequence[str]) -> Path:
    major, minor = ctypes.c_int(), ctypes.c_int()
    _nvrtc().nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    words = "\n".join([f"{major.value}.{minor.value}", *options, source])
    return cache_folder() / "kernels" / f"{hashlib.sha256(words.encode()).hexdigest()[:32]}.cubin"


def _keep(path: Path, binary: bytes) -> None:
    # A disk that is full or read-only costs a second at the next start, and nothing else.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(binary)
        Path(file.name).replace(path)


@functools.cache
def _architectures() -> frozenset[int]:
    """The cards that NVRTC compiles for: 86 is capability 8.6."""
    nvrtc, count = _nvrtc(), ctypes.c_int()
    _check(nvrtc.nvrtcGetNumSupportedArchs(ctypes.byref(count)))
    found = (ctypes.c_int * count.value)()
    _check(nvrtc.nvrtcGetSupportedArchs(found))
    return frozenset(found)


@functools.cache
def _nvrtc() -> ctypes.CDLL:
    major = (torch.version.cuda or "0").partition(".")[0]
    if sys.platform == "win32":
        patterns, folder = [f"nvrtc64_{major}*_0.dll"], Path(torch.__file__).parent / "lib"
    else:
        patterns, folder = [f"libnvrtc.so.{major}*"], Path(torch.__file__).parents[1] / "nvidia"
        # torch has usually loaded it already; then its name is enough.
        with contextlib.suppress(OSError):
            return ctypes.CDLL(f"libnvrtc.so.{major}")
    for pattern in patterns:
        for path in sorted(folder.rglob(pattern)):
            with contextlib.suppress(OSError):
                return ctypes.CDLL(str(path))
    raise KernelError("NVRTC, the compiler that comes with torch, was not found")


def defines(values: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Macros in the form that `kernel` wants."""
    return tuple(sorted(values.items()))
