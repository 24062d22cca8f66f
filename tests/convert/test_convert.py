"""PyTorch checkpoints in and out, layer group by layer group."""

import dataclasses

import numpy as np
import pytest

from arbsr_jax import load_model
from arbsr_jax.cli.main import main
from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.network import SRNetwork

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install -e .[torch]")
from tests.convert import torch_networks  # noqa: E402
from tests.models.fixtures import compile_soon  # noqa: E402

NETWORKS = {
    "edsr-baseline": lambda scale: torch_networks.edsr(16, 64, scale),
    "edsr": lambda scale: torch_networks.edsr(32, 256, scale, res_scale=0.1),
    "short rcan": lambda scale: torch_networks.rcan(3, 4, 64, scale),
    "rcan": lambda scale: torch_networks.rcan(10, 20, 64, scale),
}
# The scale decides the upsampler alone: every one of them on short networks, one on those of full size.
CASES = [
    (name, scale) for name in ("edsr-baseline", "short rcan") for scale in (2, 3, 4, 8) if scale < 8 or "rcan" in name
]
CASES += [("edsr", 2), ("rcan", 4)]
QUICK = [("edsr-baseline", 4), ("short rcan", 3)]
PARAMETERS = [case if case in QUICK else pytest.param(*case, marks=pytest.mark.slow) for case in CASES]


@pytest.fixture
def image(rng):
    """Odd-sized and not square."""
    return rng.integers(0, 256, (1, 13, 10, 3)).astype(np.float32)


def save(network, path, legacy=False, wrap=None):
    state = network if isinstance(network, dict) else network.state_dict()
    torch.save(wrap(state) if wrap else state, path, _use_new_zipfile_serialization=not legacy)
    return path


def converted(path, *flags):
    """The model file made by the command."""
    target = path.with_suffix(".safetensors")
    assert main(["convert", str(path), "-o", str(target), *flags]) == 0
    return load_model(target).model


def nhwc(tensor):
    return tensor.detach().permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize(("name", "scale"), PARAMETERS)
def test_converted_networks_compute_the_same(name, scale, image, tmp_path, capsys):
    """Every block's output and the image, at most 1e-3 apart in the 0..255 range; from both containers."""
    torch.manual_seed(0)
    network = NETWORKS[name](scale)
    legacy = save(network, tmp_path / f"{name}_x{scale}.pt", legacy=True)
    wrapped = save(network, tmp_path / "zip.pth", wrap=lambda s: {"model": {f"module.{k}": v for k, v in s.items()}})
    model, other = converted(legacy), converted(wrapped)
    assert f"x{scale}" in capsys.readouterr().out
    assert model.config == other.config
    assert model.config.scale == scale
    with torch.no_grad():
        expected = nhwc(network(torch.tensor(image).permute(0, 3, 1, 2)))
    every = dataclasses.replace(model.config, interval=1)  # names the features after each block
    grid, network_of = make_grid(Scale.of(scale), (13 * scale, 10 * scale)), compile_soon(SRNetwork(every).apply)
    for parameters in (model.parameters, other.parameters):
        result, out = network_of({"params": parameters}, image, grid)
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-3)
        for ours, theirs in zip(out["features"], map(nhwc, network.features), strict=True):
            in_range = 255 / max(255, np.abs(theirs).max())  # random RCANs have features above 800
            assert in_range * np.abs(ours - theirs).max() <= 1e-3


@pytest.mark.parametrize(("name", "scale"), [("edsr-baseline", 3), ("short rcan", 4)])
def test_there_and_back_again_is_bit_equal(name, scale, tmp_path):
    torch.manual_seed(0)
    network = NETWORKS[name](scale)
    converted(save(network, tmp_path / "there.pt"))
    assert main(["convert", str(tmp_path / "there.safetensors"), "-o", str(tmp_path / "back.pt")]) == 0
    back = torch.load(tmp_path / "back.pt", weights_only=True)
    there = network.state_dict()
    assert back.keys() == there.keys()
    for key, tensor in there.items():
        assert back[key].numpy().tobytes() == tensor.numpy().tobytes() or key.endswith("mean.bias"), key
        np.testing.assert_allclose(back[key], tensor, rtol=1e-6)
    network.load_state_dict(back)


def test_half_precision_is_read_and_said(tmp_path, capsys):
    network = torch_networks.edsr(2, 8, 2).half()
    model = converted(save(network, tmp_path / "half.pt"), "--res-scale", "0.5")
    assert "float16 converted to float32" in capsys.readouterr().out
    assert model.config.res_scale == 0.5


WRAPPED = {
    "a counter beside it": lambda s: {"model": s, "iterations": torch.zeros(())},
    "torch.compile": lambda s: {f"_orig_mod.{k}": v for k, v in s.items()},
    "torch.compile of parallel": lambda s: {f"_orig_mod.module.{k}": v for k, v in s.items()},
    "Lightning": lambda s: {"state_dict": {f"model.{k}": v for k, v in s.items()}, "epoch": 3, "global_step": 9},
    "net": lambda s: {"net": s},
    "netG": lambda s: {"netG": s, "netD": {}},
    "ema": lambda s: {"model": {k: v * 0 for k, v in s.items()}, "ema": s},
    "model_state_dict": lambda s: {"model_state_dict": s, "optimizer_state_dict": {}},
    "params_ema": lambda s: {"params": {k: v * 0 for k, v in s.items()}, "params_ema": s},
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_what_training_scripts_put_around_weights_is_taken_off(tmp_path, kind):
    state = small()
    model = converted(save(state, tmp_path / "wrapped.pt", wrap=WRAPPED[kind]))
    np.testing.assert_array_equal(model.parameters["head"]["bias"], state["head.0.bias"])


def test_safetensors_of_pytorch_are_read(tmp_path):
    from safetensors.torch import save_file

    state = {key: value.contiguous() for key, value in small().items()}
    save_file(state, tmp_path / "theirs.safetensors")
    target = tmp_path / "ours.safetensors"
    assert main(["convert", str(tmp_path / "theirs.safetensors"), "-o", str(target)]) == 0
    np.testing.assert_array_equal(load_model(target).model.parameters["head"]["bias"], state["head.0.bias"])
    (tmp_path / "bad.safetensors").write_bytes(b"x" * 99)
    assert main(["convert", str(tmp_path / "bad.safetensors"), "-o", str(target)]) == 2


@pytest.mark.parametrize("scale", [*(pytest.param(scale, marks=pytest.mark.slow) for scale in (2, 3)), 4])
@pytest.mark.parametrize("kind", ["edsr", "rcan"])
def test_networks_of_basicsr_compute_the_same(tmp_path, image, kind, scale):
    torch.manual_seed(0)
    make = {
        "edsr": lambda: torch_networks.basic_edsr(3, 16, scale),
        "rcan": lambda: torch_networks.basic_rcan(2, 3, 32, scale),
    }
    network = make[kind]()
    model = converted(save(network, tmp_path / "basic.pth", wrap=lambda s: {"params": s}))
    with torch.no_grad():
        expected = 255 * nhwc(network(torch.tensor(image).permute(0, 3, 1, 2) / 255))
    grid = make_grid(Scale.of(scale), (13 * scale, 10 * scale))
    result, _ = compile_soon(SRNetwork(model.config).apply)({"params": model.parameters}, image, grid)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-3)


class Malicious:
    """A pickle that would make a file if it were run."""

    def __init__(self, witness):
        self.witness = witness

    def __reduce__(self):
        return open, (str(self.witness), "w")


def small():
    torch.manual_seed(0)
    return dict(torch_networks.edsr(2, 8, 2).state_dict())


def changed(**changes):
    return {**small(), **{key.replace("__", "."): value for key, value in changes.items()}}


BROKEN = {
    "truncated": (lambda path: cut(save(small(), path), 0.5), "damaged"),
    "truncated legacy": (lambda path: cut(save(small(), path, legacy=True), 0.5), "damaged"),
    "empty": (lambda path: path.write_bytes(b""), "damaged"),
    "text": (lambda path: path.write_text("no weights here"), "not run"),
    "a list": (lambda path: torch.save([torch.zeros(1)], path), "list"),
    "no tensors": (lambda path: torch.save({"epoch": 3, "note": "x"}, path), "epoch"),
    "an integer among them": (lambda path: save(changed(extra=3), path), "extra"),
    "another architecture": (lambda path: save({"conv1.weight": torch.zeros(3, 3)}, path), "conv1.weight"),
    "one key missing": (lambda path: save(without("body.1.body.2.bias"), path), "missing: body.1.body.2.bias"),
    "one key too many": (lambda path: save(changed(more__weight=torch.zeros(1)), path), "unknown keys: more.weight"),
    "another shape": (lambda path: save(changed(tail__1__bias=torch.zeros(4)), path), "tail.1.bias [4] instead of [3]"),
    "other dimensions": (lambda path: save(changed(tail__1__weight=torch.zeros(4)), path), "tail.1.weight [4]"),
    "nan": (lambda path: save(changed(head__0__bias=torch.full((8,), torch.nan)), path), "head.0.bias"),
    "another mean": (lambda path: save(changed(sub_mean__bias=torch.zeros(3)), path), "sub_mean.bias"),
    "sparse": (lambda path: save(changed(head__0__bias=torch.ones(8).to_sparse()), path), "head.0.bias"),
}


def without(key):
    return {name: value for name, value in small().items() if name != key}


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def refused(path, capsys):
    """The one line that the command prints about a file that it does not convert."""
    target = path.with_suffix(".safetensors")
    assert main(["convert", str(path), "-o", str(target)]) == 2
    line = capsys.readouterr().err.strip()
    assert "\n" not in line
    assert str(path) in line
    assert not target.exists()
    return line


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_one_line_that_names_the_cause(kind, tmp_path, capsys):
    damage, named = BROKEN[kind]
    damage(tmp_path / "broken.pt")
    assert named in refused(tmp_path / "broken.pt", capsys)


@pytest.mark.parametrize("container", ["zip", "legacy", "raw"])
def test_code_in_a_file_is_never_run(container, tmp_path, capsys):
    import pickle

    witness, path = tmp_path / "witness", tmp_path / "evil.pt"
    content = {**small(), "evil": Malicious(witness)}
    if container == "raw":
        path.write_bytes(pickle.dumps(content))
    else:
        save(content, path, legacy=container == "legacy")
    assert "not run" in refused(path, capsys)
    assert not witness.exists()


def test_cuda_storages_are_read_on_a_machine_without_cuda(tmp_path):
    """The file says cuda:0 where it names a storage's place; one byte string is replaced by one of equal length."""
    path = save(small(), tmp_path / "gpu.pt", legacy=True)
    content = path.read_bytes()
    place = b"X\x03\x00\x00\x00cpu"
    assert place in content
    path.write_bytes(content.replace(place, b"X\x06\x00\x00\x00cuda:0"))
    assert converted(path).config.channels == 8


def test_what_has_no_counterpart_in_pytorch_is_refused(tmp_path, capsys):
    assert main(["convert", "arbedsr-tiny.safetensors", "-o", str(tmp_path / "x.pt")]) == 2
    assert "no such model" in capsys.readouterr().err
