"""The whole network against the same one in PyTorch, which runs its heads at every HR pixel."""

import numpy as np
import pytest

from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.network import SRNetwork
from tests.models.fixtures import compile_soon, randomized

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install -e .[torch]")

MODEL = ModelConfig("edsr", blocks=4, channels=8, interval=2, res_scale=0.5)


def load(layer, values):
    """A Flax layer's kernel and bias into a PyTorch layer."""
    kernel = values["kernel"]
    if isinstance(layer, torch.nn.Conv2d):
        kernel = kernel[None, None] if kernel.ndim == 2 else kernel
        kernel = kernel.transpose(3, 2, 0, 1)
    else:
        kernel = kernel.T
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(kernel))
        layer.bias.copy_(torch.tensor(values["bias"]))


def load_hyper(module, values):
    load(module.trunk[0], values["fc_0"])
    load(module.trunk[2], values["fc_1"])


def in_torch(parameters):
    from benchmarks.torch_reference import ArbEDSR

    network = ArbEDSR(MODEL)
    for name in ("head", "body_conv", "tail"):
        load(getattr(network, name), parameters[name])
    for index, block in enumerate(network.blocks):
        load(block.body[0], parameters[f"block_{index}"]["conv_0"])
        load(block.body[2], parameters[f"block_{index}"]["conv_1"])
    for index, adaption in enumerate(network.adaptions):
        values = parameters[f"adaption_{index}"]
        load_hyper(adaption, values["conv"]["hyper"])
        load(adaption.bias, values["conv"]["hyper"]["bias"])
        # Ours orders a kernel [3, 3, C], PyTorch's depth-wise one [C, 3, 3].
        head = values["conv"]["hyper"]["kernel"]
        ordered = {
            name: value.reshape(*value.shape[:-1], 9, -1).swapaxes(-1, -2).reshape(value.shape)
            for name, value in head.items()
        }
        load(adaption.kernel, ordered)
        load(adaption.mix, values["conv"]["mix"])
        layers = [adaption.squeeze[0], adaption.middle[0], adaption.middle[2], adaption.expand]
        for number, layer in enumerate(layers):
            load(layer, values["mask"][f"conv_{number}"])
    values = parameters["upsampler"]
    load_hyper(network.upsampling, values["hyper"])
    for name in ("kernel", "bias"):
        load(getattr(network.upsampling, name), values["hyper"][name])
    # Ours has the offset as (row, column), and so has the reference.
    load(network.upsampling.offset, values["hyper"]["offset"])
    load(network.upsampling.mix, values["mix"])
    return network


@pytest.mark.parametrize(
    "scale", ["2.5x3.5", *(pytest.param(scale, marks=pytest.mark.slow) for scale in ("2", "3.3", "4x1.5"))]
)
def test_the_network_equals_its_pytorch_twin(rng, scale):
    """At most 1e-3 of 255 apart; the reference computes positions in float32 and heads pixel by pixel."""
    scale, parameters = Scale.of(scale), randomized(MODEL)
    image = rng.uniform(0, 255, (2, 14, 10, 3)).astype(np.float32)
    size = scale.output_size(14, 10)
    ours, _ = compile_soon(SRNetwork(MODEL).apply)({"params": parameters}, image, make_grid(scale, size))
    factors = (float(scale.vertical), float(scale.horizontal))
    with torch.no_grad():
        theirs = in_torch(parameters)(torch.tensor(image).permute(0, 3, 1, 2), factors, size)
    assert np.ptp(ours) > 1
    np.testing.assert_allclose(ours, theirs.permute(0, 2, 3, 1).numpy(), atol=1e-3)
