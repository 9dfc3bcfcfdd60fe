"""Kernels are started with what Triton has compiled them for, without a compiler on the machine."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import pytest
import torch

pytest.importorskip("triton")

from ganzfeld.kernels.cuda import compiler
from ganzfeld.kernels.cuda.compiler import KernelError
from ganzfeld.kernels.triton import driver as own
from ganzfeld.kernels.triton.driver import Launcher, Utils, launcher

SIGNATURE = {
    "x": "*fp16",
    "none": "*fp32",
    "BM": "constexpr",
    "count": "i32",
    "far": "i64",
    "yes": "i1",
    "scale": "fp32",
}


def metadata(**more: Any) -> SimpleNamespace:
    facts = {"num_ctas": 1, "num_warps": 4, "shared": 99, "global_scratch_size": 0, "profile_scratch_size": 0}
    return SimpleNamespace(**{**facts, **more})


def source(signature: dict[str, str], module: str = "ganzfeld.kernels.triton.affine") -> SimpleNamespace:
    return SimpleNamespace(
        name="_kernel", signature=signature, fn=SimpleNamespace(fn=SimpleNamespace(__module__=module))
    )


class Cuda:
    """A driver that reads what it is given as a kernel of `SIGNATURE` would."""

    def __init__(self, said: int = 0) -> None:
        self.said, self.launches = said, []

    def cuLaunchKernel(self, function, x, y, z, wide, tall, deep, shared, stream, parameters, extra) -> int:
        kinds = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_int8, ctypes.c_float)
        read = [kind.from_address(place).value for kind, place in zip(kinds, parameters)]
        self.launches.append(
            ((function.value, stream.value), (x, y, z, wide, tall, deep, shared), read, len(parameters))
        )
        return self.said


def test_a_kernel_is_given_its_numbers(monkeypatch):
    cuda = Cuda()
    monkeypatch.setattr(compiler, "cuda_driver", lambda: cuda)
    x = torch.zeros(3, dtype=torch.float16)
    launch = Launcher(source(SIGNATURE), metadata())
    launch(5, 6, 7, 88, 99, None, None, None, None, x, None, 64, -3, 2**40, True, 0.5)
    launch(5, 0, 7, 88, 99, None, None, None, None, x, None, 64, -3, 2**40, True, 0.5)  # nothing to start
    values = [x.data_ptr(), None, -3, 2**40, 1, 0.5]
    assert cuda.launches == [((99, 88), (5, 6, 7, 128, 1, 1, 99), values, 8)]  # and two for memory that it lacks


def test_what_the_driver_refuses_is_told(monkeypatch):
    monkeypatch.setattr(compiler, "cuda_driver", lambda: Cuda(said=701))
    with pytest.raises(KernelError, match="refused to start a kernel"):
        Launcher(source({"count": "i32"}), metadata())(1, 1, 1, 0, 1, None, None, None, None, 5)


class LoadingCuda:
    """A driver that loads kernels for a thread that has done nothing on the card so far."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses, self.asked = refuses, []

    def __getattr__(self, name: str) -> Any:
        def ask(*arguments: Any) -> int:
            self.asked.append(name)
            if name == self.refuses:
                return 201
            if name == "cuDevicePrimaryCtxRetain":
                arguments[0]._obj.value = 11
            elif name == "cuModuleLoadData":
                assert arguments[1] == b"code"
                arguments[0]._obj.value = 22
            elif name == "cuModuleGetFunction":
                assert (arguments[1].value, arguments[2]) == (22, b"_kernel")
                arguments[0]._obj.value = 33
            elif name == "cuFuncSetAttribute":
                assert (arguments[0].value, *arguments[1:]) == (33, 8, 99_000)
            elif name == "cuFuncGetAttribute":
                arguments[0]._obj.value = {4: 64, 3: 16, 0: 1024}[arguments[1]]
            return 0

        return ask


def test_a_kernel_is_loaded(monkeypatch):
    for shared, is_asked_for in ((99_000, True), (48 * 1024, False)):
        cuda = LoadingCuda()
        for module in (own, compiler):
            monkeypatch.setattr(module, "cuda_driver", lambda cuda=cuda: cuda)
        assert Utils().load_binary("_kernel", b"code", shared, 0) == (22, 33, 64, 4, 1024)
        assert "cuCtxSetCurrent" in cuda.asked
        assert ("cuFuncSetAttribute" in cuda.asked) is is_asked_for


@pytest.mark.parametrize("step", ["cuModuleLoadData", "cuModuleGetFunction", "cuFuncSetAttribute"])
def test_a_kernel_that_is_not_loaded_is_told(monkeypatch, step):
    for module in (own, compiler):
        monkeypatch.setattr(module, "cuda_driver", lambda: LoadingCuda(step))
    with pytest.raises(KernelError, match=r"kernel.*error 201"):
        Utils().load_binary("_kernel", b"code", 99_000, 0)


@pytest.mark.parametrize("more", [{"num_ctas": 2}, {"global_scratch_size": 128}, {"profile_scratch_size": 1}])
def test_a_kernel_that_wants_more_is_refused(more):
    with pytest.raises(KernelError, match="_kernel wants more"):
        Launcher(source(SIGNATURE), metadata(**more))


def test_the_kernels_of_others_are_started_as_triton_does(monkeypatch):
    monkeypatch.setattr(own, "CudaLauncher", lambda source, metadata: "Triton's")
    monkeypatch.setattr(own, "CudaUtils", lambda: SimpleNamespace(launch="Triton's"))
    assert launcher(source({}, "torch._inductor.something"), metadata()) == "Triton's"
    assert launcher(source({}, "ganzfeldish"), metadata()) == "Triton's"
    assert isinstance(launcher(source({}), metadata()), Launcher)
    assert Utils().launch == "Triton's"


def test_blocks_of_other_numbers_are_refused():
    described = SimpleNamespace(base=torch.zeros(4, 4), shape=[4, 4], strides=[4, 1])
    launch = Launcher(source({"x": "tensordesc<fp32[4, 4]>"}), metadata(tensordesc_meta=[{"block_size": [4, 4]}]))
    with pytest.raises(KernelError, match="float32"):
        list(launch.values([described]))
