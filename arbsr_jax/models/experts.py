"""The plug-in of the later version (Wang et al., ICCV 2021): mixes of experts, to run ArbRCAN's published weights."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from arbsr_jax.imaging.grid import Grid
from arbsr_jax.kernels.conv3x3 import DEFAULTS, ConvOptions, conv3x3
from arbsr_jax.kernels.sampling import sample_at_offsets, to_canvas
from arbsr_jax.kernels.winograd import add_all
from arbsr_jax.models.extent import WHOLE, Extent
from arbsr_jax.models.hyper import Heads, HyperNetwork, PhaseTable, over_phases, phase_inputs
from arbsr_jax.models.upsampling import Upsampler

EXPERTS = 4
COMPRESSION = 8  # channels of the upsampling's bottleneck: C / 8

of_experts = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform", batch_axis=0)


class ExpertConv(nn.Module):
    """3x3 conv whose kernel is a mix of four, weighted by the softmax of an MLP of (1/r_v, 1/r_h); no bias."""

    channels: int
    options: ConvOptions = DEFAULTS

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch height width channels"], scale: Float[Any, "2"], extent: Extent = WHOLE
    ) -> Float[Array, "batch height width channels"]:
        """F_adapt of features for a scale (r_v, r_h); shapes are kept."""
        heads = {"routing": (EXPERTS, nn.initializers.zeros)}
        weights = nn.softmax(HyperNetwork(heads, layers=1, name="hyper")(1 / scale)["routing"])
        experts = self.param("experts", of_experts, (EXPERTS, 3, 3, self.channels, self.channels))
        # One scale for the whole image: mixing kernels costs one conv instead of four.
        kernel = jnp.tensordot(weights.astype(experts.dtype), experts, axes=1)
        return conv3x3(extent.zero_outside(x), kernel, self.options)


class ExpertUpsampling(Upsampler):
    """x + expand(compress(x)) of sampled features x; both are mixes of four, weighted by phase through sigmoids."""

    channels: int

    @property
    def heads(self) -> Heads:  # noqa: D102 (see Upsampler)
        return {"routing": (EXPERTS, nn.initializers.zeros), "offset": (2, nn.initializers.zeros)}

    def setup(self) -> None:
        """The hypernetwork, and the experts."""
        self.hyper, few = over_phases()(self.heads), self.channels // COMPRESSION
        self.compress = self.param("compress", of_experts, (EXPERTS, self.channels, few))
        self.expand = self.param("expand", of_experts, (EXPERTS, few, self.channels))

    def phase_table(self, grid: Grid) -> PhaseTable:
        """The experts' weights before the sigmoid, and offsets; the heads see (1/r_h, 1/r_v, R(y), R(x))."""
        return self.hyper(phase_inputs(1 / grid.scale[::-1], grid))

    def __call__(
        self,
        x: Float[Array, "batch height width channels"],
        extent: Extent,
        grid: Grid,
        table: PhaseTable | None = None,
    ) -> tuple[Float[Array, "batch rows columns channels"], None]:
        """Features on the canvas of `grid`; the image is padded with zeros.

        The outputs of the experts are mixed: mixing their kernels would make two matrices for every HR pixel.
        """
        table = self.phase_table(grid) if table is None else table
        x = sample_at_offsets(x, table["offset"], grid, extent.size_in(x), zeros_outside=True)
        # All experts in one matrix product; each weight stands before the `few` channels of its expert. Written as a
        # sum over an axis of experts, XLA 0.10 on CPUs fuses it with the next product into wrong numbers.
        few = self.compress.shape[-1]
        weights = jnp.repeat(nn.sigmoid(table["routing"]).astype(x.dtype), few, axis=-1)
        weights = to_canvas(weights, grid)[None]
        compress, expand = self.compress.swapaxes(0, 1).reshape(self.channels, -1), self.expand.reshape(-1, x.shape[-1])
        mixed = add_all(jnp.split((x @ compress) * weights, EXPERTS, axis=-1))
        return x + (jnp.concatenate([mixed] * EXPERTS, axis=-1) * weights) @ expand, None
