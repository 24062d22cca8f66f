"""RDN and Meta-RDN against PyTorch, from the files of three repositories."""

import numpy as np
import pytest

from arbsr_jax.cli.main import main
from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.network import SRNetwork

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install -e .[torch]")
from tests.convert.test_convert import converted, nhwc, save  # noqa: E402
from tests.convert.torch_liif import Mlp  # noqa: E402
from tests.convert.torch_rdn import MetaRdn, Rdn  # noqa: E402
from tests.models.fixtures import compile_soon  # noqa: E402

SIZES = 2, 8, 4, 2  # blocks, channels, growth, layers
RIM = 10  # LR pixels that the zero padding of the first conv reaches, which means black there


@pytest.fixture
def image(rng):
    return rng.integers(0, 256, (1, 27, 31, 3)).astype(np.float32)


def compute(model, image, scale):
    """The image, and the features after each block."""
    scale = Scale.of(scale)
    grid = make_grid(scale, scale.output_size(*image.shape[1:3]))
    network = SRNetwork(model.config)
    return compile_soon(network.apply)({"params": model.parameters}, image, grid)


def in_torch(network, image, *arguments):
    with torch.no_grad():
        return nhwc(network(torch.tensor(image).permute(0, 3, 1, 2), *arguments))


def yjn870(state):
    """The other names of the same weights."""
    last = max(key.split(".")[1] for key in state if key.startswith("UPNet"))
    words = [
        ("SFENet", "sfe"), ("RDBs", "rdbs"), (".convs.", ".layers."), (".conv.0.", ".conv."), ("LFF", "lff"),
        ("GFF", "gff"), (f"UPNet.{last}", "output"), ("UPNet", "upscale"),
    ]  # fmt: skip
    renamed = {}
    for key, value in state.items():
        for before, after in words:
            key = key.replace(before, after)  # noqa: PLW2901
        renamed[key] = value
    return renamed


@pytest.mark.parametrize("scale", [2, pytest.param(3, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["EDSR-PyTorch", "yjn870"])
def test_it_computes_the_same_off_the_rim(kind, scale, image, tmp_path, capsys):
    torch.manual_seed(0)
    network, white = Rdn(*SIZES, scale), 255 if kind == "EDSR-PyTorch" else 1
    state = network.state_dict() if kind == "EDSR-PyTorch" else yjn870(network.state_dict())
    model = converted(save(state, tmp_path / "rdn.pt"))
    assert f"rdn x{scale}, 2 dense blocks of 2 layers, 8 channels" in capsys.readouterr().out
    expected = in_torch(network, image / 255 * white) * 255 / white
    found, _ = compute(model, image, scale)
    inside = slice(RIM * scale, -RIM * scale)
    range_of = max(255, np.abs(expected).max())
    np.testing.assert_allclose(found[:, inside, inside], expected[:, inside, inside], rtol=0, atol=1e-5 * range_of)


@pytest.mark.parametrize("scale", ["1.5", "2", "3", "3.7"])
def test_meta_rdn_computes_the_same_everywhere(scale, image, tmp_path, capsys):
    torch.manual_seed(0)
    network = MetaRdn(*SIZES)
    model = converted(save(network, tmp_path / "meta.pt"))
    assert "kernels predicted for each HR pixel" in capsys.readouterr().out
    image = image[:, :13, :10]
    expected = in_torch(network, image, float(scale))
    found, out = compute(model, image, scale)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)
    features = nhwc(network._rdn[0].features[1])
    np.testing.assert_allclose(out["features"][0], features, rtol=0, atol=1e-4 * np.abs(features).max())


def test_liif_may_have_an_encoder_of_rdn(tmp_path, image, capsys):
    torch.manual_seed(0)
    encoder, decoder = Rdn(*SIZES), Mlp(9 * SIZES[1] + 4)
    state = {f"encoder.{key}": value for key, value in encoder.state_dict().items()}
    state |= {f"imnet.{key}": value for key, value in decoder.state_dict().items()}
    model = converted(save(state, tmp_path / "liif.pt"))
    assert "an implicit function" in capsys.readouterr().out
    in_torch(encoder, image / 127.5 - 1)
    _, out = compute(model, image, "2")
    inside = slice(RIM, -RIM)
    expected = 127.5 * nhwc(encoder.features[1])[:, inside, inside]
    np.testing.assert_allclose(
        out["features"][0][:, inside, inside], expected, rtol=0, atol=1e-4 * np.abs(expected).max()
    )


def test_there_is_no_way_back(tmp_path, capsys):
    path = save(Rdn(*SIZES, 2), tmp_path / "rdn.pt")
    converted(path)
    assert main(["convert", str(path.with_suffix(".safetensors")), "-o", str(tmp_path / "back.pt")]) == 2
    assert "only scale-specific networks (EDSR, RCAN" in capsys.readouterr().err
