"""Conformance of every node type, and what each node promises."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import goldens
from ganzfeld.bending.bent_weights import BentWeights
from ganzfeld.engine.engine import Engine
from ganzfeld.engine.program.built_patch import BuiltPatch
from ganzfeld.engine.program.state import State
from ganzfeld.errors import PatchError
from ganzfeld.kernels.side_streams import PendingTensors
from ganzfeld.patch.evaluation import Evaluator
from ganzfeld.patch.examples import examples_of, patch_text, uses, write_files
from ganzfeld.patch.graph import Graph
from ganzfeld.patch.language.parser import parse
from ganzfeld.patch.media import live_picture
from ganzfeld.patch.models import Patch
from ganzfeld.patch.network import networks
from ganzfeld.patch.network.latents import seed_latent
from ganzfeld.patch.node import Choice, HostValue, Input, Parameter, Structure, Value
from ganzfeld.patch.nodes import network_words, node_types, output_words
from ganzfeld.patch.resources import Resources
from ganzfeld.values.outside import Inbox
from ganzfeld.values.time import Moment
from sealed import NothingFromHost, Sealed

NOW = Moment(frame=7, t=1.25, dt=1 / 60, beat=2.5, bar=0.625, bpm=120)


@pytest.fixture
def folder(small_network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what examples name. The shipped networks are small ones here, and nothing sends live pictures."""
    monkeypatch.setattr(live_picture, "LiveSource", silent)
    monkeypatch.setattr(networks, "find_network", lambda name: None if Path(name).suffix else small_network)
    write_files(tmp_path, z_dim=16, side=24)
    return tmp_path


def silent(kind: str, first: np.ndarray, **options: Any) -> SimpleNamespace:
    return SimpleNamespace(newest=lambda: first, problem=None)


def examples(name: str, folder: Path) -> list[Patch]:
    """The patches of a type's examples, each with its first value, made for the small network."""
    cls = node_types()[name]
    return [
        parse(small(patch_text(cls, example, size=(24, 16))), str(folder / "patch.ganz"))
        for example in examples_of(cls)
    ]


def small(text: str) -> str:
    return text.replace("resolution=128", "resolution=16")


def built(text: str | Patch) -> tuple[BuiltPatch, Evaluator]:
    graph = Graph(parse(text) if isinstance(text, str) else text)
    folder = Path(graph.patch.file).parent if graph.patch.file else None
    resources = Resources(folder, trusted=lambda path: True, exact=True, sources=frozenset({"127.0.0.1"}))
    patch = BuiltPatch(graph, resources, torch.device("cpu"))
    return patch, Evaluator(graph, patch.matched)


def pictures(
    text: str | Patch, overrides: dict[str, Any] | None = None, sealed: bool = False
) -> dict[str, torch.Tensor]:
    patch, evaluator = built(text)
    state = State()
    values = {**evaluator.evaluate(NOW, Inbox(), state.expressions, {}), **(overrides or {})}
    program = patch.program(values, state, lambda path, error: pytest.fail(str(error)))
    with torch.inference_mode():
        program.prepare(NOW, values)
        if sealed:
            program.run()  # makes what is made at first use
            for step in program.steps:
                if not step.node.captured:
                    continue
                lines = [line._values for line in step.context.methods.values()]
                for buffers in (step.context.parameters._values, step.staged.buffers, *lines):
                    for name, value in buffers.items():
                        if isinstance(value, torch.Tensor):
                            buffers[name] = value.as_subclass(Sealed)
                        elif isinstance(value, tuple) and value and isinstance(value[0], torch.Tensor):
                            buffers[name] = tuple(part.as_subclass(Sealed) for part in value)
        if sealed and all(step.node.captured for step in program.steps):
            with NothingFromHost():
                return program.run()
        return program.run()


@pytest.mark.parametrize("name", sorted(node_types()))
def test_declarations_are_complete(name: str) -> None:
    cls = node_types()[name]
    assert cls.__doc__ and len(cls.__doc__) > 30
    for holder in (cls, *cls.methods):
        for declared in holder.declared.values():
            assert isinstance(declared, Parameter | Input)
            assert declared.doc.endswith((".", ")")), declared.name
            if isinstance(declared, Choice) and declared.options is not None:
                assert declared.default in declared.options
            if isinstance(declared, Structure):
                declared.check(declared.default) if declared.default is not None else None


@pytest.mark.parametrize("name", sorted(node_types()))
def test_every_type_shows_itself_in_examples(name: str, folder: Path) -> None:
    cls = node_types()[name]
    assert cls.examples
    used: set[str] = set()
    for text in cls.examples:
        used |= {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert {name, "face"} & used
    for _, patch in uses(cls, folder / "patch.ganz", (24, 16)):
        assert Graph(patch).outs


def test_an_output_says_what_is_asked_of_outputs() -> None:
    for cls in node_types().values():
        if cls.is_output:
            assert cls.makes == ()
            assert isinstance(next(iter(cls.declared.values())), Input)
            assert all(isinstance(cls.declared[name], Structure) for name in ("size", "fps", "name"))


@pytest.mark.parametrize("name", sorted(node_types()))
def test_no_node_reads_the_device_on_the_host(name: str, folder: Path) -> None:
    for patch in examples(name, folder):
        for picture in pictures(patch, sealed=True).values():
            assert picture.dtype == torch.uint8
            assert picture.shape[2] == 4


@pytest.mark.parametrize("name", sorted(node_types()))
@pytest.mark.parametrize("extreme", ["low", "high"])
def test_extreme_values_make_no_nan(name: str, extreme: str, folder: Path) -> None:
    for text in examples(name, folder):
        patch, evaluator = built(text)
        state = State()
        values = dict(evaluator.evaluate(NOW, Inbox(), state.expressions, {}))
        for address, slot in patch.graph.slots.items():
            vector = isinstance(slot.parameter, HostValue) and slot.parameter.vector
            if isinstance(slot.parameter, Value) and not vector:
                limit = slot.parameter.limits[extreme == "high"]
                values[address] = np.full_like(values[address], limit) if address in patch.matched else limit
        program = patch.program(values, state, lambda path, error: pytest.fail(str(error)))
        with torch.inference_mode():
            program.prepare(NOW, values)
            results: list[Any] = []
            for step in program.steps:
                inputs = {key: results[index] for key, index in step.inputs.items()}
                results.append(step.node.render(step.context, inputs))
                made = results[-1] if isinstance(results[-1], torch.Tensor) else results[-1].points
                assert torch.isfinite(made.float()).all(), step.graph.name


@pytest.mark.parametrize("name", sorted(node_types()))
def test_the_same_moment_gives_the_same_picture(name: str, folder: Path) -> None:
    for patch in examples(name, folder):
        for one, other in zip(pictures(patch).values(), pictures(patch).values()):
            assert torch.equal(one, other)


def test_noise_agrees_with_touchdesigner() -> None:
    expected = np.load(goldens.wanted("td-noise"))["perlin2d/defaults"][::-1]
    made = next(iter(pictures("out(noise('perlin2d'), size=(48, 32))").values()))
    assert np.abs(made[..., 0].numpy() / 255 - expected.clip(0, 1)).max() < 1 / 255 + 1e-3


def test_network_plays_exactly_what_the_api_gives(small_network: Path) -> None:
    from ganzfeld import load_network
    from ganzfeld.networks.network import to_uint8

    text = f"out(network({str(small_network)!r}, latent=seeds([5], speed=0), psi=0.6))"
    shown = next(iter(pictures(text).values()))
    network = load_network(small_network)
    z = torch.tensor(seed_latent(5, network.z_dim)).float()[None]
    with torch.inference_mode():
        made = to_uint8(network.synthesis(network.mapping(z, truncation_psi=torch.tensor(0.6))))[0]
    assert (shown[..., :3].int() - made.int()).abs().max() <= 1


@pytest.mark.parametrize("layer", ["b4", "b8.conv0", "b16", "b32"])
@pytest.mark.parametrize("view", ["rgb", "one", "mean", "grid"])
@pytest.mark.parametrize("normalise", ["running", "frame", "fixed"])
def test_every_look_inside_is_a_picture(small_network: Path, layer: str, view: str, normalise: str) -> None:
    text = f"face = network({str(small_network)!r})\nface.show({layer!r}, {view!r}, normalise={normalise!r})\nout(face)"
    made = next(iter(pictures(text).values()))
    assert made[..., :3].float().std() > 1


def test_resolution_stops_early(small_network: Path) -> None:
    made = next(iter(pictures(f"out(network({str(small_network)!r}, resolution=16))").values()))
    assert made.shape == (16, 16, 4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("'plants'", "ships"),
        ("'missing.pkl'", "missing.pkl"),
        ("3", "quotes"),
        ("FILE, resolution=17", "16"),
    ],
)
def test_network_refuses_what_is_not_there(small_network: Path, arguments: str, words: str) -> None:
    with pytest.raises(PatchError, match=words) as caught:
        built(f"out(network({arguments.replace('FILE', repr(str(small_network)))}))")
    assert caught.value.where.line == 1


def test_an_unknown_layer_names_the_nearest(small_network: Path) -> None:
    with pytest.raises(PatchError, match="b32") as caught:
        built(f"face = network({str(small_network)!r})\nface.show('b33')\nout(face)")
    assert (caught.value.where.line, caught.value.where.column) == (2, 11)


def test_seeds_walk_and_loop(small_network: Path) -> None:
    def shown(position: float, loop: bool = True) -> torch.Tensor:
        walk = f"seeds('3-5', speed=0, position={position}, loop={loop})"
        return next(iter(pictures(f"out(network({str(small_network)!r}, latent={walk}))").values()))

    def alone(keys: str) -> torch.Tensor:
        return next(iter(pictures(f"out(network({str(small_network)!r}, latent=seeds({keys}, speed=0)))").values()))

    assert torch.equal(alone("-1"), alone("'4294967295'")) and torch.equal(alone("[2**32 + 7]"), alone("7"))
    assert torch.equal(alone("'rain'"), alone("['rain']")) and not torch.equal(alone("'rain'"), alone("0"))
    assert torch.equal(shown(0), shown(3))
    assert not torch.equal(shown(0), shown(1))
    assert torch.equal(shown(2, loop=False), shown(9, loop=False))
    assert not torch.equal(shown(0.5), shown(0))


@pytest.mark.parametrize("shape", [(16,), (2, 16)])
def test_latents_come_from_files(small_network: Path, tmp_path: Path, shape: tuple[int, ...]) -> None:
    z = np.random.default_rng(1).normal(size=shape)
    np.save(tmp_path / "z.npy", z)
    torch.save(torch.from_numpy(z), tmp_path / "z.pt")
    np.savez(tmp_path / "z.npz", z=z)
    shown = [
        next(iter(pictures(f"out(network({str(small_network)!r}, latent=latent({str(tmp_path / n)!r})))").values()))
        for n in ("z.npy", "z.pt", "z.npz")
    ]
    assert torch.equal(shown[0], shown[1])
    assert torch.equal(shown[0], shown[2])


def test_latents_in_w(small_network: Path, tmp_path: Path) -> None:
    from ganzfeld import load_network

    network = load_network(small_network)
    w = network.mapping(network.latent(3))
    np.savez(tmp_path / "projected_w.npz", w=w.numpy())
    text = f"out(network({str(small_network)!r}, latent={{}}))"
    from_file = pictures(text.format(f"latent({str(tmp_path / 'projected_w.npz')!r})"))
    by_seed = pictures(text.format("seeds([3], speed=0)"))
    assert (from_file["out"].int() - by_seed["out"].int()).abs().max() <= 1


@pytest.mark.parametrize("content", [b"", b"not numpy", b"\x93NUMPY\x01\x00\xff\xff{'descr': 'O'}"])
def test_a_bad_latent_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.npy").write_bytes(content)
    with pytest.raises(PatchError, match=r"bad\.npy"):
        built(f"out(network(latent=latent({str(tmp_path / 'bad.npy')!r})))")


def test_a_pickled_latent_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "evil.npy", np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(PatchError, match=r"evil\.npy"):
        built(f"out(network(latent=latent({str(tmp_path / 'evil.npy')!r})))")


def test_flip_mirrors() -> None:
    plain = pictures("out(noise(), size=(24, 16))")["out"]
    flipped = pictures("out(flip(noise(), x=True, y=True), size=(24, 16))")["out"]
    assert torch.equal(flipped, plain.flip((0, 1)))


@pytest.mark.parametrize(("fit", "bars"), [("fit", True), ("fill", False), ("stretch", False)])
def test_out_takes_the_frame(small_network: Path, fit: str, bars: bool) -> None:
    made = pictures(f"out(network({str(small_network)!r}), size=(64, 32), fit={fit!r})")["out"]
    assert made.shape == (32, 64, 4)
    assert bool((made[:, 0, :3] == 0).all()) is bars
    assert (made[..., 3] == 255).all()


def test_conditional_labels_blend(golden_file: Callable[[str], Path]) -> None:
    path = golden_file("stylegan2-cond-16")
    shown = {
        label: pictures(f"out(network({str(path)!r}, latent=seeds([1], speed=0), label={label}))")["out"]
        for label in ("0", "1", "0.5", "[0, 1, 0, 0, 0]")
    }
    assert torch.equal(shown["1"], shown["[0, 1, 0, 0, 0]"])
    assert not torch.equal(shown["0"], shown["1"])
    assert not torch.equal(shown["0"], shown["0.5"])


def test_script_state_outlives_a_reload_and_errors_do_not_stop_it(tmp_path: Path) -> None:
    file = tmp_path / "count.py"
    source = (
        "def frame(context, inputs):\n"
        "    n = context.state['n'] = context.state.get('n', 0) + 1\n"
        "    return [[n / 255]]"
    )
    file.write_text(source)
    engine = Engine(device="cpu", trusted=lambda path: True)
    engine.load(f"out(script({str(file)!r}))")

    def play(frame: int) -> int:
        return int(engine.frame(Moment(frame, frame / 60, 1 / 60, 0, 0, 120))["out"][0, 0, 0])

    assert [play(0), play(1)] == [1, 2]
    script = next(iter(engine._playing.built.nodes[name] for name in engine._playing.graph.nodes if "image" in name))
    file.write_text(source.replace("n / 255", "(100 + n) / 255"))
    script.script.load()
    assert play(2) == 103
    file.write_text(source.replace("return", "return 1 / 0 or"))
    script.script.load()
    assert play(3) >= 103
    assert "ZeroDivisionError" in str(engine.problems[0])
    assert engine.problems[0].where.line == 3
    file.write_text("def frame(context, inputs:\n")
    script.script.load()
    assert play(4) >= 103
    assert engine.problems[0].where.line == 1
    engine.close()


@pytest.mark.parametrize(
    "wrong",
    [
        "'a text'", "None", "[[1, 2], 3]", "[[[1, 2]]]", "{}", "len", "[['a']]", "np.zeros((0, 4))", "Latent(None)",
        "torch.zeros(4, 4).to_sparse()", "Latent(torch.zeros(1, 512).to_sparse())", "np.full((4, 4), 127)",
        "np.full((4, 4), 9000, np.uint16)", "np.zeros((4, 4), 'M8[s]')",
        "np.broadcast_to(np.uint8(9), (1 << 20, 1 << 20, 3))", "torch.zeros(1, 1, 1, 1).expand(1, 4, 1 << 16, 1 << 16)",
    ],
)  # fmt: skip
def test_a_script_that_returns_something_else_lets_its_last_working_version_play_on(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "count.py"
    head = "import numpy as np\nimport torch\nfrom ganzfeld.patch.node import Latent\n"
    source = head + "def frame(context, inputs):\n    return [[context.frame / 255]]"
    file.write_text(source)
    engine = Engine(device="cpu", trusted=lambda path: True)
    engine.load(f"out(script({str(file)!r}))")

    def play(frame: int) -> int:
        return int(engine.frame(Moment(frame, frame / 60, 1 / 60, 0, 0, 120))["out"][0, 0, 0])

    assert [play(1), play(2)] == [1, 2]
    file.write_text(source.replace("[[context.frame / 255]]", wrong))
    [script] = [node.script for node in engine._playing.built.nodes.values() if hasattr(node, "script")]
    script.load()
    assert [play(3), play(4)] == [3, 4], "no picture that stands still"
    assert engine.problems
    assert "can't convert" not in str(engine.problems[0])
    assert "alloc" not in str(engine.problems[0])
    engine.close()


@pytest.mark.parametrize("kind", ["'>f4'", "np.float16", "np.longdouble", "bool"])
def test_a_script_may_return_numbers_of_any_kind(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "white.py"
    file.write_text(f"import numpy as np\ndef frame(context, inputs):\n    return np.ones((4, 4, 3), {kind})")
    engine = Engine(device="cpu", trusted=lambda path: True)
    engine.load(f"out(script({str(file)!r}))")
    assert (engine.frame(Moment(0, 0.0, 1 / 60, 0, 0, 120))["out"] == 255).all(), engine.problems
    engine.close()


def test_a_script_waits_for_permission(tmp_path: Path) -> None:
    file = tmp_path / "ran.py"
    file.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\ndef frame(context, inputs):\n    return [[1.0]]")
    engine = Engine(device="cpu")
    engine.load(f"out(script({str(file)!r}))")
    moment = Moment(0, 0, 0, 0, 0, 120)
    assert engine.frame(moment)["out"][0, 0, 0] == 0
    assert engine.pending_trust == [file]
    assert "permission" in str(engine.problems[0])
    assert not (tmp_path / "ran").exists()
    engine.close()


def test_a_stylegan3_moves_what_it_draws(golden_file: Callable[[str], Path]) -> None:
    def shown(moved: str) -> torch.Tensor:
        text = f"out(network({str(golden_file('stylegan3-t-32'))!r}, latent=seeds([1], speed=0){moved}))"
        return pictures(text)["out"][..., :3].float()

    plain = shown("")
    assert torch.equal(plain, shown(", x=0, y=0, rotate=360, zoom=1"))
    for moved, expected in ((", x=0.25", plain.roll(8, 1)), (", y=0.25", plain.roll(-8, 0))):
        inner = (shown(moved) - expected)[8:24, 8:24].abs().mean()
        assert inner < 0.35 * (plain - expected)[8:24, 8:24].abs().mean(), moved
    assert not torch.equal(plain, shown(", rotate=90"))


def test_what_is_bent_beside_the_mapping_may_be_done_last(
    golden_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a GPU weights are there when `pending` has waited for them: none of the synthesis' may be read before."""
    file, waiting = str(golden_file("stylegan3-t-32")), []
    face = f"face = network({file!r}, latent=seeds([1], speed=0), rotate=20)"
    text = f"{face}\nface.bend('synthesis.input.transform', scale=0.7)\nout(face)"
    plain, bent = pictures(f"{face}\nout(face)")["out"], pictures(text)["out"]
    bend_now = BentWeights._take
    monkeypatch.setattr(BentWeights, "_take", lambda self, *given: waiting.append(lambda: bend_now(self, *given)))
    monkeypatch.setattr(
        PendingTensors, "wait", lambda self, *names, **but: [waiting.pop()() for _ in range(len(waiting))]
    )
    late = pictures(text)["out"]
    assert torch.equal(late, bent) and not torch.equal(late, plain)


def test_outputs_are_known_without_importing_any_node() -> None:
    assert output_words() == {word for word, cls in node_types().items() if cls.is_output}
    assert network_words() == {word for word, cls in node_types().items() if cls.plays_network} == {"network"}
    words = "import sys\nfrom ganzfeld.patch.nodes import output_words\n"
    look = f"{words}sys.exit(not output_words() or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0


def test_a_latent_follows_a_list_that_comes_by_osc(small_network: Path) -> None:
    text = f"out(network({str(small_network)!r}, latent=latent({{}})))"
    engine = Engine(device="cpu")

    def frame() -> torch.Tensor:
        return engine.frame(Moment(0, 0, 0, 0, 0, 120))["out"].clone()

    def still(numbers: Any) -> torch.Tensor:
        return pictures(text.format(numbers))["out"]

    engine.load(text.format("osc('/z', 0)"))
    assert torch.equal(frame(), still(0))
    for numbers in ([0.5, -1.0, 2.0], np.linspace(-2, 2, 16).tolist(), np.linspace(-1, 1, 40).tolist(), 0.25):
        engine.outside.set("/z", numbers)
        assert torch.equal(frame(), still(numbers))
    last = frame()
    for odd in ([], ["a", 1.0], [[1.0]]):
        engine.outside.set("/z", odd)
        assert torch.isfinite(frame().float()).all()
    engine.outside.set("/z", [0.5, -1.0, 2.0])
    assert torch.equal(frame(), still([0.5, -1.0, 2.0]))
    assert not torch.equal(frame(), last)
    engine.close()
    with pytest.raises(PatchError, match="plums"):
        built(text.format("plums"))
