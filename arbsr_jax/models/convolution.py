"""How 3x3 convs with zero padding 1 are computed: ways that give the same, the fastest for platform and purpose."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from arbsr_jax.models.winograd import winograd, winograd_of_kernel
from arbsr_jax.models.winograd_1d import winograd_1d

Images = Float[Array, "batch height width channels"]
Results = Float[Array, "batch height width features"]
Kernel = Float[Array, "3 3 channels features"]

TAPS = [(row, column) for row in range(3) for column in range(3)]
FEW, MANY = 16, 32  # channels or features
MOST_TAPS = 3  # times the channels: more would take too much memory


@jax.jit  # networks have many of a size: traced once for all of them, programs compile in three quarters of the time
@jax.custom_vjp
def conv3x3(x: Images, kernel: Kernel) -> Results:
    """A 3x3 cross-correlation with zero padding 1; on CPUs by faster ways than XLA's conv.

    In float32 they are off by less than 3e-6 of the largest result.
    """
    return jax.lax.platform_dependent(x, kernel, cpu=fastest_on_cpu(x, kernel), default=direct)


def fastest_on_cpu(x: Images, kernel: Kernel) -> Callable[[Images, Kernel], Results]:
    """The way that is fastest on CPUs for arrays like these, with and without gradients."""
    channels, features = kernel.shape[-2:]
    if x.dtype != jnp.float32:
        return direct
    if min(channels, features) >= MANY:
        return winograd
    if channels >= MANY and features >= FEW:
        return winograd_1d
    return by_taps if len(TAPS) * features <= MOST_TAPS * channels else direct


def direct(x: Images, kernel: Kernel) -> Results:
    """XLA's conv."""
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def by_taps(x: Images, kernel: Kernel) -> Results:
    """One matrix product that makes nine results for every pixel, and their shifted sum.

    The zeros around the image go through the product too: x is smaller to copy than what comes out.
    """
    return _shifted_sum(surrounded(x) @ side_by_side(kernel))


def side_by_side(kernel: Kernel) -> Float[Array, "channels nine_features"]:
    """A kernel's taps, for one product with pixels."""
    return kernel.transpose(2, 0, 1, 3).reshape(kernel.shape[2], -1)


def surrounded(x: Images) -> Float[Array, "batch tall wide channels"]:
    """Images with the zero padding of a 3x3 conv."""
    return jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))


@jax.custom_vjp
def sum_of_taps(
    taps: Float[Array, "batch height width nine_features"],
) -> Float[Array, "batch height width features"]:
    """What the nine taps of a 3x3 conv, side by side, sum up to; zeros around the image."""
    return _shifted_sum(surrounded(taps))


def _shifted_sum(padded: Float[Array, "batch tall wide nine_features"]) -> Results:
    height, width = (length - 2 for length in padded.shape[1:3])
    parts = jnp.split(padded, 9, axis=-1)
    return sum(part[:, i : i + height, j : j + width] for part, (i, j) in zip(parts, TAPS, strict=True))


def _sum_of_taps_forward(taps: Array) -> tuple[Array, None]:
    return sum_of_taps(taps), None


def _sum_of_taps_backward(_: None, gradient: Array) -> tuple[Array]:
    height, width = gradient.shape[1:3]
    padded = surrounded(gradient)
    return (jnp.concatenate([padded[:, 2 - i : 2 - i + height, 2 - j : 2 - j + width] for i, j in TAPS], axis=-1),)


sum_of_taps.defvjp(_sum_of_taps_forward, _sum_of_taps_backward)


def _conv_forward(x: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return conv3x3(x, kernel), (x, kernel)


def _conv_backward(saved: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    x, kernel = saved
    way, sizes = fastest_on_cpu(x, kernel), kernel.shape[-2:]
    cheap_taps = len(TAPS) * sizes[1] <= sizes[0]

    def plainly(x: Array, kernel: Array, gradient: Array) -> tuple[Array, Array]:
        return jax.vjp(direct, x, kernel)[1](gradient)

    def on_cpu(x: Array, kernel: Array, gradient: Array) -> tuple[Array, Array]:
        if x.dtype == jnp.float32 and min(sizes) >= FEW and max(sizes) >= MANY and not cheap_taps:
            turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
            return fastest_on_cpu(gradient, turned)(gradient, turned), winograd_of_kernel(x, gradient)
        if way is by_taps or cheap_taps:  # backwards the taps come before the product, and padding is cheaper after it
            return jax.vjp(lambda x, kernel: sum_of_taps(x @ side_by_side(kernel)), x, kernel)[1](gradient)
        return jax.vjp(way, x, kernel)[1](gradient)

    return jax.lax.platform_dependent(x, kernel, gradient, cpu=on_cpu, default=plainly)


conv3x3.__wrapped__.defvjp(_conv_forward, _conv_backward)
