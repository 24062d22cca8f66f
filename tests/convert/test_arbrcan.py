"""ArbRCAN's published layout against PyTorch."""

import numpy as np
import pytest

from arbsr_jax.cli.main import main
from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.config import ARBRCAN_ICCV
from arbsr_jax.models.network import SRNetwork, parameter_shapes
from arbsr_jax.models.parameters import count_parameters

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install -e .[torch]")
from tests.convert.test_convert import converted, nhwc, save  # noqa: E402
from tests.convert.torch_arbrcan import ArbRCAN  # noqa: E402
from tests.models.fixtures import compile_soon  # noqa: E402

SCALES = ("2", "2.5x3.5")
PUBLISHED, BATCH_NORMS = 16_926_127, 980  # 10 masks of 3 x 16 + 1 channels, gain and shift of each


def trained(groups, blocks, channels):
    """Random weights, batch norms as after training, in evaluation mode."""
    torch.manual_seed(0)
    network = ArbRCAN(groups, blocks, channels).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for values, low, high in (
                (module.weight, 0.5, 2),
                (module.bias, -1, 1),
                (module.running_mean, -9, 9),
                (module.running_var, 0.1, 90),
            ):
                torch.nn.init.uniform_(values, low, high)
    return network


@pytest.mark.parametrize(
    ("sizes", "scales"),
    [((1, 1, 64), ["2.5x3.5"]), pytest.param((10, 20, 64), SCALES, marks=pytest.mark.slow)],
    ids=["short", "full"],
)
def test_it_computes_the_same_at_every_scale(sizes, scales, rng, tmp_path, capsys):
    """Each group's features and the image, at most 1e-3 of 255 apart, on an odd-sized image that is not square."""
    network = trained(*sizes)
    model = converted(save(network, tmp_path / "arbrcan.pt", legacy=True))
    assert "mixes of experts" in capsys.readouterr().out
    image = rng.integers(0, 256, (1, 13, 10, 3)).astype(np.float32)
    network_of = compile_soon(SRNetwork(model.config).apply)
    for text in scales:
        scale = Scale.of(text)
        size = scale.output_size(13, 10)
        with torch.no_grad():
            theirs = network(torch.tensor(image).permute(0, 3, 1, 2), (scale.vertical, scale.horizontal), size)
        ours, out = network_of({"params": model.parameters}, image, make_grid(scale, size))
        pairs = [(ours, nhwc(theirs)), *zip(out["features"], map(nhwc, network.features), strict=True)]
        for a, b in pairs:
            assert np.abs(a - b).max() <= 1e-3 * max(1, np.abs(b).max() / 255), text


@pytest.mark.slow
def test_it_has_as_many_parameters_as_published():
    """Batch norms are folded into convs: 16,925,147 remain."""
    with torch.device("meta"):
        network = ArbRCAN(10, 20, 64)
    shift = sum(p.numel() for name, p in network.named_parameters() if "mean" in name)
    assert sum(p.numel() for p in network.parameters()) - shift == PUBLISHED
    assert count_parameters(parameter_shapes(ARBRCAN_ICCV)) == PUBLISHED - BATCH_NORMS


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sa_adapt.1.mask.5.running_var", None),
        ("sa_adapt.0.mask.8.weight", torch.ones(3)),
        ("sa_upsample.weight_expand", torch.ones(3, 64, 8, 1, 1)),
        ("sa_adapt.1.adapt.routing.2.bias", None),
    ],
)
def test_what_does_not_fit_is_named(key, value, tmp_path, capsys):
    state = trained(2, 1, 64).state_dict()
    del state[key]
    path = save(state if value is None else {**state, key: value}, tmp_path / "bad.pt")
    assert main(["convert", str(path), "-o", str(tmp_path / "bad.safetensors")]) == 2
    assert key in capsys.readouterr().err
