"""What a show that plays lacks is compiled by another process, and found where it would have been put."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganzfeld.process.compile_server import CompileServer
from ganzfeld.process.pretended_card import Card

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Triton is there on Linux only"),
    pytest.mark.timeout(60),
]

SHOW = """
import gc
import threading
from types import SimpleNamespace

import torch
from ganzfeld.kernels.triton import elsewhere
from ganzfeld.process.compile_server import CompileServer
from ganzfeld.process.pretended_card import Card, pretend
from triton.compiler.compiler import ASTSource
from triton.runtime import driver
from triton.runtime.jit import JITFunction

card = Card(8, 9, 24)
pretend(card)
del JITFunction.__getitem__  # launches are launches again, of a card where nothing happens
names = []
driver.active.launcher_cls = lambda source, metadata: lambda *arguments: names.append(source.name)
driver.active.utils = SimpleNamespace(
    load_binary=lambda *arguments: (object(), object(), 0, 0, 1024),
    get_device_properties=lambda device: {"max_shared_mem": 232448},
)
from ganzfeld.kernels.triton.entry import enter
from ganzfeld.kernels.triton.neighbours import sobel
from ganzfeld.kernels.triton.scaling import multiplied

translate = ASTSource.make_ir


def refuse(self, *arguments, **more):
    raise AssertionError(f"{self.name} is compiled here")


ASTSource.make_ir = refuse
server = CompileServer(card)
asked = []


def compile_it(*request):
    asked.append(request[1])
    server.compile(*request)


elsewhere.install(compile_it)


def draw():
    x = torch.empty(1, 16, 4, 4, dtype=torch.float16).to(memory_format=torch.channels_last)
    multiplied(x, torch.tensor(0.5))
    enter(x[0].permute(1, 2, 0), torch.empty(16), 4, 16)


def beside():
    thread = threading.Thread(target=draw)
    thread.start()
    thread.join()


beside()
assert len(names) == len(asked) == 2, (names, asked)
for kernel in [each for each in gc.get_objects() if type(each) is JITFunction]:
    kernel.device_caches.clear()  # as in a process that has just begun
beside()
assert len(names) == 4 and len(asked) == 2, (names, asked)  # they are on disk

# Where nobody compiles for us, it happens here.
server.compile = lambda *request: 1 / 0
ASTSource.make_ir = translate
x = torch.empty(1, 16, 4, 4, dtype=torch.float16).to(memory_format=torch.channels_last)
thread = threading.Thread(target=sobel, args=(x, torch.tensor(0.5)))
thread.start()
thread.join()
assert len(names) == 5 and len(asked) == 3
server.close()
"""


def test_a_missing_kernel_is_compiled_by_another_process(tmp_path: Path):
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TRITON_CACHE_DIR": str(tmp_path)}
    environment.pop("TRITON_INTERPRET", None)
    subprocess.run([sys.executable, "-c", SHOW], env=environment, check=True)


def test_the_process_lives_through_what_it_is_asked_and_comes_back_when_it_ends(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    server = CompileServer(Card(8, 9, 24))
    for module, name, words in (
        ("os", "system", "none of our modules"),
        ("ganzfeld.kernels.triton.nothing", "_no", "ModuleNotFoundError"),
        ("ganzfeld.kernels.triton.scaling", "_no", "AttributeError"),
        ("ganzfeld.kernels.triton.scaling", "multiplied", "AttributeError"),
    ):
        with pytest.raises(RuntimeError, match=words):
            server.compile(module, name, "{}")
    first = server._process
    assert first is not None
    first.kill()
    first.wait()
    with pytest.raises(RuntimeError, match="none of our modules"):
        server.compile("os", "system", "{}")
    assert server._process is not first
    server.close()
    assert server._process is None
