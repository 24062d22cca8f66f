"""Programs are lowered for GPUs and TPUs, without one: no call that only CPUs know, static shapes alone."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from jax.sharding import PartitionSpec

from arbsr_jax import parallel
from arbsr_jax.imaging.grid import Grid, factors, make_grid, window_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.compiled import CompiledNetwork
from arbsr_jax.inference.lanes import over_lanes
from arbsr_jax.models.config import ARBRCAN_ICCV, EDSR, EDSR_TINY, RCAN, ModelConfig, implicit, scale_specific
from arbsr_jax.models.extent import Extent
from arbsr_jax.train.norms import add_norms
from arbsr_jax.train.optimizer import adam
from arbsr_jax.train.state import init_state
from arbsr_jax.train.step import Constants, make_step
from tests.models.fixtures import randomized

KINDS = ("tpu", jnp.bfloat16), ("cuda", jnp.float32)
SMALL = {"blocks": 1, "interval": 1, "group_blocks": 1, "channels": 8, "reduction": 4}
# One block of every kind of network: the others are the same program again.
NETWORKS = {
    "arbedsr": dataclasses.replace(EDSR, **SMALL),
    "arbrcan": dataclasses.replace(RCAN, **SMALL),
    "experts": dataclasses.replace(ARBRCAN_ICCV, **SMALL),
    "field": dataclasses.replace(EDSR, **SMALL, upsampler="field", basis=4, hidden=8),
    "liif": implicit(dataclasses.replace(EDSR_TINY, **SMALL)),
    "edsr-x3": scale_specific(dataclasses.replace(EDSR, **SMALL), 3),
    "bicubic": ModelConfig("edsr", 1, 8, interval=1, upsampler="bicubic", adaption="plain"),
}
# What shardings leave behind, on every platform.
NEUTRAL = {"Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape"}
LANES, HEIGHT, WIDTH = 1, 24, 20


def checked(exported, dtype):
    """The program's text, looked at."""
    text = exported.mlir_module()
    calls = set(re.findall(r"custom_call @(\w+)", text))
    assert calls <= NEUTRAL, calls
    assert "tensor<?" not in text
    assert ("bf16" in text) == (dtype == jnp.bfloat16)
    assert "f64" not in text
    return text


@pytest.mark.parametrize(("platform", "dtype"), KINDS, ids=["tpu", "cuda"])
@pytest.mark.parametrize("name", NETWORKS)
def test_inference_lowers(name, platform, dtype):
    config = NETWORKS[name]
    network = CompiledNetwork(config, randomized(config), dtype)
    scale = Scale.of(config.scale or "2.5x3.5")
    hr = scale.output_size(HEIGHT, WIDTH)
    lr, extent = np.zeros((LANES, 1, HEIGHT, WIDTH, 3), np.float32), Extent(np.array([[HEIGHT, WIDTH]], np.int32))
    grid = window_grid(scale, (0, 0), hr, (0, 0), hr, by_cell=network.by_cell)
    split: Grid = jax.tree.map(lambda leaf: leaf[None], grid._replace(scale=None))
    parameters, shared_scale = network._parameters[LANES], factors(scale)

    def lowered(function, *arguments):
        return export.export(over_lanes(function, LANES), platforms=[platform])(*arguments)

    encode = lowered(network.functions["encode", LANES], (parameters, shared_scale), (lr, extent))
    checked(encode, dtype)
    features = jax.ShapeDtypeStruct(encode.out_avals[0].shape, dtype)
    decode = network.functions["decode_rounded", LANES]
    checked(lowered(decode, (parameters, shared_scale, None), (features, extent, split)), dtype)


@pytest.mark.parametrize(("platform", "dtype"), KINDS, ids=["tpu", "cuda"])
@pytest.mark.parametrize(
    "name", ["arbedsr", *(pytest.param(n, marks=pytest.mark.slow) for n in ("arbrcan", "edsr-x3"))]
)
def test_training_lowers(name, platform, dtype):
    """The step as each device runs it, with the exchange of gradients, transfer and a network's images as targets.

    jax.export takes no function of jax.pmap, only its like: jit of shard_map, which pmap is since jax 0.8.
    """
    config, optimizer = NETWORKS[name], adam()
    scale, patch, more, constants = Scale.of(config.scale or 2), 12, {}, ()
    if not config.scale:
        teacher, output = scale_specific(config, 2), NETWORKS["liif"]
        more = {"teacher": teacher, "transfer_weight": 1.0, "output_teacher": output, "output_share": 0.5}
        constants = randomized(teacher), randomized(output)
    step = make_step(config, optimizer, dtype=dtype, ema=0.9, **more)
    state = init_state(add_norms(randomized(config)), optimizer, averaged=True)
    hr = scale.output_size(patch, patch)
    images = np.zeros((2, patch, patch, 3), np.uint8), np.zeros((2, *hr, 3), np.uint8)
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), (parallel.AXIS,))
    specs = PartitionSpec(), PartitionSpec(parallel.AXIS), PartitionSpec()
    spread = jax.shard_map(step, mesh=mesh, in_specs=specs, out_specs=specs[0], check_vma=False)
    arguments = state, images, Constants(make_grid(scale, hr), np.full(1024, 1e-4, np.float32), *constants)
    text = checked(export.export(jax.jit(spread), platforms=[platform])(*arguments), dtype)
    assert "all_reduce" in text
